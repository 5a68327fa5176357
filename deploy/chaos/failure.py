"""What goes wrong in a scenario."""


class Failed(Exception):
    """The product did not do what it should while it was broken or healed; says what was waited for."""
