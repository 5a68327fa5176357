"""A consuming process for tests that kill it: `python -m … GROUP [SECONDS_PER_BATCH]`."""

import asyncio
import sys

from shared import failpoint
from shared.consumer.host import ConsumerHost
from shared.http.serve import run
from shared.postgres import create_pool, role_name
from shared.settings import Settings
from tests.integration.consumer.conftest import SERVICE, Counting


async def main(group: str, seconds: float) -> None:
    settings = Settings()
    failpoint.arm(settings.failpoints)

    async def linger() -> None:
        sys.stdout.write("applying\n")
        sys.stdout.flush()
        await asyncio.sleep(seconds)

    pool = await create_pool(settings, role_name(SERVICE, "worker"), schema=SERVICE, application="counting")
    host = ConsumerHost(SERVICE, settings, pool)
    await host.add(Counting(group, table=group, before=linger if seconds else None))
    await host.run()


if __name__ == "__main__":
    run(main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0))
