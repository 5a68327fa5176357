"""Histories of businesses and sessions as their services tell them: each call is what happened next."""

from datetime import date
from typing import Any, Self
from uuid import NAMESPACE_OID, UUID, uuid5

from shared.contracts.catalogue import AnyEvent
from tests.support.reporting_events import event

MAJA, BATU = "35.76", "35.79"


def called(name: str) -> UUID:
    """Returns the id that goes by a name in a test."""
    return uuid5(NAMESPACE_OID, name)


class _History:
    """An aggregate: `_next` tells its next event with its whole state, as it is from now on."""

    def __init__(self, name: str, state: dict[str, Any], office: str) -> None:
        self.id = called(name)
        self._version = 0
        self._office = office
        self._state = {"id": str(self.id), **state}

    def _next(self, kind: str, **changes: Any) -> AnyEvent:
        self._version += 1
        self._state |= changes
        return event(kind, str(self.id), self._version, self._state, self._office)


class Business(_History):
    """A business of the office `at`, in its first kelurahan."""

    def __init__(self, name: str, at: str = MAJA, on: str = "2024-01-02", **changes: Any) -> None:
        state = {"trade_name": "Batik", "kinds": ["umkm"], "kelurahan": f"{at}.01.1001", "home_office": at, **changes}
        told = {"status": "active", "registered_on": on, "closed_on": None, "registered_by": at}
        super().__init__(name, {**told, **state}, at)

    def registered(self) -> AnyEvent:
        return self._next("BusinessRegistered")

    def corrected(self, **changes: Any) -> AnyEvent:
        return self._next("BusinessCorrected", **changes)

    def closed(self, on: str) -> AnyEvent:
        return self._next("BusinessClosed", status="closed", closed_on=on)

    def reopened(self) -> AnyEvent:
        return self._next("BusinessReopened", status="active", closed_on=None)

    def moved(self, to: str) -> AnyEvent:
        return self._next("BusinessMoved", home_office=to, kelurahan=f"{to}.02.1002")


class Session(_History):
    """A session of the office `at` with businesses `met`, an hour unless it is said otherwise."""

    def __init__(self, name: str, *met: str, at: str = MAJA, on: str | date = "2024-05-17", **changes: Any) -> None:
        state = {
            "office": at,
            "day": str(on),
            "contact_minutes": 60,
            "preparation_minutes": 15,
            "travel_minutes": 10,
            "consultants": [str(called("consultant"))],
            "businesses": [],
            "field": "marketing",
            "service": "business_mentoring",
            "channel": "office_visit",
            "state": "scheduled",
            "confirmable_version": 1,
        }
        super().__init__(name, {**state, **changes}, at)
        self._meets(met)

    def scheduled(self) -> AnyEvent:
        return self._next("SessionScheduled")

    def completed(self, *, unknown: tuple[str, ...] = ()) -> AnyEvent:
        for business in self._state["businesses"]:
            business["known"] = business["id"] not in {str(called(one)) for one in unknown}
        return self._next("SessionCompleted", state="completed")

    def imported(self) -> AnyEvent:
        """It comes from a sheet of the past, and waits for the head of its office."""
        return self._next("SessionCompleted", state="completed", imported=True, accepted=False)

    def accepted(self) -> AnyEvent:
        return self._next("SessionAccepted", accepted=True)

    def resolved(self) -> AnyEvent:
        self._state["businesses"] = [{**business, "known": True} for business in self._state["businesses"]]
        return self._next("SessionResolved")

    def corrected(self, *met: str, **changes: Any) -> AnyEvent:
        if met:
            self._meets(met)
        return self._next("SessionCorrected", **changes)

    def attested_by(self, *names: str) -> Self:
        """Some of its businesses said that it was held; what happens next tells it."""
        said = {str(called(one)) for one in names}
        told = self._state["businesses"]
        self._state["businesses"] = [
            {**business, "attested": business["attested"] or business["id"] in said} for business in told
        ]
        return self

    def confirmed(self) -> AnyEvent:
        everybody = [{**business, "attested": True} for business in self._state["businesses"]]
        return self._next("SessionConfirmed", state="confirmed", businesses=everybody)

    def contested(self) -> AnyEvent:
        return self._next("SessionContested", state="contested")

    def cancelled(self, *, no_show: bool = False) -> AnyEvent:
        return self._next("SessionCancelled", state="no_show" if no_show else "cancelled")

    def _meets(self, names: tuple[str, ...]) -> None:
        self._state["businesses"] = [{"id": str(called(one)), "known": True, "attested": False} for one in names]
