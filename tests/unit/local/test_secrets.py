"""Secrets of an installation: made once, whoever asks first."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local import secrets


def test_of_many_who_ask_at_once_all_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        for number in range(20):
            path = tmp_path / "kept" / str(number)
            assert len(set(threads.map(lambda _: secrets.keep(path), range(16)))) == 1  # noqa: B023  used at once
    files = list((tmp_path / "kept").iterdir())
    assert len(files) == 20, "something unfinished was left behind"
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_what_stands_is_not_overwritten(tmp_path: Path) -> None:
    assert secrets.keep(tmp_path / "one", value="first") == "first"
    assert secrets.keep(tmp_path / "one", value="second") == "first"
