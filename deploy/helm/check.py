"""Checks the chart without a cluster: `python -m deploy.helm.check`. Exit status 1 names everything that is wrong.

Each set of values is linted, rendered, held against the schemas of Kubernetes and of the operators, and against rules
of our own; then what must be refused is tried: bad values, and manifests with an error in each kind.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.helm import tools
from deploy.helm.rules import Manifest, broken

HERE = Path(__file__).parent
CHART = HERE / "plut"
KUBERNETES = "1.30"
_FOR_KUBERNETES = ("--kube-version", f"{KUBERNETES}.0")
# Each must be refused, with these words in what is said of it.
BAD_VALUES = {
    "services.registry.processes.api.replicas=0": "/services/registry/processes/api/replicas",
    "services.reporting.processes.consume.replicas=13": "/services/reporting/processes/consume/replicas",
    "services.reporting.processes.relay.replicas=1": "relay",
    "services.mentoring.settings.PLUT_KAFKA_PASSWORD=x": "PLUT_KAFKA_PASSWORD",
    "services.mentoring.settings.kafka=x": "kafka",
    "services.mentoring.settings.PLUT_LOG_LEVEL=DEBUG": "PLUT_LOG_LEVEL",
    "services.mentoring.settings.PLUT_KAFKA_BOOTSTRAP=x:9093": "PLUT_KAFKA_BOOTSTRAP",
    "services.mentoring.settings.PLUT_TRACES_TO=http://collector:4318/v1/traces": "networkPolicies.traces.to",
    "services.mentoring.processes.api.resources.limits=null": "limits",
    "postgres.sslmode=require": "/postgres/sslmode",
    "postgres.ca=null": "ca",
    "kafka.securityProtocol=SASL_PLAINTEXT": "/kafka/securityProtocol",
    "kafka.ca=null": "ca",
    "kafka.bootstrap=nowhere": "/kafka/bootstrap",
    "environment=staging": "/environment",
    "image.tag=latest": "/image/tag",
    "image.digests.registry=abc": "/image/digests/registry",
    "keda.maxReplicas=13": "/keda/maxReplicas",
    "strimzi.enabled=true,strimzi.brokers.replicas=2": "strimzi.brokers.replicas",
    "networkPolicies.postgres[0].everybody=true": "/networkPolicies/postgres/0",
    "secrets.password=x": "secrets",
}


@dataclass(frozen=True)
class Checker:
    """The tools, and where the schemas are."""

    helm: Path
    validator: Path
    schemas: Path

    def sets(self) -> dict[str, list[str]]:
        """Returns the options of each set of values by its name."""
        own = {path.stem: ["--values", str(path)] for path in sorted((HERE / "values").glob("*.yaml"))}
        return {"default": [], **own}

    def render(self, options: list[str]) -> "subprocess.CompletedProcess[str]":
        return _run([str(self.helm), "template", "plut", str(CHART), *_FOR_KUBERNETES, *options])

    def lint(self, options: list[str]) -> Iterator[str]:
        done = _run([str(self.helm), "lint", "--strict", str(CHART), *_FOR_KUBERNETES, *options])
        if done.returncode != 0:
            yield done.stdout

    def validate(self, manifests: list[Manifest]) -> list[str | None]:
        """Returns for each manifest what the schemas say against it, None if nothing."""
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "manifests.yaml"
            path.write_text(yaml.safe_dump_all(manifests), encoding="utf-8")
            options = ["--local-crds", str(self.schemas), "--version", KUBERNETES, "--output", "json"]
            done = _run([str(self.validator), str(path), *options])
            said: list[dict[str, Any]] = json.loads(done.stdout)[str(path)]
        if len(said) != len(manifests):
            raise tools.ToolError(f"{len(manifests)} manifests were to be validated, {len(said)} were: {done.stderr}")
        return [None if one["status"] == "Success" else one["message"] for one in said]


def _run(argv: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603  our own commands


def check(checker: Checker, say: Callable[[str], None]) -> list[str]:
    """Returns everything that is wrong; `say` is told what was looked at."""
    wrong: list[str] = []
    kinds: dict[str, Manifest] = {}
    for name, options in checker.sets().items():
        wrong += [f"{name}: {one}" for one in checker.lint(options)]
        done = checker.render(options)
        if done.returncode != 0:
            wrong.append(f"{name}: {done.stderr}")
            continue
        manifests = [one for one in yaml.safe_load_all(done.stdout) if one]
        verdicts = zip(manifests, checker.validate(manifests), strict=True)
        wrong += [f"{name}: {one['kind']} {one['metadata']['name']}: {said}" for one, said in verdicts if said]
        wrong += [f"{name}: {one}" for one in broken(manifests)]
        kinds.update({one["kind"]: one for one in manifests})
        say(f"{name}: {len(manifests)} manifests")
    wrong += _what_passes_though_broken(checker, list(kinds.values()))
    wrong += _what_passes_though_bad(checker)
    say(f"refused as they should be: an error in each of {len(kinds)} kinds, {len(BAD_VALUES)} bad values")
    return wrong


def _what_passes_though_broken(checker: Checker, manifests: list[Manifest]) -> Iterator[str]:
    """A kind without a schema, or with one that takes everything, would prove nothing."""
    for manifest, said in zip(manifests, checker.validate([_broken(one) for one in manifests]), strict=True):
        if said is None or "notAField" not in said:
            yield f"an unknown field in a {manifest['kind']} is not noticed"


def _broken(manifest: Manifest) -> Manifest:
    worse = deepcopy(manifest)
    worse.get("spec", worse)["notAField"] = True
    return worse


def _what_passes_though_bad(checker: Checker) -> Iterator[str]:
    for value, word in BAD_VALUES.items():
        done = checker.render(["--set", value])
        if done.returncode == 0:
            yield f"the values' schema takes {value}"
        elif word not in done.stderr:
            yield f"{value} is refused without naming it: {done.stderr}"


def main() -> None:
    """Runs the check."""
    try:
        with tempfile.TemporaryDirectory() as schemas:
            tools.schemas(Path(schemas))
            wrong = check(Checker(tools.helm(), tools.built("kubectl-validate"), Path(schemas)), print)
    except tools.ToolError as error:
        sys.exit(f"the chart could not be checked: {error}")
    sys.exit("\n".join(wrong) or None)


if __name__ == "__main__":
    main()
