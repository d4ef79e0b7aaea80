"""A task that is cancelled in the middle of its work with the database leaves the connections as they were."""

from __future__ import annotations

import asyncio
import contextlib
import time

from ridealong.store import Store
from ridealong.store.tenants import create_tenant

BUSY_S = 0.02


async def test_a_cancelled_task_leaves_no_connection_that_forgets_its_tenant(store: Store) -> None:
    tenant_id = (await create_tenant(store, "acme", "Acme")).tenant_id

    async def touch() -> None:
        async with store.tenant(tenant_id) as connection:
            await connection.execute("SELECT count(*) FROM rep")

    async def tenant_in_a_later_statement() -> str:
        async with store.tenant(tenant_id) as connection:
            await connection.execute("SELECT pg_sleep(0.005)")
            cursor = await connection.execute("SELECT current_setting('ridealong.tenant', true)")
            row = await cursor.fetchone()
            assert row is not None
            return row[0]

    await touch()
    for turns in range(12):
        task = asyncio.create_task(touch())
        # psycopg lets others run where the loop was busy for long; a task can be cancelled at exactly such a place, and
        # the later it is cancelled, the further into its work it is.
        time.sleep(BUSY_S)  # noqa: ASYNC251
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        seen = await asyncio.gather(*(tenant_in_a_later_statement() for _ in range(2)))
        assert seen == [str(tenant_id)] * 2
