"""One way of rounding, wherever a figure is divided: to one decimal, halves up, as people reckon."""

from decimal import ROUND_HALF_UP, Decimal

_TENTH = Decimal("0.1")


def divided(part: int, whole: int) -> Decimal:
    """Returns part / whole to one decimal, 1 of 16 as 0.1 and 625 of 10,000 in percent as 6.3. `whole` is not 0."""
    return (Decimal(part) / whole).quantize(_TENTH, ROUND_HALF_UP)


def percentage(part: int, whole: int) -> Decimal:
    """Returns the part of the whole in percent. `whole` is not 0."""
    return divided(100 * part, whole)
