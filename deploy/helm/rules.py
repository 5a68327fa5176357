"""What must hold of everything that the chart makes, beyond being well formed: each broken rule is a sentence."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from pydantic import ValidationError

from services.registry.settings import RegistrySettings
from services.reporting.settings import ReportingSettings
from shared.settings import Settings

Manifest = dict[str, Any]
_SETTINGS: dict[str, type[Settings]] = {
    "registry": RegistrySettings,
    "reporting": ReportingSettings,
}
_RUNS_LONG = ("api", "relay", "consume", "watch")
_KAFKA = ("relay", "consume", "watch")


def broken(manifests: Sequence[Manifest]) -> list[str]:
    """Returns what is wrong; an empty list if nothing is."""
    policies = [one for one in manifests if one["kind"] == "NetworkPolicy"]
    found = [*_no_secrets(manifests), *_targets_exist(manifests)]
    for pod in (one for one in manifests if one["kind"] in ("Deployment", "Job", "Pod")):
        found += [f"{_name(pod)}: {wrong}" for wrong in _wrong_with_pod(pod)]
        if policies:
            found += [f"{_name(pod)}: {wrong}" for wrong in _wrong_with_policies(pod, policies)]
    return found


def _name(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def _template(manifest: Manifest) -> Manifest:
    return manifest if manifest["kind"] == "Pod" else manifest["spec"]["template"]


def _labels(manifest: Manifest) -> dict[str, str]:
    return _template(manifest)["metadata"]["labels"]  # type: ignore[no-any-return] # YAML


def _role(manifest: Manifest) -> str:
    return _labels(manifest)["app.kubernetes.io/component"]


# Secrets


def _no_secrets(manifests: Sequence[Manifest]) -> Iterator[str]:
    yield from (f"{_name(one)}: secrets are made by hand" for one in manifests if one["kind"] == "Secret")


# Pods


def _wrong_with_pod(manifest: Manifest) -> Iterator[str]:
    spec = _template(manifest)["spec"]
    security = spec["securityContext"]
    if not security["runAsNonRoot"] or security["seccompProfile"]["type"] != "RuntimeDefault":
        yield "it may run as root, or without seccomp's profile"
    if spec["automountServiceAccountToken"]:
        yield "it has a token for the cluster's API"
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        yield from _wrong_with_container(container)
    if _role(manifest) == "test":
        return
    (container,) = spec["containers"]
    yield from _wrong_with_process(container)
    if _role(manifest) in _RUNS_LONG:
        yield from (f"it has no {probe}" for probe in ("startupProbe", "livenessProbe", "readinessProbe")
                    if probe not in container)  # fmt: skip
        if spec["terminationGracePeriodSeconds"] < 15:
            yield "it is killed before it can end"
    if _role(manifest) not in _KAFKA and (wrong := [word for word in _words(spec) if "kafka" in word.lower()]):
        yield f"it does not use Kafka and is told of it: {wrong[0]}"


def _wrong_with_container(container: Manifest) -> Iterator[str]:
    security = container["securityContext"]
    if (
        security["allowPrivilegeEscalation"]
        or not security["readOnlyRootFilesystem"]
        or security["capabilities"] != {"drop": ["ALL"]}
    ):
        yield f"container {container['name']} has rights that it does not need"
    if "memory" not in container["resources"].get("limits", {}):
        yield f"container {container['name']} may take all of the memory"
    if container["image"].endswith(":latest") or not {":", "@"} & set(container["image"].rpartition("/")[2]):
        yield f"container {container['name']} has no certain image"


def _wrong_with_process(container: Manifest) -> Iterator[str]:
    """Its command exists, and it would take every setting that it is told."""
    if not _exists(container["command"]):
        yield f"there is no process {' '.join(container['command'])}"
    kind = _SETTINGS.get(container["command"][2].removeprefix("services."), Settings)
    told = {one["name"].removeprefix("PLUT_").lower(): one["value"] for one in container["env"]}
    yield from (f"there is no setting PLUT_{name.upper()}" for name in told.keys() - kind.model_fields.keys())
    try:
        kind.model_validate(told)
    except ValidationError as error:
        yield from (f"PLUT_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors())


def _exists(command: Sequence[str]) -> bool:
    python, option, module, *roles = command
    if (python, option) != ("python", "-m"):
        return False
    if not roles:
        return find_spec(f"{module}.__main__") is not None
    return set(roles) <= set(import_module(f"{module}.__main__").ROLES)


def _words(value: Any) -> Iterator[str]:  # noqa: ANN401  YAML
    if isinstance(value, dict):
        for name, one in value.items():
            yield str(name)
            yield from _words(one)
    elif isinstance(value, list):
        for one in value:
            yield from _words(one)
    else:
        yield str(value)


# Network


def _wrong_with_policies(manifest: Manifest, policies: Sequence[Manifest]) -> Iterator[str]:
    applying = [one["spec"] for one in policies if _selects(one["spec"]["podSelector"]["matchLabels"], manifest)]
    if not any(set(one["policyTypes"]) == {"Ingress", "Egress"} and not one.get("egress") for one in applying):
        yield "what is not allowed is not denied to it"
    reached = [word for one in applying for word in _words(one.get("egress", []))]
    if _role(manifest) in _KAFKA:
        return
    if any("kafka" in word for word in reached):
        yield "it may reach Kafka"


def _selects(wanted: dict[str, str], manifest: Manifest) -> bool:
    return wanted.items() <= _labels(manifest).items()


# What points at what


def _targets_exist(manifests: Sequence[Manifest]) -> Iterator[str]:
    deployments = [one for one in manifests if one["kind"] == "Deployment"]
    names = {one["metadata"]["name"] for one in deployments}
    for one in manifests:
        spec = one.get("spec", {})
        if one["kind"] == "ScaledObject" and spec["scaleTargetRef"]["name"] not in names:
            yield f"{_name(one)}: there is nothing to scale"
        if one["kind"] == "Service" and not any(_selects(spec["selector"], each) for each in deployments):
            yield f"{_name(one)}: there is nobody behind it"
        if one["kind"] == "PodDisruptionBudget":
            guarded = [each for each in deployments if _selects(spec["selector"]["matchLabels"], each)]
            if len(guarded) != 1:
                yield f"{_name(one)}: it guards {len(guarded)} deployments"
