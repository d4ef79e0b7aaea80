"""What people look up and what reps are told share a process, and no threads."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from ridealong.app.coach import coach_transcript
from ridealong.app.runtime import DEFAULT_TENANT, Runtime
from ridealong.config import Settings
from ridealong.core.context import CallContext
from ridealong.core.events import CallEvent, MomentDecided
from ridealong.speech.session_file import read_session

SAMPLE = Path(__file__).parents[3] / "src/ridealong/sample/call.jsonl"


class Moments:
    """Knows when the first moment was told."""

    def __init__(self) -> None:
        self.first = asyncio.Event()

    def show(self, event: CallEvent) -> None:
        if isinstance(event, MomentDecided):
            self.first.set()


async def test_a_moment_comes_while_every_thread_of_the_pages_is_busy(store_settings: Settings) -> None:
    free = threading.Event()
    moments = Moments()
    session = read_session(SAMPLE)
    async with Runtime.open(store_settings) as runtime:
        tenant = await runtime.tenant(DEFAULT_TENANT, create=True)
        # More than there are threads: as many slow questions as people ask on a Monday morning.
        asked = [runtime.pages.submit(free.wait) for _ in range(64)]
        try:
            running = asyncio.create_task(
                coach_transcript(runtime, tenant.tenant_id, session, speed=0, context=CallContext(), listener=moments)
            )
            async with asyncio.timeout(120):
                await moments.first.wait()
            assert not any(question.done() for question in asked)
        finally:
            free.set()
        await running
