"""Set-up on strange machines: pip's configuration reaches uv, and npm's lock holds only what is named."""

import os
import shutil
import subprocess

import pytest

from deploy import lock, setup


def test_uv_is_told_what_pip_is_told() -> None:
    told = setup.translated(
        {
            "index-url": "https://mirror.example/simple",
            "find-links": "/opt/wheels\\n/opt/more",
            "trusted-host": "mirror.example other.example",
            "cert": "/etc/ssl/own.pem",
            "disable-pip-version-check": "1",
        }
    )
    assert told == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_FIND_LINKS": "/opt/wheels,/opt/more",
        "UV_INSECURE_HOST": "mirror.example other.example",
        "SSL_CERT_FILE": "/etc/ssl/own.pem",
    }


def test_pips_variables_weigh_more_than_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = ":env:.index-url='https://variable.example'\nglobal.index-url='https://file.example'\nglobal.timeout='7'\n"
    monkeypatch.setattr(setup, "output_of", lambda _argv: listed)
    assert setup.pip_configuration() == {"index-url": "https://variable.example", "timeout": "7"}


def test_uvs_own_variables_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "pip_configuration", lambda: {"index-url": "https://pip.example"})
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example")
    assert "UV_DEFAULT_INDEX" not in setup.uv_environment()


def test_a_failing_step_says_what_it_ran_and_what_that_said() -> None:
    with pytest.raises(setup.SetupError, match=r"packages: .* ended with status 3\.\nnot there"):
        setup.run("packages", ["sh", "-c", "echo not there; exit 3"])


def test_a_python_without_ensurepip_is_told_of_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(setup.SetupError, match="sudo apt-get install python3"):
        setup.install_ensurepip()


def test_a_failure_beside_the_rest_is_not_lost() -> None:
    def fail() -> None:
        raise setup.SetupError("no connection")

    with pytest.raises(setup.SetupError, match="no connection"):
        setup.InBackground("browser files", fail).wait()


def test_npms_lock_holds_what_is_named_and_nothing_that_bundles_were_made_of() -> None:
    full = {
        "lockfileVersion": 3,
        "packages": {
            "": {"dependencies": {"@a/bundle": "1.0.0"}},
            "node_modules/@a/bundle": {"version": "1.0.0", "integrity": "sha512-x", "dependencies": {"react": "^18"}},
            "node_modules/react": {"version": "18.0.0", "integrity": "sha512-y"},
        },
    }
    assert lock.only_named(full)["packages"] == {
        "": {"dependencies": {"@a/bundle": "1.0.0"}},
        "node_modules/@a/bundle": {"version": "1.0.0", "integrity": "sha512-x"},
    }


def test_no_lock_names_an_address() -> None:
    locks = [*sorted((setup.ROOT / "requirements").glob("*.lock")), setup.ROOT / "deploy" / "local" / "jars.lock.toml"]
    assert len(locks) == 9
    for path in [*locks, setup.ROOT / "package-lock.json"]:
        assert "://" not in path.read_text(encoding="utf-8"), path


def test_make_lists_its_targets() -> None:
    make = shutil.which("make")
    assert make is not None
    shown = subprocess.run([make, "help"], cwd=setup.ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "test", "check", "lock", "clean", "test-containers"):
        assert f"make {target} " in shown
