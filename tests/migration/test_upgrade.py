"""What stood in an installation before an upgrade says the same after it."""

import shutil
from pathlib import Path

import asyncpg

import services
from deploy.local.postgres import bootstrap
from shared.migrations import migrate
from tests.infrastructure.databases import Database

_ROOT = Path(services.__file__).parent.parent
_REGISTRY = Path("services/registry/migrations")

_BEFORE_IT = """
insert into business (id, office, trade_name, kinds, kelurahan, status, registered_on, revision, version)
select gen_random_uuid(), office, name, '{umkm}', '35.76.01.1008', 'active', '2024-01-02', 1, 1
from (values ('Tetap', '35.76'), ('Sekali', '35.79'), ('Kembali', '35.76'), ('Ditolak', '35.04')) as b (name, office);
insert into business_move (id, business_id, from_office, to_office, proposed_by, reason, state, proposed_at, decided_at)
select gen_random_uuid(), b.id, m.before, m.after, m.before, 'Pindah domisili', m.state, m.at, m.at + interval '1 day'
from (values
    ('Sekali', '35.76', '35.79', 'accepted', timestamptz '2024-03-01'),
    ('Kembali', '35.79', '35.76', 'accepted', timestamptz '2024-05-01'),
    ('Kembali', '35.76', '35.79', 'accepted', timestamptz '2024-04-01'),
    ('Ditolak', '35.04', '35.79', 'refused', timestamptz '2024-03-01')
) as m (name, before, after, state, at) join business b on b.trade_name = m.name;
"""


def _files_before(directory: Path, number: str) -> Path:
    """Copies the registry's migrations that came before `number`, and what they include."""
    target = directory / _REGISTRY
    target.mkdir(parents=True)
    for file in (_ROOT / _REGISTRY).glob("[0-9]*.sql"):
        if file.name < number:
            shutil.copy(file, target)
    shutil.copytree(_ROOT / "shared/imports", directory / "shared/imports")
    return target


async def test_the_office_that_registered_a_moved_business_is_found_in_its_moves(
    database: Database, tmp_path: Path
) -> None:
    owner = await asyncpg.connect(database.superuser_dsn)
    try:
        await owner.execute("drop schema registry cascade")
        await bootstrap(database.superuser_dsn)
        settings = database.settings("registry", "owner")
        await migrate(settings, "registry", _files_before(tmp_path, "0006"))
        await owner.execute("set search_path = registry, extensions")
        await owner.execute(_BEFORE_IT)
        await migrate(settings, "registry", _ROOT / _REGISTRY)
        found = await owner.fetch("select trade_name, coalesce(registered_by, office) as by from business")
    finally:
        await owner.close()
    assert {row["trade_name"]: row["by"] for row in found} == {
        "Tetap": "35.76",
        "Sekali": "35.76",
        "Kembali": "35.76",
        "Ditolak": "35.04",
    }
