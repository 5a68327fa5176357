"""A restore that is refused leaves a new data directory as it was: the next one may be told the right secrets."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.backup import keys
from deploy.backup.folder import BackupError
from deploy.backup.place import free_place
from deploy.cli.main import app
from deploy.local.installation import Installation
from shared.privacy.keys import create_keys


def test_secrets_are_gone_again_if_no_cluster_came(tmp_path: Path) -> None:
    old, new = Installation.open(tmp_path / "old"), Installation.open(tmp_path / "new")
    create_keys(old.keys_dir)
    expected = keys.fingerprints(old.keys_dir)

    def restored_from_a_damaged_one() -> None:
        with free_place(new, old.secrets_home, expected, replace=False):
            assert new.keys_dir.is_dir()
            raise BackupError("damaged", "another one")

    with pytest.raises(BackupError, match="damaged"):
        restored_from_a_damaged_one()
    assert not new.secrets_home.exists()
    with free_place(new, old.secrets_home, expected, replace=False) as directory:
        directory.mkdir()
    assert keys.fingerprints(new.keys_dir) == expected


def test_secrets_stay_with_a_cluster_that_came(tmp_path: Path) -> None:
    """Whatever fails behind that: without them nobody could log in to it."""
    old, new = Installation.open(tmp_path / "old"), Installation.open(tmp_path / "new")
    create_keys(old.keys_dir)
    expected = keys.fingerprints(old.keys_dir)

    def restored_and_then_failed() -> None:
        with free_place(new, old.secrets_home, expected, replace=False) as directory:
            directory.mkdir()
            raise OSError("the log could not be removed")

    with pytest.raises(OSError, match="the log"):
        restored_and_then_failed()
    assert keys.fingerprints(new.keys_dir) == expected


def test_one_process_is_not_started_where_nothing_runs(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["up", "kafka", "--data-dir", str(tmp_path)])
    assert told.exit_code == 1
    assert "plut up --detach" in told.output
