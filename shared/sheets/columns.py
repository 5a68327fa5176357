"""Columns: what a sheet can tell, and by which labels offices call it. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import fuzz, process

_LIKE = 90  # of 100: one slip in a label of some length
_SHORTEST_LIKE = 7
_LONGEST = 80  # letters; what is longer is a text
_UNIT = re.compile(r"\b(?:ribu|ribuan|rb|juta|jutaan|jt|miliar|milyar|000)\b")
# Words that make a label longer without making it another one.
_FILLERS = frozenset(
    re.findall(
        r"\w+",
        "data no nomor nmr nama pemilik pengurus ketua pelaku usaha umkm ukm ikm wajib diisi isi digit angka rp rupiah "
        "idr dalam per sesuai ktp aktif lengkap contoh format teks text dd mm yyyy tgl the of owner business dan atau "
        "13 16 lokasi tempat kode",
    )
)


@dataclass(frozen=True)
class Column:
    """One field of a sheet. `fits` tells whether a text could stand in it; `spreads` if a merged cell holds for all.

    A label with one of the words of `unless` means something else, however like it is.
    """

    field: str
    label: str
    synonyms: tuple[str, ...]
    required: bool = False
    fits: Callable[[str], bool] | None = None
    help: str = ""
    example: str = ""
    choices: tuple[str, ...] = ()
    spreads: bool = False
    unless: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        return (self.label, *self.synonyms)


class Own(StrEnum):
    """The columns that our result sheet adds, in this order."""

    ROW = "row"
    STATUS = "status"
    SUBJECT = "subject"
    REASON = "reason"
    CURE = "cure"


OWN_LABELS = ("baris", "status", "alasan", "saran")  # beside the subject's id, which stands in the middle


def fold(label: str) -> str:
    """Returns the label's words in small letters, without what stands in brackets; with it, if nothing else is left."""
    text = label.casefold()
    # "Omzet (juta)" is not Omzet: what stands there is a million times less.
    bare = text if _UNIT.search(text) else re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", text)
    return " ".join(re.findall(r"[^\W_]+", bare) or re.findall(r"[^\W_]+", text))


def known_labels(columns: Sequence[Column], remembered: Mapping[str, str]) -> frozenset[str]:
    """Returns all labels by which a header is recognised, folded."""
    names = {fold(name) for column in columns for name in column.names()} | {fold(label) for label in remembered}
    return frozenset(names - {""})


def within(label: str) -> tuple[str, ...]:
    """Returns what may be the label in one that was joined of two rows: all of it, its last words, its first."""
    words = label.split()
    ends = [" ".join(words[first:]) for first in range(1, len(words))]
    return (label, *ends, *(" ".join(words[:last]) for last in range(len(words) - 1, 0, -1)))


def column_letter(column: int) -> str:
    """Returns what a spreadsheet calls the column: 0 is A, 26 is AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


class Names:
    """All names of all fields, of all offices and of this one."""

    def __init__(self, columns: Sequence[Column], remembered: Mapping[str, str]) -> None:
        fields = {column.field for column in columns}
        self._exact = {fold(name): column.field for column in columns for name in reversed(column.names())}
        # What the office has told wins over what is told of all offices.
        self._exact |= {fold(label): field for label, field in remembered.items() if field in fields}
        self._words = {frozenset(name.split()): field for name, field in self._exact.items()}
        self._long = [name for name in self._exact if len(name) >= _SHORTEST_LIKE]
        self._vocabulary = _FILLERS.union(*self._words)
        self._unless = {column.field: frozenset(column.unless) for column in columns}

    def read(self, labels: Sequence[tuple[str, ...]]) -> dict[int, str]:
        """Returns the field of each column that has one; a label is given with what it may be called instead.

        An exact name wins over a like one: a column is not taken for a field that another column names better.
        """
        found = {at: meant for at, called in enumerate(labels) if (meant := self._first(called)) is not None}
        exact = {field for field, is_exact in found.values() if is_exact}
        return {at: field for at, (field, is_exact) in found.items() if is_exact or field not in exact}

    def _first(self, called: tuple[str, ...]) -> tuple[str, bool] | None:
        """The field of the first name that has one, and whether it is called just so."""
        return next((meant for name in called if (meant := self._meant(name)) is not None), None)

    def _meant(self, label: str) -> tuple[str, bool] | None:
        if not label or len(label) > _LONGEST:
            return None
        return self._called(fold(label)) or self._called_twice(label)

    def _called(self, name: str) -> tuple[str, bool] | None:
        if exact := self._exact.get(name) or self._words.get(frozenset(name.split())):
            return exact, True
        like = self._within(frozenset(name.split())) or self._misspelt(name)
        return None if like is None else (like, False)

    def _called_twice(self, label: str) -> tuple[str, bool] | None:
        """`No. HP / WhatsApp`: a label of several names, each of which means the same."""
        names = [name for name in map(fold, label.split("/")) if name]
        meant = [self._called(name) for name in names] if len(names) > 1 else []
        return meant[0] if meant and len({found and found[0] for found in meant}) == 1 else None

    def _within(self, words: frozenset[str]) -> str | None:
        """The longest name of which the label holds all words, and beside them only words that say nothing."""
        if not words <= self._vocabulary:
            return None
        inside = [
            known
            for known, field in self._words.items()
            if known <= words and words - known <= _FILLERS and not words & self._unless[field]
        ]
        return self._words[max(inside, key=lambda known: (len(known), sorted(known)))] if inside else None

    def _misspelt(self, name: str) -> str | None:
        if len(name) < _SHORTEST_LIKE:
            return None
        found = process.extractOne(name, self._long, scorer=fuzz.ratio, score_cutoff=_LIKE)
        return None if found is None else self._exact[found[0]]
