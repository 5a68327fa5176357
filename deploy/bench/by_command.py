"""Commands of both services, called as their apis call them: rules, locks, encryption and all."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID, uuid4

from deploy.bench import province
from deploy.bench.desk import open_bells, open_office, registry_settings, request
from deploy.bench.load import Counted, Effect
from deploy.demo.people import nik
from deploy.local.installation import Installation
from services.mentoring.commands import Sessions, register_consultant
from services.mentoring.domain import Channel, Field, NewConsultant, Occupation, Service, SessionDraft
from services.registry.app import open_vault
from services.registry.commands import businesses
from services.registry.commands.registrations import Registrations
from services.registry.domain.forms import BusinessCorrection, BusinessForm, Kind, OwnerForm
from services.registry.domain.identity import Vault
from shared.bell import Bell
from shared.clock import business_day, utc_now
from shared.ids import new_id
from shared.postgres import Pool, create_pool, role_name
from shared.settings import Settings

_CONSULTANTS_PER_OFFICE = 40
_BUSINESSES_PER_OFFICE = 25
_CONNECTIONS = 8


@dataclass
class Commands:
    """What the staff of all offices know: their pools, and what they have registered so far."""

    registry: Pool
    mentoring: Pool
    vault: Vault
    registrations: Registrations
    desk: Sessions
    bells: Mapping[str, Bell]
    today: date
    consultants: dict[str, list[UUID]] = field(default_factory=dict)
    businesses: dict[str, list[UUID]] = field(default_factory=dict)
    revisions: dict[UUID, int] = field(default_factory=dict)
    sessions: int = 0
    registered: int = 0
    counted: Counted = field(default_factory=Counted)

    @classmethod
    async def open(cls, installation: Installation) -> "Commands":
        """Connects to both services as their apis do."""
        settings = registry_settings(installation)
        registry = await _pool(settings, "registry")
        mentoring = await _pool(installation.settings("mentoring", "api"), "mentoring")
        bells = await open_bells(installation)
        vault = open_vault(settings)
        return cls(
            registry=registry,
            mentoring=mentoring,
            vault=vault,
            registrations=Registrations(registry, vault),
            desk=Sessions(mentoring),
            bells=bells,
            today=business_day(utc_now()),
        )

    async def prepare(self, writes: int) -> None:  # noqa: ARG002  staff are as many whatever is written
        """Opens the offices and registers consultants and a few businesses of each."""
        for code in province.CODES:
            await open_office(self.registry, code)
        await asyncio.gather(*(self._staff(code) for code in province.CODES))

    async def close(self) -> None:
        for bell in self.bells.values():
            await bell.stop()
        self.registry.terminate()
        self.mentoring.terminate()

    async def write(self, number: int) -> tuple[Effect, float]:
        """Its delay counts from the answer: a command that shared a statement does not know when COMMIT returned."""
        deed = province.deed(number)
        effect = await self._write(province.CODES[number % len(province.CODES)], deed)
        answered = time.monotonic()
        self.bells["mentoring" if deed is province.Deed.SESSION else "registry"].ring()
        return effect, answered

    async def _write(self, code: str, deed: province.Deed) -> Effect:
        if deed is province.Deed.SESSION:
            return await self._complete()
        if deed is province.Deed.REGISTRATION:
            return await self._register(code), 1
        return await self._correct(code)

    async def _staff(self, code: str) -> None:
        self.consultants[code] = [await self._consultant(code) for _ in range(_CONSULTANTS_PER_OFFICE)]
        self.businesses[code] = []
        for _ in range(_BUSINESSES_PER_OFFICE):
            await self._register(code)

    async def _consultant(self, code: str) -> UUID:
        staff, since = f"stf-{uuid4().hex}", province.first_day(self.today)
        new = NewConsultant(code, staff, "Konsultan Ukur", [Field.PRODUCTION], since)
        return UUID((await register_consultant(self.mentoring, request(), new)).body["id"])

    async def _complete(self) -> Effect:
        """In three years' days: a consultant's day holds 24 hours."""
        number, self.sessions = self.sessions, self.sessions + 1
        office, day = province.scattered(number, self.today)
        consultant = self.consultants[office][number // len(province.CODES) % _CONSULTANTS_PER_OFFICE]
        draft = SessionDraft(
            office=office,
            occupation=Occupation(day, None, 30, 5, 5),
            consultants=[consultant],
            businesses=[self.businesses[office][number % len(self.businesses[office])]],
            field=Field.PRODUCTION,
            service=Service.BUSINESS_MENTORING,
            channel=Channel.OFFICE_VISIT,
        )
        await self.desk.complete(request(), draft)
        return self.counted.one_more(office, consultant, day)

    async def _register(self, code: str) -> UUID:
        number, self.registered = self.registered, self.registered + 1
        dice = random.Random(number)  # noqa: S311  a measurement's dice
        form = BusinessForm(
            office=code,
            trade_name=f"Usaha Ukur {number}",
            kinds=[Kind.UMKM],
            kelurahan=province.kelurahan(code, number),
            owners=[OwnerForm(name="Pemilik Ukur", nik=nik(dice, code))],
        )
        answer = await self.registrations.register(request(), form)
        business = UUID(answer.body["id"])
        self.businesses[code].append(business)
        self.revisions[business] = 1
        return business

    async def _correct(self, code: str) -> Effect:
        """The business is out of the list meanwhile, so that nobody else corrects the same revision."""
        business = self.businesses[code].pop(0)
        form = BusinessCorrection(trade_name=f"Usaha Ukur {new_id().hex[-8:]}")
        seen = self.revisions[business]
        answer = await businesses.correct_business(self.registry, self.vault, request(), business, seen, form)
        self.revisions[business] = answer.body["revision"]
        self.businesses[code].append(business)
        return business, answer.body["version"]


async def _pool(settings: Settings, service: str) -> Pool:
    return await create_pool(
        settings, role_name(service, "app"), schema=service, application="plut-bench-writers", size=_CONNECTIONS
    )
