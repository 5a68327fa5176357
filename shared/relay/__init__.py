"""From the outbox to Kafka: everything committed, in order per aggregate, at least once."""

from shared.postgres import Connection


async def backlog(connection: Connection) -> int:
    """Returns how many rows of the outbox Kafka has not acknowledged; the connection's schema is the service's."""
    from shared.relay.store import read_backlog

    return (await read_backlog(connection)).rows
