"""What every event carries around its payload.

history, epoch, fence and traceparent travel as headers only: the relay sets them, and they belong to the log, not to
the fact.
"""

from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

# Codes stay open strings on the wire: a consumer must survive a code that its producer learnt later.
Code = Annotated[str, Field(min_length=1, max_length=40)]
OfficeCode = Annotated[
    str, Field(pattern=r"^\d{2}\.\d{2}$", description="Kemendagri code of the kabupaten or kota, such as 35.76")
]
KelurahanCode = Annotated[
    str, Field(pattern=r"^\d{2}\.\d{2}\.\d{2}\.\d{4}$", description="Kemendagri code of the kelurahan or desa")
]
Minutes = Annotated[int, Field(ge=0, le=1440)]


class Contract(BaseModel):
    """Unknown fields are passed over, so that an old consumer survives a new producer."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings")


State = TypeVar("State", bound=Contract)


class Payload(Contract, Generic[State]):
    """The aggregate's complete public state after the change, plus the names of the fields that changed."""

    state: State
    changed: list[str] = []


class Event(Contract, Generic[State]):
    """The envelope. `version` counts the aggregate's events from 1 without gaps; `office` is the one that acted."""

    event_id: UUID
    type: str
    schema_version: int = Field(ge=1)
    aggregate_id: str = Field(min_length=1, max_length=64)
    version: int = Field(ge=1)
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime
    office: OfficeCode | None
    actor: str = Field(min_length=1, max_length=128, description="Opaque staff id, never a name")
    correlation_id: UUID
    causation_id: UUID | None = None
    payload: Payload[State]

    @property
    def state(self) -> State:
        return self.payload.state
