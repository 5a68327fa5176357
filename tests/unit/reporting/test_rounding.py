"""Where a figure is divided: one way of rounding for pages, answers and exports."""

from decimal import Decimal

import pytest

from services.reporting.rounding import divided, percentage
from services.reporting.wording import percent


@pytest.mark.parametrize(
    ("part", "whole", "told", "shown"),
    [
        (1, 16, "6.3", "6,3 %"),
        (3, 16, "18.8", "18,8 %"),
        (1, 3, "33.3", "33,3 %"),
        (2, 3, "66.7", "66,7 %"),
        (0, 7, "0.0", "0 %"),
    ],
)
def test_halves_go_up_on_pages_and_in_answers_alike(part: int, whole: int, told: str, shown: str) -> None:
    assert percentage(part, whole) == Decimal(told)
    assert percent(part, whole) == shown


def test_minutes_become_hours_by_the_same_rule() -> None:
    assert divided(63, 60) == Decimal("1.1")
