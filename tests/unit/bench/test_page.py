"""What the product owes, as rows of a page that are replaced one by one."""

from datetime import UTC, datetime
from pathlib import Path

from deploy.bench import owed, page
from deploy.bench.asking import Answer
from deploy.bench.owed import Figure
from deploy.bench.pipeline import Asked

NOW = datetime(2026, 11, 28, 20, 0, tzinfo=UTC)  # the 29th, in WIB
PIPELINE = {"p50_ms": 12.0, "p99_ms": 25.0, "relay_events_per_s": 70_000, "backlog_events_per_s": 9_000}


def test_figures_of_the_pipeline_stand_beside_what_is_owed_of_them() -> None:
    told = {**PIPELINE, "rebuild_events_per_s": None}
    figures = owed.of_pipeline(Asked(200, 30, commands=False, backlog=60_000), told)
    assert [(figure.limit, figure.is_kept) for figure in figures] == [
        (None, None),
        (20.0, False),
        (60_000.0, True),
        (10_000.0, False),
    ]
    assert figures[3].ratio == 0.9
    assert figures[3].command == "plut bench pipeline --backlog 60000 --consumers 1"


def test_nothing_is_owed_at_other_rates_nor_of_more_consumers_than_two() -> None:
    told = {**PIPELINE, "rebuild_events_per_s": 4_000}
    figures = owed.of_pipeline(Asked(50, 30, commands=False, backlog=1_000, consumers=4), told)
    assert [figure.limit for figure in figures] == [None, None, 60_000.0, None, 10_000.0]


def test_what_was_measured_otherwise_takes_no_row_of_another() -> None:
    told = {**PIPELINE, "rebuild_events_per_s": None}
    plain = owed.of_pipeline(Asked(200, 30, commands=False, backlog=1_000), told)
    other = Asked(200, 30, commands=True, backlog=1_000, messages=True, consumers=2, scattered=True)
    otherwise = owed.of_pipeline(other, told)
    assert {figure.what for figure in plain} & {figure.what for figure in otherwise} == {"outbox → Kafka, relays alone"}
    assert otherwise[0].what.endswith("200 events/s, 2 consumers, sessions scattered, by commands, clients asked: p50")
    assert otherwise[0].command == (
        "plut bench pipeline --rate 200 --seconds 30 --consumers 2 --scattered --commands --messages"
    )


def test_of_all_questions_the_slowest_and_the_steepest_are_told() -> None:
    answers = [
        Answer("/a", 100_000, 4.0, 9.0, 2.0),
        Answer("/a", 10_000_000, 5.0, 9.0, 3.0),
        Answer("/b", 100_000, 20.0, 51.0, 2.0),
        Answer("/b", 10_000_000, 20.0, 40.0, 3.0),
    ]
    slowest, steepest = owed.of_query(answers, 200.0)
    assert (slowest.measured, slowest.note, slowest.is_kept) == (51.0, "`/b`", False)
    assert (steepest.measured, steepest.note, steepest.is_kept) == (1.25, "`/a`", False)


def test_rows_are_replaced_and_all_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "performance.md"
    path.write_text("# What was measured\n\nSome words.\n\n## Where the time goes\n", encoding="utf-8")
    page.write(path, [Figure("a relay", 70_000, "events/s", "plut bench pipeline", 60_000, at_least=True)], NOW)
    page.write(path, [Figure("an answer", 50.5, "ms", "plut bench query", 50.0, note="`/b`")], NOW)
    page.write(path, [Figure("a relay", 59_000, "events/s", "plut bench pipeline", 60_000, at_least=True)], NOW)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# What was measured\n\nSome words.\n\n## Where the time goes\n")
    assert text.count("| a relay |") == text.count("| an answer |") == text.count("| what |") == 1
    assert "| a relay | ≥ 60,000 events/s | 59,000 events/s | 0.98 | **no** | 2026-11-29, " in text
    assert "| an answer | ≤ 50 ms | 50.5 ms (`/b`) | 1.01 | **no** |" in text


def test_a_page_that_is_not_there_is_made(tmp_path: Path) -> None:
    path = tmp_path / "performance.md"
    page.write(path, [Figure("recall", 0.96, "", "plut bench dedupe")], NOW)
    assert "| recall |  | 0.96 |  |  |" in path.read_text(encoding="utf-8")
