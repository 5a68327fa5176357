"""Finding and the search for duplicates measured among many businesses, with the registry's own SQL.

The businesses are made by Postgres itself: names of three words, owners of two, in every kelurahan of the province.
"""

import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from deploy.bench.desk import registry_pool
from deploy.bench.latency import percentile
from deploy.local.installation import Installation
from services.registry.domain.forms import Kind
from services.registry.domain.likeness import Proposed, likely
from services.registry.store import finding
from services.registry.store.finding import Keys
from shared.postgres import Pool, connect, role_name, transaction
from shared.reference.regions import is_kelurahan, regions

_AT_ONCE = 50_000
_ASKED = 400
_WARM_UP = 40
_TRADES = (
    "Batik",
    "Toko",
    "Warung",
    "Keripik Singkong",
    "Tempe",
    "Kopi Bubuk",
    "Sepatu Kulit",
    "Anyaman",
    "Roti",
    "Jamu",
)
_FIRST = (
    "Sumber",
    "Maju",
    "Sekar",
    "Bina",
    "Karya",
    "Citra",
    "Putra",
    "Mekar",
    "Sari",
    "Indah",
    "Jaya",
    "Berkah",
    "Bu",
)
_SECOND = ("Rejeki", "Makmur", "Arum", "Lestari", "Mandiri", "Abadi", "Barokah", "Utama", "Santosa", "Mulia", "Tutik")
_GIVEN, _FAMILY = 300, 700

# n → everything of the n-th business; the numbers in between are primes, so that the words come in all combinations.
_FILL = """
with made as (
    select n, lpad(to_hex(n), 32, '0')::uuid as id, k.code, left(k.code, 5) as office,
           ($4::text[])[1 + n % cardinality($4)] || ' ' || ($5::text[])[1 + n / 7 % cardinality($5)] || ' '
           || ($6::text[])[1 + n / 97 % cardinality($6)]
           || case when n % 3 = 0 then ' ' || initcap(substr(md5(n::text), 1, 5)) else '' end as name,
           sha256(convert_to('nik' || n, 'UTF8')) as nik, sha256(convert_to('phone' || n, 'UTF8')) as phone,
           array[substr(sha256(convert_to('given' || n / 11 % $7, 'UTF8')), 1, 8),
                 substr(sha256(convert_to('family' || n / 13 % $8, 'UTF8')), 1, 8)] as tokens
    from generate_series($1::bigint, $2::bigint) as n
    join unnest($3::text[]) with ordinality as k (code, place) on k.place = 1 + (n * 7919) % cardinality($3)
), placed as (
    insert into business (id, office, trade_name, kinds, kelurahan, nib, status, registered_on, revision, version)
    select id, office, name, '{umkm}', code, lpad(n::text, 13, '0'), 'active', '2024-01-01', 1, 1 from made
), known as (
    insert into person (id, nik_index, nik_sealed) select id, nik, nik from made
)
insert into business_owner (business_id, office, person_id, position, name_sealed, phone_index, name_tokens)
select id, office, id, 0, nik, phone, tokens from made
"""
_SAMPLE = """
select b.id, b.office, b.trade_name, b.kelurahan, b.nib, p.nik_index, o.phone_index, o.name_tokens
from unnest($1::uuid[]) as wanted (id)
join business b on b.id = wanted.id join business_owner o on o.business_id = b.id join person p on p.id = o.person_id
"""


@dataclass(frozen=True)
class Measured:
    """Seconds that each question took, transaction included."""

    businesses: int
    find: Sequence[float]
    duplicates: Sequence[float]

    def as_json(self) -> dict[str, float]:
        return {
            "businesses": self.businesses,
            "find_p50_ms": _ms(self.find, 0.5),
            "find_p99_ms": _ms(self.find, 0.99),
            "duplicates_p50_ms": _ms(self.duplicates, 0.5),
            "duplicates_p99_ms": _ms(self.duplicates, 0.99),
        }


async def measure(installation: Installation, businesses: int, say: Callable[[str], None]) -> Measured:
    """Fills the installation's registry with so many businesses and asks it, one question after the other."""
    owner = installation.settings("registry", "owner")
    connection = await connect(owner, role_name("registry", "owner"), schema="registry", application="plut-bench-find")
    try:
        await fill(connection, businesses, say)
        rows = await sample(connection, businesses)
    finally:
        await connection.close()
    pool = await registry_pool(installation)
    try:
        return await ask(pool, businesses, rows)
    finally:
        pool.terminate()


