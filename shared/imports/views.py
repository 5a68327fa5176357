"""What is told of an import over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.imports.content import Found
from shared.imports.store import ImportRecord, State
from shared.sheets.columns import Column

_BLIND_SPOT = (
    "Uji coba tidak menyimpan apa-apa. Karena itu baris yang mirip dengan baris lain di lembar yang sama belum "
    "kelihatan, kecuali yang persis sama; begitu pula yang didaftarkan orang lain sesudah uji coba ini."
)


class ImportBegun(BaseModel):
    id: UUID
    state: State


class CountsView(BaseModel):
    """`rows` are all rows beneath the header that are not blank; in the end they are the sum of the others."""

    rows: int
    created: int
    unchanged: int
    matched: int
    possible_duplicate: int
    rejected: int
    skipped: int


class ColumnView(BaseModel):
    """A column as the sheet calls it; without `field` nothing is read from it."""

    label: Annotated[str, Field(examples=["Nama Usaha"])]
    field: Annotated[str | None, Field(examples=["trade_name"])]


class FailureView(BaseModel):
    message: str
    cure: str


class ImportView(BaseModel):
    """`finished` of `counts.rows` rows are done. `columns` and `remarks` are known once the sheet was read."""

    id: UUID
    office: Annotated[str, Field(examples=["35.76"])]
    dry_run: bool
    state: State
    size: int  # bytes of the file
    uploaded_by: str
    uploaded_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    counts: CountsView
    finished: int
    columns: list[ColumnView] = []
    remarks: list[str] = []
    failure: FailureView | None
    forgotten: Annotated[bool, Field(description="Berkas dan barisnya sudah dihapus, tinggal angkanya")]
    note: Annotated[str | None, Field(description="Apa yang tidak bisa dilihat oleh uji coba")]


class ImportPage(BaseModel):
    items: list[ImportView]
    next_cursor: str | None


class MappingForm(BaseModel):
    """All labels of the office's own; a label that is left out is forgotten."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    fields: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=200)], Annotated[str, Field(max_length=60)]],
        Field(max_length=100, description="Judul kolom → isian", examples=[{"Merek Dagang": "trade_name"}]),
    ]


class MappingSaved(BaseModel):
    office: Annotated[str, Field(examples=["35.76"])]
    fields: dict[str, str]


class FieldView(BaseModel):
    """A field that a column can stand for, and what it is called in the template."""

    field: str
    label: str
    required: bool
    help: str


class MappingView(MappingSaved):
    known: list[FieldView]


def import_view(record: ImportRecord, found: Found | None) -> ImportView:
    """Returns what is told of an import; `found` is its table if that was read and is not forgotten."""
    failure = record.failure
    return ImportView(
        id=record.job.id,
        office=record.job.office,
        dry_run=record.job.dry_run,
        state=record.state,
        size=record.size,
        uploaded_by=record.job.principal.subject,
        uploaded_at=record.uploaded_at,
        started_at=record.started_at,
        ended_at=record.ended_at,
        counts=CountsView.model_validate(record.counts, from_attributes=True),
        finished=record.counts.finished,
        columns=[] if found is None else _columns(found),
        remarks=[] if found is None else list(found.remarks),
        failure=None if failure is None else FailureView(message=failure.message, cure=failure.cure),
        forgotten=record.forgotten_at is not None,
        note=_BLIND_SPOT if record.job.dry_run else None,
    )


def field_view(column: Column) -> FieldView:
    return FieldView(field=column.field, label=column.label, required=column.required, help=column.help)


def _columns(found: Found) -> list[ColumnView]:
    ours = set(found.own.values())
    shown = [at for at, label in enumerate(found.labels) if label and at not in ours]
    return [ColumnView(label=found.labels[at], field=found.fields.get(at)) for at in shown]
