"""From the log on disk to the database, behind the call: the call never waits for it, and nothing is skipped."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
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
    NudgeSighted,
    RoleLearned,
    UtteranceFinished,
)
from ridealong.recording.entries import Lasting
from ridealong.store import calls, effects, moments, opinions, taxonomy_versions

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import AsyncConnection

    from ridealong.core.transcript import TranscriptId, Utterance
    from ridealong.embedding import Vectors
    from ridealong.recording.log import CallLog
    from ridealong.store import Store
    from ridealong.store.taxonomy_versions import ShadowMoment

BATCH: Final = 200
LINGER_S: Final = 10.0
"""What comes within this time shares one transaction, of which each costs about as much as the audio of four seconds.
The log has it already, and who watches has heard of it; whoever reads the database instead asks for `caught_up`.
"""

RETRY_S: Final = (0.2, 0.5, 1.0, 2.0)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pending:
    """An event to store."""

    event: Lasting | NudgeSighted
    shadow: tuple[ShadowMoment, ...] = ()
    """Of an utterance: what a head in shadow found in it."""


class StoreWriter:
    """Writes one call's lasting events, in order, in small transactions; tries again while the database is away."""

    def __init__(
        self,
        *,
        store: Store,
        tenant_id: UUID,
        transcript_id: TranscriptId,
        log: CallLog,
        disk: Executor,
        behind: Executor,
        embed: Callable[[str], Vectors],
        on_away: Callable[[], None],
    ) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._transcript_id = transcript_id
        self._log = log
        self._disk = disk
        self._behind = behind
        self._embed = embed
        self._on_away = on_away
        self._pending: deque[Pending] = deque()
        self._vectors: dict[int, Vectors] = {}
        """By utterance: what is embedded and not stored yet, for the next try where the database is away."""
        self._more = asyncio.Event()
        self._added = 0
        self._stored = 0
        self._wanted = 0
        """So many events are waited for; with `_stored` below it there is no lingering."""
        self._hurry = asyncio.Event()
        self._progress = asyncio.Event()
        """Set, and replaced by a new one, whenever more is stored."""

    def add(self, pending: Pending) -> None:
        self._pending.append(pending)
        self._added += 1
        self._more.set()
        if isinstance(pending.event, CallEnded):
            self._want_all()

    async def caught_up(self) -> None:
        """Wait until all that was added before now is stored: what a reader of the database must have seen."""
        wanted = self._added
        self._want_all()
        while self._stored < wanted:
            await self._progress.wait()

    def _want_all(self) -> None:
        if self._stored < self._added:
            self._wanted = self._added
            self._hurry.set()

    async def run(self) -> None:
        """Write until CallEnded is stored."""
        while True:
            while not self._pending:
                self._more.clear()
                await self._more.wait()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), LINGER_S)
            batch = [self._pending[i] for i in range(min(BATCH, len(self._pending)))]
            # The log is flushed first: after a power cut the database must not know more than the log.
            await asyncio.get_running_loop().run_in_executor(self._disk, self._log.sync)
            await self._persist(batch)
            for _ in batch:
                self._pending.popleft()
            self._tell_stored(len(batch))
            if isinstance(batch[-1].event, CallEnded):
                return

    def _tell_stored(self, count: int) -> None:
        self._stored += count
        if self._stored >= self._wanted:
            self._hurry.clear()
        told, self._progress = self._progress, asyncio.Event()
        told.set()

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
        said = [p.event.utterance for p in batch if isinstance(p.event, UtteranceFinished)]
        vectors = await self._embedded(said)
        async with self._store.tenant(self._tenant_id) as conn:
            # First what was said: the moments cite it.
            if said:
                await calls.append_utterances(conn, self._transcript_id, said, np.stack(vectors))
            shadow = [found for p in batch for found in p.shadow]
            if shadow:
                await taxonomy_versions.record_shadow_moments(conn, shadow)
            decided = [p.event for p in batch if isinstance(p.event, MomentDecided)]
            if decided:
                # Each with the vector of the utterance that it cites, which the database has by now.
                await moments.record_moments(
                    conn, [StoredMoment(moment_id=event.moment_id, moment=event.moment) for event in decided]
                )
            for pending in batch:
                await self._write_other(conn, pending)
        for utterance in said:
            self._vectors.pop(utterance.no, None)

    async def _embedded(self, said: Sequence[Utterance]) -> list[Vectors]:
        """The embeddings for search, which nothing live needs: the nudge does not wait for them."""
        new = [utterance for utterance in said if utterance.no not in self._vectors]
        if new:
            reading = asyncio.get_running_loop().run_in_executor(
                self._behind, lambda: [self._embed(utterance.text) for utterance in new]
            )
            self._vectors |= zip((utterance.no for utterance in new), await reading, strict=True)
        return [self._vectors[utterance.no] for utterance in said]

    async def _write_other(self, conn: AsyncConnection, pending: Pending) -> None:
        call_id = self._transcript_id.call_id
        match pending.event:
            case UtteranceFinished() | MomentDecided():
                return
            case RoleLearned(assignment=assignment):
                await calls.record_role(conn, self._transcript_id, assignment)
            case GapRecorded() as gap:
                found = calls.Gap(at_ts=gap.at_ts, duration_ms=gap.duration_ms, reason=gap.reason)
                await calls.record_gap(conn, call_id, found)
            case MarkMade() as made:
                await opinions.mark(conn, call_id, made.at_ts, made.author, made.mark_id)
            case NudgeSighted() as sighted:
                await effects.record_sighting(conn, call_id, sighted)
            case FeedbackGiven() as given:
                await opinions.give_feedback(conn, call_id, given.moment_id, given.author, given.verdict)
            case CallEnded() as ended:
                # One transaction with whatever came last: the call's end, and the review that is due for it.
                await calls.end_call(conn, call_id, audio_ms=ended.audio_ms, reason=ended.reason)
