"""Cards: one figure each, with what it consists of, what it was before, and what is meant by it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from services.reporting.answers.activity import Beside
from services.reporting.answers.figures import asked_about, counted
from services.reporting.indicators import INDICATORS, Indicator
from services.reporting.periods import PeriodAsked
from services.reporting.wording import hours, number, percent

Amounts = Mapping[str, int]
Parts = Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Card:
    """`parts`: (indicator, label, figure). `before`: (period, figure) to compare with.

    `only`: what the figure is told apart by, as the address of its evidence writes it.
    """

    indicator: Indicator
    label: str
    figure: str
    parts: Parts = ()
    before: Sequence[tuple[str, str]] = ()
    only: Mapping[str, str] = field(default_factory=dict)

    @property
    def meanings(self) -> list[Indicator]:
        """Returns the definitions of all figures on the card, each once."""
        return list(dict.fromkeys([self.indicator, *(INDICATORS[code] for code, _, _ in self.parts)]))


class Cards:
    """The cards of what was done. `of` gives the amounts of a period."""

    def __init__(self, beside: Beside, of: Callable[[PeriodAsked], Amounts]) -> None:
        self._beside = beside
        self._of = of
        self._now = of(beside.asked)

    def all(self) -> list[Card]:
        """Returns them in the order in which they are shown."""
        now = self._now
        return [
            self._card("registrations", "Usaha baru terdaftar", _of("registrations")),
            self._card(
                "served",
                "Usaha dilayani",
                _of("served"),
                ("newly_served", "baru", number(now["newly_served"])),
                ("returning", "kembali", number(counted("returning", now))),
                *([("intensive", "intensif", number(now["intensive"]))] if now["intensive"] else []),
            ),
            self._card(
                "sessions",
                "Sesi pendampingan",
                _of("sessions"),
                ("scheduled", "direncanakan", number(now["scheduled"])),
                ("cancelled", "dibatalkan", number(now["cancelled"])),
                ("no_show", "klien tidak datang", number(now["no_show"])),
            ),
            self._card(
                "contact_minutes",
                "Jam tatap muka",
                lambda done: hours(done["contact_minutes"]),
                ("preparation_minutes", "persiapan", hours(now["preparation_minutes"])),
                ("travel_minutes", "perjalanan", hours(now["travel_minutes"])),
                (
                    "unconfirmed_contact_minutes",
                    "belum dikonfirmasi",
                    hours(counted("unconfirmed_contact_minutes", now)),
                ),
            ),
            self._card(
                "confirmed_share",
                "Sesi dikonfirmasi klien",
                confirmed_share,
                ("confirmed", "dikonfirmasi", number(now["confirmed"])),
                ("unconfirmed", "belum", number(counted("unconfirmed", now))),
                ("contested", "disanggah", number(now["contested"])),
            ),
        ]

    def _card(self, code: str, label: str, written: Callable[[Amounts], str], *parts: tuple[str, str, str]) -> Card:
        others = [one for one in self._beside.periods if one != self._beside.asked]
        before = [(period.label, written(self._of(period))) for period in others]
        return Card(INDICATORS[code], label, written(self._now), parts, before)


def confirmed_share(done: Amounts) -> str:
    """Returns the share of the sessions asked about that were confirmed, or a dash if there was none."""
    return percent(done["confirmed"], asked_about(done))


def _of(amount: str) -> Callable[[Amounts], str]:
    return lambda done: number(done[amount])
