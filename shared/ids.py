"""Identifiers: UUIDv7, made before the transaction. Nothing is ever ordered by one."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Returns a fresh UUIDv7; its time part keeps index pages together and means nothing more."""
    return uuid7()
