"""Businesses per kabupaten/kota, kecamatan and kelurahan, home office, kind and status.

Each counts under each of its kinds, and once whatever its kinds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.reporting.domain import Fact, Kind
from services.reporting.projections.total import Amounts, Column, Contribution, Total
from shared.contracts.registry import BusinessState

EACH_ONCE = "*"
_ONE: Amounts = (1,)


# How much of a kelurahan's code names the kabupaten/kota, the kecamatan and the kelurahan or desa itself.
LEVELS: Mapping[str, int] = {"regency": 5, "district": 8, "village": 13}


def contributions(fact: Fact) -> Iterable[Contribution]:
    """A business counts under each of its kinds and once under `*`, unless it turned out to be another one."""
    state = fact.state
    if type(state) is not BusinessState or fact.subjects[0] != state.id:
        return ()
    return [
        ((level, state.kelurahan[:length], state.home_office, kind, state.status), _ONE)
        for kind in kinds_of(state)
        for level, length in LEVELS.items()
    ]


def kinds_of(business: BusinessState) -> set[str]:
    """Returns what a business counts under: each of its kinds, and `*` for any of them."""
    return {EACH_ONCE, *business.kinds}


TOTAL = Total(
    name="businesses_by_region",
    key=(
        Column("level", "text"),
        Column("region", "text"),
        Column("home_office", "text"),
        Column("kind", "text"),
        Column("status", "text"),
    ),
    amounts=("businesses",),
    counts=contributions,
    fed_by=("registry",),
    of=(Kind.BUSINESS,),
    since=2,
)

_COUNTS = """
select region, kind, status, sum(businesses)::bigint as businesses
from businesses_by_region
where set_version = $1 and level = 'regency' and home_office = any($2)
group by region, kind, status
having sum(businesses) <> 0
order by region, kind, status
"""


@dataclass(frozen=True, slots=True)
class Count:
    """Businesses of one region, kind (or `*`, each once) and status."""

    region: str
    kind: str
    status: str
    businesses: int


async def counts(connection: Any, set_version: int, offices: Sequence[str]) -> list[Count]:  # noqa: ANN401  pooled or plain
    """Returns the numbers of the businesses that the offices registered; regions without any are left out."""
    return [Count(**row) for row in await connection.fetch(_COUNTS, set_version, list(offices))]


_WITHIN = """
select region, kind, status, sum(businesses)::bigint as businesses
from businesses_by_region
where set_version = $1 and level = $2 and region >= $3 and region < $4 and home_office = any($5)
group by region, kind, status
having sum(businesses) <> 0
order by region, kind, status
"""


async def within(
    connection: Any,  # noqa: ANN401  pooled or plain
    set_version: int,
    level: str,
    region: str,
    home_offices: Sequence[str],
) -> list[Count]:
    """Returns the numbers of the regions of a level that lie within a region, or are that region."""
    # What begins with a code comes before that code and a slash, which follows the dot.
    rows = await connection.fetch(_WITHIN, set_version, level, region, f"{region}/", list(home_offices))
    return [Count(**row) for row in rows]
