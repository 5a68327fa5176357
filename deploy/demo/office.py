"""A simulated office: writes as its staff would, poor line and double clicks included."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import httpx

from deploy.demo.people import Office, business, consultant_name
from deploy.demo.sheet import made_sheet, row_of_business
from deploy.demo.staff import Staff
from deploy.demo.writer import Token, Told, Writer
from deploy.local.import_desk import ImportDesk, Progress
from deploy.local.installation import Installation
from shared.auth.principal import Role
from shared.clock import business_day, utc_now

_CONSULTANTS = 5
_FIELDS = (
    "institution",
    "human_resources",
    "production",
    "finance",
    "marketing",
    "information_technology",
    "cooperation_network",
)
_SERVICES = (
    "business_mentoring",
    "training",
    "capital_access",
    "business_consultation",
    "product_marketing",
    "incubation",
)
_CHANNELS = ("office_visit", "field_visit", "phone", "video_call", "chat")
# Of a hundred writes: so many get no answer and are sent again, so many are clicked twice.
_LOST_OF_HUNDRED = 4
_CLICKED_TWICE_OF_HUNDRED = 4
_REGISTRATIONS_OF_HUNDRED = 35
_CORRECTIONS_OF_HUNDRED = 8
_KNOWN = 200


@dataclass
class Tally:
    """What the office was told: aggregates acknowledged, and how often the line or the finger failed."""

    businesses: int = 0
    sessions: int = 0
    imported: int = 0
    corrections: int = 0
    lost_answers: int = 0
    double_clicks: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An aggregate that an office was told is there, and when it was told (time.monotonic)."""

    kind: str
    id: str
    at: float


Heard = Callable[[Acknowledged], None]


