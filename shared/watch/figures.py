"""What the watch tells Prometheus. Apart from `shared.metrics`, for every other process would tell them as 0."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from prometheus_client import Gauge

from shared.metrics import REGISTRY
from shared.watch.look import Look

_KAFKA = Gauge("kafka_answers", "1 while Kafka answers the watch", registry=REGISTRY)
_BROKERS = Gauge("kafka_brokers", "Brokers that belong to the cluster now", registry=REGISTRY)
_SHORT = Gauge(
    "kafka_partitions_short_of_copies", "Partitions of which some broker has no present copy", registry=REGISTRY
)
_MEMBERS = Gauge("group_members", "Processes that share the work of a group", ("group",), registry=REGISTRY)
_LAG = Gauge("group_lag", "Records that a group has told Kafka nothing of yet", ("group", "topic"), registry=REGISTRY)
_POSITION = Gauge("group_position", "Sum of the offsets that a group has told Kafka", ("group",), registry=REGISTRY)
_SILENT = Gauge(
    "relay_silent_seconds",
    "Time since the relays of a service last said how far they are",
    ("service",),
    registry=REGISTRY,
)

_FREE = Gauge("disk_free_bytes", "Room that is left for a directory", ("directory",), registry=REGISTRY)
_SIZE = Gauge("disk_size_bytes", "Size of the disk that a directory lies on", ("directory",), registry=REGISTRY)


def tell(look: Look) -> None:
    """Replaces everything that was told before: a group that is gone is not told of any more."""
    _KAFKA.set(1)
    _BROKERS.set(look.brokers)
    _SHORT.set(look.short_of_copies)
    for gauge in (_MEMBERS, _LAG, _POSITION):
        gauge.clear()
    for group, standing in look.groups.items():
        _MEMBERS.labels(group).set(standing.members)
        _POSITION.labels(group).set(sum(standing.committed.values()))
        for topic, lag in standing.lags(look.ends).items():
            _LAG.labels(group, topic).set(lag)


def tell_silence(silence: Mapping[str, float]) -> None:
    """`silence`: seconds by service. Goes on growing while Kafka is away."""
    for service, seconds in silence.items():
        _SILENT.labels(service).set(seconds)


def tell_nothing_known() -> None:
    """Kafka does not answer: what it said before is old."""
    _KAFKA.set(0)
    _BROKERS.set(0)
    for gauge in (_MEMBERS, _LAG, _POSITION):
        gauge.clear()


def tell_disks(directories: Iterable[Path]) -> None:
    """One that cannot be asked is not told of."""
    for directory in directories:
        try:
            usage = shutil.disk_usage(directory)
        except OSError:
            _FREE.remove(str(directory))
            continue
        _FREE.labels(str(directory)).set(usage.free)
        _SIZE.labels(str(directory)).set(usage.total)
