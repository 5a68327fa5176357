"""What the cells beneath a label say of it: columns without a known label, and labels that stand swapped. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from shared.sheets.columns import Column, column_letter

_MOSTLY = 0.8
_HARDLY = 0.2
_FEWEST = 3  # cells from which something follows


@dataclass(frozen=True)
class Sample:
    """The texts of each column in the first rows beneath the header, blanks left out."""

    columns: tuple[tuple[str, ...], ...]
    taken: frozenset[int]

    @classmethod
    def of(cls, rows: Sequence[Sequence[str]], width: int, *, taken: Collection[int]) -> "Sample":
        columns = tuple(tuple(row[at] for row in rows if at < len(row) and row[at]) for at in range(width))
        return cls(columns, frozenset(taken))

    def filled(self, column: int) -> int:
        return len(self.columns[column])

    def share(self, column: int, fits: Callable[[str], bool] | None) -> float | None:
        """Returns which part of the column's cells fits; None if nothing follows from them."""
        texts = self.columns[column]
        if fits is None or len(texts) < _FEWEST:
            return None
        return sum(map(fits, texts)) / len(texts)


def guessed(
    fields: Mapping[int, str], labels: Sequence[str], known: Mapping[str, Column], sample: Sample
) -> tuple[dict[int, str], list[str]]:
    """Gives a required field that no label names to the one column without a field whose cells fit it."""
    found, remarks = dict(fields), []
    for name, column in known.items():
        if column.required and name not in found.values():
            free = [at for at in range(len(labels)) if at not in found and at not in sample.taken]
            fitting = [at for at in free if (sample.share(at, column.fits) or 0) >= _MOSTLY]
            if len(fitting) == 1:
                found[fitting[0]] = name
                remarks.append(f"Kolom {column_letter(fitting[0])} dibaca sebagai {column.label} karena isinya.")
    return found, remarks


def unswapped(
    fields: Mapping[int, str], known: Mapping[str, Column], sample: Sample
) -> tuple[dict[int, str], list[str]]:
    """Exchanges the fields of two columns where the cells of each are the other's."""
    found, remarks = dict(fields), []
    # First the pairs of which both can be told by their cells: the others follow from one of the two only.
    for rule in (_swapped, _displaced):
        for one, other in combinations(sorted(fields), 2):
            first, second = known[found[one]], known[found[other]]
            if rule(sample, (one, first), (other, second)):
                found[one], found[other] = second.field, first.field
                remarks.append(
                    f"Judul kolom {first.label} dan {second.label} tampak tertukar; dibaca menurut isinya "
                    f"({column_letter(one)}: {second.label}, {column_letter(other)}: {first.label})."
                )
    return found, remarks


def _swapped(sample: Sample, one: tuple[int, Column], other: tuple[int, Column]) -> bool:
    """Neither fits where it stands, and each fits where the other stands."""
    return _strays(sample, one, other) and _strays(sample, other, one)


def _displaced(sample: Sample, one: tuple[int, Column], other: tuple[int, Column]) -> bool:
    """One could hold anything, and holds what the other should: names beneath "NIK", NIKs beneath "Nama Usaha"."""
    if one[1].fits is None:
        return _strays(sample, other, one)
    return other[1].fits is None and _strays(sample, one, other)


def _strays(sample: Sample, one: tuple[int, Column], other: tuple[int, Column]) -> bool:
    """The cells of the one column do not fit it, and those of the other do."""
    stands, there = sample.share(one[0], one[1].fits), sample.share(other[0], one[1].fits)
    return stands is not None and there is not None and stands <= _HARDLY and there >= _MOSTLY
