"""The pages as a browser gets them: logging in and out, who sees what, and what is said when something is wrong."""

import base64
import gzip
import hashlib
import html
import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import openpyxl
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import HttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.reporting.app import build_api
from services.reporting.settings import ReportingSettings
from services.reporting.web import evidence
from shared import days
from shared.auth.principal import Role
from shared.clock import business_day, utc_now
from shared.consumer import watermarks
from shared.contracts.platform import Watermark
from shared.postgres import Pool, create_pool
from tests.infrastructure.databases import Database
from tests.integration.reporting.conftest import SECRET
from tests.support.api import client_of
from tests.support.reporting_events import business, deliver, office, read_to, received, session
from tests.support.tokens import ISSUER, token, verifier

HTML = {"Accept": "text/html,application/xhtml+xml"}
CODE = "a-code-of-the-issuer"


class Issuer(httpx.AsyncBaseTransport):
    """Redeems one code, for whoever brings the verifier of the challenge that it was asked with."""

    def __init__(self) -> None:
        self.roles: tuple[Role, ...] = (Role.PROVINCE_ANALYST,)
        self.offices: tuple[str, ...] = ("35.76", "35.79")
        self.challenge = ""
        self.away = False
        self._app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/token", self._redeem, methods=["POST"]),
            ]
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("nobody there")
        return await httpx.ASGITransport(self._app).handle_async_request(request)

    async def _discovery(self, _request: Request) -> JSONResponse:
        ends = {"authorization_endpoint": f"{ISSUER}/authorize", "token_endpoint": f"{ISSUER}/token"}
        return JSONResponse({"issuer": ISSUER, **ends})

    async def _redeem(self, request: Request) -> JSONResponse:
        form = await request.form()
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        expected = "Basic " + base64.b64encode(f"plut-web:{SECRET}".encode()).decode()
        if (form["code"], challenge, request.headers["authorization"]) != (CODE, self.challenge, expected):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": token(*self.roles, offices=self.offices), "token_type": "Bearer"})


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest_asyncio.fixture
async def app(settings: ReportingSettings, issuer: Issuer) -> FastAPI:
    pool = await create_pool(settings, "reporting_app", schema="reporting", application="test-reporting-api")
    return build_api(settings, pool, verifier(settings), issuer)


@pytest_asyncio.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as running:
        running.headers.update(HTML)
        yield running


async def _log_in(browser: httpx.AsyncClient, issuer: Issuer, path: str = "/") -> httpx.Response:
    """Goes where the pages send a browser, and comes back with the issuer's code."""
    sent = await browser.get(path)
    began = await browser.get(sent.headers["location"])
    asked = parse_qs(urlsplit(began.headers["location"]).query)
    issuer.challenge = asked["code_challenge"][0]
    return await browser.get("/masuk/selesai", params={"code": CODE, "state": asked["state"][0]})


async def test_whoever_is_not_logged_in_is_sent_to_the_issuer(browser: httpx.AsyncClient) -> None:
    sent = await browser.get("/?periode=tahun")
    assert (sent.status_code, sent.headers["location"]) == (303, "/masuk?kembali=%2F%3Fperiode%3Dtahun")
    began = await browser.get(sent.headers["location"])
    address = urlsplit(began.headers["location"])
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{ISSUER}/authorize"
    assert asked["client_id"] == "plut-web"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "http://plut.test/masuk/selesai"


