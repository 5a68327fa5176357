"""What was asked: by whom, of which offices and days. A wrong question is told how to be mended."""

import re
from datetime import date
from typing import Annotated

from fastapi import Depends

from services.reporting.domain import FIRST_DAY, LONGEST_RANGE
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.http.problem import at_field
from shared.http.requests import allow, principal_for
from shared.reference.regions import regencies

Reader = Annotated[Principal, Depends(principal_for(Action.READ_REPORTS))]
_OFFICE = re.compile(r"^\d{2}\.\d{2}$")


def period_asked(first: date | None, last: date | None, now: date) -> tuple[date, date]:
    """Returns the days asked for, filled in; raises a 422 Problem for days that no report can have."""
    last = last or max(first or now, now)
    first = first or last.replace(day=1)
    if last < first:
        raise at_field("to", "Hari terakhir lebih awal daripada hari pertama.", "Tukar isi `from` dan `to`.")
    if first < FIRST_DAY:
        raise at_field("from", "Hari pertama terlalu lampau.", f"Isi {FIRST_DAY} atau sesudahnya.")
    if last.year > now.year + 1:
        raise at_field("to", "Hari terakhir terlalu jauh di depan.", f"Isi paling lambat akhir {now.year + 1}.")
    if last - first >= LONGEST_RANGE:
        raise at_field("to", "Rentang lebih dari 366 hari.", "Minta paling banyak 366 hari sekali, lalu gabungkan.")
    return first, last


def offices_asked(who: Principal, office: str | None) -> tuple[str, ...]:
    """Returns the offices to report on; raises a 422 Problem for what is no office, 403 for another's."""
    if office is None:
        return who.offices
    if not _OFFICE.match(office) or office not in regencies():
        raise at_field("office", "Kode kantor tidak dikenal.", "Isi kode kabupaten/kota Jawa Timur, misalnya 35.76.")
    allow(who, Action.READ_REPORTS, office)
    return (office,)
