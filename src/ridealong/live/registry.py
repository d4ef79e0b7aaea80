"""All calls of this process: begun, found again, taken up after a restart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID, uuid4

import structlog

from ridealong.core.errors import Refused, RidealongError
from ridealong.core.transcript import Transcript, TranscriptId
from ridealong.live import CallStart, Encoding
from ridealong.live import start as starts
from ridealong.live.asking import Hosted
from ridealong.live.judge import Judge
from ridealong.live.session import LiveCall, Source
from ridealong.live.taxonomy import default_taxonomy
from ridealong.live.tenant_heads import heads_of, read_taxonomy
from ridealong.speech import EnrolledVoice
from ridealong.store import calls, taxonomy_versions, tenants

if TYPE_CHECKING:
    from ridealong.live.engine import Engine
    from ridealong.llm import Model
    from ridealong.recording.folder import Recording

_log = structlog.get_logger(__name__)


FEW_CALLS: Final = 8
"""Up to so many calls are judged on the event loop: some two texts a second, of which each takes 2 ms."""


class LiveCalls:
    """Implements `RunningCalls`. `close` must be awaited by whoever made it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._calls: dict[UUID, LiveCall] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}

    async def begin(self, tenant_id: UUID, start: CallStart, *, source: Source | None = None) -> LiveCall:
        """Start a call. Raises Refused, InvalidDocument or Unavailable; then nothing is left behind."""
        starts.check(start)
        call_id = uuid4()
        judge = await self._judge(tenant_id, call_id, start)
        recording = self._engine.recordings.create(tenant_id, call_id, starts.statement(start))
        recording.acquire()
        try:
            async with self._engine.store.tenant(tenant_id) as conn:
                await calls.begin_call(
                    conn,
                    calls.NewCall(
                        call_id=call_id,
                        rep_id=start.rep_id,
                        title=start.title,
                        consent=start.consent,
                        encoding="transcript" if source is not None else start.format.encoding.value,
                        sample_rate=0 if source is not None else start.format.sample_rate,
                        channels=start.format.channels,
                        layout=start.layout.value,
                        language=start.language,
                        rep_speaker=next(iter(start.rep_speakers), None),
                        external_id=start.external_id,
                        context=start.context,
                    ),
                )
                heads = judge.heads
                await taxonomy_versions.keep_heads_of_call(conn, call_id, heads.live_version, heads.shadow_version)
        except BaseException:
            recording.release()
            recording.erase()
            raise
        call = self._open(recording, start, judge, source)
        call.begin()
        self._run(call)
        return call

    async def find(self, tenant_id: UUID, call_id: UUID) -> LiveCall:
        """A running call. Raises Refused('unknown_call') or Refused('call_ended')."""
        call = self._calls.get(call_id)
        if call is not None and call.tenant_id == tenant_id:
            return call
        async with self._engine.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
        raise Refused("call_ended", "the call has ended: begin a new one")

    def find_external(self, tenant_id: UUID, external_id: str) -> LiveCall | None:
        """The tenant's call of that name that still takes audio."""
        return next(
            (
                call
                for call in self._calls.values()
                if call.tenant_id == tenant_id and call.start.external_id == external_id and call.takes_audio
            ),
            None,
        )

    def running(self, tenant_id: UUID) -> list[UUID]:
        return [call.call_id for call in self._calls.values() if call.tenant_id == tenant_id]

    async def caught_up(self, call_id: UUID) -> None:
        """Before the database is read: wait until it knows what a running call has told, at most a few seconds."""
        call = self._calls.get(call_id)
        if call is not None:
            await call.caught_up()

    async def recover(self) -> int:
        """Take up every call that an earlier process left unfinished; returns how many."""
        count = 0
        for recording in list(self._engine.recordings.unstored()):
            if recording.call_id in self._calls or not recording.acquire():
                continue
            try:
                start = starts.read_statement(cast("dict[str, Any]", recording.statement()))
                judge = await self._judge(recording.tenant_id, recording.call_id, start)
                call = self._open(recording, start, judge, None)
                call.restore()
            except (RidealongError, ValueError, KeyError, OSError) as error:
                # One folder that cannot be read must not keep the others from going on.
                _log.error("call_not_recovered", call_id=recording.folder.name, error=type(error).__name__)
                recording.release()
                continue
            call.wait_for_sender()
            self._run(call)
            count += 1
        return count

    def drop(self, call_id: UUID) -> None:
        """Forget an ended call."""
        self._calls.pop(call_id, None)

    async def end(self, call_id: UUID, reason: str) -> None:
        """End a running call, wait until it is stored."""
        call = self._calls.get(call_id)
        if call is not None:
            call.finish(reason)
            await call.over.wait()

    async def close(self) -> None:
        """Let go of all calls. They are not ended: the next process takes them up."""
        left, tasks = list(self._calls.values()), list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for call in left:
            call.close_watchers()
            # A task that was cancelled before its first step has closed nothing.
            await call.let_go()

    def _open(self, recording: Recording, start: CallStart, judge: Judge, source: Source | None) -> LiveCall:
        packets = start.format.encoding is Encoding.OPUS
        return LiveCall(
            engine=self._engine,
            recording=recording,
            start=start,
            judge=judge,
            journal=recording.open_audio(packets=packets, executor=self._engine.disk),
            log=recording.open_log(),
            source=source,
        )

    def _run(self, call: LiveCall) -> None:
        self._calls[call.call_id] = call
        self._tasks[call.call_id] = asyncio.create_task(self._whole(call), name=f"call {call.call_id}")

    async def _whole(self, call: LiveCall) -> None:
        try:
            await call.run()
            artifact = await self._engine.review(call.tenant_id, call.call_id)
            if artifact is not None:
                call.reviewed(artifact)
        except Exception as error:
            # Whatever it is, the other calls go on.
            _log.error("call_failed", call_id=str(call.call_id), error=type(error).__name__)
            call.failed()
        finally:
            call.close_watchers()
            self._calls.pop(call.call_id, None)
            self._tasks.pop(call.call_id, None)

    async def _live_model(self, tenant_id: UUID) -> Model | None:
        try:
            return await self._engine.live_model(tenant_id)
        except RidealongError as error:
            # A tenant's wrong setting must not keep its calls from being heard.
            _log.error("live_model_not_usable", tenant_id=str(tenant_id), error=type(error).__name__)
            return None

    async def _judge(self, tenant_id: UUID, call_id: UUID, start: CallStart) -> Judge:
        async with self._engine.store.tenant(tenant_id) as conn:
            document = await tenants.active_document(conn, tenants.DocumentKind.TAXONOMY, "default")
            prints = await tenants.load_voiceprints(conn)
            heads = await heads_of(conn, TranscriptId(call_id=call_id))
        taxonomy = default_taxonomy() if document is None else await asyncio.to_thread(read_taxonomy, document.body)
        # Only the rep of this call: two reps of one team may sound alike, and the other one is not here.
        enrolled = tuple(
            EnrolledVoice(rep_id=p.rep_id, voiceprint=p.voiceprint) for p in prints if p.rep_id == start.rep_id
        )
        model = await self._live_model(tenant_id)
        return Judge(
            transcript=Transcript(TranscriptId(call_id=call_id)),
            taxonomy=taxonomy,
            minds=self._engine.minds,
            executor=self._engine.models,
            enrolled_voices=enrolled,
            heads=heads,
            few_calls=lambda: len(self._calls) <= FEW_CALLS,
            hosted=None
            if model is None
            else Hosted.of(model, taxonomy, language=start.language, settings=self._engine.asking),
        )
