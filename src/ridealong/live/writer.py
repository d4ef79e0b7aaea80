"""From the log on disk to the database, behind the call: the call never waits for it, and nothing is skipped."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from ridealong import telemetry
from ridealong.core.artifact import StoredMoment
from ridealong.core.errors import RidealongError, Unavailable
from ridealong.core.events import (
    CallEnded,
    FeedbackGiven,
    GapRecorded,
    MarkMade,
    MomentDecided,
    RoleLearned,
    UtteranceFinished,
)
from ridealong.recording.entries import Lasting
from ridealong.store import calls, moments, opinions

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import AsyncConnection

    from ridealong.core.transcript import TranscriptId
    from ridealong.embedding import Vectors
    from ridealong.recording.log import CallLog
    from ridealong.store import Store

BATCH: Final = 200
LINGER_S: Final = 0.15
"""What belongs together (an utterance, its moments, a role) comes within this time and shares one transaction."""

RETRY_S: Final = (0.2, 0.5, 1.0, 2.0)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pending:
    """An event to store; `vector` is its embedding where it has one."""

    event: Lasting
    vector: Vectors | None = None


class StoreWriter:
    """Writes one call's lasting events, in order, in small transactions; tries again while the database is away."""

    def __init__(
        self,
        *,
        store: Store,
        tenant_id: UUID,
        transcript_id: TranscriptId,
        log: CallLog,
        executor: Executor,
        embed: Callable[[str], Vectors],
        on_away: Callable[[], None],
    ) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._transcript_id = transcript_id
        self._log = log
        self._executor = executor
        self._embed = embed
        self._on_away = on_away
        self._pending: deque[Pending] = deque()
        self._more = asyncio.Event()
        self._last = asyncio.Event()
        """The call's end is among what waits: no use in waiting for more."""

    def add(self, pending: Pending) -> None:
        self._pending.append(pending)
        self._more.set()
        if isinstance(pending.event, CallEnded):
            self._last.set()

    async def run(self) -> None:
        """Write until CallEnded is stored."""
        while True:
            while not self._pending:
                self._more.clear()
                await self._more.wait()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._last.wait(), LINGER_S)
            batch = [self._pending[i] for i in range(min(BATCH, len(self._pending)))]
            # The log is flushed first: after a power cut the database must not know more than the log.
            await asyncio.get_running_loop().run_in_executor(self._executor, self._log.sync)
            await self._persist(batch)
            for _ in batch:
                self._pending.popleft()
            if isinstance(batch[-1].event, CallEnded):
                return

    async def _persist(self, batch: Sequence[Pending]) -> None:
        attempt = 0
        while True:
            try:
                await self._write(batch)
            except Unavailable:
                if attempt == 0:
                    self._on_away()
                telemetry.store_retries_total.inc()
                await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
                attempt += 1
            except RidealongError as error:
                if len(batch) == 1:
                    # Refused by a rule of the database: it can never be stored, and must not hold up what follows.
                    _log.error("store_refused", kind=type(batch[0].event).__name__, error=type(error).__name__)
                    if isinstance(batch[0].event, CallEnded):
                        raise
                    return
                for pending in batch:
                    await self._persist([pending])
                return
            else:
                return

    async def _write(self, batch: Sequence[Pending]) -> None:
        async with self._store.tenant(self._tenant_id) as conn:
            for pending in batch:
                await self._write_one(conn, pending)

    async def _write_one(self, conn: AsyncConnection, pending: Pending) -> None:
        call_id = self._transcript_id.call_id
        match pending.event:
            case UtteranceFinished(utterance=utterance):
                vector = pending.vector
                if vector is None:
                    vector = await asyncio.get_running_loop().run_in_executor(
                        self._executor, self._embed, utterance.text
                    )
                await calls.append_utterances(conn, self._transcript_id, [utterance], vector[None, :])
            case MomentDecided() as decided:
                stored = StoredMoment(moment_id=decided.moment_id, moment=decided.moment)
                vector = pending.vector
                await moments.record_moments(conn, [stored], None if vector is None else vector[None, :])
            case RoleLearned(assignment=assignment):
                await calls.record_role(conn, self._transcript_id, assignment)
            case GapRecorded() as gap:
                found = calls.Gap(at_ts=gap.at_ts, duration_ms=gap.duration_ms, reason=gap.reason)
                await calls.record_gap(conn, call_id, found)
            case MarkMade() as made:
                await opinions.mark(conn, call_id, made.at_ts, made.author, made.mark_id)
            case FeedbackGiven() as given:
                await opinions.give_feedback(conn, call_id, given.moment_id, given.author, given.verdict)
            case CallEnded() as ended:
                # One transaction with whatever came last: the call's end, and the review that is due for it.
                await calls.end_call(conn, call_id, audio_ms=ended.audio_ms, reason=ended.reason)
