"""Two walls: the policy module decides, row-level security holds where it was forgotten."""

import json
from typing import Any

import asyncpg
import pytest

from shared.auth.policy import ALLOWED, Action
from shared.auth.principal import Role
from shared.clock import business_day, utc_now
from shared.ids import new_id
from shared.postgres import Pool, transaction
from tests.infrastructure.databases import Database
from tests.integration.registry.desk import Desk, business, owner

TODAY = business_day(utc_now()).isoformat()
OFFICE = {"code": "35.07", "name": "PLUT Malang", "opened_on": "2020-01-01"}


@pytest.mark.parametrize("at", ["35.76", "35.79"])
async def test_every_endpoint_as_every_role_here_and_elsewhere(desk: Desk, at: str) -> None:
    """The business is Mojokerto's; `at` is the office of whoever tries."""
    for role in Role:
        await try_everything(desk, role, at)


async def try_everything(desk: Desk, role: Role, at: str) -> None:
    made = await desk.registered()
    staff, one = desk.at(at, role), f"/v1/businesses/{made['id']}"
    home = at == "35.76"

    def expected(action: Action, ok: int, foreign: int) -> int:
        if role not in ALLOWED[action]:
            return 403
        return ok if home else foreign

    reads = [
        ("/v1/offices", expected(Action.READ_OFFICES, 200, 200)),
        ("/v1/businesses", expected(Action.READ_BUSINESSES, 200, 200)),
        ("/v1/businesses?office=35.76", expected(Action.READ_BUSINESSES, 200, 403)),
        (one, expected(Action.READ_BUSINESSES, 200, 404)),
        ("/v1/moves", expected(Action.READ_MOVES, 200, 200)),
        ("/v1/moves?office=35.76", expected(Action.READ_MOVES, 200, 403)),
        ("/v1/audit", expected(Action.READ_AUDIT, 200, 200)),
        ("/v1/audit?office=35.76", expected(Action.READ_AUDIT, 200, 403)),
    ]
    for path, status in reads:
        assert (await staff.read(path)).status_code == status, path
    assert home or made["id"] not in (await staff.read("/v1/businesses")).text
    writes: list[tuple[str, str, object, int | None, int]] = [
        ("POST", "/v1/offices", OFFICE, None, expected(Action.OPEN_OFFICE, 201, 201)),
        ("PATCH", "/v1/offices/35.76", {"name": "PLUT"}, 1, expected(Action.CHANGE_OFFICE, 200, 200)),
        ("POST", "/v1/businesses", business("35.76"), None, expected(Action.REGISTER_BUSINESS, 201, 403)),
        ("PATCH", one, {"trade_name": "Batik Baru"}, 1, expected(Action.CORRECT_BUSINESS, 200, 404)),
    ]
    for method, path, body, revision, status in writes:
        assert (await staff.write(method, path, body, revision)).status_code == status, (method, path)
    revision = (await desk.business(made["id"]))["revision"]
    assert (await staff.close(made["id"], revision, TODAY)).status_code == expected(Action.CLOSE_BUSINESS, 200, 404)


