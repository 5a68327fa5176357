"""Rows of imported sheets: each a registration of its own, with the rules, locks and search that every one has."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from services.registry.commands import finding
from services.registry.commands.registrations import is_plain, newcomer, register_plainly, registering
from services.registry.domain import imports as rules
from services.registry.domain import sheet
from services.registry.domain.business import Registration, Status
from services.registry.domain.finding import Identification
from services.registry.domain.identity import Vault
from services.registry.domain.likeness import Match
from services.registry.store import audit
from services.registry.store import businesses as store
from services.registry.store.registrations import Newcomer
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

    async def execute_together(self, job: Job, commands: Sequence[RowCommand]) -> Sequence[RowOutcome | None]:
        outcomes: dict[RowCommand, RowOutcome] = {row: row.outcome for row in commands if isinstance(row, _Refusal)}
        rows = _apart(row for row in commands if isinstance(row, _Registering))
        newcomers = [row.newcomer for row in rows if row.newcomer is not None]
        if newcomers:
            answers = await register_plainly(self._pool, newcomers, rehearsed=job.dry_run)
            outcomes |= {row: row.told(answer) for row, answer in zip(rows, answers, strict=True) if answer is not None}
        return [outcomes.get(row) for row in commands]


def _apart(rows: Iterable["_Registering"]) -> list["_Registering"]:
    """Returns the plain rows that no earlier one bears upon, but by a name alike: those the statement compares."""
    apart: list[_Registering] = []
    taken: set[str] = set()
    left: set[str] = set()
    for row in rows:
        if row.newcomer is not None and taken.isdisjoint(row.exact_keys) and left.isdisjoint(row.keys):
            apart.append(row)
            taken.update(row.exact_keys)
        else:
            left.update(row.keys)
    return apart


class _Refusal:
    """A row that is no registration."""

    keys: Collection[str] = ()

    def __init__(self, remarks: tuple[Remark, ...]) -> None:
        self.outcome = RowOutcome(RowStatus.REJECTED, remarks)

    def prepare(self, entry: Entry) -> None: ...

    async def execute(self, entry: Entry) -> RowOutcome:  # noqa: ARG002  nothing is executed
        return self.outcome


class _Registering:
    """A row that is a sound registration."""

    def __init__(self, pool: Pool, vault: Vault, new: Registration) -> None:
        self._pool = pool
        self._vault = vault
        self._new = new
        self.exact_keys = _exact_keys(new)
        self.newcomer: Newcomer | None = None

    @property
    def keys(self) -> Collection[str]:
        """What two rows of one business, or of businesses that are alike, have in common."""
        return [self._new.business.kelurahan, *self.exact_keys]

    def prepare(self, entry: Entry) -> None:
        if entry.row.said.same_as is None and is_plain(self._new):
            self.newcomer = newcomer(self._vault, entry.request, self._new)

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
        return self.told(answer)

    def told(self, answer: Answer) -> RowOutcome:
        """Returns what the command's answer is called in a sheet."""
        subject = UUID(answer.body["id"])
        if answer.status == CREATED:
            return RowOutcome(RowStatus.CREATED, sheet.remarks(self._new.warnings), subject)
        return RowOutcome(RowStatus.MATCHED, (rules.matched(answer.body.get("told")),), subject)


def _exact_keys(new: Registration) -> list[str]:
    phones = [f"phone {owner.phone.reveal()}" for owner in new.owners if owner.phone is not None]
    numbers = [f"{field} {number}" for field, number in new.business.numbers().items()]
    return [*(f"nik {owner.nik.reveal()}" for owner in new.owners), *phones, *numbers]


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
