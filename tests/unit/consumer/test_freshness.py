"""As of the oldest of the services, and unknown if one is."""

from datetime import UTC, datetime, timedelta

from shared.consumer.watermarks import oldest

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def test_the_slowest_service_tells_how_fresh_all_is() -> None:
    assert oldest([NOW, NOW - timedelta(seconds=3)]) == NOW - timedelta(seconds=3)


def test_a_service_that_never_spoke_makes_it_unknown() -> None:
    assert oldest([NOW, None]) is None
    assert oldest([]) is None
