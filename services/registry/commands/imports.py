"""Rows of imported sheets: each a registration of its own, with the rules, locks and search that every one has."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.registry.commands import finding
from services.registry.commands.businesses import registering
from services.registry.domain import imports as rules
from services.registry.domain import sheet
from services.registry.domain.business import Registration, Status
from services.registry.domain.finding import Identification
from services.registry.domain.identity import Vault
from services.registry.domain.likeness import Match
from services.registry.store import audit
from services.registry.store import businesses as store
from shared.clock import business_day, utc_now
from shared.commands import Answer, Work
from shared.http.problem import Problem
from shared.imports.commands import CREATED, execute_row
from shared.imports.importer import Entry, Job, Reader, RowCommand
from shared.imports.rows import Remark, Row, RowOutcome, RowStatus, Said
from shared.postgres import Pool
from shared.sheets.columns import Column

_NO_FIELDS: Sequence[str] = ()


class BusinessImporter:
    """Sheets of businesses. Implements shared.imports.importer.Importer."""

    columns: Sequence[Column] = sheet.COLUMNS
    subject_label = "ID Usaha"
    keeps_all_columns = True
    looks_over = True

    def __init__(self, pool: Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault
        self.keys = vault.import_keys
        self.index = vault.import_rows

    def survey(self, job: Job) -> "BusinessSurvey":
        return BusinessSurvey(self._pool, self._vault, job)

    async def still_there(self, connection: Any, subjects: Collection[UUID]) -> set[UUID]:  # noqa: ANN401  pooled or plain
        """A business that was closed, or moved away, is looked for like any other."""
        found = await store.list_these(connection, list(subjects))
        return {subject for subject, business in found.items() if business.status is Status.ACTIVE}

    async def note(self, connection: Any, action: str, reader: Reader) -> None:  # noqa: ANN401
        read = audit.Read(reader.actor, reader.office, action, reader.job, _NO_FIELDS, reader.correlation_id)
        await audit.insert_read(connection, read)


class BusinessSurvey:
    """Looks over one sheet for what only all of it tells."""

    def __init__(self, pool: Pool, vault: Vault, job: Job) -> None:
        self._pool = pool
        self._vault = vault
        self._job = job
        self._seen = sheet.Survey()

    def see(self, row: Row) -> None:
        self._seen.see(row)

    async def rules(self) -> "BusinessRows":
        return BusinessRows(self._pool, self._vault, self._job, self._seen)


class BusinessRows:
    """The rules for the rows of one sheet."""

    def __init__(self, pool: Pool, vault: Vault, job: Job, survey: sheet.Survey) -> None:
        self._pool = pool
        self._vault = vault
        self._office = job.office
        self._survey = survey
        self._today = business_day(utc_now())

    def read(self, row: Row) -> RowCommand:
        read = sheet.read_row(row, self._office, self._today, self._survey)
        return _Refusal(read) if isinstance(read, tuple) else _Registering(self._pool, self._vault, read)


@dataclass(frozen=True)
class _Refusal:
    """A row that is no registration."""

    remarks: tuple[Remark, ...]
    keys: Collection[str] = ()

    async def execute(self, entry: Entry) -> RowOutcome:  # noqa: ARG002  nothing is executed
        return RowOutcome(RowStatus.REJECTED, self.remarks)


class _Registering:
    """A row that is a sound registration."""

    def __init__(self, pool: Pool, vault: Vault, new: Registration) -> None:
        self._pool = pool
        self._vault = vault
        self._new = new

    @property
    def keys(self) -> Collection[str]:
        """What two rows of one business, or of businesses that are alike, have in common."""
        business, owners = self._new.business, self._new.owners
        phones = [f"phone {owner.phone.reveal()}" for owner in owners if owner.phone is not None]
        numbers = [f"{field} {number}" for field, number in business.numbers().items()]
        return [business.kelurahan, *(f"nik {owner.nik.reveal()}" for owner in owners), *phones, *numbers]

    async def execute(self, entry: Entry) -> RowOutcome:
        said = entry.row.said

        async def choose(work: Work, matches: Sequence[Match]) -> Answer | None:
            return await _choose(work, matches, said)

        try:
            answer = await execute_row(self._pool, entry, registering(self._vault, self._new, choose))
        except _ToReview as review:
            return RowOutcome(RowStatus.POSSIBLE_DUPLICATE, rules.to_review(review.matches))
        except Problem as problem:
            told = sheet.remarks(problem.errors) or (Remark(problem.detail, problem.cure),)
            return RowOutcome(RowStatus.REJECTED, told)
        return _outcome(answer, self._new)


class _ToReview(Exception):
    """Somebody must look whether it is one of these."""

    def __init__(self, matches: Sequence[Match]) -> None:
        super().__init__(len(matches))
        self.matches = matches


async def _choose(work: Work, matches: Sequence[Match], said: Said) -> Answer | None:
    """Returns None for a new business, and 200 with the one that the row surely is. Raises _ToReview, or a Problem."""
    if said.same_as is not None:
        return await finding.identify(work, matches, Identification(same_as=said.same_as))
    if rules.is_confirmed_new(said, matches):
        return None
    sure = rules.surely(matches)
    if sure is not None:
        return Answer(200, {"id": str(sure.candidate.id), "told": rules.told(sure)})
    if matches:
        raise _ToReview(matches)
    return None


def _outcome(answer: Answer, new: Registration) -> RowOutcome:
    subject = UUID(answer.body["id"])
    if answer.status == CREATED:
        return RowOutcome(RowStatus.CREATED, sheet.remarks(new.warnings), subject)
    return RowOutcome(RowStatus.MATCHED, (rules.matched(answer.body.get("told")),), subject)
