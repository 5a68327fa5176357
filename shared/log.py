"""One log line per thing that happened: JSON on stdout, pretty on a terminal, and never anybody's identity in it."""

import logging
import re
import sys
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

import structlog

from shared.settings import LogFormat, Settings

Event = MutableMapping[str, Any]

_HIDDEN = "[disembunyikan]"
# Keys whose values are somebody's identity or a secret, whatever they look like.
_PRIVATE_KEYS = re.compile(
    r"^(nik|npwp|phone|telepon|address|alamat|owner_name|owner|owners|authorization|cookie|password|secret|token|client_secret)$",
    re.IGNORECASE,
)
# A NIK or NPWP has 15 or 16 digits, perhaps grouped; an Indonesian phone begins with 08, 62 or +62.
_PRIVATE_TEXT = re.compile(
    r"(?<![\w-])(?:\d[ .-]?){14,15}\d(?![\w-])|(?<![\w.-])(?:\+?62|0)[ -]?8\d(?:[ -]?\d){6,11}(?![\w-])"
)
# Postgres repeats the values of the offending row here.
_POSTGRES_DETAIL = re.compile(r"(DETAIL|CONTEXT):.*?(?=\n\n|\nHINT:|\Z)", re.DOTALL)

_FOREIGN_LEVELS = {
    "uvicorn.access": logging.CRITICAL,
    "uvicorn.error": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "aiokafka": logging.WARNING,
}


def configure(settings: Settings, service: str, role: str) -> None:
    """Sends our own lines and those of every library to stdout in one form, each with the service and the role."""
    before = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _name_process(service, role),
    ]
    after = _pretty_lines() if _is_pretty(settings) else _json_lines()
    structlog.configure(
        processors=[*before, *after],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    _route_standard_library(settings, [*before, structlog.stdlib.ExtraAdder()], after)


def _json_lines() -> list[Any]:
    """Exceptions without local variables: they hold what people typed."""
    return [
        structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
        mask,
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
    ]


def _pretty_lines() -> list[Any]:
    return [structlog.processors.format_exc_info, mask, structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]


def mask(_logger: object, _method: str, event: Event) -> Event:
    """Hides whatever looks like a NIK, an NPWP or a phone number, and everything under a private key."""
    for key, value in event.items():
        event[key] = _HIDDEN if _is_private(key) else masked(value)
    return event


def masked(value: Any) -> Any:  # noqa: ANN401  a log line holds anything
    """Returns the value without identities; containers are searched through."""
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, dict):
        return {key: _HIDDEN if _is_private(str(key)) else masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return _HIDDEN if isinstance(value, int) and value >= 10**14 else value
    return _masked_text(str(value))


@lru_cache(maxsize=1_000)
def _is_private(key: str) -> bool:
    return _PRIVATE_KEYS.match(key) is not None


def _masked_text(text: str) -> str:
    if len(text) < 9:
        return text
    if "DETAIL:" in text or "CONTEXT:" in text:
        text = _POSTGRES_DETAIL.sub(rf"\1: {_HIDDEN}", text)
    return _PRIVATE_TEXT.sub(_HIDDEN, text)


def _name_process(service: str, role: str) -> Any:  # noqa: ANN401  structlog's own processor type is as wide
    def name(_logger: object, _method: str, event: Event) -> Event:
        event["service"] = service
        event["role"] = role
        return event

    return name


def _is_pretty(settings: Settings) -> bool:
    if settings.log_format is LogFormat.AUTO:
        return sys.stdout.isatty()
    return settings.log_format is LogFormat.PRETTY


def _route_standard_library(settings: Settings, before: list[Any], after: list[Any]) -> None:
    """Lines of uvicorn, aiokafka, faststream and asyncio take the same way as ours."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *after]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name, level in _FOREIGN_LEVELS.items():
        logging.getLogger(name).setLevel(max(level, root.level))
    logging.captureWarnings(True)  # noqa: FBT003  the standard library's signature
