"""Names that no two businesses share, also in part: else each registration would be asked whether it is another one."""

import random

_CONSONANTS, _VOWELS = "bcdfghjklmnprstwyz", "aiueo"


def unlike_name(dice: random.Random) -> str:
    """Returns a trade name of three words that mean nothing."""
    return " ".join(_word(dice) for _ in range(3))


def _word(dice: random.Random) -> str:
    syllables = (dice.choice(_CONSONANTS) + dice.choice(_VOWELS) for _ in range(4))
    return "".join(syllables).capitalize()
