"""Texts of people: what is refused, what is warned about, what is left alone."""

import pytest

from services.mentoring.domain.texts import text_faults, text_warnings, tidy

LINES = frozenset({"place"})


@pytest.mark.parametrize(
    ("typed", "kept"),
    [(None, None), ("", None), (" \n ", None), (" Balai desa ", "Balai desa"), ("a\r\nb", "a\nb"), ("e\u0301", "é")],
)
def test_blanks_are_nothing(typed: str | None, kept: str | None) -> None:
    assert tidy(typed) == kept


def test_a_note_may_have_lines_and_a_place_may_not() -> None:
    assert [fault.field for fault in text_faults({"outcome": "a\nb", "place": "a\nb"}, lines=LINES)] == ["place"]


@pytest.mark.parametrize("text", ["a\u202eb", "a\x07b", "a\u2028b", "a\ue000b", "a\ud800b"])
def test_what_cannot_be_seen_is_refused(text: str) -> None:
    assert [fault.field for fault in text_faults({"outcome": text}, lines=LINES)] == ["outcome"]


def test_joiners_of_emoji_and_words_stay() -> None:
    assert list(text_faults({"outcome": "👩\u200d🍳"}, lines=LINES)) == []


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("NIK 3576990101900001", True),
        ("3576 9901 0190 0001", True),
        ("35.76.99.01.01.90.00.01", True),
        ("357699010190000", False),
        ("telepon 081234567890", False),
        (None, False),
    ],
)
def test_sixteen_digits_are_warned_about_and_not_repeated(text: str | None, *, warned: bool) -> None:
    warnings = text_warnings({"outcome": text})
    assert [each.field for each in warnings] == (["outcome"] if warned else [])
    assert all(text is not None and text not in f"{each.message}{each.cure}" for each in warnings)