async def test_a_login_leads_back_and_leaves_an_opaque_cookie(
    browser: httpx.AsyncClient, issuer: Issuer, worker: Pool
) -> None:
    await deliver(worker, received([office("35.76"), office("35.79", "PLUT Kota Batu"), business(UUID(int=1))]))
    back = await _log_in(browser, issuer, "/?periode=tahun")
    assert back.headers["location"] == "/?periode=tahun"
    cookie = next(one for one in back.headers.get_list("set-cookie") if one.startswith("plut="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    page = await browser.get("/?periode=tahun")
    assert page.status_code == 200
    assert "PLUT Kota Batu" in page.text
    assert "no-store" in page.headers["cache-control"]


async def test_the_table_of_logins_opens_nothing(
    browser: httpx.AsyncClient, issuer: Issuer, database: Database
) -> None:
    await _log_in(browser, issuer)
    kept = await (await database.pool("reporting", "owner")).fetch("select * from web_login")
    value = browser.cookies["plut"]
    assert [row["digest"] for row in kept] == [hashlib.sha256(value.encode()).digest()]
    assert value not in str(kept)


@pytest.mark.parametrize("change", [{"state": "forged"}, {"code": "another"}, {"error": "access_denied"}])
async def test_a_login_that_was_not_begun_here_is_refused(
    browser: httpx.AsyncClient, issuer: Issuer, change: dict[str, str]
) -> None:
    began = await browser.get("/masuk")
    asked = parse_qs(urlsplit(began.headers["location"]).query)
    issuer.challenge = asked["code_challenge"][0]
    answer = await browser.get("/masuk/selesai", params={"code": CODE, "state": asked["state"][0], **change})
    assert answer.status_code == 400
    assert "plut" not in browser.cookies
    assert "Coba masuk sekali lagi" in answer.text


async def test_a_login_does_not_lead_to_another_site(browser: httpx.AsyncClient, issuer: Issuer) -> None:
    began = await browser.get("/masuk", params={"kembali": "//evil.test/"})
    asked = parse_qs(urlsplit(began.headers["location"]).query)
    issuer.challenge = asked["code_challenge"][0]
    back = await browser.get("/masuk/selesai", params={"code": CODE, "state": asked["state"][0]})
    assert back.headers["location"] == "/"


async def test_without_the_issuer_the_page_says_so(browser: httpx.AsyncClient, issuer: Issuer) -> None:
    issuer.away = True
    answer = await browser.get("/masuk")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "<h1>Layanan sedang tidak tersedia</h1>" in answer.text


async def test_a_login_ends_after_its_time(browser: httpx.AsyncClient, issuer: Issuer, database: Database) -> None:
    await _log_in(browser, issuer)
    owner = await database.pool("reporting", "owner")
    await owner.execute("update web_login set expires_at = clock_timestamp() - interval '1 second'")
    assert (await browser.get("/")).status_code == 303
    part = await browser.get("/", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/masuk")


async def test_leaving_ends_the_login(browser: httpx.AsyncClient, issuer: Issuer) -> None:
    await _log_in(browser, issuer)
    elsewhere = await browser.post("/keluar", headers={"Origin": "https://evil.test"})
    assert (elsewhere.status_code, (await browser.get("/")).status_code) == (403, 200)
    old = browser.cookies["plut"]
    left = await browser.post("/keluar", headers={"Origin": "http://plut.test"})
    assert (left.status_code, left.headers["location"]) == (303, "/keluar")
    assert (await browser.get("/", headers={"Cookie": f"plut={old}"})).status_code == 303


async def test_a_head_of_office_sees_his_own(browser: httpx.AsyncClient, issuer: Issuer, worker: Pool) -> None:
    await deliver(worker, received([office("35.76"), office("35.79", "PLUT Kota Batu")]))
    issuer.roles, issuer.offices = (Role.OFFICE_HEAD,), ("35.76",)
    await _log_in(browser, issuer)
    page = (await browser.get("/")).text
    assert "PLUT Maja Citra Kinarya" in page
    assert "PLUT Kota Batu" not in page
    assert "/kantor/35.79" not in page


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.CONSULTANT, Role.ADMINISTRATOR])
async def test_other_roles_are_told_kindly(browser: httpx.AsyncClient, issuer: Issuer, role: Role) -> None:
    issuer.roles = (role,)
    await _log_in(browser, issuer)
    answer = await browser.get("/")
    assert answer.status_code == 403
    assert "Laporan ini bukan untuk peran Anda" in answer.text
    assert (await browser.get("/perubahan?scope=province")).status_code == 403


@pytest.mark.parametrize(("scope", "status"), [("35.79", 403), ("province", 403), ("35.99", 422), ("", 422)])
async def test_hints_are_given_for_ones_own_office(
    browser: httpx.AsyncClient, issuer: Issuer, scope: str, status: int
) -> None:
    issuer.roles, issuer.offices = (Role.OFFICE_HEAD,), ("35.76",)
    await _log_in(browser, issuer)
    assert (await browser.get("/perubahan", params={"scope": scope})).status_code == status


async def test_the_page_says_that_figures_are_late_until_they_are_not(
    browser: httpx.AsyncClient, issuer: Issuer, worker: Pool
) -> None:
    await _log_in(browser, issuer)
    assert not re.search(r'id="stale"[^>]* hidden', (await browser.get("/")).text)
    for behind, hidden in ((timedelta(minutes=2), False), (timedelta(seconds=1), True)):
        for service in ("registry", "mentoring"):
            at = utc_now() - behind
            told = Watermark(service=service, history=1, epoch=1, fence=1, at=at, ends=[], held_back=0)
            async with worker.acquire() as connection:
                await watermarks.file(connection, [told])
        page = (await browser.get("/")).text
        assert bool(re.search(r'id="stale"[^>]* hidden', page)) is hidden
        assert re.search(r"data s\.d\. <time[^>]*>\d\d:\d\d:\d\d WIB</time>", page)
        assert ("Semua berjalan normal" in (await browser.get("/status")).text) is hidden


async def test_the_status_page_needs_no_login_and_no_database(
    browser: httpx.AsyncClient, settings: ReportingSettings, issuer: Issuer
) -> None:
    assert (await browser.get("/status")).status_code == 200
    nowhere = settings.model_copy(update={"postgres_port": 1})
    pool = await create_pool(nowhere, "reporting_app", schema="reporting", application="test-away")
    async with client_of(build_api(nowhere, pool, verifier(nowhere), issuer)) as cut_off:
        answer = await cut_off.get("/status", headers=HTML)
        assert answer.status_code == 503
        assert "Laporan sedang tidak dapat dibaca" in answer.text
        assert (await cut_off.get("/", headers={**HTML, "Cookie": "plut=x"})).status_code == 503


async def test_people_get_pages_and_programs_get_problems(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/tidak-ada")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    problem = await browser.get("/tidak-ada", headers={"Accept": "application/json"})
    assert (problem.status_code, problem.headers["content-type"]) == (404, "application/problem+json")


async def test_an_unknown_period_is_no_error_of_ours(browser: httpx.AsyncClient, issuer: Issuer) -> None:
    await _log_in(browser, issuer)
    answer = await browser.get("/?periode=abad")
    assert (answer.status_code, "Periode tidak terbaca" in answer.text) == (422, True)


async def test_pages_hold_nothing_that_their_policy_forbids(browser: httpx.AsyncClient, issuer: Issuer) -> None:
    await _log_in(browser, issuer)
    for path in ("/", "/status", "/keluar", "/tidak-ada"):
        page = await browser.get(path)
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", page.text), path


async def test_files_are_kept_by_browsers(browser: httpx.AsyncClient) -> None:
    address = re.search(r'href="(/static/[0-9a-f]+/reporting\.css)"', (await browser.get("/status")).text)
    assert address
    found = await browser.get(address[1], headers={"Accept-Encoding": "identity"})
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    async with browser.stream("GET", address[1], headers={"Accept-Encoding": "gzip"}) as zipped:
        raw = b"".join([part async for part in zipped.aiter_raw()])
    assert gzip.decompress(raw) == found.content


async def test_behind_https_the_cookie_is_bound_to_the_host(
    settings: ReportingSettings, issuer: Issuer, worker: Pool
) -> None:
    await deliver(worker, received([office("35.76")]))
    told = settings.model_copy(update={"public_url": HttpUrl("https://laporan.test")})
    pool = await create_pool(told, "reporting_app", schema="reporting", application="test-https")
    async with client_of(build_api(told, pool, verifier(told), issuer)) as browser:
        browser.base_url = httpx.URL("https://laporan.test")
        back = await _log_in(browser, issuer)
        cookie = next(one for one in back.headers.get_list("set-cookie") if one.startswith("__Host-plut="))
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert (await browser.get("/")).status_code == 200


PROVINCE = tuple(f"35.{number:02}" for number in (*range(1, 30), *range(71, 80)))


@pytest_asyncio.fixture
async def province(browser: httpx.AsyncClient, issuer: Issuer, worker: Pool) -> httpx.AsyncClient:
    """A browser of the province, and offices that share a business."""
    shared, own, closed = (UUID(int=number) for number in (1, 2, 3))
    day = business_day(utc_now())
    before = (day.replace(day=1) - timedelta(days=1)).replace(day=1)
    events = [
        office("35.76"),
        office("35.79", "PLUT Kota Batu"),
        business(shared, registered_on=before),
        business(own, kelurahan="35.76.01.1001", kinds=["cooperative"], registered_on=day),
        business(closed, home_office="35.79", kelurahan="35.79.01.1001", status="closed", registered_on=before),
        session(UUID(int=11), [shared], day=before, state="confirmed"),
        session(UUID(int=12), [shared], day=day, office="35.79", contact_minutes=240),
        session(UUID(int=13), [shared, own], day=day, state="confirmed", service="training"),
    ]
    await deliver(worker, received(events))
    issuer.offices = PROVINCE
    await _log_in(browser, issuer)
    return browser


def _figure(page: str, label: str) -> str:
    found = re.search(rf"{label}</h2>\s*<p class=\"figure\">([^<]*)</p>", page)
    assert found, label
    return found[1]


async def test_the_overview_counts_a_business_once_for_the_province(province: httpx.AsyncClient) -> None:
    page = (await province.get("/")).text
    told = [_figure(page, label) for label in ("Usaha binaan aktif", "Usaha baru terdaftar", "Usaha dilayani")]
    assert told == ["2", "1", "2"]
    assert _figure(page, "Sesi dikonfirmasi klien") == "50 %"
    assert "baru <b>1</b>" in page
    assert "kembali <b>1</b>" in page
    assert re.search(r'<th scope="row">Provinsi</th><td class="n">1</td><td class="n">2</td>', page)
    assert "Apa artinya?" in page
    assert "Tidak dihitung:" in page


async def test_any_period_can_be_looked_at_with_those_beside_it(province: httpx.AsyncClient) -> None:
    before = (business_day(utc_now()).replace(day=1) - timedelta(days=1)).replace(day=1)
    page = (await province.get("/", params={"periode": f"{before:%Y-%m}"})).text
    assert _figure(page, "Usaha dilayani") == "1"
    assert f"Ditampilkan: <strong>{days.month(before)}</strong>" in page
    assert "masih berjalan" not in page.split('id="peta"')[0]
    assert f"Setahun sebelumnya: {days.month(before.replace(year=before.year - 1))}" in page
    assert (await province.get("/?periode=2024")).text.count("ebelumnya: 2023") == 1
    for periode in ("hari", "triwulan", "tahun", "semua", "2024-Q2", "2024", "2024-02-29"):
        assert (await province.get("/", params={"periode": periode})).status_code == 200, periode


async def test_the_map_shows_38_regions_and_leads_to_each(province: httpx.AsyncClient) -> None:
    page = (await province.get("/")).text
    drawn = re.search(r'<svg class="map".*?</svg>', page, re.DOTALL)
    assert drawn
    shapes = re.findall(r'<a class="k(\d)" href="(/wilayah/35\.\d\d)" aria-label="([^"]+)">', drawn[0])
    assert len({address for _, address, _ in shapes}) == 38
    told = {label.split(": ")[0]: (place, label.split(": ")[1]) for place, _, label in shapes}
    assert told["Kota Mojokerto"] == ("4", "2")
    assert told["Kota Batu"] == ("2", "0")
    assert told["Kabupaten Pacitan"] == ("0", "belum ada data")
    assert drawn[0].count("<circle") == 2
    assert page.count("wilayah</small>") == 3
    assert len(gzip.compress(drawn[0].encode(), 6)) <= 25 * 1024


async def test_the_table_beneath_the_map_is_sorted_by_links(province: httpx.AsyncClient) -> None:
    for query, first, column, order in (
        ("", "Kota Mojokerto", "Usaha aktif", "descending"),
        ("urut=usaha", "Kota Batu", "Usaha aktif", "ascending"),
        ("urut=nama", "Kabupaten Bangkalan", "Kabupaten/kota", "ascending"),
        ("urut=-rasio&peta=rasio", "Kota Mojokerto", "Per 100.000 penduduk", "descending"),
        ("urut=-baru&peta=baru", "Kota Mojokerto", "Baru terdaftar", "descending"),
    ):
        table = (await province.get(f"/?{query}")).text.split('id="wilayah"')[1]
        assert re.findall(r'<th scope="row"><a[^>]*>([^<]+)</a></th>', table)[0] == first, query
        heads = re.findall(r'aria-sort="(\w+)"><a[^>]*>([^<]+)<', table)
        assert [(name, told) for told, name in heads if told != "none"] == [(column, order)]


async def test_a_region_is_told_apart_down_to_its_kelurahan(province: httpx.AsyncClient) -> None:
    page = (await province.get("/wilayah/35.76")).text
    assert "<h1>Kota Mojokerto</h1>" in page
    assert _figure(page, "Usaha aktif") == "2"
    assert re.search(r">Prajuritkulon</a></th><td class=\"n\">1</td>", page)
    assert 'href="/kantor/35.76"' in page
    assert "Usaha aktif pada akhir bulan" in page
    below = (await province.get("/wilayah/35.76.01")).text
    assert re.search(r"<th scope=\"row\">[^<]+</th><td class=\"n\">1</td>", below)
    assert 'href="/wilayah/35.76"' in below
    for code in ("35.99", "35", "35.76.01.1001", "x"):
        assert (await province.get(f"/wilayah/{code}")).status_code == 404, code


async def test_an_office_is_told_with_what_it_did_and_who(province: httpx.AsyncClient) -> None:
    page = (await province.get("/kantor/35.76")).text
    assert _figure(page, "Sesi pendampingan") == "1"
    assert _figure(page, "Usaha dilayani") == "2"
    for told in ("Pemasaran", "Pelatihan", "Datang ke kantor", "000000000009", "Sesi dicatat"):
        assert told in page, told
    assert "Beban konsultan dijumlahkan per bulan" in (await province.get("/kantor/35.76?periode=hari")).text
    assert [(await province.get(f"/kantor/{code}")).status_code for code in ("35.78", "35.99")] == [404, 404]


async def test_every_figure_leads_to_the_events_that_make_it(province: httpx.AsyncClient) -> None:
    whole_year = (await province.get("/?periode=tahun")).text
    assert "/bukti/intensive?" in whole_year
    for path in ("/", "/wilayah/35.76", "/kantor/35.76", "/?periode=tahun"):
        page = (await province.get(path)).text
        addresses = set(re.findall(r'href="(/bukti/[^"]+)"', page))
        assert addresses
        for address in addresses:
            found = await province.get(html.unescape(address))
            assert found.status_code == 200, address
            whole = re.search(r"<h1>[^<]*: ([\d.]+)</h1>", found.text)
            assert whole, address
            added = re.findall(r'<td class="n">(-?[\d.]+)</td></tr>', found.text)
            assert sum(int(one.replace(".", "")) for one in added) == int(whole[1].replace(".", "")), address


async def test_what_is_told_apart_leads_to_its_own_events(province: httpx.AsyncClient) -> None:
    page = (await province.get("/wilayah/35.79")).text
    closed = page.split("Usaha yang sudah tutup</h2>")[1].split('<div class="card">')[0]
    address = html.unescape(re.findall(r'href="(/bukti/[^"]+)"', closed)[0])
    found = (await province.get(address)).text
    assert _figure(page, "Usaha yang sudah tutup") == "1"
    assert "<h1>Usaha terdaftar: 1</h1>" in found
    assert str(UUID(int=3)) in found
    none = (await province.get("/bukti/businesses?wilayah=35.76&status=closed")).text
    assert "<h1>Usaha terdaftar: 0</h1>" in none
    assert "<h1>Usaha terdaftar: 1</h1>" in (await province.get("/bukti/businesses?jenis=cooperative")).text


async def test_the_events_of_no_named_period_are_those_of_the_running_one(province: httpx.AsyncClient) -> None:
    today = business_day(utc_now())
    assert f"{days.month(today)} · satuan: sesi" in (await province.get("/bukti/sessions")).text
    assert f"{today.year} · satuan: usaha" in (await province.get("/bukti/intensive")).text
    assert days.month(today) not in (await province.get("/bukti/businesses")).text.split("satuan:")[0]


async def test_the_events_come_in_pages(province: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "ROWS", 1)
    address, seen = "/bukti/sessions", []
    for _ in range(4):
        page = (await province.get(address)).text
        seen += re.findall(r"Sesi <code>([^<]+)</code>", page)
        following = re.search(r'href="(\?[^"]*halaman=[^"]+)"', page)
        if following is None:
            break
        address = "/bukti/sessions" + html.unescape(following[1])
    assert sorted(seen) == [str(UUID(int=12)), str(UUID(int=13))]
    assert (await province.get("/bukti/sessions?halaman=forged")).status_code == 400
    assert (await province.get("/bukti/served?halaman=" + address.split("halaman=")[1])).status_code == 400


async def test_a_wrong_address_is_told_how_to_be_mended(browser: httpx.AsyncClient, issuer: Issuer) -> None:
    await _log_in(browser, issuer)
    for path, status in (
        ("/bukti/riches", 404),
        ("/bukti/confirmed_share", 422),
        ("/bukti/sessions?kantor=99.99", 422),
        ("/bukti/sessions?wilayah=35.99", 422),
        ("/bukti/businesses?wilayah=35", 422),
        ("/bukti/businesses?status=lupa", 422),
        ("/bukti/active_businesses?status=closed", 422),
        ("/bukti/sessions?periode=2024-13", 422),
        ("/bukti/sessions?office=35.76", 422),
        ("/bukti/sessions?bidang=sihir", 422),
        ("/bukti/consultant_sessions?konsultan=x", 422),
        ("/bukti/served?bidang=marketing", 422),
        ("/?urut=warna", 422),
        ("/?peta=warna", 422),
        ("/?periode=1999", 422),
        ("/?periode=2999", 422),
        ("/?warna=hijau", 422),
        ("/?unduh=kantor.pdf", 422),
        ("/?unduh=semua.csv", 422),
    ):
        answer = await browser.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8"), path


async def test_what_is_shown_can_be_taken_along(province: httpx.AsyncClient) -> None:
    for path, table in (
        ("/", "kantor"),
        ("/", "wilayah"),
        ("/", "tren"),
        ("/wilayah/35.76", "bawahan"),
        ("/kantor/35.76", "bidang"),
        ("/kantor/35.76", "konsultan"),
    ):
        page = (await province.get(path)).text
        assert f"unduh={table}.csv" in page, table
        file = await province.get(path, params={"unduh": f"{table}.csv"})
        assert file.headers["content-type"] == "text/csv; charset=utf-8", table
        assert "Data s.d." in file.text
        book = await province.get(path, params={"unduh": f"{table}.xlsx"})
        assert openpyxl.load_workbook(io.BytesIO(book.content)).sheetnames, table
    load = (await province.get("/kantor/35.76", params={"unduh": "konsultan.csv"})).text
    assert "Sesi disanggah konsultan" in load.splitlines()[0]
    sorted_file = (await province.get("/", params={"unduh": "wilayah.csv", "urut": "nama"})).text
    assert sorted_file.lstrip("\ufeff").splitlines()[1].startswith("35.26;Kabupaten Bangkalan;")


async def test_a_head_of_office_is_shown_his_own_only(province: httpx.AsyncClient, issuer: Issuer) -> None:
    province.cookies.clear()
    issuer.roles, issuer.offices = (Role.OFFICE_HEAD,), ("35.79",)
    await _log_in(province, issuer)
    assert _figure((await province.get("/")).text, "Usaha dilayani") == "1"
    foreign = await province.get("/kantor/35.76")
    assert (foreign.status_code, "Maja Citra" in foreign.text) == (403, False)
    assert (await province.get("/bukti/sessions?kantor=35.76")).status_code == 403
    assert _figure((await province.get("/wilayah/35.76")).text, "Usaha aktif") == "0"
    assert str(UUID(int=13)) not in (await province.get("/bukti/sessions")).text


async def test_a_page_that_is_open_gets_what_it_has_not_seen(province: httpx.AsyncClient, worker: Pool) -> None:
    shown = await province.get("/", headers={"HX-Request": "true"})
    assert "<html" not in shown.text
    assert _figure(shown.text, "Usaha baru terdaftar") == "1"
    ahead = {"HX-Request": "true", "Position-Seen": "1.0.999999"}
    assert (await province.get("/", headers=ahead)).status_code == 204
    await deliver(worker, received([business(UUID(int=4), registered_on=business_day(utc_now()))]))
    await read_to(worker, "registry.business.v1", 0, 5)
    told = await province.get("/", headers={"HX-Request": "true", "Position-Seen": "1.0.5"})
    assert _figure(told.text, "Usaha baru terdaftar") == "2"
    assert 'data-position="1.0.5"' in told.text
