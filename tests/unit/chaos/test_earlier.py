"""Which earlier product is tried beside this one."""

import subprocess

import pytest

from deploy.chaos import earlier
from deploy.chaos.earlier import EarlierError

pytestmark = pytest.mark.skipif(earlier.why_not() is not None, reason=str(earlier.why_not()))


def test_it_is_an_ancestor_of_this_code() -> None:
    commit = earlier.revision()
    assert _git("merge-base", "--is-ancestor", commit, "HEAD") == (0, "")
    assert _git("rev-parse", "HEAD") != (0, commit)


def _git(*words: str) -> tuple[int, str]:
    done = subprocess.run(["git", *words], cwd=earlier.ROOT, capture_output=True, text=True, check=False)  # noqa: S607  the user's git
    return done.returncode, done.stdout.strip()


def test_code_without_its_history_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr(earlier, "ROOT", tmp_path_factory.mktemp("unpacked"))
    with pytest.raises(EarlierError, match="history of this code is not here"):
        earlier.revision()
