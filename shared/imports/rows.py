"""A sheet's rows on their way: what stands in one, what becomes of it, and how they are counted. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from uuid import UUID

from shared.privacy.blind_index import BlindIndex
from shared.sheets.cells import Cell, text_of


class RowStatus(StrEnum):
    """What became of a row. Every row beneath the header ends in exactly one."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    MATCHED = "matched"
    POSSIBLE_DUPLICATE = "possible_duplicate"
    REJECTED = "rejected"
    SKIPPED = "skipped"


# As the result sheet says it.
LABELS: Mapping[RowStatus, str] = {
    RowStatus.CREATED: "dibuat",
    RowStatus.UNCHANGED: "sama",
    RowStatus.MATCHED: "cocok",
    RowStatus.POSSIBLE_DUPLICATE: "perlu ditinjau",
    RowStatus.REJECTED: "ditolak",
    RowStatus.SKIPPED: "dilewati",
}


@dataclass(frozen=True)
class Remark:
    """A reason and its cure, in Bahasa; `field` is that of the faulty cell. Never repeats what is typed there."""

    message: str
    cure: str = ""
    field: str | None = None

    def as_json(self) -> dict[str, str | None]:
        return asdict(self)


@dataclass(frozen=True)
class Said:
    """What the office wrote into our columns of a result sheet: another one than those it saw, or the same as one."""

    confirmed_new: bool = False
    seen: tuple[UUID, ...] = ()
    same_as: UUID | None = None


NOTHING_SAID = Said()


@dataclass(frozen=True)
class Row:
    """A data row by its fields; columns without a field are not here. `number` is that of the uploaded sheet."""

    number: int
    cells: Mapping[str, Cell]
    said: Said = NOTHING_SAID

    def fingerprint(self, index: BlindIndex) -> bytes:
        """Returns the same for rows whose cells are the same, but for case and spaces."""
        folded = {field: text_of(cell).casefold() for field, cell in self.cells.items()}
        typed = {field: text for field, text in sorted(folded.items()) if text}
        return index.digest(json.dumps(typed, ensure_ascii=False, separators=(",", ":")))


@dataclass(frozen=True)
class RowOutcome:
    """`subject` is what was created, or what the row surely is."""

    status: RowStatus
    remarks: tuple[Remark, ...] = ()
    subject: UUID | None = None


@dataclass(frozen=True)
class Counts:
    """`rows` are all that are not blank beneath the header: in the end the sum of the others."""

    rows: int = 0
    created: int = 0
    unchanged: int = 0
    matched: int = 0
    possible_duplicate: int = 0
    rejected: int = 0
    skipped: int = 0

    @property
    def finished(self) -> int:
        return sum(getattr(self, status) for status in RowStatus)


def tally(outcomes: Iterable[RowOutcome]) -> dict[RowStatus, int]:
    """Returns how many rows ended in each status, none left out."""
    counted = dict.fromkeys(RowStatus, 0)
    for outcome in outcomes:
        counted[outcome.status] += 1
    return counted
