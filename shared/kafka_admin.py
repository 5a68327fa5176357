"""Topics: which exist, made from the catalogue, taken away.

Every wait for Kafka is bounded, for aiokafka's own may last for ever.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupIdNotFound,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.admin import DeleteGroupsRequest

from shared.connections import kafka_options
from shared.contracts.catalogue import Topic
from shared.settings import Settings

_SECONDS = 8.0
_NO_ERROR = 0
# The loop keeps weak references only.
_left_behind: set[asyncio.Task[Any]] = set()

T = TypeVar("T")


class KafkaTrouble(Exception):
    """Kafka does not answer, or not as it should; says during what. Right to be tried again."""


async def bounded(waiting: Awaitable[T], doing: str, seconds: float = _SECONDS) -> T:
    """Awaits something of aiokafka for at most `seconds`. Raises KafkaTrouble for whatever goes wrong there.

    aiokafka cancels futures of its own: only a cancellation that was asked of this task is passed on.
    """
    try:
        async with asyncio.timeout(seconds):
            return await waiting
    except TimeoutError:
        raise KafkaTrouble(f"no answer from Kafka within {seconds:g} s while {doing}") from None
    except (KafkaError, OSError, AssertionError, AttributeError) as error:
        raise KafkaTrouble(f"{type(error).__name__} while {doing}: {error}") from error
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise KafkaTrouble(f"aiokafka gave up while {doing}") from None


async def ended_within(seconds: float, ending: Coroutine[Any, Any, Any]) -> bool:
    """Tells whether a stop or close of aiokafka ended well in time; raises nothing.

    In a task of its own: aiokafka swallows a cancellation and waits on, so that a timeout around it would never end.
    """
    task = asyncio.create_task(ending)
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        _left_behind.add(task)
        task.add_done_callback(_ended)
        task.cancel()
        return False
    return _ended(task)


def _ended(task: asyncio.Task[Any]) -> bool:
    _left_behind.discard(task)
    return not task.cancelled() and task.exception() is None


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[Any]:
    """Yields a connected admin client. Raises KafkaTrouble if no broker answers."""
    client = AIOKafkaAdminClient(**kafka_options(settings), request_timeout_ms=5000)
    try:
        await bounded(client.start(), "looking for a broker")
        yield client
    finally:
        await ended_within(1, client.close())


async def partition_counts(settings: Settings, names: Sequence[str]) -> dict[str, int]:
    """Returns how many partitions each of the topics has; one that does not exist is left out. Raises KafkaTrouble."""
    async with admin(settings) as client:
        return await _partition_counts(client, names)


async def create_missing(settings: Settings, topics: Sequence[Topic]) -> frozenset[str]:
    """Makes those of the topics that do not exist; returns the catalogue's names of those made by this call.

    Raises KafkaTrouble.
    """
    by_name = {settings.topic_prefix + topic.name: topic for topic in topics}
    async with admin(settings) as client:
        known = await _partition_counts(client, list(by_name))
        missing = {name: topic for name, topic in by_name.items() if name not in known}
        if not missing:
            return frozenset()
        made = await _create(client, settings, missing)
        await _until_known(client, list(missing))
    return frozenset(topic.name for name, topic in missing.items() if name in made)


async def delete(settings: Settings, names: Sequence[str]) -> None:
    """Deletes topics and waits until no broker knows them. Missing ones are no error. Raises KafkaTrouble."""
    async with admin(settings) as client:
        known = list(await _partition_counts(client, names))
        if not known:
            return
        answer = await bounded(client.delete_topics(known), "deleting topics")
        for name, code in answer.topic_error_codes:
            if code != _NO_ERROR and for_code(code) is not UnknownTopicOrPartitionError:
                raise KafkaTrouble(f"topic {name} cannot be deleted: {for_code(code).__name__}")
        await _until(client, names, lambda counts: not counts, "waiting until deleted topics are gone")


async def forget_group(settings: Settings, group: str) -> None:
    """Has Kafka forget a group that nobody is in any more: else it lags behind for a week. Raises KafkaTrouble."""
    async with admin(settings) as client:
        name = settings.topic_prefix + group
        coordinator = await bounded(client.find_coordinator(name), "looking for a group")
        request = DeleteGroupsRequest([name])
        answer = await bounded(client._send_request(request, coordinator), "forgetting a group")  # noqa: SLF001  aiokafka offers no other way
        ((_, code),) = answer.results
        if code != _NO_ERROR and for_code(code) is not GroupIdNotFound:
            raise KafkaTrouble(f"group {name} cannot be forgotten: {for_code(code).__name__}")


async def _partition_counts(client: Any, names: Sequence[str]) -> dict[str, int]:  # noqa: ANN401  aiokafka has no types
    described = await bounded(client.describe_topics(list(names)), "asking for topics")
    hidden = [topic["topic"] for topic in described if for_code(topic["error_code"]) is TopicAuthorizationFailedError]
    if hidden:
        raise KafkaTrouble(
            f"this process's Kafka user may not see {', '.join(sorted(hidden))}; its rights: docs/connections.md"
        )
    return {topic["topic"]: len(topic["partitions"]) for topic in described if topic["error_code"] == _NO_ERROR}


async def _create(client: Any, settings: Settings, missing: dict[str, Topic]) -> set[str]:  # noqa: ANN401  the same
    new = [
        NewTopic(name, topic.partitions, settings.kafka_replication, None, _config(settings, topic))
        for name, topic in missing.items()
    ]
    answer = await bounded(client.create_topics(new), "creating topics")
    made = set()
    for name, code, message in answer.topic_errors:
        if code == _NO_ERROR:
            made.add(name)
        elif for_code(code) is not TopicAlreadyExistsError:
            raise KafkaTrouble(f"topic {name} cannot be created: {message or for_code(code).__name__}")
    return made


def _config(settings: Settings, topic: Topic) -> dict[str, str]:
    """An acknowledgement is worth something only if all copies but one have the record.

    Times are the broker's: else it refuses whatever comes from a relay whose clock is an hour ahead.
    """
    return {
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(topic.retention_ms),
        "cleanup.policy": "delete",
        "min.insync.replicas": str(max(1, settings.kafka_replication - 1)),
    }


async def _until_known(client: Any, names: Sequence[str]) -> None:  # noqa: ANN401  the same
    await _until(client, names, lambda counts: len(counts) == len(names), "waiting until new topics are known")


async def _until(client: Any, names: Sequence[str], holds: Any, doing: str) -> None:  # noqa: ANN401  the same
    async def ask() -> None:
        while not holds(await _partition_counts(client, names)):  # noqa: ASYNC110  it is the broker that changes
            await asyncio.sleep(0.05)

    await bounded(ask(), doing, 20)
