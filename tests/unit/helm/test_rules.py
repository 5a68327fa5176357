"""The rules notice what they are for: a manifest that keeps them, and each way of breaking one."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from deploy.helm.rules import Manifest, broken

LABELS = {"app.kubernetes.io/name": "plut", "plut/service": "registry", "app.kubernetes.io/component": "api"}
EVERYBODY = {"app.kubernetes.io/name": "plut"}


def deployment() -> Manifest:
    container = {
        "name": "api",
        "image": "plut-registry:1",
        "command": ["python", "-m", "services.registry", "api"],
        "env": [{"name": "PLUT_POSTGRES_PORT", "value": "5432"}],
        "resources": {"limits": {"memory": "256Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "startupProbe": {},
        "livenessProbe": {},
        "readinessProbe": {},
    }
    pod = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 20,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    template = {"metadata": {"labels": LABELS}, "spec": pod}
    return {"kind": "Deployment", "metadata": {"name": "plut-registry-api"}, "spec": {"template": template}}


def policies() -> list[Manifest]:
    nothing = {"podSelector": {"matchLabels": EVERYBODY}, "policyTypes": ["Ingress", "Egress"]}
    postgres = {"to": [{"podSelector": {"matchLabels": {"app": "postgres"}}}]}
    own = {**nothing, "podSelector": {"matchLabels": LABELS}, "egress": [postgres]}
    return [
        {"kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec}
        for name, spec in (("nothing", nothing), ("plut-registry-api", own))
    ]


def guards() -> list[Manifest]:
    return [
        {"kind": "Service", "metadata": {"name": "plut-registry"}, "spec": {"selector": LABELS}},
        {
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "plut-registry-api"},
            "spec": {"selector": {"matchLabels": LABELS}},
        },
        {
            "kind": "ScaledObject",
            "metadata": {"name": "plut-registry-api"},
            "spec": {"scaleTargetRef": {"name": "plut-registry-api"}},
        },
    ]


def all_of_it() -> list[Manifest]:
    return [deployment(), *policies(), *guards()]


def pod(made: list[Manifest]) -> Any:
    return made[0]["spec"]["template"]["spec"]


def container(made: list[Manifest]) -> Any:
    return pod(made)["containers"][0]


def told(name: str, value: str) -> Callable[[list[Manifest]], Any]:
    return lambda made: container(made)["env"].append({"name": name, "value": value})


def test_nothing_is_wrong_with_what_keeps_them() -> None:
    assert broken(all_of_it()) == []


WAYS: dict[str, Callable[[list[Manifest]], Any]] = {
    "may run as root": lambda made: pod(made)["securityContext"].update(runAsNonRoot=False),
    "has a token": lambda made: pod(made).update(automountServiceAccountToken=True),
    "is killed before": lambda made: pod(made).update(terminationGracePeriodSeconds=10),
    "rights that it does not need": lambda made: container(made)["securityContext"].update(
        readOnlyRootFilesystem=False
    ),
    "all of the memory": lambda made: container(made).update(resources={}),
    "no certain image": lambda made: container(made).update(image="registry.example:5000/plut-registry"),
    "has no livenessProbe": lambda made: container(made).pop("livenessProbe"),
    "there is no process": lambda made: container(made)["command"].__setitem__(3, "consumes"),
    "there is no setting PLUT_POSTGRES_PROT": told("PLUT_POSTGRES_PROT", "5432"),
    "PLUT_POSTGRES_SSLMODE: ": told("PLUT_POSTGRES_SSLMODE", "require"),
    "is told of it: PLUT_KAFKA_BOOTSTRAP": told("PLUT_KAFKA_BOOTSTRAP", "broker:9093"),
    "may reach Kafka": lambda made: made[2]["spec"]["egress"].append({"to": [{"podSelector": {"app": "kafka"}}]}),
    "is not denied": lambda made: made.pop(1),
    "secrets are made by hand": lambda made: made.append({"kind": "Secret", "metadata": {"name": "x"}}),
    "nobody behind it": lambda made: made[3]["spec"].update(selector={"app": "else"}),
    "guards 0": lambda made: made[4]["spec"]["selector"].update(matchLabels={"app": "else"}),
    "nothing to scale": lambda made: made[5]["spec"]["scaleTargetRef"].update(name="else"),
}


@pytest.mark.parametrize("said", WAYS)
def test_each_way_of_breaking_one_is_told(said: str) -> None:
    made = deepcopy(all_of_it())
    WAYS[said](made)
    assert [one for one in broken(made) if said in one], broken(made)
