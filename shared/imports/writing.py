"""The child that writes a result sheet: JSON lines come in, the workbook goes out when it is whole."""

import json
import sys
from typing import BinaryIO

from shared.sheets.result import ResultRow, write_result
from shared.sheets.wire import decode_row


def write(source: BinaryIO, target: BinaryIO) -> None:
    """Reads a header and rows, and writes them as a workbook."""
    header = json.loads(source.readline())
    write_result(target, header["labels"], header["subject"], (_result_row(line) for line in source))


def _result_row(line: bytes) -> ResultRow:
    told = json.loads(line)
    row = decode_row(told["row"])
    faults = {int(column): text for column, text in told["faults"].items()}
    return ResultRow(row.number, row.cells, told["status"], told["subject"], told["reason"], told["cure"], faults)


if __name__ == "__main__":
    write(sys.stdin.buffer, sys.stdout.buffer)
