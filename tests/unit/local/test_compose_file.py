"""What docker-compose.yml promises of every container; none of it needs Docker."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from deploy.local.table import MIGRATIONS, PROGRAMS
from services.registry.settings import RegistrySettings
from services.reporting.settings import ReportingSettings
from shared.settings import Settings

ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
WITHOUT_PROFILE = {name: service for name, service in SERVICES.items() if "profiles" not in service}
ONCE = {name for name, service in SERVICES.items() if service["restart"] == "no"}
# Keycloak builds itself when it starts.
WRITES_ITSELF = {"keycloak"}
_UNITS = {"M": 1, "G": 1024}
_SECRET = re.compile(r"password|secret|key|token", re.IGNORECASE)


def megabytes(service: dict[str, Any]) -> int:
    limit = service["deploy"]["resources"]["limits"]["memory"]
    return int(limit[:-1]) * _UNITS[limit[-1]]


def replicas(service: dict[str, Any]) -> int:
    told = str(service["deploy"].get("replicas", 1))
    found = re.search(r"(\d+)}?$", told)
    assert found, told
    return int(found[1])


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened_and_limited(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is (name not in WRITES_ITSELF)
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    limits = service["deploy"]["resources"]["limits"]
    assert {"memory", "cpus", "pids"} <= set(limits)
    assert service["logging"]["options"]["max-size"]


def test_only_the_one_that_hands_files_to_their_owners_is_root() -> None:
    root = [name for name, service in SERVICES.items() if str(service.get("user", "image")).startswith("0")]
    more = [name for name, service in SERVICES.items() if "cap_add" in service]
    assert root == more == ["prepare"]
    assert SERVICES["prepare"]["network_mode"] == "none"


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONCE))
def test_everything_that_runs_on_says_how_it_is(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def test_what_ends_is_waited_for_by_another() -> None:
    """`up --wait` takes an end for a failure unless somebody waits for it."""
    waited = {
        needed
        for service in SERVICES.values()
        for needed, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    assert waited == ONCE


def test_all_that_runs_fits_four_gigabytes() -> None:
    running = [service for name, service in WITHOUT_PROFILE.items() if name not in ONCE]
    assert sum(megabytes(service) * replicas(service) for service in running) <= 4096


def test_the_same_processes_run_as_without_containers() -> None:
    counted = {name: replicas(service) for name, service in SERVICES.items()}
    for program in PROGRAMS:
        name = program.name.removesuffix(f"-{program.number}")
        assert counted[name] >= program.number
    assert {program.name for program in MIGRATIONS} <= ONCE


def test_no_secret_stands_in_the_file() -> None:
    for name, service in SERVICES.items():
        for variable, value in (service.get("environment") or {}).items():
            if _SECRET.search(variable):
                assert variable.endswith(("_FILE", "_DIR")), (name, variable)
                assert str(value).startswith("/run/secrets/"), (name, variable)


@pytest.mark.parametrize(
    ("name", "settings"), [("registry-consume", RegistrySettings), ("reporting-api", ReportingSettings)]
)
def test_what_a_service_can_be_told_reaches_it_from_outside(name: str, settings: type[Settings]) -> None:
    own = settings.model_fields.keys() - Settings.model_fields.keys() | {"traces_to", "traces_ratio"}
    told = SERVICES[name]["environment"]
    for field in own:
        if settings.model_fields[field].annotation is not SecretStr:
            assert f"PLUT_{field.upper()}" in told, field


def test_a_process_is_shown_its_own_secrets_alone() -> None:
    shown = {name: secret_directories(service) for name, service in SERVICES.items()}
    assert shown["registry-api"] == ["registry_app"]
    assert shown["registry-consume"] == ["registry_worker", "registry_app/keys"]
    assert shown["registry-relay"] == ["registry_worker"]
    for name in ("mentoring", "reporting"):
        assert shown[f"{name}-migrate"] == [f"{name}_owner"]
        assert shown[f"{name}-api"] == [f"{name}_app"]
        assert shown[f"{name}-consume"] == [f"{name}_worker"]


def secret_directories(service: dict[str, Any]) -> list[str]:
    mounts = [each for each in service.get("volumes", []) if isinstance(each, str)]
    return [found[1] for each in mounts if (found := re.search(r"/secrets/([^:]+):", each))]


def test_databases_and_their_clients_are_apart_from_the_door() -> None:
    assert list(SERVICES["front"]["networks"]) == ["edge"]
    for name in ("postgres", "kafka", "registry-relay", "reporting-consume"):
        assert SERVICES[name]["networks"] == ["data"]


def test_what_is_mounted_from_here_is_here() -> None:
    """Docker would make an empty directory in the place of a file that is missing."""
    for name, service in SERVICES.items():
        for mount in service.get("volumes", []):
            if isinstance(mount, str) and mount.startswith("./"):
                assert (ROOT / mount.split(":", 1)[0]).exists(), (name, mount)


def test_ports_are_open_to_this_machine_alone_unless_told() -> None:
    for service in SERVICES.values():
        for published in service.get("ports", []):
            assert published.startswith(("127.0.0.1:", "${PLUT_ADDRESS:-127.0.0.1}:"))
