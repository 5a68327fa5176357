"""How often one address may ask without a login."""

import pytest

from services.registry.api import throttle
from services.registry.api.throttle import Throttle
from shared.http.problem import Problem


class Clock:
    now = 30.0

    def __call__(self) -> float:
        return self.now


def test_each_address_has_so_many_a_minute_of_its_own() -> None:
    clock = Clock()
    gate = Throttle(most=3, clock=clock)
    for _ in range(3):
        gate.admit("192.0.2.1")
        gate.admit("192.0.2.2")
    with pytest.raises(Problem) as refused:
        gate.admit("192.0.2.1")
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "31")
    clock.now = 60.0
    gate.admit("192.0.2.1")


def test_it_forgets_rather_than_growing_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "_MOST_ADDRESSES", 10)
    gate = Throttle(clock=Clock())
    for number in range(1000):
        gate.admit(f"192.0.2.{number}")
        assert len(gate._counts) <= 10
