"""Every alarm has a reason that a test causes, a page that says what to do, and figures that processes tell."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

import shared.watch.figures  # noqa: F401  tells figures of its own
from shared import metrics
from tests.support.alarms import RULES, alarms, rule_files

ROOT = Path(__file__).parents[2]
# What others tell: Prometheus of its scrapes and rules, kubelets of their volumes.
_OTHERS = {"up", "kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"}


def test_every_alarm_is_set_off_by_some_test() -> None:
    texts = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_alarms.py"))
    tried = {name for names in re.findall(r'fires\(\s*"([\w ]+)"', texts) for name in names.split()}
    assert alarms().keys() == tried


def test_every_alarm_has_a_page_that_exists() -> None:
    missing = {
        name: rule["annotations"]["runbook"]
        for name, rule in alarms().items()
        if not (ROOT / rule["annotations"]["runbook"]).is_file()
    }
    assert missing == {}
    assert {rule["labels"]["severity"] for rule in alarms().values()} == {"page", "ticket"}


def test_rules_and_dashboards_ask_for_figures_that_are_told() -> None:
    """A metric that was renamed makes an alarm silent, and a panel empty, without a word."""
    told = {family.name for family in metrics.REGISTRY.collect()}
    known = {name + ending for name in told for ending in ("", "_total", "_bucket", "_count", "_sum")}
    dashboards = sorted((RULES.parent / "grafana" / "dashboards").glob("*.json"))
    assert dashboards
    asked = {name for path in (*rule_files(), *dashboards) for name in _asked(path)}
    assert "group_lag" in asked
    assert asked - known - _OTHERS == set()


def _asked(path: Path) -> set[str]:
    """The names in a file's expressions that are neither labels nor what PromQL itself offers."""
    expressions = " ".join(_expressions(yaml.safe_load(path.read_text(encoding="utf-8"))))
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(by|on|without|group_left) ?\([^)]*\)|plut:[\w:]+", " ", expressions)
    return {word for word in re.findall(r"[a-z]\w*_\w+(?!\w*\()|\bup\b", bare) if f"{word}(" not in bare}


def _expressions(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        yield from (value for key, value in found.items() if key == "expr")
        found = list(found.values())
    if isinstance(found, list):
        for each in found:
            yield from _expressions(each)
