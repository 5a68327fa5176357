"""Reporting's totals against a recomputation: sums over the facts of one instant, with arithmetic of the check's own.

That the facts are those of the history is proven beside it (aggregates.py); where one is not, its right state is put
in its place.
"""

from collections.abc import AsyncIterator, Sequence

import asyncpg

from deploy.check.findings import Finding, Kind
from deploy.check.reader import Readers
from deploy.check.totals import latest, served, sums
from deploy.check.totals.suspects import Suspect

# The oldest rules of the read models that this arithmetic is about.
_RULES = 2
_LIVE = "select version, rules from read_model_set where version = (select version from read_model_pointer)"


async def compare(readers: Readers, suspects: Sequence[Suspect], *, stored: int) -> AsyncIterator[list[Finding]]:
    """Yields, range by range, what is not as the facts say: totals, visits and what is counted of them, the latest
    activity. `stored` tells how many events there may be.
    """
    async with readers.instant("reporting") as connection:
        live = await connection.fetchrow(_LIVE)
    if live["rules"] < _RULES:
        yield [_not_built(live["version"], live["rules"])]
        return
    doubted = {subject for suspect in suspects for subject in suspect.subjects}
    for what, part in (
        ("totals", sums.compare(readers, suspects, stored, live["rules"])),
        ("served_business", served.compare(readers, doubted, stored)),
        ("happening", latest.compare(readers)),
    ):
        try:
            async for findings in part:
                yield findings
        except asyncpg.DataError as error:
            yield [_unreadable(what, error)]
        except asyncpg.QueryCanceledError:
            yield [_too_much(what)]


def _unreadable(what: str, error: asyncpg.DataError) -> Finding:
    """A hand wrote what no program would. Where it stands, no more was compared."""
    told = f"cannot be compared, for a row cannot be read: {error}"
    return Finding(Kind.DIFFERING, f"reporting.{what} as a whole", told, sums.CURE)


def _too_much(what: str) -> Finding:
    """Nothing is known to be wrong, and what stands behind it was not looked at."""
    return Finding(
        Kind.WAITING,
        f"reporting.{what} as a whole",
        "one of its ranges could not be added up within nine seconds; what lies behind it was not compared",
        "Check again in a quiet hour; if it stays, a range holds too much for this machine's disks.",
    )


def _not_built(version: int, rules: int) -> Finding:
    """Nothing of the data is at fault, and nothing is proven."""
    return Finding(
        Kind.WAITING,
        f"reporting read models, set {version}",
        f"they were begun with rules {rules}, the totals of rules {_RULES} are not built: there is nothing to compare",
        "Run `plut rebuild reporting`: it builds them from the log; then check again.",
    )
