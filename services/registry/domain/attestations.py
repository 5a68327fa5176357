"""Attestations: a client says whether a session was held as it was recorded (design.md §7, domain.md §4.2).

Attesting needs the token and the code: hours count by it, so whoever says yes must hold what the client alone was sent.
Disputing needs the token only, and no code after five wrong ones: a false dispute costs a question, a dispute that
could not be made hides a session that was never held.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.registry.domain.findings import Findings, TextError, plain_text
from services.registry.domain.forms import Form
from shared.contracts.mentoring import SessionState
from shared.contracts.registry import AttestationState
from shared.http.problem import Problem
from shared.privacy.numbers import holds_identity_number

VALID_FOR = timedelta(hours=72)
MOST_TRIES = 5


class State(StrEnum):
    """What is stored."""

    WAITING = "waiting"
    UNREACHABLE = "unreachable"
    ATTESTED = "attested"
    DISPUTED = "disputed"
    VOIDED = "voided"


class Standing(StrEnum):
    """What people see: a waiting one may have run out of time or of tries."""

    WAITING = "waiting"
    UNREACHABLE = "unreachable"
    ATTESTED = "attested"
    DISPUTED = "disputed"
    VOIDED = "voided"
    EXPIRED = "expired"
    LOCKED = "locked"


class Deed(StrEnum):
    ENTER_CODE = "enter_code"
    DISPUTE = "dispute"
    SAY_ON_PAPER = "say_on_paper"


class Method(StrEnum):
    CODE = "code"
    LINK = "link"
    PAPER = "paper"


class Outcome(StrEnum):
    ATTESTED = "attested"
    DISPUTED = "disputed"


class PaperForm(Form):
    """What the client has signed, and where the paper is kept."""

    outcome: Outcome
    note: Annotated[
        str,
        Field(max_length=200, description="Di mana surat bertanda tangan disimpan", examples=["Map 12, lembar 40"]),
    ]


# In which standing a deed is possible; in every other one it is answered by a problem that says why.
POSSIBLE: Mapping[Deed, frozenset[Standing]] = {
    Deed.ENTER_CODE: frozenset({Standing.WAITING}),
    Deed.DISPUTE: frozenset({Standing.WAITING, Standing.LOCKED}),
    Deed.SAY_ON_PAPER: frozenset({Standing.WAITING, Standing.LOCKED, Standing.EXPIRED, Standing.UNREACHABLE}),
}
_STATE_OF_OUTCOME = {Outcome.ATTESTED: State.ATTESTED, Outcome.DISPUTED: State.DISPUTED}
_OFFICE = "Hubungi meja depan kantor PLUT; pernyataan juga bisa ditandatangani di sana."
_REFUSALS: Mapping[Standing, tuple[str, str, str]] = {
    Standing.WAITING: ("Menunggu jawaban pelaku usaha", "Sesi ini masih menunggu kode.", _OFFICE),
    Standing.UNREACHABLE: ("Belum ada pesan", "Tidak ada kode yang dikirim untuk sesi ini.", _OFFICE),
    Standing.ATTESTED: (
        "Sudah dikonfirmasi",
        "Sesi ini sudah dinyatakan benar.",
        "Tidak ada yang perlu dilakukan lagi. Bila ternyata keliru, hubungi kantor PLUT.",
    ),
    Standing.DISPUTED: (
        "Sudah disanggah",
        "Sesi ini sudah dinyatakan tidak benar.",
        "Tidak ada yang perlu dilakukan lagi. Kepala kantor PLUT memeriksanya.",
    ),
    Standing.VOIDED: (
        "Catatan sudah berubah",
        "Catatan sesi ini sudah diperbaiki atau dibatalkan, sehingga pesan ini tidak berlaku lagi.",
        "Pakai pesan terbaru bila ada. Bila tidak ada, tidak ada yang perlu dilakukan.",
    ),
    Standing.EXPIRED: ("Kode sudah kedaluwarsa", "Kode hanya berlaku 72 jam.", _OFFICE),
    Standing.LOCKED: (
        "Kode salah lima kali",
        "Kode tidak bisa dicoba lagi.",
        f"Bila sesi ini tidak benar, tekan “Ini tidak benar”. Bila benar: {_OFFICE[0].lower()}{_OFFICE[1:]}",
    ),
}


@dataclass(frozen=True)
class Attestation:
    """One business's conversation about one session as it was told to it. `version` counts its events."""

    id: UUID
    session: UUID
    business: UUID
    confirmable_version: int
    office: str
    trade_name: str
    day: date
    start: time | None
    contact_minutes: int
    field: str
    service: str
    channel: str
    recorded_by: str
    state: State
    opened_at: datetime
    expires_at: datetime
    tries_left: int = MOST_TRIES
    version: int = 0
    method: Method | None = None
    settled_at: datetime | None = None

    def told(self) -> AttestationState:
        """Returns what the event says. Only of one that is settled."""
        assert self.method is not None  # noqa: S101  tells the type checker what a settled one has
        return AttestationState(
            id=self.id,
            session=self.session,
            business=self.business,
            confirmable_version=self.confirmable_version,
            outcome=self.state,
            method=self.method,
        )