async def test_the_app_may_not_hand_a_business_over_by_itself(desk: Desk, pool: Pool) -> None:
    """What the command checks, the function and the policies check again."""
    made = await desk.registered()
    body = {"to_office": "35.79", "reason": "Pindah domisili usaha"}
    move = (await desk.write("POST", f"/v1/businesses/{made['id']}/moves", body)).json()["id"]
    hand_over = "select hand_over_business($1::uuid, $2, 'stf-x', gen_random_uuid(), now())"
    for offices in ([], ["35.76"], ["35.04"]):
        async with transaction(pool, offices) as connection:
            assert await connection.fetchval(hand_over, move, 1) is False, offices
    async with transaction(pool) as connection:
        assert await connection.fetch("select * from public_business($1::uuid)", made["id"]) == []
        assert await connection.fetch("select * from lock_public_business($1::uuid)", made["id"]) == []
    for statement in (
        "update business set office = '35.79'",
        "update business_move set state = 'accepted', decided_at = now()",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with transaction(pool, ["35.76"]) as connection:
                await connection.execute(statement)
    with pytest.raises(asyncpg.RaiseError):
        async with transaction(pool, ["35.79"]) as connection:
            await connection.fetchval(hand_over, move, 7)
    assert (await desk.business(made["id"]))["office"] == "35.76"


async def test_without_a_scope_or_with_another_one_nothing_is_seen_or_written(desk: Desk, pool: Pool) -> None:
    await desk.registered()
    tables = ("business", "business_owner", "person", "person_key", "audit")
    for offices, visible in (((), 0), (("35.79",), 0), (("35.7",), 0), (("35.79", "35.76"), 1)):
        async with transaction(pool, offices) as connection:
            for table in tables:
                assert await connection.fetchval(f"select count(*) from {table}") == visible, (table, offices)
            if not visible:
                assert await connection.execute("update business set trade_name = 'X'") == "UPDATE 0"
                assert await connection.execute("delete from business_owner") == "DELETE 0"
    row = (
        "insert into business select gen_random_uuid(), '35.76', trade_name, kinds, kelurahan, null, null, status, "
        "registered_on, null, null, 1, 1 from business"
    )
    async with transaction(pool, ["35.76"]) as connection:
        assert await connection.execute(row) == "INSERT 0 1"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(row.replace("'35.76'", "'35.79'"))


async def test_the_api_may_not_do_what_no_command_does(pool: Pool) -> None:
    for statement in (
        "insert into person (id, nik_index, nik_sealed) values (gen_random_uuid(), '\\x00', '\\x00')",
        "update person set nik_sealed = '\\x00'",
        "delete from person",
        "delete from person_key",
        "update audit set actor = 'nobody'",
        "delete from audit",
        "delete from business",
        "delete from office",
        "delete from business_move",
        "update business_move set from_office = '35.79'",
        "delete from prospective_number",
        "update outbox set payload = '{}'",
        "delete from outbox",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with transaction(pool, ["35.76"]) as connection:
                await connection.execute(statement)


async def test_the_worker_sees_of_owners_only_where_to_write_to(database: Database) -> None:
    """It sends messages to clients: their sealed phone and the key of it are all that it may read of them."""
    worker = await database.pool("registry", "worker")
    for table in ("office", "business", "business_owner", "person", "audit", "business_move", "prospective_number"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.fetch(f"select * from {table}")
    for column in ("name_sealed", "npwp_sealed", "address_sealed", "name_tokens", "phone_index"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.fetch(f"select {column} from business_owner")
    for column in ("kelurahan", "nib", "capital", "annual_sales"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.fetch(f"select {column} from business")


async def test_row_level_security_is_forced_everywhere(owner_pool: Pool) -> None:
    """Also on the next table that somebody adds: what names an office or a person is guarded."""
    rows = await owner_pool.fetch(
        "select distinct c.relname, c.relrowsecurity and c.relforcerowsecurity as guarded "
        "from pg_class c join pg_attribute a on a.attrelid = c.oid "
        "where c.relnamespace = 'registry'::regnamespace and c.relkind = 'r' and not a.attisdropped "
        "and a.attname in ('office', 'person_id', 'nik_index', 'opened_on')"
    )
    found = {row["relname"]: row["guarded"] for row in rows}
    assert set(found) >= {"office", "business", "business_owner", "person", "person_key", "audit"}
    assert all(found.values()), found


async def test_what_was_sealed_for_one_business_does_not_open_in_another(desk: Desk, owner_pool: Pool) -> None:
    """Somebody with write access to the tables moves an owner's name: it is not shown as another's."""
    nik = owner()["nik"]
    one = await desk.registered(owners=[owner(nik=nik, name="Siti Aminah")])
    two = await desk.registered(owners=[owner(nik=nik, name="Budi Santoso")])
    await owner_pool.execute(
        "update business_owner set name_sealed = (select name_sealed from business_owner where business_id = $1::uuid) "
        "where business_id = $2::uuid",
        one["id"],
        two["id"],
    )
    assert (await desk.read(f"/v1/businesses/{one['id']}")).status_code == 200
    broken = await desk.read(f"/v1/businesses/{two['id']}")
    assert broken.status_code == 500
    assert "Siti" not in broken.text


async def test_foreign_and_missing_ids_look_alike(desk: Desk) -> None:
    made = await desk.registered()
    batu = desk.at("35.79")

    async def told(business_id: str) -> Any:
        answer = await batu.read(f"/v1/businesses/{business_id}")
        body = answer.json()
        del body["correlation_id"]
        return answer.status_code, json.dumps(body, sort_keys=True)

    assert await told(made["id"]) == await told(str(new_id()))
