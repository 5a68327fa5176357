"""Documents that are made from the code say what the code says."""

from deploy.documents import SETTINGS_PAGE, settings_page


def test_the_page_of_settings_is_current() -> None:
    assert SETTINGS_PAGE.read_text(encoding="utf-8") == settings_page(), "run: python -m deploy.documents"
