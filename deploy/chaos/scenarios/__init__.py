"""All scenarios, found by their classes: a module here, a class derived from Scenario with a name."""

import importlib
import pkgutil
from collections.abc import Sequence
from inspect import isabstract
from typing import Any

from deploy.chaos.scenario import Scenario


def all_scenarios() -> list[Scenario]:
    """Returns one of each, in the order of the matrix."""
    for found in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{found.name}")
    return sorted((each() for each in _children(Scenario) if _is_one(each)), key=_place)


def named(names: Sequence[str]) -> list[Scenario]:
    """Returns the scenarios of these names, or of these faults (`F2`). Raises KeyError with the first unknown one."""
    everything = all_scenarios()
    wanted = []
    for name in names:
        found = [each for each in everything if name.lower() in (each.name, each.faults.lower())]
        if not found:
            raise KeyError(name)
        wanted += [each for each in found if each not in wanted]
    return wanted


def _children(kind: type[Any]) -> list[type[Any]]:
    return [each for child in kind.__subclasses__() for each in (child, *_children(child))]


def _is_one(kind: type[Scenario]) -> bool:
    """Others are what several have in common."""
    return "name" in vars(kind) and not isabstract(kind)


def _place(scenario: Scenario) -> tuple[int, str]:
    return int(scenario.faults.removeprefix("F").split("/")[0]), scenario.name
