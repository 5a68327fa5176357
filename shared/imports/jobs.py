"""The loop that works imports through, inside the api's process: one job at a time, leased, so that replicas share."""

from collections.abc import Callable
from datetime import datetime, timedelta

from shared import metrics
from shared.clock import utc_now
from shared.ids import new_id
from shared.imports import store
from shared.imports.importer import Importer
from shared.imports.rows import RowStatus
from shared.imports.run import LEASE, Run
from shared.postgres import Pool, transaction
from shared.queues import QueueLoop

KEPT = timedelta(days=30)


class ImportWorker(QueueLoop):
    """Any number of them share the work; each job is worked by one at a time."""

    name = "import_worker"
    patience_seconds = 2.0
    postponed = "import_postponed"

    def __init__(self, pool: Pool, importer: Importer, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__(clock)
        self._pool = pool
        self._importer = importer
        for status in RowStatus:
            metrics.IMPORT_ROWS.labels(status)

    async def work_next(self) -> bool:
        """Works the next job through; tells whether there was one."""
        lease, now = new_id(), self._clock()
        async with transaction(self._pool) as connection:
            record = await store.claim_import(connection, lease, now, now + LEASE)
        if record is None:
            return False
        try:
            await Run(self._pool, self._importer, record, lease, self.stopping, self._clock).finish()
        except store.LeaseLost:
            self._log.warning("import_taken_over", job=str(record.job.id))
        return True

    async def forget(self) -> None:
        """Forgets files and rows of imports that ended 30 days ago, one import at a time."""
        forgotten = 1
        while forgotten and not self.stopping.is_set():
            now = self._clock()
            async with transaction(self._pool) as connection:
                forgotten = await store.forget_imports(connection, now - KEPT, now, 1)
