"""The province's overview in a real browser: log in, look, and see it move while an office writes."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect, sync_playwright

from deploy.local.installation import Installation
from tests.e2e.machine import Machine
from tests.e2e.writers import Office

Scheme = Literal["dark", "light"]
PAGES = (
    "/",
    "/wilayah/35.76",
    "/wilayah/35.76.01",
    "/kantor/35.76",
    "/bukti/registrations?periode=all",
    "/kantor/35.99",
    "/status",
)
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = os.environ.get("PLUT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="id-ID", viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def log_in(page: Page, machine: Machine, user: str) -> None:
    page.goto(machine.url("reporting") + "/")
    page.get_by_label(re.compile("nama akun", re.IGNORECASE)).fill(user)
    page.get_by_label(re.compile("kata sandi", re.IGNORECASE)).fill(password(machine))
    page.get_by_role("button", name=re.compile("masuk", re.IGNORECASE)).click()


def password(machine: Machine) -> str:
    """The demo password stands where only the installation's owner can read it."""
    return Installation.open(machine.data_dir).demo_password


def test_the_overview_moves_while_an_office_writes(machine: Machine, page: Page, tmp_path: Path) -> None:
    asked: list[dict[str, str]] = []
    page.on("request", lambda request: asked.append(request.headers))
    log_in(page, machine, "province_analyst")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(
        page.get_by_text(re.compile(r"data s\.d\. .*?\d{2}[:.]\d{2}[:.]\d{2} WIB", re.IGNORECASE)).first
    ).to_be_visible()
    row = page.get_by_role("row").filter(has_text="35.76").first
    before = row.inner_text()
    with Office(machine, "35.76", tmp_path):
        expect(row).not_to_have_text(before, timeout=30_000, use_inner_text=True)
    moves = [headers for headers in asked if headers.get("hx-target") == "section#figures"]
    assert moves
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", headers.get("position-seen", "")) for headers in moves), moves


# In CSS pixels: a desk, and 400 % of it or a small phone.
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_no_page_shuts_anybody_out(machine: Machine, browser: Browser, scheme: Scheme, width: int) -> None:
    context = browser.new_context(locale="id-ID", viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    log_in(page, machine, "province_analyst")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    for path in PAGES:
        page.goto(machine.url("reporting") + path)
        for opened in page.locator("summary").all()[:2]:
            opened.click()
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()


@pytest.mark.parametrize("name", ["Kabupaten Sumenep", "Kota Batu"])
def test_the_keyboard_alone_leads_from_the_map_to_a_region(machine: Machine, page: Page, name: str) -> None:
    log_in(page, machine, "province_analyst")
    place = page.locator(f"svg.map a[aria-label^='{name}']")
    expect(place).to_be_visible()
    for _ in range(90):
        page.keyboard.press("Tab")
        if place.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_everything_is_said_without_scripts(machine: Machine, browser: Browser) -> None:
    context = browser.new_context(locale="id-ID", java_script_enabled=False)
    page = context.new_page()
    log_in(page, machine, "province_analyst")
    page.get_by_role("link", name="Baru terdaftar").first.click()
    page.get_by_label("Periode lain").fill("2026-Q1")
    page.get_by_role("button", name="Tampilkan").click()
    expect(page.get_by_text("Triwulan I 2026").first).to_be_visible()
    page.get_by_role("columnheader", name="Kabupaten/kota").get_by_role("link").click()
    expect(page.get_by_role("columnheader", name="Kabupaten/kota")).to_have_attribute("aria-sort", "ascending")
    with page.expect_download() as taken:
        page.locator("p.take", has_text="tabel wilayah").get_by_role("link", name="XLSX").click()
    assert taken.value.suggested_filename.endswith(".xlsx")
    page.get_by_role("link", name="Kota Mojokerto").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kota Mojokerto")
    context.close()


def test_a_head_of_office_sees_no_other_office(machine: Machine, page: Page) -> None:
    log_in(page, machine, "office_head.35.76")
    expect(page.get_by_role("row").filter(has_text="35.76").first).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="35.79")).to_have_count(0)


def test_whoever_may_not_see_reports_is_told_so_in_plain_words(machine: Machine, page: Page) -> None:
    log_in(page, machine, "front_desk.35.76")
    expect(page.get_by_role("row").filter(has_text="35.76")).to_have_count(0)
    expect(page.locator("main")).to_contain_text(re.compile("tidak|belum", re.IGNORECASE))
