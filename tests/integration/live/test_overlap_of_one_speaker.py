"""A finished transcript is taken as it stands, also where one speaker's lines overlap each other."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from ridealong.live import CallStart
from ridealong.live.finished import FinishedTranscript
from ridealong.store import calls
from tests.integration.live.conftest import House, line


async def test_no_line_of_a_transcript_is_dropped_because_it_overlaps_the_same_speakers_last(
    house: House, tenant_id: UUID, start: Callable[..., CallStart]
) -> None:
    lines = (
        line(0, 0, 0, "We would start in the first week.", 4000),
        line(1, 0, 3000, "I will.", 700),
        line(2, 1, 5000, "Good."),
    )
    live = house.process()
    call = await live.begin(tenant_id, start(), source=FinishedTranscript(lines))
    await call.over.wait()
    async with house.store.tenant(tenant_id) as conn:
        found = await calls.load_transcript(conn, await calls.latest_revision(conn, call.call_id))
    assert [u.text for u in found] == [u.text for u in lines]
