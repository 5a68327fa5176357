"""What a relay says of itself, so that readers know how fresh they are."""

from pydantic import AwareDatetime, Field

from shared.contracts.envelope import Contract


class TopicEnd(Contract):
    """Where a partition ended: everything committed before the watermark's instant lies below `next_offset`.

    `topic` is the catalogue's name, without an installation's prefix.
    """

    topic: str
    partition: int = Field(ge=0)
    next_offset: int = Field(ge=0)


class Watermark(Contract):
    """All that `service` had committed by `at` is in Kafka below `ends`, but for `held_back` records that it refuses.

    The value of a record of `platform.watermark.v1`, keyed by the service. A partition that is not named is empty.
    Of two watermarks the one with the lower (history, epoch, fence) is void.
    """

    service: str
    history: int = Field(ge=1)
    epoch: int = Field(ge=1)
    fence: int = Field(ge=1)
    at: AwareDatetime
    ends: list[TopicEnd]
    held_back: int = Field(ge=0)
