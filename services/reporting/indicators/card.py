"""The card of an indicator, after Satu Data: concept, definition, formula, unit, source, and what is left out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Measure(StrEnum):
    """How figures of two offices, places or periods go together. Only sums and stocks of places may be added up."""

    SUM = "sum"
    DISTINCT = "distinct"
    STOCK = "stock"
    RATIO = "ratio"


class Amount(NamedTuple):
    """An amount of a total, that is a column of a read model."""

    total: str
    amount: str


@dataclass(frozen=True, slots=True)
class Indicator:
    """`name` and the texts are in Bahasa Indonesia. `events`: the types that can move it.

    Either it `reads` amounts, the same figure wherever it stands, or it is reckoned from indicators, its `parts`.
    """

    code: str
    name: str
    counts: str
    formula: str
    unit: str
    measure: Measure
    events: tuple[str, ...]
    since: str
    leaves_out: str
    reads: tuple[Amount, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def adding_up(self) -> str:
        """How it may be added up, for people."""
        return _ADDING_UP[self.measure]

    @property
    def is_decimal(self) -> bool:
        """Tells whether the figure is written with a decimal."""
        return self.measure is Measure.RATIO and self.unit != "hari"

    def told(self) -> list[tuple[str, str]]:
        """Returns the card as people read it: what is told, and the text."""
        return [
            ("Kode", self.code),
            ("Nama", self.name),
            ("Apa yang dihitung", self.counts),
            ("Rumus", self.formula),
            ("Satuan", self.unit),
            ("Penjumlahan", self.adding_up),
            ("Peristiwa sumber", ", ".join(self.events)),
            ("Sejak kapan", self.since),
            ("Yang tidak dihitung", self.leaves_out),
        ]


_ADDING_UP = {
    Measure.SUM: "boleh dijumlahkan antarkantor dan antarperiode",
    Measure.DISTINCT: "tidak boleh dijumlahkan: tiap usaha dihitung sekali per kantor dan periode",
    Measure.STOCK: "boleh dijumlahkan antarwilayah, tidak antarperiode: ini keadaan pada satu saat",
    Measure.RATIO: "tidak boleh dijumlahkan: hitung ulang dari bagian-bagiannya",
}
