"""Reports on their way out: JSON, CSV and XLSX, each with definitions, filters, as-of and classification."""

from collections.abc import AsyncIterator, Mapping
from enum import StrEnum
from typing import BinaryIO

from starlette.responses import Response, StreamingResponse

from services.reporting.exports import delimited, structured, workbook
from services.reporting.exports.delimited import Separator
from services.reporting.exports.report import Cell, Classification, Column, Report, Row, Type, listed
from services.reporting.exports.structured import IndicatorCard, ReportAnswer, card

__all__ = [
    "Cell",
    "Classification",
    "Column",
    "Format",
    "IndicatorCard",
    "Report",
    "ReportAnswer",
    "Row",
    "Separator",
    "Type",
    "card",
    "listed",
    "render",
]
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PIECE = 65_536


class Format(StrEnum):
    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


async def render(
    report: Report, form: Format, headers: Mapping[str, str], separator: Separator = Separator.COMMA
) -> Response:
    """Returns the report as it was asked for. Raises a 422 Problem for more rows than a workbook holds."""
    match form:
        case Format.JSON:
            return StreamingResponse(structured.write(report), 200, headers, "application/json")
        case Format.CSV:
            told = {**headers, **_attached(report, form)}
            return StreamingResponse(delimited.write(report, separator), 200, told, "text/csv; charset=utf-8")
        case Format.XLSX:
            file = await workbook.written(report)
            return StreamingResponse(_pieces(file), 200, {**headers, **_attached(report, form)}, _XLSX)


def _attached(report: Report, form: Format) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{report.file_name(form)}"'}


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