async def fill(connection: Any, businesses: int, say: Callable[[str], None]) -> None:  # noqa: ANN401  pooled or plain
    """Makes the businesses, as the owner of the tables."""
    codes = sorted(code for code in regions() if is_kelurahan(code))
    for first in range(1, businesses + 1, _AT_ONCE):
        last = min(first + _AT_ONCE - 1, businesses)
        words = (list(_TRADES), list(_FIRST), list(_SECOND), _GIVEN, _FAMILY)
        await connection.execute(_FILL, first, last, codes, *words, timeout=600)
        say(f"{last:,} businesses")
    for table in ("business", "business_owner", "person"):
        await connection.execute(f"vacuum analyze {table}", timeout=600)


async def sample(connection: Any, businesses: int) -> list[asyncpg.Record]:  # noqa: ANN401
    """Returns some of the businesses, to ask for."""
    dice = random.Random(businesses)  # noqa: S311  a measurement's dice
    ids = [f"{dice.randint(1, businesses):032x}" for _ in range(_WARM_UP + _ASKED)]
    rows: list[asyncpg.Record] = await connection.fetch(_SAMPLE, ids)
    return rows


async def ask(pool: Pool, businesses: int, rows: Sequence[asyncpg.Record]) -> Measured:
    """Asks for each of the rows as its own office would; the first questions only warm up."""
    find = [await _timed(pool, row, _find(row, place)) for place, row in enumerate(rows)]
    duplicates = [await _timed(pool, row, _duplicates(row)) for row in rows]
    return Measured(businesses, find[_WARM_UP:], duplicates[_WARM_UP:])


Question = Callable[[Any], Awaitable[object]]


def _find(row: asyncpg.Record, place: int) -> Question:
    """Every other question is a mistyped trade name in a kabupaten, the rest owners' names and exact keys."""
    by_name = Keys(trade_name=_mistyped(row["trade_name"]), region=row["office"])
    turns: tuple[Question, ...] = (
        lambda connection: finding.find_businesses(connection, by_name, 20),
        lambda connection: finding.find_by_owner_name(connection, row["name_tokens"], 20),
        lambda connection: finding.find_businesses(connection, by_name, 20),
        lambda connection: finding.find_by_owner_name(connection, row["name_tokens"][:1], 20),
        lambda connection: finding.find_businesses(connection, by_name, 20),
        lambda connection: finding.find_businesses(connection, Keys(nik_indexes=[row["nik_index"]]), 20),
        lambda connection: finding.find_businesses(connection, by_name, 20),
        lambda connection: finding.find_businesses(connection, Keys(phone_indexes=[row["phone_index"]]), 20),
    )
    return turns[place % len(turns)]


def _duplicates(row: asyncpg.Record) -> Question:
    """What a registration of the same business looks for, and the judgement of all that is found."""
    name = _mistyped(row["trade_name"])
    keys = Keys(
        trade_name=name,
        region=row["kelurahan"],
        nik_indexes=[row["nik_index"]],
        phone_indexes=[row["phone_index"]],
        nibs=[row["nib"]],
        owner_tokens=row["name_tokens"],
    )

    async def search(connection: Any) -> object:  # noqa: ANN401
        candidates = await finding.find_candidates(connection, keys)
        return likely(Proposed(name, (Kind.UMKM,), row["kelurahan"]), candidates)

    return search


def _mistyped(name: str) -> str:
    """Two letters of the last word change places."""
    place = len(name) - 3
    return name[:place] + name[place + 1] + name[place] + name[place + 2 :]


async def _timed(pool: Pool, row: asyncpg.Record, question: Question) -> float:
    """Returns how long it took; what is not found would be quick and wrong."""
    begun = time.perf_counter()
    async with transaction(pool, [row["office"]]) as connection:
        found = await question(connection)
    seconds = time.perf_counter() - begun
    if not found:
        raise NothingFoundError(f"nothing was found for business {row['id']}")
    return seconds


class NothingFoundError(Exception):
    """A business that is there was not found."""


def _ms(seconds: Sequence[float], share: float) -> float:
    return round(percentile(sorted(seconds), share) * 1000, 2)
