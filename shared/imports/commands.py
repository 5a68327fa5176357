"""The command of one row."""

from shared.commands import Answer, Decide, execute, rehearse
from shared.imports.importer import Entry
from shared.postgres import Pool

CREATED = 201


async def execute_row(pool: Pool, entry: Entry, decide: Decide) -> Answer:
    """Runs `decide` as the row's command; in a dry run all of it is undone. Raises what `execute` raises.

    What it creates (201) is remembered with the row's status: a crash before that finds the answer by the row's key.
    """
    run = rehearse if entry.job.dry_run else execute
    return await run(pool, entry.request, decide)