@dataclass
class SimulatedOffice:
    """`heard` is told of each aggregate that was acknowledged."""

    office: Office
    installation: Installation
    staff: Staff
    writer: Writer
    chance: random.Random
    heard: Heard
    tally: Tally = field(default_factory=Tally)
    consultants: list[str] = field(default_factory=list)
    businesses: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    registered: list[Mapping[str, Any]] = field(default_factory=list)
    """What it has written down of businesses lately."""

    async def employ(self) -> None:
        """Has the head of the office register its consultants; the first one has a demo login."""
        code = self.office.code
        subjects = [self.staff.subject(Role.CONSULTANT, code)]
        subjects += [self.staff.colleague(code, number) for number in range(1, _CONSULTANTS)]
        token = self.staff.token_of(Role.OFFICE_HEAD, code)
        url = f"{self.installation.url('mentoring')}/v1/consultants"
        known = await self.writer.read(f"{url}?office={code}&limit=200", token)
        by_staff = {each["staff"]: each["id"] for each in known["items"]}
        for number, subject in enumerate(subjects):
            if subject not in by_staff:
                told = await self.writer.send(url, self._consultant(subject, number), token)
                by_staff[subject] = told.body["id"]
        self.consultants = [by_staff[subject] for subject in subjects]

    async def remember(self) -> None:
        """Learns which businesses it registered on earlier days."""
        url = (
            f"{self.installation.url('registry')}/v1/businesses?office={self.office.code}&status=active&limit={_KNOWN}"
        )
        page = await self.writer.read(url, self.staff.token_of(Role.FRONT_DESK, self.office.code))
        self.businesses = [each["id"] for each in page["items"]]

    async def write_once(self) -> None:
        """Registers a business, completes a session, or corrects one of either."""
        deed = self.chance.randrange(100)
        if not self.businesses or deed < _REGISTRATIONS_OF_HUNDRED:
            await self._register()
        elif self.sessions and deed >= 100 - _CORRECTIONS_OF_HUNDRED:
            await self.chance.choice((self._correct_business, self._correct_session))()
        else:
            await self._complete_session()

    async def import_sheet(self, progress: Callable[[Progress], None]) -> Progress:
        """Imports a sheet of 500 businesses, as `plut import` does; tells how far it is."""
        known = [row_of_business(body) for body in self.registered if body["kinds"] == ["umkm"]]
        content = await asyncio.to_thread(made_sheet, self.chance, self.office, known)
        async with ImportDesk.of(self.installation, "registry", self.office.code) as desk:
            async for reached in desk.follow(await desk.upload(content)):
                self.tally.imported = reached.counts["created"]
                progress(reached)
        return reached

    async def _register(self) -> None:
        url = f"{self.installation.url('registry')}/v1/businesses"
        body = business(self.chance, self.office.code)
        told = await self._send(url, body, self.staff.token_of(Role.FRONT_DESK, self.office.code))
        if told.status == 201:
            self.tally.businesses += 1
            self.businesses = [*self.businesses[-_KNOWN:], told.body["id"]]
            self.registered = [*self.registered[-_KNOWN:], body]
            self.heard(Acknowledged("business", told.body["id"], told.at))

    async def _complete_session(self) -> None:
        url = f"{self.installation.url('mentoring')}/v1/sessions"
        told = await self._send(url, self._session(), self.staff.token_of(Role.OFFICE_HEAD, self.office.code))
        if told.status == 201:
            self.tally.sessions += 1
            self.sessions = [*self.sessions[-_KNOWN:], told.body["id"]]
            self.heard(Acknowledged("session", told.body["id"], told.at))

    async def _correct_business(self) -> None:
        """A name that was misheard."""
        url = f"{self.installation.url('registry')}/v1/businesses/{self.chance.choice(self.businesses)}"
        body = {"trade_name": business(self.chance, self.office.code)["trade_name"]}
        await self._correct(url, body, self.staff.token_of(Role.FRONT_DESK, self.office.code))

    async def _correct_session(self) -> None:
        """Minutes that were miscounted: its client is asked anew."""
        url = f"{self.installation.url('mentoring')}/v1/sessions/{self.chance.choice(self.sessions)}"
        body = {"contact_minutes": self.chance.choice((25, 40, 50)), "reason": "Lama sesi salah catat"}
        await self._correct(url, body, self.staff.token_of(Role.OFFICE_HEAD, self.office.code))

    async def _correct(self, url: str, body: Mapping[str, Any], token: Token) -> None:
        """Somebody may have been quicker: then what was seen is not true any more, and nothing is overwritten."""
        seen = (await self.writer.read(url, token))["revision"]
        told = await self.writer.send(url, body, token, seen=seen)
        self.tally.corrections += told.status == httpx.codes.OK
        self.tally.refused += told.status >= httpx.codes.BAD_REQUEST

    async def _send(self, url: str, body: Mapping[str, Any], token: Token) -> Told:
        luck = self.chance.randrange(100)
        if luck < _LOST_OF_HUNDRED:
            self.tally.lost_answers += 1
            told = await self.writer.send_and_lose_the_answer(url, body, token)
        elif luck < _LOST_OF_HUNDRED + _CLICKED_TWICE_OF_HUNDRED:
            self.tally.double_clicks += 1
            told, _ = await self.writer.send_twice_at_once(url, body, token)
        else:
            told = await self.writer.send(url, body, token)
        self.tally.refused += told.status >= 400
        return told

    def _consultant(self, subject: str, number: int) -> Mapping[str, Any]:
        return {
            "office": self.office.code,
            "staff": subject,
            "name": consultant_name(self.chance),
            "fields": sorted({_FIELDS[number % len(_FIELDS)], _FIELDS[(number + 3) % len(_FIELDS)]}),
            "active_from": self.office.opened_on,
        }

    def _session(self) -> Mapping[str, Any]:
        """A session of a past day; without a start, so that only the hours of the day limit a consultant."""
        count = self.chance.choice((1, 1, 1, 2))
        return {
            "office": self.office.code,
            "day": _past_day(self.chance, self.office).isoformat(),
            "contact_minutes": self.chance.choice((20, 30, 45, 60, 90)),
            "preparation_minutes": self.chance.choice((0, 0, 10, 15)),
            "travel_minutes": self.chance.choice((0, 0, 20, 30)),
            "consultants": [self.chance.choice(self.consultants)],
            "businesses": _some(self.chance, self.businesses, count),
            "field": self.chance.choice(_FIELDS),
            "service": self.chance.choice(_SERVICES),
            "channel": self.chance.choice(_CHANNELS),
        }


def _some(chance: random.Random, among: Sequence[str], count: int) -> list[str]:
    return chance.sample(among, min(count, len(among)))


def _past_day(chance: random.Random, office: Office) -> date:
    """Half of the work is of the last thirty days, the rest of any day since the opening."""
    today = business_day(utc_now())
    opened = date.fromisoformat(office.opened_on)
    reach = (today - opened).days if chance.random() < 0.5 else min(30, (today - opened).days)
    return today - timedelta(days=chance.randint(0, reach))
