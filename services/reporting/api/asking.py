"""What was asked: by whom, of which offices and periods, in which form. A wrong question is told how to be mended."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request

from services.reporting import periods
from services.reporting.codes import NAMES
from services.reporting.domain import Period, today
from services.reporting.exports import Format, Separator
from services.reporting.periods import PeriodAsked
from services.reporting.projections.businesses_by_region import LEVELS
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.clock import utc_now
from shared.http.cursors import PageCursors
from shared.http.problem import at_field
from shared.http.requests import allow, principal_for
from shared.reference.regions import regencies, regions

MOST_ON_A_PAGE = 500

READER = Depends(principal_for(Action.READ_REPORTS))
Reader = Annotated[Principal, READER]
PeriodText = Annotated[
    str | None,
    Query(
        description="Tahun 2024, triwulan 2024-Q2, bulan 2024-05, hari 2024-05-17 (WIB), atau all; bawaan: bulan ini",
        max_length=20,
        examples=["2026-Q2"],
    ),
]
Office = Annotated[
    str | None,
    Query(description="Kode kantor; bawaan: semua kantor Anda", max_length=20, examples=["35.76"]),
]
Region = Annotated[
    str | None,
    Query(description="Kode wilayah Kemendagri", max_length=20, examples=["35.76"]),
]
Limit = Annotated[int, Query(ge=1, le=MOST_ON_A_PAGE, description="Baris per halaman")]
Cursor = Annotated[str | None, Query(max_length=400, description="`next_cursor` dari halaman sebelumnya")]
_OFFICE = re.compile(r"^\d{2}\.\d{2}$", re.ASCII)
_ACCEPTED = {
    "text/csv": Format.CSV,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Format.XLSX,
}


@dataclass(frozen=True, slots=True)
class Form:
    """How a report is to be written down."""

    format: Format
    separator: Separator


async def form_asked(
    request: Request,
    format_: Annotated[
        Format | None, Query(alias="format", description="Bawaan: menurut header Accept, kalau tidak json")
    ] = None,
    separator: Annotated[
        Separator, Query(alias="pemisah", description="Pemisah kolom CSV; Excel berbahasa Indonesia: titik-koma")
    ] = Separator.COMMA,
) -> Form:
    """A dependency: the form that was asked for by name, or else by the Accept header."""
    accepted = request.headers.get("accept", "").split(",")[0].split(";")[0].strip()
    return Form(format_ or _ACCEPTED.get(accepted, Format.JSON), separator)


AskedForm = Annotated[Form, Depends(form_asked)]


async def cursors_of_question(request: Request) -> PageCursors:
    """A dependency: cursors that are good for this very question only, whatever its page and form."""
    asked = sorted((name, one) for name, one in request.query_params.multi_items() if name not in _OF_A_PAGE)
    return PageCursors(request.app.state.secret_key, f"{request.url.path}?{json.dumps(asked)}")


_OF_A_PAGE = {"cursor", "limit", "format", "pemisah"}
Cursors = Annotated[PageCursors, Depends(cursors_of_question)]


def period_asked(text: str | None, grain: Period = Period.MONTH, field: str = "period") -> PeriodAsked:
    """Returns the period that was asked for, else the running one of this grain. Raises a 422 Problem."""
    day = today(utc_now())
    return periods.asked(text, day, field) if text is not None else PeriodAsked.containing(grain, day)


def offices_asked(who: Principal, office: str | None, field: str = "office") -> tuple[str, ...]:
    """Returns the offices to report on; raises a 422 Problem for what is no office, 403 for another's."""
    if office is None:
        return who.offices
    if not _OFFICE.match(office) or office not in regencies():
        raise at_field(field, "Kode kantor tidak dikenal.", "Isi kode kabupaten/kota Jawa Timur, misalnya 35.76.")
    allow(who, Action.READ_REPORTS, office)
    return (office,)


def region_asked(region: str | None, field: str = "region") -> str | None:
    """Returns a region's code; raises a 422 Problem for what is none of a kabupaten/kota, kecamatan or kelurahan."""
    if region is not None and (region not in regions() or len(region) not in LEVELS.values()):
        cure = "Isi kode Kemendagri kabupaten/kota (35.76), kecamatan (35.76.01) atau kelurahan/desa (35.76.01.1008)."
        raise at_field(field, "Kode wilayah tidak dikenal.", cure)
    return region


def codes_asked(**codes: str | None) -> dict[str, str]:
    """Returns the codes that were given, by the names of their columns; raises a 422 Problem for unknown ones."""
    given = {column: code for column, code in codes.items() if code is not None}
    for column, code in given.items():
        if code not in NAMES[column]:
            raise at_field(column, "Kode tidak dikenal.", f"Pilih salah satu: {', '.join(NAMES[column])}.")
    return given


def filters_told(given: Mapping[str, str | None]) -> dict[str, str]:
    """Returns the filters as a report tells them: label → text."""
    return {_LABELS[name]: _told(name, one) for name, one in given.items() if one is not None}


def _told(name: str, code: str) -> str:
    if name in NAMES:
        return NAMES[name].get(code, code)
    known = regions().get(code)
    return f"{known.name} ({code})" if known else code


_LABELS = {
    "office": "Kantor",
    "home_office": "Kantor asal",
    "region": "Wilayah",
    "within": "Wilayah",
    "regency": "Kabupaten/kota",
    "field": "Bidang",
    "service": "Layanan",
    "channel": "Kanal",
    "kind": "Jenis",
    "status": "Status",
    "consultant": "Konsultan",
    "grain": "Satuan waktu",
}
