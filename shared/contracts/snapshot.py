"""`python -m shared.contracts.snapshot`: writes down the published language as it is now, next to this file.

A change that would break somebody is refused, unless `--decision docs/decisions/NNNN-….md` names the record that says
why nobody will be hurt.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from shared.contracts.catalogue import EVENT_TYPES, TOPICS, WATERMARK, Topic
from shared.contracts.compatibility import Breakage, compare_catalogues, compare_schemas
from shared.contracts.platform import Watermark

DIRECTORY = Path(__file__).parent / "snapshots"
_CATALOGUE = "catalogue"

Documents = Mapping[str, Mapping[str, Any]]


def current() -> Documents:
    """Returns every document of the published language by its name: each event type, the watermark, the catalogue."""
    schemas = {name: event.model_json_schema() for name, event in EVENT_TYPES.items()}
    catalogue = {topic.name: _describe(topic) for topic in (*TOPICS.values(), WATERMARK)}
    return {**schemas, "Watermark": Watermark.model_json_schema(), _CATALOGUE: catalogue}


def written(directory: Path = DIRECTORY) -> Documents:
    """Returns the documents as they were last written down."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(directory.glob("*.json"))}


def breakages(old: Documents, new: Documents) -> list[Breakage]:
    """Returns what would break somebody between two states of the language."""
    found = []
    for name, before in old.items():
        after = new.get(name)
        if name == _CATALOGUE:
            found += compare_catalogues(before, after or {})
        elif after is None:
            found.append(Breakage(name, "the event type was removed"))
        else:
            found += compare_schemas(name, before, after)
    return found


def write(documents: Documents, directory: Path = DIRECTORY) -> None:
    """Writes the documents down, and removes what is no longer among them."""
    directory.mkdir(exist_ok=True)
    for path in directory.glob("*.json"):
        if path.stem not in documents:
            path.unlink()
    for name, document in documents.items():
        text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
        (directory / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def main(arguments: Iterable[str] | None = None, directory: Path = DIRECTORY) -> int:
    """Returns the exit status: 0 when written, 1 when refused."""
    parser = argparse.ArgumentParser(prog="python -m shared.contracts.snapshot", description=__doc__)
    parser.add_argument("--decision", type=Path, help="the decision record of a change that breaks the language")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    found = breakages(written(directory), current())
    if found and not (chosen.decision and chosen.decision.is_file()):
        sys.stderr.write("".join(f"{each}\n" for each in found))
        sys.stderr.write("Only new optional fields are allowed. Undo these, or name a record with --decision.\n")
        return 1
    write(current(), directory)
    return 0


def _describe(topic: Topic) -> dict[str, Any]:
    return {
        "service": topic.service,
        "partitions": topic.partitions,
        "retention_ms": topic.retention_ms,
        "events": sorted(name for name, event in EVENT_TYPES.items() if event in topic.events),
    }


if __name__ == "__main__":
    raise SystemExit(main())
