"""What is sent of a session."""

from datetime import date, time
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from services.mentoring.api.consultants import refuse_empty
from services.mentoring.api.wiring import OfficeCode, Strict
from services.mentoring.domain import Channel, Occupation, Service, SessionDraft
from services.mentoring.domain import Field as Bidang
from services.mentoring.domain.sessions import TEXTS
from services.mentoring.domain.texts import tidy
from shared.http.fields import ClockTime, Day

Minutes = Annotated[int, Field(strict=True, ge=0, le=1440)]
ContactMinutes = Annotated[Minutes, Field(ge=1)]
Consultants = Annotated[list[UUID], Field(min_length=1, max_length=20)]
Businesses = Annotated[list[UUID], Field(min_length=1, max_length=100)]
Place = Annotated[str, Field(max_length=200, description="Tempat, tanpa NIK atau data pribadi lain")]
Note = Annotated[str, Field(max_length=4000, description="Catatan, tanpa NIK atau data pribadi lain")]
Reason = Annotated[str, Field(min_length=1, max_length=500, description="Alasan, tanpa data pribadi")]
_MAY_BE_EMPTY = frozenset({"start", "place", "outcome", "follow_up", "follow_up_on"})


class PlanBody(Strict):
    """A plan: minutes are intended ones."""

    office: OfficeCode
    day: Annotated[Day, Field(description="Hari sesi (WIB)")]
    start: Annotated[ClockTime | None, Field(description="Jam mulai tatap muka (WIB)")] = None
    contact_minutes: ContactMinutes
    preparation_minutes: Minutes = 0
    travel_minutes: Minutes = 0
    consultants: Consultants
    businesses: Businesses
    field: Annotated[Bidang, Field(description="Bidang")]
    service: Annotated[Service, Field(description="Layanan")]
    channel: Annotated[Channel, Field(description="Kanal")]
    place: Place | None = None

    def as_draft(self) -> SessionDraft:
        occupation = Occupation(
            self.day, self.start, self.contact_minutes, self.preparation_minutes, self.travel_minutes
        )
        return SessionDraft(
            self.office,
            occupation,
            self.consultants,
            self.businesses,
            self.field,
            self.service,
            self.channel,
            tidy(self.place),
        )


class SessionBody(PlanBody):
    """A session that was held."""

    outcome: Note | None = None
    follow_up: Note | None = None
    follow_up_on: Annotated[Day | None, Field(description="Hari tindak lanjut (WIB)")] = None

    def as_draft(self) -> SessionDraft:
        texts = {"outcome": tidy(self.outcome), "follow_up": tidy(self.follow_up)}
        return super().as_draft().revised({**texts, "follow_up_on": self.follow_up_on})


class CompletionBody(Strict):
    """What came otherwise than planned. What is left out was as planned; null clears what may be empty."""

    day: Day | None = None
    start: ClockTime | None = None
    contact_minutes: ContactMinutes | None = None
    preparation_minutes: Minutes | None = None
    travel_minutes: Minutes | None = None
    consultants: Consultants | None = None
    businesses: Businesses | None = None
    field: Bidang | None = None
    service: Service | None = None
    channel: Channel | None = None
    place: Place | None = None
    outcome: Note | None = None
    follow_up: Note | None = None
    follow_up_on: Day | None = None

    def changes(self) -> dict[str, Any]:
        """Returns what is to be changed; raises a 422 Problem if that empties what must not be empty."""
        told = {name: _tidied(name, getattr(self, name)) for name in self.model_fields_set if name != "reason"}
        refuse_empty([name for name in told if told[name] is None and name not in _MAY_BE_EMPTY], nothing=False)
        return told


class CorrectionBody(CompletionBody):
    """What is left out stays; null clears what may be empty. The reason is kept in the history."""

    reason: Reason

    def changes(self) -> dict[str, Any]:
        told = super().changes()
        refuse_empty([], nothing=not told)
        return told


class CancellationBody(Strict):
    reason: Reason


class NoShowBody(Strict):
    reason: Reason | None = None


def _tidied(name: str, value: Any) -> str | int | date | time | list[UUID] | None:  # noqa: ANN401  any field's
    told: str | int | date | time | list[UUID] | None = tidy(value) if name in TEXTS else value
    return told
