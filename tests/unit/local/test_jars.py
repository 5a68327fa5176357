"""Kafka's jars: what is damaged is fetched again, what does not match the lock is refused."""

import hashlib
from pathlib import Path

import pytest

from deploy.local import jars
from deploy.local.jars import Jar, JarsError

GOOD = b"bytecode"
JAR = Jar("org.example", "broker", "1.0", hashlib.sha256(GOOD).hexdigest())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(jars, "locked", lambda: [JAR])
    return tmp_path / "plut" / "jars"


def _serve(monkeypatch: pytest.MonkeyPatch, content: bytes) -> list[str]:
    """Replaces the network: jgo's artifact resolves to a file with this content."""
    from jgo.maven import Artifact

    asked: list[str] = []

    def resolve(artifact: Artifact) -> Path:
        asked.append(artifact.filename)
        path: Path = artifact.context.repo_cache / artifact.filename
        path.write_bytes(content)
        return path

    monkeypatch.setattr(Artifact, "resolve", resolve)
    return asked


def test_a_missing_jar_is_fetched_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _serve(monkeypatch, GOOD)
    told: list[tuple[int, int]] = []
    assert jars.fetch(lambda done, total: told.append((done, total))) == cache
    jars.fetch()
    assert asked == ["broker-1.0.jar"]
    assert told == [(1, 1)]
    assert jars.missing() == []


def test_a_damaged_jar_is_fetched_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _serve(monkeypatch, GOOD)
    cache.mkdir(parents=True)
    (cache / "broker-1.0.jar").write_bytes(GOOD[:-1])
    jars.fetch()
    assert (cache / "broker-1.0.jar").read_bytes() == GOOD


def test_another_content_than_locked_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _serve(monkeypatch, b"something else")
    with pytest.raises(JarsError, match="another SHA-256"):
        jars.fetch()
    assert [path.name for path in cache.iterdir()] == [".lock"]


def test_without_a_connection_it_says_so(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jgo.maven import Artifact

    def resolve(_artifact: Artifact) -> Path:
        raise OSError("name or service not known")

    monkeypatch.setattr(Artifact, "resolve", resolve)
    with pytest.raises(JarsError, match=r"could not be fetched.*Is there a connection"):
        jars.fetch()
    assert not (cache / "broker-1.0.jar").exists()


def test_the_lock_pins_every_jar() -> None:
    found = jars.locked()
    assert len(found) == len({jar.file for jar in found}) > 40
    assert all(len(jar.sha256) == 64 for jar in found)
