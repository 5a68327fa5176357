"""A sheet is uploaded, worked through row by row, and handed back with what became of each."""

import asyncio
import io
import random
from typing import Any

import openpyxl
import pytest

from shared import failpoint
from shared.clock import business_day, utc_now
from shared.http.edge import LARGEST_BODY
from shared.imports import lanes
from shared.postgres import Pool
from shared.sheets.reading import MOST_BYTES
from tests.integration.registry.desk import owner, some_nib, some_nik, some_trade_name
from tests.integration.registry.sheets import LABELS, ImportsDesk, counted, csv_of, later, line, rows_of, xlsx_of


async def businesses(pool: Pool) -> int:
    count: int = await pool.fetchval("select count(*) from business")
    return count


async def test_every_row_ends_in_one_status_and_the_result_repeats_the_sheet(imports: ImportsDesk) -> None:
    good, same = line(), line()
    known = await imports.desk.registered(trade_name="Batik Sekar Arum", owners=[owner(nik=(nik := some_nik()))])
    rows = [
        ["Data UMKM Kota Mojokerto"],
        [],
        LABELS,
        good,
        same,
        same,
        line(name="Batik Sekar Arum", nik=nik),
        line(name="Batik Sekar Arumm"),
        line(nik="357602"),
        ["Jumlah", "", "", "", ""],
    ]
    told = await imports.imported(xlsx_of(rows))
    assert told["state"] == "done"
    assert counted(told) == {
        "created": 2,
        "unchanged": 1,
        "matched": 1,
        "possible_duplicate": 1,
        "rejected": 1,
        "skipped": 1,
    }
    assert [column["field"] for column in told["columns"]] == ["trade_name", "owner_name", "nik", "phone", "kelurahan"]
    header, *result = rows_of(await imports.result(told["id"]))
    assert header == [*LABELS, "Baris", "Status", "ID Usaha", "Alasan", "Saran"]
    assert [row[:5] for row in result] == [[cell or None for cell in row] for row in rows[3:]]
    assert [row[5] for row in result] == [4, 5, 6, 7, 8, 9, 10]
    statuses = ["dibuat", "dibuat", "sama", "cocok", "perlu ditinjau", "ditolak", "dilewati"]
    assert [row[6] for row in result] == statuses
    assert result[1][7] == result[2][7]
    assert result[3][7] == known["id"]
    assert known["id"] in result[4][8]
    assert (await imports.desk.business(result[0][7]))["trade_name"] == good[0]


async def test_a_faulty_cell_is_coloured_and_says_why(imports: ImportsDesk) -> None:
    told = await imports.imported(csv_of([line(nik="357602")]))
    sheet: Any = openpyxl.load_workbook(io.BytesIO(await imports.result(told["id"]))).active
    assert sheet["C2"].fill.fgColor.rgb == "FFFFC7CE"
    assert "NIK" in sheet["C2"].comment.text
    assert sheet["A2"].comment is None


@pytest.mark.parametrize("above", [0, 1, 40, 58, 59])
async def test_nothing_is_lost_beneath_a_header_far_down(imports: ImportsDesk, above: int) -> None:
    """Sixty rows are looked at for a header; it may be the last of them."""
    titles = [[f"Keterangan nomor {place}"] for place in range(above)]
    told = await imports.imported(xlsx_of([*titles, LABELS, line(), line()]))
    assert counted(told) == {"created": 2}


async def test_a_sheet_uploaded_twice_creates_nothing_twice(imports: ImportsDesk, owner_pool: Pool) -> None:
    content = csv_of([line() for _ in range(30)])
    assert counted(await imports.imported(content)) == {"created": 30}
    assert counted(await imports.imported(content)) == {"unchanged": 30}
    assert await businesses(owner_pool) == 30


async def test_an_upload_that_is_repeated_is_one_import(imports: ImportsDesk) -> None:
    content = csv_of([line()])
    first = await imports.upload(content, key="unggah-0001")
    again = await imports.upload(content, key="unggah-0001")
    other = await imports.upload(content + b"\n", key="unggah-0001")
    rehearsed = await imports.upload(content, key="unggah-0001", dry_run=True)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert (other.status_code, rehearsed.status_code) == (422, 422)


