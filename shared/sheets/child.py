"""The process that reads one uploaded file under limits: bytes on stdin, a JSON line per row on stdout.

It opens no file, sees no environment and leaves no core: what it holds is personal data.
"""

import json
import resource
import sys

from shared.sheets.wire import SheetRefused, encode_row

MOST_MEMORY = 768 * 1024 * 1024
MOST_SECONDS = 60


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    labels = frozenset(json.loads(sys.stdin.buffer.readline()))
    content = sys.stdin.buffer.read()
    try:
        _tell(content, labels)
    except SheetRefused as refused:
        _say(json.dumps({"refused": [refused.message, refused.cure]}))
    _say("end")
    sys.stdout.flush()


def _tell(content: bytes, labels: frozenset[str]) -> None:
    # Imported under the limits
    from shared.sheets.formats import choose_sheet

    chosen = choose_sheet(content, labels)
    _say(json.dumps({"remarks": chosen.remarks}))
    for row in chosen.rows:
        _say(encode_row(row))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
