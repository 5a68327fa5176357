"""What every process counts, for Prometheus. A metric appears once a process has something to say about it."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

CONTENT_TYPE = CONTENT_TYPE_LATEST

# The edge
HTTP_REQUESTS = Counter("http_requests_total", "Requests answered", ("method", "route", "status"), registry=REGISTRY)
HTTP_SECONDS = Histogram(
    "http_request_seconds",
    "Time from the request's head to the last byte of its answer",
    ("method", "route"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.3, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
AUTHZ_DENIED = Counter("authz_denied_total", "Requests that the policy refused", ("action",), registry=REGISTRY)
JWKS_AWAY = Gauge("jwks_away", "1 since the issuer last failed to tell its keys", registry=REGISTRY)
SSE_CLIENTS = Gauge("sse_clients", "Browsers that listen for change hints", ("scope",), registry=REGISTRY)
PAGE_RENDERINGS = Counter(
    "page_renderings_total", "Parts of pages rendered, not taken from those kept", ("page",), registry=REGISTRY
)

# Imports of sheets
IMPORT_ROWS = Counter(
    "import_rows_total", "Rows of imported sheets by what became of them", ("result",), registry=REGISTRY
)

# The relay
OUTBOX_UNPUBLISHED = Gauge(
    "outbox_unpublished", "Events that Kafka has not acknowledged yet", ("service",), registry=REGISTRY
)
OUTBOX_OLDEST_AGE = Gauge(
    "outbox_oldest_age_seconds",
    "Age of the oldest event that Kafka has not acknowledged",
    ("service",),
    registry=REGISTRY,
)
EVENTS_PUBLISHED = Counter(
    "events_published_total", "Events that Kafka acknowledged", ("service", "topic"), registry=REGISTRY
)
EVENTS_HELD = Gauge("events_held", "Events that Kafka refuses for good", ("service",), registry=REGISTRY)
RELAY_LEADS = Gauge("relay_leads", "1 while this process leads", ("service",), registry=REGISTRY)
RELAY_ALARM = Gauge(
    "relay_alarm", "1 while this process publishes nothing and waits for its cure", ("service",), registry=REGISTRY
)
RELAY_HISTORY = Gauge("relay_history", "The history that is being published", ("service",), registry=REGISTRY)
RELAY_EPOCH = Gauge("relay_epoch", "Rises each time the whole outbox is sent again", ("service",), registry=REGISTRY)

RELAY_POSTGRES = Gauge("relay_postgres_answers", "1 while Postgres answers the relay", ("service",), registry=REGISTRY)
# Of the whole database, but told by each service's leader: nobody else asks Postgres all the time.
WAL_SLOTS_UNREAD = Gauge(
    "postgres_slots_unread", "Replication slots that keep WAL and that nobody reads", ("service",), registry=REGISTRY
)
WAL_ARCHIVE_FAILS = Gauge(
    "postgres_archive_fails", "1 while the newest try to archive WAL has failed", ("service",), registry=REGISTRY
)

# The consumer
CONSUMER_LAG = Gauge(
    "consumer_lag",
    "Records between the position and the end of the log",
    ("topic", "partition", "group"),
    registry=REGISTRY,
)
EVENT_END_TO_END = Histogram(
    "event_end_to_end_seconds",
    "Time from the event's record to its effect being visible",
    ("group",),
    buckets=(0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
    registry=REGISTRY,
)
PARKED_EVENTS = Gauge("parked_events", "Records set aside, waiting for a decision", ("group",), registry=REGISTRY)
DUPLICATES_DROPPED = Counter(
    "duplicates_dropped_total", "Events at or below the known version", ("group",), registry=REGISTRY
)
OFFSET_RESETS = Counter(
    "offset_resets_total", "Times a log turned out to be another one", ("group",), registry=REGISTRY
)
REBALANCES = Counter("rebalances_total", "Times the partitions were dealt anew", ("group",), registry=REGISTRY)
CONSUMER_ALARMS = Gauge("consumer_alarms", "Alarms that nobody has cleared", ("group", "kind"), registry=REGISTRY)
PROJECTION_POSITION = Gauge(
    "projection_position", "Sum of the next offsets of a read model", ("group",), registry=REGISTRY
)

READ_MODELS_BEHIND = Gauge(
    "read_models_behind_seconds",
    "Age of what pages show, as their own process sees it",
    ("service",),
    registry=REGISTRY,
)


def exposition() -> bytes:
    """Returns the present values in Prometheus's text format."""
    return generate_latest(REGISTRY)
