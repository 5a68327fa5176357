"""Businesses per kabupaten/kota, home office, kind and status; and each business once, whatever its kinds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from services.reporting.domain import Fact
from services.reporting.projections.total import Amounts, Column, Contribution, Total
from shared.contracts.registry import BusinessState

EACH_ONCE = "*"
_ONE: Amounts = (1,)


def contributions(fact: Fact) -> Iterable[Contribution]:
    """A business counts under each of its kinds and once under `*`, unless it turned out to be another one."""
    state = fact.state
    if type(state) is not BusinessState or fact.subjects[0] != state.id:
        return ()
    regency = state.kelurahan[:5]
    kinds = {EACH_ONCE, *state.kinds}
    return [((regency, state.home_office, kind, state.status), _ONE) for kind in kinds]


TOTAL = Total(
    name="businesses_by_region",
    key=(Column("regency", "text"), Column("home_office", "text"), Column("kind", "text"), Column("status", "text")),
    amounts=("businesses",),
    contributions=contributions,
    fed_by=("registry",),
)

_COUNTS = """
select regency, home_office, kind, status, sum(businesses)::bigint as businesses
from businesses_by_region
where set_version = $1 and home_office = any($2)
group by regency, home_office, kind, status
having sum(businesses) <> 0
order by regency, home_office, kind, status
"""


@dataclass(frozen=True, slots=True)
class Count:
    """`kind` is a code, or `*` for businesses of any kind, each counted once."""

    regency: str
    home_office: str
    kind: str
    status: str
    businesses: int


async def counts(connection: Any, set_version: int, offices: Sequence[str]) -> list[Count]:  # noqa: ANN401  pooled or plain
    """Returns the numbers of the businesses that the offices registered; regions without any are left out."""
    return [Count(**row) for row in await connection.fetch(_COUNTS, set_version, list(offices))]
