"""Says which events of a directory the code of some checkout understands: `python understanding.py DIRECTORY`.

Run as a file, with the Python of that checkout, so that it is that checkout's contracts that read.
"""

import json
import sys
from pathlib import Path


def main(directory: Path) -> None:
    """Prints a JSON object: each file's name with why it is not understood, or where it is changed; else empty."""
    from shared.contracts.catalogue import parse

    told = {}
    for path in sorted(directory.glob("*.json")):
        payload = json.loads(path.read_text(encoding="utf-8"))
        try:
            event = parse(payload["type"], json.dumps(payload))
        except ValueError as error:
            told[path.stem] = str(error)
        else:
            # An unknown type is passed over by design.
            told[path.stem] = "" if event is None else said_otherwise(payload, json.loads(event.model_dump_json()))
    sys.stdout.write(json.dumps(told))


def said_otherwise(payload: object, told: object, where: str = "") -> str:
    """Returns where `told` says something else than `payload`; fields that only one of them knows do not count."""
    if isinstance(payload, dict) and isinstance(told, dict):
        pairs = [(key, payload[key], told[key]) for key in sorted(payload.keys() & told.keys())]
    elif isinstance(payload, list) and isinstance(told, list) and len(payload) == len(told):
        pairs = [(place, one, other) for place, (one, other) in enumerate(zip(payload, told, strict=True))]
    else:
        return "" if payload == told else where
    return next(filter(None, (said_otherwise(one, other, f"{where}.{key}") for key, one, other in pairs)), "")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
