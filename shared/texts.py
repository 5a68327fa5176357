"""What people type, whatever it is about."""

import unicodedata

# Joiners inside emoji and Arabic words; every other invisible character can only deceive.
_JOINERS = "\u200c\u200d"
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def holds_invisible(text: str, allowed: str = "") -> bool:
    """Tells whether a text holds what no screen shows: controls, marks of direction, breaks of lines and paragraphs.

    `allowed` names those that may stand in it.
    """
    if text.isprintable():
        return False  # so are nearly all; looking at each letter cost a tenth of reading a row
    return any(unicodedata.category(char) in _INVISIBLE and char not in _JOINERS + allowed for char in text)
