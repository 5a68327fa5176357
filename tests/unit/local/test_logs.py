"""Logs are kept small while processes go on writing to them."""

from pathlib import Path

from deploy.local.logs import Tail, last_lines, rotate


def test_a_large_log_is_moved_aside_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "registry-api.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old\n" * 10)
        rotate(tmp_path, greatest=20)
        writer.write(b"new\n")
    assert log.read_text(encoding="utf-8") == "new\n"
    assert (tmp_path / "registry-api.log.1").read_text(encoding="utf-8") == "old\n" * 10


def test_a_small_log_stays(tmp_path: Path) -> None:
    (tmp_path / "kafka.log").write_text("few\n", encoding="utf-8")
    rotate(tmp_path, greatest=20)
    assert (tmp_path / "kafka.log").read_text(encoding="utf-8") == "few\n"


def test_the_last_lines_are_shown(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("1\n2\n3\n", encoding="utf-8")
    assert last_lines(tmp_path / "a.log", 2) == ["2", "3"]
    assert last_lines(tmp_path / "absent.log", 2) == []


def test_following_shows_whole_lines_also_after_the_log_was_emptied(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("before\n", encoding="utf-8")
    tail = Tail(log)
    with log.open("a", encoding="utf-8", buffering=1) as writer:
        writer.write("one\nha")
        writer.flush()
        assert tail.new_lines() == ["one"]
        writer.write("lf\n")
    assert tail.new_lines() == ["half"]
    log.write_text("new\n", encoding="utf-8")
    assert tail.new_lines() == ["new"]
