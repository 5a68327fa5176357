"""Duplicates at registration measured: the registry's own command over a labelled set.

Each registration is sent as an office would send it. Whatever it is asked about is noted and then registered as new, so
that the next one meets it too.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from deploy.bench import province
from deploy.bench.dedupe_set import Group, Registered, groups
from deploy.bench.desk import open_office, registry_pool, registry_settings, request
from deploy.local.installation import Installation
from services.registry.app import open_vault
from services.registry.commands.registrations import Registrations
from services.registry.domain.finding import Identification
from services.registry.domain.forms import BusinessForm
from services.registry.domain.identity import Vault
from services.registry.domain.likeness import Verdict
from shared.auth.principal import Principal, Role
from shared.http.problem import Problem
from shared.postgres import Pool

SEED = 20261122
_OFFICES = ("35.76", "35.79")


@dataclass
class Judged:
    """Pairs counted by what they are and what was said of them; a pair is one earlier and one later registration."""

    pairs: Counter[tuple[bool, Verdict]] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)

    def note(self, kind: str, verdict: Verdict, *, same: bool) -> None:
        self.pairs[same, verdict] += 1
        if same != (verdict is not Verdict.DIFFERENT):
            self.wrong[kind] += 1

    def as_json(self) -> dict[str, Any]:
        """A pair is found if it is merged or sent to review; `wrongly_merged` is a share of the different pairs."""
        found, missed = self._of(Verdict.SAME, Verdict.POSSIBLE, same=True), self._of(Verdict.DIFFERENT, same=True)
        alarms = self._of(Verdict.SAME, Verdict.POSSIBLE, same=False)
        different = alarms + self._of(Verdict.DIFFERENT, same=False)
        pairs = self.pairs.total()
        precision, recall = _share(found, found + alarms), _share(found, found + missed)
        return {
            "pairs": pairs,
            "precision": precision,
            "recall": recall,
            "f1": _share(2 * found, 2 * found + alarms + missed),
            "wrongly_merged": _share(self._of(Verdict.SAME, same=False), different),
            "sent_to_review": _share(
                self._of(Verdict.POSSIBLE, same=True) + self._of(Verdict.POSSIBLE, same=False), pairs
            ),
            "wrong_by_kind": dict(self.wrong.most_common()),
        }

    def _of(self, *verdicts: Verdict, same: bool) -> int:
        return sum(self.pairs[same, verdict] for verdict in verdicts)


async def measure(installation: Installation) -> Judged:
    """Registers the whole set in the installation's registry and returns what was said of each pair."""
    pool = await registry_pool(installation)
    try:
        return await judge(pool, open_vault(registry_settings(installation)), groups(SEED))
    finally:
        pool.terminate()


async def judge(pool: Pool, vault: Vault, labelled: Iterable[tuple[str, Group]]) -> Judged:
    """Registers the groups in their order, as the api's role."""
    desk = _Desk(pool, Registrations(pool, vault))
    await desk.open_offices()
    judged = Judged()
    for kind, group in labelled:
        await desk.judge(kind, group, judged)
    return judged


@dataclass
class _Desk:
    pool: Pool
    registrations: Registrations

    async def open_offices(self) -> None:
        for code in _OFFICES:
            await open_office(self.pool, code)

    async def judge(self, kind: str, group: Group, judged: Judged) -> None:
        known: dict[UUID, int] = {}
        for one in group:
            business, shown = await self._register(one)
            for earlier, label in known.items():
                judged.note(kind, shown.pop(earlier, Verdict.DIFFERENT), same=label == one.business)
            for verdict in shown.values():  # of other groups, all of which are other businesses
                judged.note(kind, verdict, same=False)
            known[business] = one.business

    async def _register(self, one: Registered) -> tuple[UUID, dict[UUID, Verdict]]:
        """Returns the new business, and what was said of the candidates that it was asked about."""
        shown: dict[UUID, Verdict] = {}
        while True:
            said = Identification(confirmed_new=True, candidates_seen=tuple(shown))
            try:
                answer = await self.registrations.register(request(_head(one.office)), _form(one), said)
            except Problem as problem:
                asked = _candidates(problem)
                if asked.keys() <= shown.keys():
                    raise
                shown |= asked
            else:
                return UUID(answer.body["id"]), shown


def _candidates(problem: Problem) -> dict[UUID, Verdict]:
    """Raises the problem itself where it is another one."""
    if problem.kind != "possible-duplicate":
        raise problem
    candidates: Any = problem.extra["candidates"]
    return {UUID(each["id"]): Verdict(each["verdict"]) for each in candidates}


def _form(one: Registered) -> BusinessForm:
    owner = {"name": one.owner, "nik": one.nik, "phone": one.phone}
    return BusinessForm.model_validate(
        {
            "office": one.office,
            "trade_name": one.trade_name,
            "kinds": list(one.kinds),
            "kelurahan": one.kelurahan,
            "owners": [owner],
        }
    )


def _head(office: str) -> Principal:
    return Principal(province.SUBJECT, frozenset({Role.OFFICE_HEAD}), (office,))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 1.0
