"""What a page shows as a table, to be taken along: the same rows in the same order, with what must be known of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from services.reporting import wording
from services.reporting.answers import Instant
from services.reporting.exports import Column, Format, Report, Row, Separator, Type, listed, render
from services.reporting.periods import PeriodAsked
from shared.auth.principal import Principal
from shared.http.problem import at_field

FORMS = {"csv": Format.CSV, "xlsx": Format.XLSX}


@dataclass(frozen=True, slots=True)
class Table:
    """`period` is None where the table shows how things are now."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    period: PeriodAsked | None = None


Tables = Callable[[Mapping[str, Any]], Mapping[str, Table]]


def text(key: str, label: str) -> Column:
    """Returns a column of texts."""
    return Column(key, label, Type.TEXT)


async def download(wanted: str, tables: Mapping[str, Table], instant: Instant, who: Principal) -> Response:
    """Returns a table as a file, such as `kantor.csv`; raises a 422 Problem for one that the page does not have.

    CSV has semicolons, for Excel in Indonesia takes a comma for the sign before decimals.
    """
    name, _, ending = wanted.rpartition(".")
    if name not in tables or ending not in FORMS:
        known = ", ".join(f"{one}.csv" for one in tables)
        raise at_field("unduh", "Berkas tidak dikenal.", f"Pilih salah satu: {known}; atau akhiran .xlsx.")
    table = tables[name]
    report = Report(
        table.name,
        table.title,
        table.columns,
        listed(table.rows),
        instant,
        wording.role(who),
        periods=[table.period] if table.period else [],
    )
    return await render(report, FORMS[ending], {"Cache-Control": "no-store"}, Separator.SEMICOLON)
