"""A small disk beneath a directory: full when it is filled, and nothing of what stood there is lost."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.chaos import disk
from deploy.chaos.disk import Disk

pytestmark = pytest.mark.skipif(disk.why_not() is not None, reason=str(disk.why_not()))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Disk]:
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    (directory / "kept").write_bytes(b"before")
    small = Disk(directory)
    small.put(megabytes=2)
    yield small
    small.take_away()


def test_it_takes_what_was_there_and_gives_it_back(small: Disk) -> None:
    assert small.is_there
    assert (small.directory / "kept").read_bytes() == b"before"
    assert small.directory.stat().st_mode & 0o777 == 0o700
    (small.directory / "new").write_bytes(b"written on it")
    small.take_away()
    small.take_away()
    assert [each for each in [small] if each.is_there] == []
    assert sorted(path.name for path in small.directory.iterdir()) == ["kept", "new"]


def test_full_means_full_and_empty_again_means_room(small: Disk) -> None:
    assert small.fill() >= 2 << 20
    assert small.left == 0
    with pytest.raises(OSError, match="No space left") as raised:
        (small.directory / "more").write_bytes(b"x" * 8192)
    assert raised.value.errno == errno.ENOSPC
    small.empty()
    assert small.left >= 2 << 20
    (small.directory / "more").write_bytes(b"x" * 8192)
