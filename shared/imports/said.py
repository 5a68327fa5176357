"""What an office writes into our columns of a result sheet before it uploads the sheet again. Pure."""

import re
from uuid import UUID

from shared.imports.rows import LABELS, NOTHING_SAID, RowStatus, Said
from shared.sheets.cells import text_of
from shared.sheets.columns import Own
from shared.sheets.tables import SheetRow, Table

NEW = "baru"
_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


def read_said(table: Table, row: SheetRow) -> Said:
    """Returns what `Status` says: `baru`, another one than those that this row names; `cocok` and one id, that one.

    Any other status is ours from the time before, and says nothing.
    """
    if not table.own:
        return NOTHING_SAID
    status = _text(table, row, Own.STATUS)
    if status == NEW:
        named = f"{_text(table, row, Own.SUBJECT)} {_text(table, row, Own.REASON)} {_text(table, row, Own.CURE)}"
        return Said(confirmed_new=True, seen=tuple(map(UUID, dict.fromkeys(_ID.findall(named)))))
    if status == LABELS[RowStatus.MATCHED]:
        ids = _ID.findall(_text(table, row, Own.SUBJECT))
        return Said(same_as=UUID(ids[0])) if len(ids) == 1 else NOTHING_SAID
    return NOTHING_SAID


def _text(table: Table, row: SheetRow, own: Own) -> str:
    return text_of(row.at(table.own[own])).casefold()
