"""The province's overview in a real browser: log in, look, and see it move while an office writes."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect, sync_playwright

from deploy.local.installation import Installation
from tests.e2e.machine import Machine
from tests.e2e.writers import Office

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
    log_in(page, machine, "province_analyst")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(
        page.get_by_text(re.compile(r"data s\.d\. .*?\d{2}[:.]\d{2}[:.]\d{2} WIB", re.IGNORECASE)).first
    ).to_be_visible()
    row = page.get_by_role("row").filter(has_text="35.76").first
    before = row.inner_text()
    with Office(machine, "35.76", tmp_path):
        expect(row).not_to_have_text(before, timeout=30_000, use_inner_text=True)


def test_the_overview_has_no_accessibility_violations(machine: Machine, page: Page) -> None:
    log_in(page, machine, "province_analyst")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_head_of_office_sees_no_other_office(machine: Machine, page: Page) -> None:
    log_in(page, machine, "office_head.35.76")
    expect(page.get_by_role("row").filter(has_text="35.76").first).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="35.79")).to_have_count(0)


def test_whoever_may_not_see_reports_is_told_so_in_plain_words(machine: Machine, page: Page) -> None:
    log_in(page, machine, "front_desk.35.76")
    expect(page.get_by_role("row").filter(has_text="35.76")).to_have_count(0)
    expect(page.locator("main")).to_contain_text(re.compile("tidak|belum", re.IGNORECASE))
