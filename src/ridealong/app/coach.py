"""`ridealong coach`: a recording or a transcript through the same code as a live call, live path and review."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

import numpy as np

from ridealong.app.runtime import DEFAULT_TENANT, Runtime
from ridealong.app.terminal import CallView
from ridealong.core.context import CallContext
from ridealong.core.errors import InvalidDocument, Unavailable
from ridealong.core.events import CallEvent, MomentDecided, PartialHeard, ReviewFinished, UtteranceFinished
from ridealong.core.moments import Tier
from ridealong.live import AudioFormat, CallStart, ChannelLayout, Encoding
from ridealong.live.finished import FinishedTranscript
from ridealong.speech import SAMPLE_RATE
from ridealong.speech.audio import iter_recording
from ridealong.speech.pcm import pcm16
from ridealong.speech.session_file import RecordedSession, read_session
from ridealong.web.wire import dumps, event_json

if TYPE_CHECKING:
    from ridealong.config import Settings
    from ridealong.live.session import LiveCall
    from ridealong.speech import Samples

PIECE_MS: Final = 100
SAME_CHANNELS: Final = 0.98
"""Correlation of two channels from which they hold the same sound, and not one speaker each."""

CONSENT: Final = "A recording that the operator holds already and has the right to analyse."


class Listener(Protocol):
    """Whoever shows the events of the call."""

    def show(self, event: CallEvent) -> None: ...


@dataclass(slots=True)
class Summary:
    """What one run came to."""

    call_id: UUID | None = None
    audio_s: float = 0.0
    wall_s: float = 0.0
    utterances: int = 0
    moments: int = 0
    nudges: int = 0
    artifact: dict[str, object] = field(default_factory=dict[str, object])

    def as_json(self) -> dict[str, object]:
        return {
            "event": "summary",
            "call_id": str(self.call_id),
            "audio_s": round(self.audio_s, 3),
            "wall_s": round(self.wall_s, 3),
            "utterances": self.utterances,
            "moments": self.moments,
            "nudges": self.nudges,
        }


async def coach_recording(
    runtime: Runtime,
    tenant_id: UUID,
    path: Path,
    *,
    speed: float,
    layout: ChannelLayout | None,
    rep_speakers: Sequence[int],
    context: CallContext,
    listener: Listener,
) -> Summary:
    """Send the audio file at `path` as a live call would be; `speed` 0 is as fast as it is heard.

    Raises InvalidAudio when the file cannot be read, before any call is begun.
    """
    pieces = (audio.samples for audio in iter_recording(path, piece_ms=PIECE_MS))
    # The first piece is decoded before the call begins: a file that is no audio leaves no empty call behind.
    first = next(pieces, np.zeros((0, 1), np.float32))
    channels = first.shape[1]
    if layout is None:
        layout = ChannelLayout.MIXED if channels == 1 or same_sound(path) else ChannelLayout.SEPARATE
    if layout is ChannelLayout.MIXED:
        channels = 1
    start = CallStart(
        format=AudioFormat(encoding=Encoding.PCM16, sample_rate=SAMPLE_RATE, channels=channels),
        layout=layout,
        rep_id="coach",
        consent=CONSENT,
        title=path.stem,
        rep_speakers=tuple(rep_speakers),
        context=context,
    )
    call = await runtime.calls.begin(tenant_id, start)

    async def send() -> None:
        sender = call.attach()
        began, sent_ms = time.monotonic(), 0.0
        piece: Samples | None = first
        while piece is not None:
            samples = piece.mean(axis=1, keepdims=True) if layout is ChannelLayout.MIXED else piece
            sent_ms += samples.shape[0] * 1000 / SAMPLE_RATE
            if speed > 0:
                # A live microphone delivers a piece when it is over, not when it begins.
                await asyncio.sleep(max(0.0, began + sent_ms / 1000 / speed - time.monotonic()))
            await sender.write(pcm16(samples))
            if speed <= 0:
                await call.taken()
            piece = next(pieces, None)
        await sender.stop()

    return await _follow(call, send, listener)


async def coach_transcript(
    runtime: Runtime,
    tenant_id: UUID,
    session: RecordedSession,
    *,
    speed: float,
    context: CallContext,
    listener: Listener,
    rep_speakers: Sequence[int] = (),
) -> Summary:
    """Run a diarised transcript as a call. What `context` and `rep_speakers` leave open is as the file states it."""
    start = CallStart(
        format=AudioFormat(encoding=Encoding.PCM16, sample_rate=SAMPLE_RATE, channels=1),
        layout=ChannelLayout.MIXED,
        rep_id="coach",
        consent=CONSENT,
        title=session.title or session.call,
        rep_speakers=tuple(rep_speakers) or session.rep_speakers,
        context=context.over(session.context),
    )
    source = FinishedTranscript(session.utterances, speed=speed)
    call = await runtime.calls.begin(tenant_id, start, source=source)

    async def send() -> None:
        await call.ended.wait()

    return await _follow(call, send, listener)


async def _follow(call: LiveCall, send: Callable[[], Coroutine[None, None, None]], listener: Listener) -> Summary:
    summary = Summary(call_id=call.call_id)
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(send())
        # This watcher is the command's own output: it may lag, it must not lose.
        async for numbered in call.watch(after=0, size=1_000_000):
            event = numbered.event
            summary.utterances += isinstance(event, UtteranceFinished)
            if isinstance(event, MomentDecided):
                summary.moments += 1
                summary.nudges += event.moment.tier is Tier.NUDGE
            elif isinstance(event, ReviewFinished):
                summary.artifact = event.artifact
            listener.show(event)
        await sending
    if not summary.artifact:
        raise Unavailable("the review did not finish; run `ridealong report` later to see it")
    summary.audio_s = call.audio_ms_total() / 1000
    summary.wall_s = time.monotonic() - began
    return summary


def same_sound(path: Path) -> bool:
    """Whether the two channels of a file hold the same sound, judged from its first minute."""
    left_right = 0.0
    left_left = right_right = 1e-12
    for index, audio in enumerate(iter_recording(path, piece_ms=1000)):
        piece = audio.samples
        if index == 60 or piece.shape[1] != 2:
            break
        left, right = piece[:, 0].astype(np.float64), piece[:, 1].astype(np.float64)
        left_right += float(left @ right)
        left_left += float(left @ left)
        right_right += float(right @ right)
    return left_right / (left_left * right_right) ** 0.5 > SAME_CHANNELS


class _Lines:
    """One event a line on standard output."""

    def show(self, event: CallEvent) -> None:
        # Partials and warnings help a person who watches, not a program that counts.
        if isinstance(event, PartialHeard):
            return
        _write(event_json(event))


def _write(found: dict[str, object]) -> None:
    sys.stdout.write(dumps(found) + "\n")
    sys.stdout.flush()


async def run_coach(
    settings: Settings,
    *,
    audio: Path | None,
    transcript: Path | None,
    speed: float,
    jsonl: bool,
    layout: str | None,
    rep_speakers: Sequence[int],
    tenant: str,
    context: CallContext,
) -> None:
    """`ridealong coach`. Raises InvalidAudio, InvalidDocument, Refused or Unavailable."""
    session = None if transcript is None else await asyncio.to_thread(read_session, transcript)
    async with Runtime.open(settings) as runtime:
        tenant_id = (await runtime.tenant(tenant, create=tenant == DEFAULT_TENANT)).tenant_id

        async def run(listener: Listener) -> Summary:
            if audio is not None:
                known = None if layout is None else ChannelLayout(layout)
                return await coach_recording(
                    runtime,
                    tenant_id,
                    audio,
                    speed=speed,
                    layout=known,
                    rep_speakers=rep_speakers,
                    context=context,
                    listener=listener,
                )
            if session is None:
                raise InvalidDocument("give an audio file or a transcript")
            return await coach_transcript(
                runtime,
                tenant_id,
                session,
                speed=speed,
                context=context,
                listener=listener,
                rep_speakers=rep_speakers,
            )

        if jsonl:
            summary = await run(_Lines())
            _write(summary.as_json())
            return
        with CallView() as view:
            summary = await run(view)
        print(  # noqa: T201
            f"\n{summary.audio_s:.0f} s of call in {summary.wall_s:.1f} s: {summary.utterances} utterances, "
            f"{summary.moments} moments, {summary.nudges} nudges. Again: ridealong report {summary.call_id}"
        )
