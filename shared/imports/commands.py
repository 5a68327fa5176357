"""The command of one row."""

from uuid import UUID

from shared.commands import Answer, Decide, Work, execute, rehearse
from shared.imports import store
from shared.imports.importer import Entry
from shared.postgres import Pool

CREATED = 201


async def execute_row(pool: Pool, entry: Entry, decide: Decide) -> Answer:
    """Runs `decide` as the row's command; what it creates (201 with its `id`) is remembered in the same transaction.

    So the same row is known when it is uploaded again. In a dry run all of it is undone. Raises what `execute` raises.
    """

    async def decide_and_remember(work: Work) -> Answer:
        answer = await decide(work)
        if answer.status == CREATED:
            await store.remember_row(work.connection, entry, UUID(answer.body["id"]))
        return answer

    run = rehearse if entry.job.dry_run else execute
    return await run(pool, entry.request, decide_and_remember)
