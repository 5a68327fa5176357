"""Which alarms go off by what processes really tell of themselves, judged by Prometheus's own rule engine.

What is scraped is real; only time is not: what was told last stays as it is, or goes on changing as it did, for as
long as an alarm waits.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from deploy.local import promtool
from shared import metrics

RULES = Path(__file__).parents[2] / "deploy" / "prometheus"
JOB = "mentoring-test"
_QUIET_STEPS = 20
# Days are judged by the quarter of an hour: by the minute they would take minutes themselves.
_LONG_MINUTES = 600

Samples = Mapping[str, float]


def nothing_told() -> None:
    """Forgets what this process has told so far: another test's leftovers would set alarms off."""
    for figure in set(metrics.REGISTRY._collector_to_names):
        if isinstance(figure, MetricWrapperBase) and figure._labelnames:
            figure.clear()


def told_here(job: str = JOB) -> Samples:
    """Returns what this process would answer to a scrape."""
    return {**_series(metrics.exposition().decode(), job), **_series("up 1\n", job)}


def told_by(url: str, job: str = JOB) -> Samples:
    """Returns what a process answers to a scrape; of one that does not answer, that it does not."""
    try:
        told = httpx.get(f"{url}/metrics", timeout=2).raise_for_status().text
        return {**_series(told, job), **_series("up 1\n", job)}
    except httpx.HTTPError:
        return _series("up 0\n", job)


def fires(names: str, before: Samples, after: Samples, *, goes_on: bool = False) -> None:
    """Holds that these alarms are silent by what was told before, and go off by what is told after it.

    `goes_on`: what has changed between the two goes on changing so, once a minute; where days are judged, once in
    a quarter of an hour.
    """
    patience = max(map(_patience, names.split()))
    step = 1 if patience < _LONG_MINUTES else 15
    story = _Story(before, after, _QUIET_STEPS, patience // step + 2, goes_on=goes_on)
    due = _QUIET_STEPS * step + patience
    questions = []
    for name in names.split():
        firing = f'ALERTS{{alertname="{name}",alertstate="firing"}}'
        questions += [
            _question(f"group({firing})", (_QUIET_STEPS - 1) * step),
            _question(f"group(max_over_time({firing}[{patience}m]))", due, {"labels": "{}", "value": 1}),
        ]
    _judge(story, names.split(), questions, step)


def _question(expression: str, minute: int, *expected: Mapping[str, Any]) -> dict[str, Any]:
    return {"expr": expression, "eval_time": f"{minute}m", "exp_samples": list(expected)}


@dataclass(frozen=True)
class _Story:
    before: Samples
    after: Samples
    quiet: int
    rest: int
    goes_on: bool

    def series(self) -> list[dict[str, str]]:
        return [{"series": name, "values": self._values(name)} for name in sorted({*self.before, *self.after})]

    def _values(self, name: str) -> str:
        before, after = self.before.get(name), self.after.get(name)
        step = (after or 0.0) - (before or 0.0) if self.goes_on and after is not None else 0.0
        return f"{_stretch(before, 0.0, self.quiet)} {_stretch(after, step, self.rest)}"


def _stretch(value: float | None, step: float, times: int) -> str:
    if value is None:
        return f"_x{times}"
    return f"{value:.6f}+{step:.6f}x{times - 1}" if step >= 0 else f"{value:.6f}-{-step:.6f}x{times - 1}"


def _judge(story: _Story, names: Sequence[str], questions: list[dict[str, Any]], step: int) -> None:
    tool = promtool.find()
    if tool is None:
        pytest.fail(f"promtool is not there: {promtool.CURE}")
    test = {"interval": f"{step}m", "input_series": story.series(), "promql_expr_test": questions}
    # What alarms look at is measured first, as it is a moment before in reality.
    groups = [
        {"name": "measured", "rules": _measured_for(names)},
        {"name": "alarms", "rules": [alarms()[name] for name in names]},
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as rules:
        json.dump({"groups": groups}, rules)  # the words of the rules, and JSON is YAML
        rules.flush()
        told = json.dumps(
            {
                "rule_files": [rules.name],
                "group_eval_order": ["measured", "alarms"],
                "evaluation_interval": f"{step}m",
                "tests": [test],
            }
        )
        judge = [str(tool), "test", "rules", "/dev/stdin"]
        judged = subprocess.run(judge, input=told, capture_output=True, text=True, check=False)
    assert judged.returncode == 0, f"{judged.stdout}\n{judged.stderr}\n{told}"


def _measured_for(names: Sequence[str]) -> list[Mapping[str, Any]]:
    """Returns the recorded figures that these alarms look at: judging all of them would take minutes."""
    recorded = {rule["record"]: rule for rules in _groups().values() for rule in rules if "record" in rule}
    looked_at = " ".join(alarms()[name]["expr"] for name in names)
    return [rule for record, rule in recorded.items() if re.search(rf"{re.escape(record)}\b", looked_at)]


def rule_files() -> list[Path]:
    return sorted(RULES.glob("*.yml"))


@cache
def alarms() -> Mapping[str, Mapping[str, Any]]:
    """Returns every alarm by its name."""
    return {rule["alert"]: rule for rules in _groups().values() for rule in rules if "alert" in rule}


@cache
def _groups() -> Mapping[str, list[Mapping[str, Any]]]:
    groups = (group for path in rule_files() for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"])
    return {group["name"]: group["rules"] for group in groups}


def _patience(alarm: str) -> int:
    """Returns how many minutes it takes at most: the window that it looks at, and how long it waits then."""
    rule = alarms()[alarm]
    windows = re.findall(r"ratio(\d+[mhd])", rule["expr"]) + re.findall(r"\[(\d+[mhd])\]", rule["expr"])
    return 2 + max((_minutes(each) for each in windows), default=0) + _minutes(rule.get("for", "0m"))


def _minutes(text: str) -> int:
    return int(text[:-1]) * {"m": 1, "h": 60, "d": 1440}[text[-1]]


@cache
def _names() -> frozenset[str]:
    """Every word of the rules: what none of them names need not be judged."""
    return frozenset(re.findall(r"\w+", " ".join(path.read_text(encoding="utf-8") for path in rule_files())))


def _series(text: str, job: str) -> Samples:
    found = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {
        _name(sample.name, {**sample.labels, "job": job, "instance": job}): sample.value
        for sample in found
        if sample.name in _names()
    }


def _name(name: str, labels: Mapping[str, str]) -> str:
    return f"{name}{{{','.join(_pairs(labels.items()))}}}"


def _pairs(labels: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (f"{key}={json.dumps(value)}" for key, value in sorted(labels))
