"""After the call, its recording is heard again by a better recogniser: a new revision, stored whole or not at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from ridealong.core.artifact import ReviewStep, StepOutcome
from ridealong.core.errors import Unavailable
from ridealong.core.reanchor import carried_roles, match_speakers, reanchored, renamed, tells_apart
from ridealong.core.transcript import Evidence, Transcript, TranscriptId
from ridealong.postcall.review import embed_call
from ridealong.speech.batch import utterances_of
from ridealong.store.calls import load_call, load_roles, load_transcript
from ridealong.store.moments import load_moments
from ridealong.store.review_questions import save_steps
from ridealong.store.revisions import revisable, store_revision
from ridealong.telemetry import retranscription_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ridealong.embedding import Embedder
    from ridealong.speech import Audio, BatchTranscriber, Hearing, SpokenWord
    from ridealong.store import Store

NOTHING: Final = 0
"""There was nothing to hear again: no recording, or it was heard already."""
HEARD: Final = 1
FAILED: Final = 2
"""It could not be heard again: the review stands on what was heard live."""

BUDGET_S: Final = 60.0
BUDGET_PER_CALL: Final = 0.5
"""Hearing again may take a minute, and half of the call's own time on top."""
TRANSCRIPTION: Final = "transcription"
"""What it is called among the steps of a review."""
RETRY_S: Final = (1.0, 4.0)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RecordedCall:
    """An ended call's recording. `audio` begins anew with each call of it."""

    audio: Callable[[], AsyncIterable[Audio]]
    hearing: Hearing


@dataclass(frozen=True, kw_only=True, slots=True)
class Billing:
    """What hearing again is paid for."""

    model: str
    """`vendor:model id`, as the price table writes it."""
    cost: Callable[[int, int], float] | None
    """US dollars of (milliseconds of audio, channels); None where no price is known."""


Recorded = Callable[[UUID, UUID], Awaitable[RecordedCall | None]]
"""The recording of (tenant_id, call_id), None where there is none."""


class Rehearing:
    """Makes revision 2 of calls. `budget_s` and `budget_per_call`: see `BUDGET_S`."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        transcriber: BatchTranscriber,
        recorded: Recorded,
        *,
        budget_s: float = BUDGET_S,
        budget_per_call: float = BUDGET_PER_CALL,
        billing: Billing | None = None,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._transcriber = transcriber
        self._recorded = recorded
        self._budget_s = budget_s
        self._budget_per_call = budget_per_call
        self._billing = billing

    async def hear_again(self, tenant_id: UUID, review_id: UUID) -> int:
        """HEARD, NOTHING or FAILED. Repeating it after HEARD hears nothing again."""
        began = time.monotonic()
        try:
            outcome = await self._hear_again(tenant_id, review_id)
        except Exception as error:
            # Never the error itself: it may hold words of the call.
            _log.warning("not_heard_again", review_id=str(review_id), error=type(error).__name__)
            outcome = FAILED
        if outcome != NOTHING:
            seconds = time.monotonic() - began
            retranscription_seconds.labels("heard" if outcome == HEARD else "failed").observe(seconds)
        return outcome

    async def _hear_again(self, tenant_id: UUID, review_id: UUID) -> int:
        async with self._store.tenant(tenant_id) as connection:
            now = await revisable(connection, review_id)
            if now is None or now.revision > 1:
                return NOTHING if now is None else HEARD
            call = await load_call(connection, now.call_id)
        recorded = await self._recorded(tenant_id, now.call_id)
        if recorded is None:
            return NOTHING
        began = time.monotonic()
        async with asyncio.timeout(self._budget_s + self._budget_per_call * call.audio_ms / 1000):
            words = await self._transcribe(recorded)
        seconds = time.monotonic() - began
        utterances = await asyncio.to_thread(utterances_of, words)
        next_id = TranscriptId(call_id=now.call_id, revision=now.revision + 1)
        async with self._store.tenant(tenant_id) as connection:
            live = await load_transcript(connection, now)
            roles = await load_roles(connection, now)
            moments = await load_moments(connection, live)
        if not utterances and len(live):
            # A recogniser that heard nobody where somebody spoke has failed, whatever it says.
            raise Unavailable("the recogniser heard nothing in a call in which somebody spoke")
        if recorded.hearing.channels == 1 and not tells_apart(live, utterances):
            raise Unavailable("the recogniser told nobody apart in a call in which two people were heard")
        if recorded.hearing.channels == 1:
            # With two channels the channel is the speaker, in both.
            utterances = renamed(utterances, match_speakers(live, utterances))
        transcript = Transcript.of(next_id, utterances)
        anchors: dict[UUID, Sequence[Evidence]] = {}
        for stored in moments:
            found = reanchored(stored.moment, transcript)
            if found is not None:
                anchors[stored.moment_id] = found
        vectors = await asyncio.to_thread(embed_call, transcript, self._embedder, {})
        async with self._store.tenant(tenant_id) as connection:
            done = await store_revision(
                connection,
                review_id,
                transcript,
                roles=carried_roles(roles, utterances),
                anchors=anchors,
                vectors=vectors,
            )
            if done and self._billing is not None:
                asked = _billed(self._billing, call.audio_ms, recorded.hearing.channels, seconds)
                await save_steps(connection, review_id, asked.step, [asked])
        _log.info("heard_again", review_id=str(review_id), moments=len(moments), reanchored=len(anchors))
        return HEARD if done else NOTHING

    async def _transcribe(self, recorded: RecordedCall) -> Sequence[SpokenWord]:
        for pause_s in RETRY_S:
            try:
                return await self._transcriber.transcribe(recorded.audio(), recorded.hearing)
            except Unavailable as error:
                if error.retry_after_s is not None:
                    raise  # what is worth waiting for was waited for
                await asyncio.sleep(pause_s)
        return await self._transcriber.transcribe(recorded.audio(), recorded.hearing)


def _billed(billing: Billing, audio_ms: int, channels: int, seconds: float) -> ReviewStep:
    """The one request that was answered: what was asked in vain is not billed."""
    return ReviewStep(
        step=TRANSCRIPTION,
        part="transcribe",
        model=billing.model,
        outcome=StepOutcome.ANSWERED,
        attempts=1,
        input_tokens=0,
        cache_read_tokens=0,
        cache_written_tokens=0,
        output_tokens=0,
        cost_usd=None if billing.cost is None else billing.cost(audio_ms, channels),
        seconds=seconds,
    )
