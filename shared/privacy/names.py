"""A name as a set of tokens that different spellings share, so that a person is found however the clerk wrote it."""

import re
import unicodedata

# Titles, degrees and forms of address, folded as tokens are. Single letters (H., S.E., M.) go anyway.
_FORMS_OF_ADDRESS = "hj kh ny nyonya tn tuan bpk bapak pak ibu bu nn sdr sdri ust ustadz ustadzah gus ning rr rd"
_DEGREES = (
    "dr drs dra drg drh ir prof se sh si sos sp spd pd pdi ag kom kep keb km psi md mm mh msi mpd mkom mt ma mba amd "
    "st stp skm akt ak"
)
_TITLES = frozenset(f"{_FORMS_OF_ADDRESS} {_DEGREES}".split())
# What names were spelt like before 1972, and many still are.
OLD_SPELLING = (("oe", "u"), ("dj", "j"), ("tj", "c"))


def name_tokens(name: str) -> frozenset[str]:
    """Returns the folded tokens of a name, without accents, titles, old spelling (oe/u, dj/j, tj/c) or doubled letters.

    Folding is idempotent. A name of nothing but titles keeps them, for everybody has at least one token.
    """
    folded = {_fold(word) for word in _words(name)}
    return frozenset(folded - _FOLDED_TITLES - {token for token in folded if len(token) == 1}) or frozenset(folded)


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", _without_accents(name))


def _without_accents(text: str) -> str:
    if text.isascii():
        return text.casefold()
    while True:
        plain = "".join(
            char
            for char in unicodedata.normalize("NFKD", text.casefold())
            if not unicodedata.category(char).startswith("M")
        )
        if plain == text:
            return plain
        text = plain


def _fold(word: str) -> str:
    while True:
        folded = re.sub(r"(.)\1+", r"\1", word)
        for old, new in OLD_SPELLING:
            folded = folded.replace(old, new)
        if folded == word:
            return folded
        word = folded


_FOLDED_TITLES = frozenset(_fold(title) for title in _TITLES)
