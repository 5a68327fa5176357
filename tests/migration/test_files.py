"""What a migration file may say."""

from pathlib import Path

from shared.migrations import Migration, read_migrations


def _of_a_service(directory: Path) -> Migration:
    (migration,) = [one for one in read_migrations(directory) if one.origin == "service"]
    return migration


def test_what_a_file_includes_is_part_of_it(tmp_path: Path) -> None:
    service, common = tmp_path / "service", tmp_path / "tables.sql"
    service.mkdir()
    (service / "0001_tables.sql").write_text("-- Tables.\n\\ir ../tables.sql\nselect 2;\n", encoding="utf-8")
    common.write_text("select '\\1';\n", encoding="utf-8")
    before = _of_a_service(service)
    assert before.sql == "-- Tables.\nselect '\\1';\n\nselect 2;\n"
    common.write_text("select 3;\n", encoding="utf-8")
    assert _of_a_service(service).digest != before.digest, "an edit of what was applied would not be seen"