async def test_killed_in_the_middle_it_goes_on(
    imports: ImportsDesk, owner_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands of some rows are committed, their status is not: their keys find what they did."""
    import_id = await imports.uploaded(csv_of([line() for _ in range(60)]))
    rows = 0

    async def die_after_some_rows(name: str) -> None:
        nonlocal rows
        rows += name == "imports.after_row"
        if rows > 25:
            raise failpoint.InjectedFault(name)

    monkeypatch.setattr(failpoint, "point", die_after_some_rows)
    with pytest.raises(ExceptionGroup):
        await imports.worker().work_next()
    monkeypatch.undo()
    made = await businesses(owner_pool)
    assert 25 <= made < 60
    assert not await imports.worker().work_next(), "its lease has not run out"
    assert await imports.worker(later(seconds=31)).work_next()
    told = await imports.told(import_id)
    assert (told["state"], counted(told)) == ("done", {"created": 60})
    assert await businesses(owner_pool) == 60
    events = await owner_pool.fetchval("select count(*) from outbox where type = 'BusinessRegistered'")
    assert events == 60


@pytest.mark.parametrize("killed", [False, True])
async def test_what_only_the_whole_sheet_tells_is_known_also_after_a_crash(
    imports: ImportsDesk, monkeypatch: pytest.MonkeyPatch, *, killed: bool
) -> None:
    """Each of the NIKs could be one; that all end in 0 tells that Excel has cut them."""
    import_id = await imports.uploaded(csv_of([line(nik=f"357602550980{number}0") for number in range(121, 126)]))

    async def die(name: str) -> None:
        if name == "imports.after_row":
            raise failpoint.InjectedFault(name)

    if killed:
        monkeypatch.setattr(failpoint, "point", die)
        with pytest.raises(ExceptionGroup):
            await imports.worker().work_next()
        monkeypatch.undo()
    assert await imports.worker(later(seconds=31)).work_next()
    assert counted(await imports.told(import_id)) == {"rejected": 5}


async def test_killed_while_it_is_read_it_is_read_again(imports: ImportsDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    import_id = await imports.uploaded(csv_of([line() for _ in range(3)]))

    async def die(name: str) -> None:
        if name == "imports.after_reading":
            raise failpoint.InjectedFault(name)

    monkeypatch.setattr(failpoint, "point", die)
    with pytest.raises(failpoint.InjectedFault):
        await imports.worker().work_next()
    monkeypatch.undo()
    assert await imports.worker(later(seconds=31)).work_next()
    told = await imports.told(import_id)
    assert (told["counts"]["rows"], counted(told)) == (3, {"created": 3})


async def test_a_job_that_always_breaks_off_is_given_up(imports: ImportsDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    import_id = await imports.uploaded(csv_of([line()]))

    async def die(name: str) -> None:
        if name == "imports.after_reading":
            raise failpoint.InjectedFault(name)

    monkeypatch.setattr(failpoint, "point", die)
    for tried in range(5):
        with pytest.raises(failpoint.InjectedFault):
            await imports.worker(later(minutes=tried)).work_next()
    assert await imports.worker(later(minutes=5)).work_next()
    told = await imports.told(import_id)
    assert (told["state"], told["counts"]["rows"]) == ("failed", 0)
    assert told["failure"]["cure"]


async def test_two_loops_share_the_jobs_but_not_an_offices_jobs(imports: ImportsDesk, owner_pool: Pool) -> None:
    """The same sheet twice by one office, once by another: one waits for the other, none is worked twice."""
    content = csv_of([line() for _ in range(20)])
    ids = [await imports.uploaded(content), await imports.uploaded(content)]
    elsewhere = await imports.uploaded(content, office="35.79")
    workers = [imports.worker(), imports.worker()]
    while any(await asyncio.gather(*(worker.work_next() for worker in workers))):
        pass
    first, second = [(await imports.told(import_id))["counts"] for import_id in ids]
    other = (await imports.desk.at("35.79").read(f"/v1/imports/{elsewhere}")).json()["counts"]
    assert first["created"] + other["created"] == first["created"] + first["matched"] == 20
    assert (second["unchanged"], second["matched"]) == (first["created"], first["matched"])
    assert await businesses(owner_pool) == 20


async def test_it_is_cancelled_between_two_rows(
    imports: ImportsDesk, owner_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = await imports.uploaded(csv_of([line() for _ in range(50)]))

    async def cancel_after_the_first(name: str) -> None:
        if name == "imports.after_row" and not cancelled.is_set():
            cancelled.set()
            answer = await imports.desk.write("POST", f"/v1/imports/{import_id}/cancellation", None)
            assert answer.status_code == 200, answer.text
            await asyncio.sleep(1.2)  # longer than the loop takes to hear of it

    cancelled = asyncio.Event()
    monkeypatch.setattr(failpoint, "point", cancel_after_the_first)
    monkeypatch.setattr(lanes, "_AT_ONCE", 1)
    monkeypatch.setattr(lanes, "MOST_AT_ONCE", 1)
    assert await imports.worker().work_next()
    told = await imports.told(import_id)
    assert told["state"] == "cancelled"
    assert counted(told) == {"created": 1, "skipped": 49}
    assert await businesses(owner_pool) == 1
    assert "dibatalkan" in rows_of(await imports.result(import_id))[-1][8]
    again = await imports.desk.write("POST", f"/v1/imports/{import_id}/cancellation", None)
    assert (again.status_code, again.json()["type"]) == (409, "urn:plut:problem:import-ended")


async def test_one_that_waits_is_cancelled_at_once(imports: ImportsDesk) -> None:
    import_id = await imports.uploaded(csv_of([line()]))
    answer = await imports.desk.write("POST", f"/v1/imports/{import_id}/cancellation", None)
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert not await imports.worker().work_next()
    assert (await imports.desk.read(f"/v1/imports/{import_id}/result")).status_code == 404


async def test_a_dry_run_judges_and_leaves_nothing(imports: ImportsDesk, owner_pool: Pool) -> None:
    twice = line()
    rows = [line(), twice, twice, line(nik="1")]
    told = await imports.imported(csv_of(rows), dry_run=True)
    assert counted(told) == {"created": 2, "unchanged": 1, "rejected": 1}
    assert "lembar yang sama" in told["note"]
    left = {
        table: await owner_pool.fetchval(f"select count(*) from {table}")
        for table in ("business", "person", "outbox", "import_seen")
    }
    offices = 2
    assert left == {"business": 0, "person": 0, "outbox": offices, "import_seen": 0}
    assert counted(await imports.imported(csv_of(rows))) == {"created": 2, "unchanged": 1, "rejected": 1}


async def test_a_corrected_result_sheet_is_uploaded_again(imports: ImportsDesk, owner_pool: Pool) -> None:
    """`baru` is another one than those that were shown, `cocok` with an id is that one; the rest stays as it is."""
    known = await imports.desk.registered(trade_name="Kerupuk Udang Barokah")
    rows = [line(), line(name="Kerupuk Udang Barokahh"), line(name="Kerupuk Udang Barokah 1"), line(nik="12")]
    rows[2][0] = "Krupuk Udang Barokah"
    told = await imports.imported(csv_of(rows))
    assert counted(told) == {"created": 1, "possible_duplicate": 2, "rejected": 1}
    header, *result = rows_of(await imports.result(told["id"]))
    result[1][6] = "Baru"
    result[2][6:8] = ["cocok", known["id"]]
    result[3][2] = some_nik()
    told = await imports.imported(xlsx_of([header, *result]))
    assert counted(told) == {"unchanged": 1, "created": 2, "matched": 1}
    assert rows_of(await imports.result(told["id"]))[0] == header
    assert await businesses(owner_pool) == 4


async def test_new_is_not_said_of_a_business_that_was_not_shown(imports: ImportsDesk) -> None:
    """Registered since: somebody must look at it first."""
    await imports.desk.registered(trade_name="Jamu Gendong Mbok Sri")
    told = await imports.imported(csv_of([line(name="Jamu Gendong Mbok Srii")]))
    header, row = rows_of(await imports.result(told["id"]))
    row[6] = "baru"
    seen = row[8]
    row[8] = None
    told = await imports.imported(xlsx_of([header, row]))
    assert counted(told) == {"possible_duplicate": 1}
    row[8] = seen
    assert counted(await imports.imported(xlsx_of([header, row]))) == {"created": 1}


async def test_alike_rows_of_one_sheet_are_worked_in_their_order(imports: ImportsDesk) -> None:
    names = [some_trade_name() for _ in range(10)]
    rows = [line(name=name) for name in names] + [line(name=f"{name}h") for name in names]
    told = await imports.imported(csv_of(rows))
    assert counted(told) == {"created": 10, "possible_duplicate": 10}
    statuses = [row[6] for row in rows_of(await imports.result(told["id"]))[1:]]
    assert statuses == ["dibuat"] * 10 + ["perlu ditinjau"] * 10


async def test_a_row_that_is_refused_by_the_database_undoes_no_other(imports: ImportsDesk, owner_pool: Pool) -> None:
    """Closed by another office it is not found, but its number is its own: the statement of all rows fails."""
    other = imports.desk.at("35.79")
    closed = await other.registered(nib=(nib := some_nib()))
    today = business_day(utc_now()).isoformat()
    assert (await other.close(closed["id"], 1, today)).status_code == 200
    told = await imports.imported(csv_of([[*line(), ""], [*line(), nib], [*line(), ""]], [*LABELS, "NIB"]))
    assert counted(told) == {"created": 2, "rejected": 1}
    assert [row[7] for row in rows_of(await imports.result(told["id"]))[1:]] == ["dibuat", "ditolak", "dibuat"]
    assert await businesses(owner_pool) == 3


async def test_an_import_beside_registrations_of_the_same_people(imports: ImportsDesk, owner_pool: Pool) -> None:
    """Whoever comes first, each business is there once and each person too."""
    people = [(some_trade_name(), some_nik()) for _ in range(25)]
    await imports.uploaded(csv_of([line(name=name, nik=nik) for name, nik in people]))

    async def register(name: str, nik: str) -> int:
        answer = await imports.desk.register(trade_name=name, owners=[owner(nik=nik)], kinds=["umkm"])
        return answer.status_code

    shuffled = random.sample(people, len(people))
    _, *statuses = await asyncio.gather(imports.worker().work_next(), *(register(name, nik) for name, nik in shuffled))
    assert set(statuses) <= {201, 409}
    [told] = (await imports.desk.read("/v1/imports?office=35.76")).json()["items"]
    assert told["counts"]["created"] + statuses.count(201) == 25
    assert told["counts"]["matched"] == statuses.count(201)
    assert (await businesses(owner_pool), await owner_pool.fetchval("select count(*) from person")) == (25, 25)


@pytest.mark.parametrize("seed", range(4))
async def test_no_row_disappears(imports: ImportsDesk, seed: int) -> None:
    """Sheets of random rows, good, dirty, repeated and none at all: every one is in the result, in its order."""
    dice = random.Random(seed)  # noqa: S311  a test's dice
    rows: list[list[str]] = []
    for _ in range(120):
        kinds: list[Any] = [
            line(),
            line(nik="12"),
            line(name=""),
            line(kelurahan="Atlantis"),
            line(phone="0812-3456-7890"),
            dice.choice(rows) if rows else line(),
            ["Jumlah", "", "", "120", ""],
            ["----", "----", "----", "----", "----"],
            list(LABELS),
            ["", "", "", "", ""],
            [dice.choice(("=1+1", "\u00a0", "-", "'", "\u202e", "1e5", "#REF!")) for _ in LABELS],
        ]
        rows.append(dice.choice(kinds))
    told = await imports.imported(csv_of(rows))
    result = rows_of(await imports.result(told["id"]))[1:]
    numbers = [row[5] for row in result]
    assert numbers == sorted(set(numbers))
    filled = [place for place, row in enumerate(rows, start=2) if any(cell.strip("\u00a0 ") for cell in row)]
    assert set(filled) <= set(numbers)
    assert told["counts"]["rows"] == len(numbers)


async def test_a_file_that_is_no_sheet_fails_with_its_cure(imports: ImportsDesk) -> None:
    for content in (b"%PDF-1.7 halo", b"\x00\x01\x02" * 50, b"Halo saja\n"):
        told = await imports.imported(content)
        assert (told["state"], told["counts"]["rows"]) == ("failed", 0)
        assert told["failure"]["message"]
        assert told["failure"]["cure"]
        assert (await imports.desk.read(f"/v1/imports/{told['id']}/result")).status_code == 404
    empty = await imports.upload(b"")
    assert (empty.status_code, empty.json()["errors"][0]["message"]) == (422, "Berkas kosong.")


async def test_only_a_sheet_may_be_large(imports: ImportsDesk) -> None:
    assert (await imports.upload(b"a," * LARGEST_BODY)).status_code == 201
    too_large = await imports.upload(b"a" * (MOST_BYTES + 1))
    assert (too_large.status_code, too_large.json()["type"]) == (413, "urn:plut:problem:too-large")
    elsewhere = await imports.desk.client.post(
        "/v1/businesses", content=b" " * (LARGEST_BODY + 1), headers=imports.desk.bearer()
    )
    assert elsewhere.status_code == 413


async def test_what_is_a_nul_in_json_is_a_byte_in_a_file(imports: ImportsDesk) -> None:
    assert (await imports.upload(b"a,b\\u0000\x00")).status_code == 201
    elsewhere = await imports.desk.client.post(
        "/v1/businesses", content=b'{"office": "\\u0000"}', headers=imports.desk.bearer()
    )
    assert elsewhere.status_code == 422


async def test_an_offices_own_labels_are_remembered(imports: ImportsDesk) -> None:
    labels = ("Merek Dagang", *LABELS[1:])
    path = "/v1/import-mappings/35.76"
    refused = await imports.desk.write(
        "PUT", path, {"fields": {"Merek Dagang": "trade_nam", "3576026512850777": "nik"}}
    )
    assert (refused.status_code, len(refused.json()["errors"])) == (422, 2)
    saved = await imports.desk.write("PUT", path, {"fields": {"Merek Dagang": "trade_name"}})
    assert saved.status_code == 200, saved.text
    assert (await imports.desk.read(path)).json()["fields"] == {"Merek Dagang": "trade_name"}
    assert counted(await imports.imported(csv_of([line(), line()], labels))) == {"created": 2}


async def test_the_template_is_a_sheet_that_can_be_filled_in(imports: ImportsDesk) -> None:
    answer = await imports.desk.read("/v1/imports/template")
    header, *_ = rows_of(answer.content)
    assert {"Nama Usaha", "NIK"} <= set(header)
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")


async def test_contents_are_forgotten_after_thirty_days_and_the_counts_stay(
    imports: ImportsDesk, owner_pool: Pool
) -> None:
    content = csv_of([line(), line()])
    told = await imports.imported(content)
    await imports.worker(later(days=29)).forget()
    assert len(rows_of(await imports.result(told["id"]))) == 3
    await imports.worker(later(days=31)).forget()
    after = await imports.told(told["id"])
    assert (after["forgotten"], counted(after), after["columns"]) == (True, {"created": 2}, [])
    assert (await imports.desk.read(f"/v1/imports/{told['id']}/result")).status_code == 404
    for table in ("import_key", "import_piece", "import_row"):
        assert await owner_pool.fetchval(f"select count(*) from {table}") == 0
    assert counted(await imports.imported(content)) == {"unchanged": 2}


async def test_who_uploads_and_who_reads_leaves_a_trail(imports: ImportsDesk, owner_pool: Pool) -> None:
    told = await imports.imported(csv_of([line()]))
    await imports.result(told["id"])
    trail = await owner_pool.fetch("select actor, office, action from audit where subject = $1 order by id", told["id"])
    actor = "stf-office_head-35.76"
    assert [tuple(each) for each in trail] == [(actor, "35.76", "upload_import"), (actor, "35.76", "read_import")]


async def test_the_list_shows_the_newest_first_page_by_page(imports: ImportsDesk) -> None:
    ids = [await imports.uploaded(csv_of([line()])) for _ in range(3)]
    page = (await imports.desk.read("/v1/imports?limit=2")).json()
    rest = (await imports.desk.read(f"/v1/imports?limit=2&cursor={page['next_cursor']}")).json()
    assert [each["id"] for each in (*page["items"], *rest["items"])] == ids[::-1]
    assert rest["next_cursor"] is None
    assert (await imports.desk.at("35.79").read("/v1/imports")).json()["items"] == []
