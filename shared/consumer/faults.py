"""Whose fault a failure is: the record's, a competing transaction's, or the world's."""

import asyncpg

from shared.postgres import RETRYABLE

# Data exceptions and violated constraints: the database refuses the content, today and tomorrow.
_CONTENT_CLASSES = frozenset({"22", "23"})


def is_the_records_fault(error: BaseException) -> bool:
    """Tells whether this record would be refused again, whoever tries; a missing column or a full disk is not its
    fault.
    """
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in _CONTENT_CLASSES
    # asyncpg refuses some values itself while it encodes them (a number beyond bigint): the same class by another way.
    return isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)


def is_lost_race(error: BaseException) -> bool:
    """Tells whether another transaction won, so that trying again at once is right."""
    return isinstance(error, RETRYABLE)
