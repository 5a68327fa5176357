"""Documents that are made from the code say what the code says."""

from deploy.documents import (
    CHART_OF_KAFKA,
    CONNECTIONS_PAGE,
    SETTINGS_PAGE,
    chart_of_kafka,
    connections_page,
    settings_page,
)


def test_the_page_of_settings_is_current() -> None:
    assert SETTINGS_PAGE.read_text(encoding="utf-8") == settings_page(), "run: python -m deploy.documents"


def test_the_page_of_connections_is_current() -> None:
    assert CONNECTIONS_PAGE.read_text(encoding="utf-8") == connections_page(), "run: python -m deploy.documents"


def test_the_chart_gives_the_users_of_kafka_their_rights() -> None:
    assert CHART_OF_KAFKA.read_text(encoding="utf-8") == chart_of_kafka(), "run: python -m deploy.documents"
