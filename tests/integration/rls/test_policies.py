"""Row-level security, the second wall: every table that knows an office stands behind it."""

from typing import Any

import asyncpg
import pytest

from shared.postgres import transaction
from tests.infrastructure.databases import SERVICES, Database

_TABLES = """
select c.oid::regclass::text as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced, n.nspname as schema,
       (select array_agg(p.polname) from pg_policy p
        where p.polrelid = c.oid and (n.nspname || '_owner')::regrole::oid = any(p.polroles)) as of_owner,
       pg_get_userbyid(c.relowner) as owner
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attname = any($2) and not a.attisdropped
where c.relkind in ('r', 'p') and n.nspname = any($1)
  and has_table_privilege(n.nspname || '_app', c.oid, 'select, insert, update, delete')
"""
_VIEWS = """
select c.oid::regclass::text as name, coalesce('security_invoker=true' = any(c.reloptions), false) as invoker
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('v', 'm') and n.nspname = any($1)
"""
_ROLES = """
select rolname, rolsuper or rolbypassrls or rolcreaterole as mighty,
       exists (select from pg_class c where c.relowner = r.oid) as owns
from pg_roles r where rolname ~ '_(app|worker)$' and rolname ~ any($1)
"""
_PERMISSIVE = """
select p.polrelid::regclass::text || '.' || p.polname as name, pg_get_expr(p.polqual, p.polrelid) as rule,
       pg_get_expr(p.polwithcheck, p.polrelid) as check, p.polcmd as command, p.polpermissive as permissive
from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any($1) and ((n.nspname || '_app')::regrole::oid = any(p.polroles) or p.polroles = '{0}')
"""
# One row of office 35.76, whatever else the table wants: the database is the test's own, so its other rules may go.
_FILL = """
do $$
declare
    target regclass := '%s';
    rule text;
    fill record;
begin
    set local session_replication_role = replica;
    for rule in select conname from pg_constraint where conrelid = target and contype = 'c' loop
        execute format('alter table %%s drop constraint %%I', target, rule);
    end loop;
    select string_agg(quote_ident(attname), ', ') as columns, string_agg(value, ', ') as values into fill from (
        select attname, case
            when attname in ('office', 'from_office') then quote_literal('35.76')
            when attname = 'grain' then quote_literal('day')
            when typcategory = 'A' then quote_literal('{}')
            when typname = 'uuid' then 'gen_random_uuid()'
            when typcategory = 'D' then quote_literal('2024-01-01')
            when typname in ('json', 'jsonb') then quote_literal('{}')
            when typname = 'bit' then quote_literal(repeat('1', atttypmod))
            else quote_literal('1')
        end as value
        from pg_attribute join pg_type on pg_type.oid = atttypid
        where attrelid = target and attnum > 0 and not attisdropped and attidentity = '' and attgenerated = ''
          and (attname in ('office', 'from_office') or (attnotnull and not atthasdef))
    ) as columns;
    execute format('insert into %%s (%%s) values (%%s)', target, fill.columns, fill.values);
end
$$
"""
# A move is between two offices: its rows are of both.
_COLUMNS = ["office", "from_office"]


async def _fetch(database: Database, sql: str, *arguments: Any) -> list[Any]:
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        return list(await connection.fetch(sql, *arguments))
    finally:
        await connection.close()


async def test_every_table_with_an_office_is_behind_the_wall(database: Database) -> None:
    """Unless the api may not touch it: there is nobody to be held back."""
    tables = await _fetch(database, _TABLES, list(SERVICES), _COLUMNS)
    assert {table["schema"] for table in tables} == set(SERVICES)
    for table in tables:
        assert table["enabled"], f"{table['name']}: row-level security is off"
        assert table["forced"], f"{table['name']}: its owner is not held back (FORCE)"
        assert table["of_owner"], f"{table['name']}: no policy for the owner, so migrations silently see no rows"
        assert table["owner"] == f"{table['schema']}_owner"


async def test_no_view_lends_its_owners_eyes(database: Database) -> None:
    for view in await _fetch(database, _VIEWS, list(SERVICES)):
        assert view["invoker"], f"{view['name']}: set security_invoker=true"


async def test_the_roles_of_processes_own_nothing_and_pass_nothing(database: Database) -> None:
    roles = await _fetch(database, _ROLES, [f"^{service}_" for service in SERVICES])
    assert len(roles) == 2 * len(SERVICES)
    assert [role["rolname"] for role in roles if role["mighty"] or role["owns"]] == []


@pytest.mark.parametrize("service", SERVICES)
async def test_without_a_scope_there_are_no_rows(database: Database, service: str) -> None:
    """Whoever forgets `transaction(pool, offices)` sees nothing, also after a transaction that had a scope."""
    pool = await database.pool(service, "app", size=1)
    for table in await _readable(database, service):
        await _fetch(database, _FILL % table)

        async def seen(*offices: str, table: str = table) -> int:
            async with transaction(pool, offices) as connection:
                return int(await connection.fetchval(f"select count(*) from {table}"))

        assert await seen("35.76") == 1, f"{table}: the office does not see its own row"
        assert await seen("35.79") == 0, f"{table}: another office sees the row"
        assert await seen() == 0, f"{table}: without a scope the row is seen"


async def _readable(database: Database, service: str) -> list[str]:
    tables = await _fetch(database, _TABLES, [service], _COLUMNS)
    rows = await _fetch(
        database,
        "select name from unnest($1::text[]) as name where has_table_privilege($2, name, 'select')",
        [table["name"] for table in tables],
        f"{service}_app",
    )
    assert rows, f"{service}: its app reads no table with an office; has the column another name now?"
    return [row["name"] for row in rows]


async def test_the_rule_for_the_api_compares_the_rows_office_with_the_scope(database: Database) -> None:
    """The array form, and nothing that opens a second way: `OR scope = 'province'` costs seven times."""
    for policy in await _fetch(database, _PERMISSIVE, list(SERVICES)):
        for rule in filter(None, (policy["rule"], policy["check"])):
            assert " OR " not in rule, policy["name"]
