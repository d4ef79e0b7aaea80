"""The database goes away in the middle of a call: the call goes on, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

from ridealong.core.events import CallEnded, CallEvent, MomentDecided, UtteranceFinished, WarningGiven
from ridealong.live import CallStart
from ridealong.store import calls
from ridealong.store.embedded import EmbeddedPostgres
from tests.integration.live.conftest import LENGTH_MS, SPOKEN, House

PIECE = bytes(3200)


async def test_a_call_outlives_a_database_that_is_away_and_is_stored_when_it_is_back(
    house: House, tenant_id: UUID, start: Callable[..., CallStart], postgres: EmbeddedPostgres
) -> None:
    live = house.process()
    call = await live.begin(tenant_id, start())
    sender = call.attach()
    for _ in range(30):
        await sender.write(PIECE)
        await call.taken()
    await asyncio.to_thread(postgres.stop_server)
    try:
        for _ in range(LENGTH_MS // 100 - 30):
            await sender.write(PIECE)
            await call.taken()
        assert await sender.wait_received(30 * len(PIECE)) > 30 * len(PIECE), "nothing was acknowledged meanwhile"
        await sender.stop()
        seen: list[CallEvent] = []
        async with asyncio.timeout(30):
            async for numbered in call.watch():
                seen.append(numbered.event)
                codes = [e.code for e in seen if isinstance(e, WarningGiven)]
                if "database_away" in codes and any(isinstance(e, CallEnded) for e in seen):
                    break
        assert len([e for e in seen if isinstance(e, UtteranceFinished)]) == len(SPOKEN)
        assert len([e for e in seen if isinstance(e, MomentDecided)]) == 1
        assert not call.over.is_set(), "the call cannot be stored yet"
    finally:
        await asyncio.to_thread(postgres.start_server)
    async with asyncio.timeout(30):
        await call.over.wait()
    async with house.store.tenant(tenant_id) as conn:
        found = await calls.load_transcript(conn, await calls.latest_revision(conn, call.call_id))
        assert [u.text for u in found] == [u.text for u in SPOKEN]
        assert (await calls.load_call(conn, call.call_id)).status == "ended"


async def test_a_call_of_another_process_is_left_to_it(
    house: House, tenant_id: UUID, start: Callable[..., CallStart]
) -> None:
    first, second = house.process(), house.process()
    call = await first.begin(tenant_id, start())
    assert await second.recover() == 0
    await first.close()
    assert await second.recover() == 1
    assert second.running(tenant_id) == [call.call_id]
