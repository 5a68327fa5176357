"""Offices are opened and changed."""

from typing import Any

from services.registry.domain import office as office_rules
from services.registry.domain import problems
from services.registry.domain.forms import OfficeCorrection, OfficeForm
from services.registry.store import offices as store
from shared.clock import business_day
from shared.commands import Answer, Request, Work, execute
from shared.contracts.registry import OfficeChanged, OfficeOpened
from shared.http.problem import stale
from shared.postgres import Pool


async def open_office(pool: Pool, request: Request, form: OfficeForm) -> Answer:
    """Opens an office: 201. Raises a Problem: 422 for the form, 409 if its code is taken."""
    office = office_rules.open_office(form, business_day(request.now))

    async def decide(work: Work) -> Answer:
        if not await store.insert_office(work.connection, office):
            raise problems.office_exists(office.code)
        work.tell(OfficeOpened, aggregate_id=office.code, version=office.version, office=None, state=office.state())
        return Answer(201, _office_answer(office))

    return await execute(pool, request, decide)


async def change_office(pool: Pool, request: Request, code: str, seen: int, form: OfficeCorrection) -> Answer:
    """Changes an office over revision `seen`: 200. Raises a Problem: 404, 412 if it was changed since, 422."""

    async def decide(work: Work) -> Answer:
        before = await store.lock_office(work.connection, code)
        if before is None:
            raise problems.office_not_found()
        if before.revision != seen:
            raise stale(seen, before.revision)
        office, changed = office_rules.change_office(before, form, business_day(request.now))
        if changed:
            await store.update_office(work.connection, office)
            state = office.state()
            work.tell(
                OfficeChanged, aggregate_id=code, version=office.version, office=None, state=state, changed=changed
            )
        return Answer(200, _office_answer(office))

    return await execute(pool, request, decide)


def _office_answer(office: office_rules.Office) -> dict[str, Any]:
    return {"code": office.code, "revision": office.revision, "version": office.version}
