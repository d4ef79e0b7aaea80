"""Path A: a running call, from audio to nudge. `RunningCall` and `RunningCalls` are what the sockets talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from ridealong.core.author import Author
from ridealong.core.context import CallContext
from ridealong.core.events import CallEvent
from ridealong.core.moments import Sight, Verdict
from ridealong.core.visible import unturned


class Encoding(StrEnum):
    PCM16 = "pcm16"
    """Signed 16-bit little-endian samples, interleaved."""
    MULAW = "mulaw"
    """G.711 µ-law, 8 kHz, one channel or two interleaved."""
    OPUS = "opus"
    """One Opus packet per binary frame (RFC 6716), no container."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioFormat:
    """What the sender says its bytes are. `sample_rate` in Hz; for Opus the rate is 48000 on the wire."""

    encoding: Encoding
    sample_rate: int
    channels: int


class ChannelLayout(StrEnum):
    MIXED = "mixed"
    """One channel holds everybody: the diariser tells speakers apart."""
    REP_FIRST = "rep_first"
    """Two channels, the rep on the first."""
    CUSTOMER_FIRST = "customer_first"
    """Two channels, the customer on the first."""
    SEPARATE = "separate"
    """Two channels, one speaker on each; which of them is the rep is not stated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallStart:
    """What the first message of a call states, once it has been checked."""

    format: AudioFormat
    layout: ChannelLayout
    rep_id: str
    """The tenant's own name for the rep, for example an e-mail address or a number."""
    consent: str
    """How consent to record was obtained, in the sender's words. Never empty."""
    title: str = ""
    language: str = "en"
    rep_speakers: tuple[int, ...] = ()
    """The client's statement of which speaker ids are reps, mostly one, where the source knows it."""
    external_id: str = ""
    """The call's name where it comes from, for example a carrier's call id; empty where it has none."""
    context: CallContext = field(default_factory=CallContext)
    """Whose deal it is and what kind of call, as far as whoever starts it knows."""

    def __post_init__(self) -> None:
        # A title stands in the middle of lines: in lists, links, mails and files.
        object.__setattr__(self, "title", unturned(self.title))


@dataclass(frozen=True, kw_only=True, slots=True)
class Numbered:
    """An event with its number within the call, from 1, without holes on the sending side.

    A partial takes no number: it carries that of the last lasting event before it (0 before any). So partials can be
    left out at will, and a hole in the numbers always means a lasting event that this watcher lost.
    """

    seq: int
    event: CallEvent


class Sender(Protocol):
    """The one sender attached to a running call. All methods raise Refused with a stable code on misuse."""

    @property
    def received(self) -> int:
        """Payload bytes that lie safely on disk: where a sender resumes."""
        ...

    def sign_of_life(self) -> None:
        """The sender was heard, though it sends no audio now: it keeps its place."""
        ...

    async def write(self, data: bytes) -> int:
        """Journal one binary frame, then return the new `received`. Raises InvalidAudio, Refused, Unavailable.

        The frame is in the journal before this waits for anything: a cancelled `write` has kept it whole.
        """
        ...

    def write_now(self, data: bytes) -> bool:
        """The same without waiting. False where `write` would wait for the disk; then nothing has changed.

        Raises as `write` does, and then nothing has changed either.
        """
        ...

    async def wait_received(self, above: int) -> int:
        """Wait until `received` is greater than `above`, or the disk fails; returns `received`."""
        ...

    async def gap(self, duration_ms: int, reason: str) -> None:
        """Record that about `duration_ms` of audio were lost before the next byte."""
        ...

    async def pause(self) -> None: ...

    async def resume(self) -> None: ...

    async def state_rep(self, speaker_id: int) -> None:
        """The rep tapped 'this voice is me'."""
        ...

    async def mark(self, author: Author | None) -> None:
        """'This matters', now. `author` None: the call's rep."""
        ...

    async def feedback(self, moment_id: UUID, verdict: Verdict, author: Author | None) -> bool:
        """What the rep says of a nudge; False when the call has no such moment."""
        ...

    async def sighted(self, moment_id: UUID, sight: Sight) -> bool:
        """A nudge was handed to the rep's device, or seen there; False when the call has no such moment."""
        ...

    async def stop(self) -> None:
        """No more audio will come: finish, store, enqueue the review. Returns when CallEnded was sent."""
        ...

    async def detach(self) -> None:
        """The socket is gone; the call waits for the sender to come back."""
        ...


class RunningCall(Protocol):
    @property
    def call_id(self) -> UUID: ...

    @property
    def tenant_id(self) -> UUID: ...

    @property
    def quiet_ms(self) -> int:
        """Milliseconds of wall clock since audio was last written; a restart of the server in between counts too."""
        ...

    @property
    def last_seq(self) -> int:
        """The number of the latest lasting event, 0 before any: what a watcher from now on has not missed."""
        ...

    def attach(self) -> Sender:
        """Become the call's sender. Raises Refused('second_sender') while another one is attached."""
        ...

    def message(self, text: str, author: Author) -> int:
        """Send the rep a word; returns the call's time in ms of audio. Raises Refused('call_ended')."""
        ...

    def watch(self, *, after: int = 0, size: int = 256) -> AsyncIterator[Numbered]:
        """Events from number `after` + 1 on, as far back as they are kept, until the call is over and reviewed.

        Bounded: a watcher that lags more than `size` events behind loses the oldest (partials first) and sees a hole
        in `seq`. The transcript itself is in the database and never drops.
        """
        ...


class RunningCalls(Protocol):
    """All calls of this process."""

    async def begin(self, tenant_id: UUID, start: CallStart) -> RunningCall:
        """Start a call. Raises Refused, InvalidAudio or Unavailable."""
        ...

    async def find(self, tenant_id: UUID, call_id: UUID) -> RunningCall:
        """A call that runs, or that was interrupted by a restart and is taken up again.

        Raises Refused('unknown_call') or Refused('call_ended').
        """
        ...

    def find_external(self, tenant_id: UUID, external_id: str) -> RunningCall | None:
        """The tenant's call of that `CallStart.external_id` that still takes audio, None when there is none."""
        ...

    def running(self, tenant_id: UUID) -> list[UUID]: ...

    async def caught_up(self, call_id: UUID) -> None:
        """Before the database is read: wait until it knows what a running call has told, at most a few seconds.

        Returns at once for a call that does not run here.
        """
        ...
