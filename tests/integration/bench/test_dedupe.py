"""The labelled set through the registry's own command: businesses that must stay apart are never merged."""

from pathlib import Path

import pytest

from deploy.bench import dedupe_find
from deploy.bench.dedupe import Judged, judge
from deploy.bench.dedupe_set import groups
from services.registry.domain.identity import Vault
from services.registry.domain.likeness import Verdict
from shared.privacy.keys import create_keys, load_keys
from tests.infrastructure.databases import Database


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    create_keys(tmp_path / "keys")
    return Vault(load_keys(tmp_path / "keys"))


async def test_most_are_found_and_none_is_wrongly_merged(database: Database, vault: Vault) -> None:
    judged = await judge(await database.pool("registry", "app"), vault, groups(seed=7, per_kind=4))
    told = judged.as_json()
    assert told["pairs"] > 150
    assert told["wrongly_merged"] == 0, told
    assert told["recall"] >= 0.8, told
    assert told["precision"] >= 0.8, told


def test_shares_are_of_the_pairs_that_they_are_about() -> None:
    judged = Judged()
    for same, verdict, times in (
        (True, Verdict.SAME, 3),
        (True, Verdict.POSSIBLE, 3),
        (True, Verdict.DIFFERENT, 2),
        (False, Verdict.SAME, 1),
        (False, Verdict.POSSIBLE, 1),
        (False, Verdict.DIFFERENT, 10),
    ):
        for _ in range(times):
            judged.note("kind", verdict, same=same)
    assert judged.as_json() == {
        "pairs": 20,
        "precision": 0.75,
        "recall": 0.75,
        "f1": 0.75,
        "wrongly_merged": 0.0833,
        "sent_to_review": 0.2,
        "wrong_by_kind": {"kind": 4},
    }


async def test_what_is_measured_among_many_finds_what_is_there(database: Database) -> None:
    owner = await database.pool("registry", "owner")
    await dedupe_find.fill(owner, 3_000, lambda _text: None)
    rows = await dedupe_find.sample(owner, 3_000)
    measured = await dedupe_find.ask(await database.pool("registry", "app"), 3_000, rows)
    assert len(measured.find) == len(measured.duplicates) == 400
    told = measured.as_json()
    assert told["businesses"] == 3_000
    assert 0 < told["find_p50_ms"] <= told["find_p99_ms"]
    assert 0 < told["duplicates_p50_ms"] <= told["duplicates_p99_ms"]
