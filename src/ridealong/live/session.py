"""One running call: recording → transcriber → transcript → Path A → events.

Two tasks a call: `_listen` (hears, judges, publishes) and the store writer behind it. The sender writes into the
journal and waits for neither; the listener reads the journal at its own pace, so the journal is the only buffer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol
from uuid import UUID, uuid4

from ridealong import telemetry
from ridealong.core.author import Author
from ridealong.core.errors import Refused
from ridealong.core.events import (
    CallEnded,
    CallStarted,
    FeedbackGiven,
    GapRecorded,
    MarkMade,
    MessageSent,
    MomentAhead,
    MomentDecided,
    NudgeSighted,
    ReviewFinished,
    UtteranceFinished,
    WarningGiven,
)
from ridealong.core.moments import Sight, Verdict
from ridealong.core.transcript import Role, RoleSource, SpeakerId, Transcript, Utterance
from ridealong.live import CallStart, ChannelLayout, Numbered
from ridealong.live.clock import CallClock
from ridealong.live.deciding import Deciding
from ridealong.live.listening import Listening, closing
from ridealong.live.sender import AttachedSender
from ridealong.live.telling import Telling
from ridealong.live.writer import Pending
from ridealong.recording.entries import Lasting, read_entry, read_sighting, write_sighting
from ridealong.speech import Activity, HeardThrough

if TYPE_CHECKING:
    from ridealong.live.engine import Engine
    from ridealong.live.judge import Judge
    from ridealong.recording.folder import Recording
    from ridealong.recording.journal import AudioJournal
    from ridealong.recording.log import CallLog


class Source(Protocol):
    """A call without audio of its own, for example a finished transcript: it gives utterances and the time."""

    @property
    def at_once(self) -> bool:
        """Whether it comes faster than people talk. Then each decision is waited for before the next words."""
        ...

    def heard(self, clock: CallClock) -> AsyncIterator[Utterance | Activity | HeardThrough]: ...


class LiveCall:
    """Implements `RunningCall`; senders are `live.sender.AttachedSender`."""

    def __init__(
        self,
        *,
        engine: Engine,
        recording: Recording,
        start: CallStart,
        judge: Judge,
        journal: AudioJournal,
        log: CallLog,
        source: Source | None = None,
    ) -> None:
        self.start = start
        self.recording = recording
        self.journal = journal
        self.clock = CallClock(engine.monotonic)
        self._told = Telling(
            engine=engine,
            recording=recording,
            transcript_id=judge.transcript.id,
            log=log,
            clock=self.clock,
            embed=judge.embed,
        )
        self.warn = self._told.warn
        self.caught_up = self._told.caught_up
        self.close_watchers = self._told.close_watchers
        self.ended = asyncio.Event()
        """CallEnded was sent."""
        self.over = asyncio.Event()
        """Everything is said, stored, and the review is due."""
        self._engine = engine
        self._judge = judge
        self._source = source
        self._deciding = Deciding(judge=judge, told=self._told, clock=self.clock)
        self._asking = self._deciding.asking
        self._listening = Listening(
            engine=engine,
            call_id=recording.call_id,
            audio_format=start.format,
            language=start.language,
            transcript=judge.transcript,
            vocabulary=judge.vocabulary,
            enrolled_voices=judge.enrolled_voices,
            journal=journal,
            clock=self.clock,
            take=self._deciding.take,
            publish=self._told.publish,
            warn=self.warn,
        )
        self.progress = self._listening.progress
        self.tap = self._listening.tap
        self._ended: CallEnded | None = None
        self._sender: AttachedSender | None = None
        self._grace: asyncio.TimerHandle | None = None
        self._paused_at = 0.0
        self._let_go = False

    @property
    def call_id(self) -> UUID:
        return self.recording.call_id

    @property
    def tenant_id(self) -> UUID:
        return self.recording.tenant_id

    @property
    def transcript(self) -> Transcript:
        return self._judge.transcript

    @property
    def judge(self) -> Judge:
        return self._judge

    @property
    def last_seq(self) -> int:
        return self._told.last_seq

    def watch(self, *, after: int = 0, size: int = 256) -> AsyncIterator[Numbered]:
        return self._told.watch(after=after, size=size)

    # ---- who sends

    @property
    def max_ms(self) -> int:
        return self._engine.max_call_ms

    def clock_seconds(self) -> float:
        return self._engine.monotonic()

    @property
    def unheard(self) -> bool:
        """The recogniser is away for long: audio is kept, and heard when it is back."""
        return self._listening.unheard

    @property
    def takes_audio(self) -> bool:
        return not self.progress.stopped and self._ended is None

    @property
    def quiet_ms(self) -> int:
        return self.journal.quiet_ms

    def attach(self) -> AttachedSender:
        """Become the sender. A live sender keeps its place; one that fell silent gives way."""
        if not self.takes_audio:
            raise Refused("call_ended", "the call has ended: begin a new one")
        if self._sender is not None and self._sender.alive:
            raise Refused("second_sender", "another connection sends this call: close it, or try again in 5 seconds")
        if self._sender is not None:
            self._sender.superseded = True
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None
        self._sender = AttachedSender(self)
        return self._sender

    def detached(self, sender: AttachedSender) -> None:
        """The sender is gone: wait for it to come back, for as long as the setting says."""
        if self._sender is sender:
            self._sender = None
            self.wait_for_sender()

    def wait_for_sender(self) -> None:
        if self.takes_audio:
            self._grace = asyncio.get_running_loop().call_later(self._engine.resume_grace_s, self.finish, "sender_lost")

    # ---- what the sender does

    def audio_ms(self) -> int:
        """Length of the audio received so far."""
        return self._listening.audio_ms()

    def audio_ms_total(self) -> int:
        """Length of the ended call: of its audio, or of its transcript where it has none."""
        return 0 if self._ended is None else self._ended.audio_ms

    async def taken(self) -> None:
        """Wait until all audio written so far has been taken by the transcriber: how a file is sent at full speed."""
        if self.unheard:
            return
        idle = asyncio.create_task(self.tap.idle.wait())
        over = asyncio.create_task(self.ended.wait())
        await asyncio.wait({idle, over}, return_when=asyncio.FIRST_COMPLETED)
        for task in (idle, over):
            task.cancel()

    def audio_arrived(self, audio_ms: float) -> float:
        """Audio up to `audio_ms` is in the journal; returns the time of `clock_seconds`."""
        now = self.clock.received(audio_ms)
        if not self.tap.more.ring():
            self.tap.idle.clear()
        return now

    def interrupt(self, *, duration_ms: int, reason: str) -> None:
        """Audio is missing here: what is open is finished, and hearing starts afresh behind the gap."""
        at_ts = self.audio_ms()
        self._listening.break_here()
        self._judge.gap(at_ts)
        self._told.publish(GapRecorded(at_ts=at_ts, duration_ms=duration_ms, reason=reason, at=self.clock.at()))

    def pause(self) -> None:
        """The sender paused: finish what is open; time stands still until it goes on."""
        self.progress.paused = True
        self._paused_at = self.clock_seconds()
        self._listening.break_here()
        self.clock.pause()

    def unpause(self) -> None:
        self.progress.paused = False
        duration_ms = max(1, round((self.clock_seconds() - self._paused_at) * 1000))
        at_ts = self.audio_ms()
        self._judge.gap(at_ts)
        self._told.publish(GapRecorded(at_ts=at_ts, duration_ms=duration_ms, reason="paused", at=self.clock.at()))

    def finish(self, reason: str) -> None:
        """No more audio will come."""
        if not self.progress.stopped:
            self.progress.stopped = True
            self.progress.reason = reason
        self.tap.more.ring()

    def state_rep(self, speaker_id: int) -> None:
        """The rep says which voice is theirs."""
        self._deciding.learn(self._judge.roles.state(SpeakerId(speaker_id), RoleSource.STATED))

    def name_speaker(self, speaker_id: int, role: Role) -> None:
        """Somebody who looks at the call says what one speaker is; of the others it says nothing."""
        self._deciding.learn(self._judge.roles.name(SpeakerId(speaker_id), role))

    def mark(self, author: Author | None) -> int:
        """Somebody on the call says that this matters, now; returns where in the audio. None: the call's own rep."""
        at_ts = self.audio_ms()
        self._told.publish(MarkMade(mark_id=uuid4(), at_ts=at_ts, author=author or self._rep(), at=self.clock.at()))
        return at_ts

    def feedback(self, moment_id: UUID, verdict: Verdict, author: Author | None) -> bool:
        """What the rep says of a moment; False when this call has no such moment."""
        if moment_id not in self._deciding.moments:
            return False
        self._told.publish(
            FeedbackGiven(moment_id=moment_id, verdict=verdict, author=author or self._rep(), at=self.clock.at())
        )
        return True

    def sighted(self, moment_id: UUID, sight: Sight) -> bool:
        """How far a nudge got; the first time counts. False when this call has no such moment."""
        if moment_id not in self._deciding.moments:
            return False
        if (moment_id, sight) not in self._deciding.sighted and self._ended is None:
            self._deciding.sighted.add((moment_id, sight))
            found = NudgeSighted(moment_id=moment_id, sight=sight, at_ts=max(0, round(self.clock.now_ts())))
            self._told.log_line(write_sighting(found))
            self._told.store(Pending(event=found))
        return True

    def message(self, text: str, author: Author) -> int:
        """A word to the rep; returns where the call stands. Raises Refused('call_ended')."""
        if not self.takes_audio:
            raise Refused("call_ended", "the call has ended: nobody would see the message")
        at_ts = self.audio_ms()
        self._told.publish(MessageSent(text=text, author=author, at_ts=at_ts, at=self.clock.at()))
        return at_ts

    def _rep(self) -> Author:
        return Author(member_id=None, name=self.start.rep_id)

    def reviewed(self, artifact: dict[str, object]) -> None:
        """The review is stored: tell everybody who still watches, then let them go."""
        self._told.publish(ReviewFinished(artifact=artifact, at=self.clock.at()))
        self._told.close_watchers()

    # ---- the call's own tasks

    def begin(self) -> None:
        """Say that the call is there, and what its layout says of the roles."""
        self._told.publish(CallStarted(call_id=self.call_id))
        if self.start.layout in (ChannelLayout.REP_FIRST, ChannelLayout.CUSTOMER_FIRST):
            rep = 0 if self.start.layout is ChannelLayout.REP_FIRST else 1
            self._deciding.learn(self._judge.roles.from_channels(SpeakerId(rep), SpeakerId(1 - rep)))
        elif self.start.rep_speakers:
            first, *others = (SpeakerId(speaker) for speaker in self.start.rep_speakers)
            self._deciding.learn(self._judge.roles.state(first, RoleSource.STATED, others=others))

    def restore(self) -> None:
        """Take up what an earlier process logged: transcript, roles, moments, gaps; and store it if it is not yet."""
        self._told.tell(CallStarted(call_id=self.call_id))
        breaks: list[int] = []
        for entry in self._told.logged():
            kind = entry["kind"]
            if kind == "heard":
                self._deciding.logged_through = max(self._deciding.logged_through, int(str(entry["ts"])))
                continue
            if kind == "sighting":
                sighted = read_sighting(entry)
                self._deciding.sighted.add((sighted.moment_id, sighted.sight))
                self._told.store(Pending(event=sighted))
                continue
            seq, event = read_entry(entry, self.transcript)
            self._told.restore(Numbered(seq=seq, event=event))
            if isinstance(event, Lasting | MomentAhead):
                self._judge.restore(event)
            if isinstance(event, UtteranceFinished):
                self._listening.resumed_ts = max(self._listening.resumed_ts, event.utterance.end_ts)
            elif isinstance(event, GapRecorded):
                breaks.append(event.at_ts)
            elif isinstance(event, MomentAhead):
                self._deciding.told_ahead(event)
            elif isinstance(event, MomentDecided):
                self._deciding.restored(event)
            elif isinstance(event, CallEnded):
                self._ended = event
        self._judge.restored()
        self._listening.heard_through = self._deciding.logged_through
        self._listening.restore(breaks)
        self.clock.received(self.audio_ms())
        self.clock.pause()

    async def run(self) -> None:
        """Hear the call to its end and store it. Returns when it is over; cancelled at shutdown, it goes on later."""
        telemetry.calls_running.inc()
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(self._told.run())
                if self._ended is None:
                    if self._asking is not None:
                        self._asking.begin(group)
                    await self._listen()
                    if self._asking is not None:
                        await self._asking.settled()
                    self._deciding.over()
                    self._end()
                await writing
            self.ended.set()
            self.recording.mark_stored()
            self.over.set()
        finally:
            if self._asking is not None:
                self._asking.close()
            telemetry.calls_running.dec()
            await self.let_go()

    def failed(self) -> None:
        """The call cannot go on in this process: say so, and let nobody wait for an end that will not come.

        Its log is closed by now, and the next process takes the call up: this warning is told and not kept.
        """
        self._told.tell(
            WarningGiven(
                code="internal",
                message="the call failed inside the server; its audio is kept and is taken up at the next start",
                at=self.clock.at(),
            )
        )
        self.ended.set()
        self.over.set()

    async def let_go(self) -> None:
        """Close the files and leave the call to whoever takes it up. Repeating it changes nothing."""
        if self._grace is not None:
            self._grace.cancel()
        if not self._let_go:
            self._let_go = True
            await self.journal.close()
            self._told.close_log()
            self.recording.release()

    def _end(self) -> None:
        audio_ms = max(self.audio_ms(), self.transcript.end_ts)
        self._ended = CallEnded(audio_ms=audio_ms, reason=self.progress.reason, at=self.clock.at())
        self._told.publish(self._ended)
        self.ended.set()

    async def _listen(self) -> None:
        if self._source is None:
            await self._listening.run()
            return
        async with aclosing(closing(self._source.heard(self.clock))) as stream:
            async for item in stream:
                await self._deciding.take(item)
                if self._asking is not None and self._source.at_once:
                    await self._asking.settled()