def wants_code(session: SessionState, recorded_at: datetime, now: datetime) -> list[UUID]:
    """Returns the businesses that are to be asked about a session: those that it knows and that have not attested.

    None for what is not completed, was imported, or was recorded over 72 hours ago: a replay asks nobody again.
    """
    if session.state != "completed" or session.imported or now - recorded_at > VALID_FOR:
        return []
    return [business.id for business in session.businesses if business.known and not business.attested]


def is_off(session: SessionState) -> bool:
    """Tells whether there is nothing to attest any more."""
    return session.state in ("cancelled", "no_show")


def open_attestation(
    attestation_id: UUID,
    session: SessionState,
    business: UUID,
    trade_name: str,
    recorded_by: str,
    now: datetime,
    *,
    reachable: bool,
) -> Attestation:
    """Returns the new conversation; one with a client who has no phone begins as unreachable."""
    return Attestation(
        id=attestation_id,
        session=session.id,
        business=business,
        confirmable_version=session.confirmable_version,
        office=session.office,
        trade_name=trade_name,
        day=session.day,
        start=session.start,
        contact_minutes=session.contact_minutes,
        field=session.field,
        service=session.service,
        channel=session.channel,
        recorded_by=recorded_by,
        state=State.WAITING if reachable else State.UNREACHABLE,
        opened_at=now,
        expires_at=now + VALID_FOR,
    )


def standing(attestation: Attestation, now: datetime) -> Standing:
    """Returns where it stands now: valid for 72 hours, the last instant excluded."""
    if attestation.state is not State.WAITING:
        return Standing(attestation.state)
    if now >= attestation.expires_at:
        return Standing.EXPIRED
    return Standing.WAITING if attestation.tries_left else Standing.LOCKED


def enter_code(attestation: Attestation, now: datetime, *, right: bool) -> Attestation:
    """Returns the attestation settled by the right code, or with one try less. Raises a 409 Problem."""
    _require(attestation, Deed.ENTER_CODE, now)
    if right:
        return _settled(attestation, State.ATTESTED, Method.CODE, now)
    return replace(attestation, tries_left=attestation.tries_left - 1)


def dispute(attestation: Attestation, now: datetime) -> Attestation:
    """Returns the attestation disputed by whoever holds its token. Raises a 409 Problem."""
    _require(attestation, Deed.DISPUTE, now)
    return _settled(attestation, State.DISPUTED, Method.LINK, now)


def say_on_paper(attestation: Attestation, outcome: Outcome, by: str, now: datetime) -> Attestation:
    """Returns the attestation settled from a signed paper. Raises a Problem: 409, 403 for who recorded the session."""
    _require(attestation, Deed.SAY_ON_PAPER, now)
    if by == attestation.recorded_by:
        raise own_session()
    return _settled(attestation, _STATE_OF_OUTCOME[outcome], Method.PAPER, now)


def paper_note(form: PaperForm) -> str:
    """Returns where the paper is kept. Raises a 422 Problem for what cannot be shown or may be a NIK."""
    findings = Findings()
    note = findings.read("note", _note, form.note)
    findings.settle()
    return note


def refusal(found: Standing) -> Problem:
    """Returns what is said where a deed is not possible."""
    title, detail, cure = _REFUSALS[found]
    return Problem(409, f"attestation-{found}", title, detail, cure=cure)


def own_session() -> Problem:
    return Problem(
        403,
        "own-session",
        "Sesi sendiri",
        "Pernyataan di atas kertas tidak boleh dicatat oleh konsultan atau oleh yang mencatat sesinya.",
        cure="Minta petugas meja depan lain mencatatnya.",
    )


def _require(attestation: Attestation, deed: Deed, now: datetime) -> None:
    found = standing(attestation, now)
    if found not in POSSIBLE[deed]:
        raise refusal(found)


def _settled(attestation: Attestation, state: State, method: Method, now: datetime) -> Attestation:
    return replace(attestation, state=state, method=method, settled_at=now, version=attestation.version + 1)


def _note(typed: str) -> str:
    text = plain_text(typed)
    if holds_identity_number(text):
        raise TextError("Tidak boleh memuat NIK atau nomor 16 angka.", "Tulis tempat suratnya saja.")
    return text
