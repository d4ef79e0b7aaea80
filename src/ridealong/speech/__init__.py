"""The speech seam: audio in, words with their own speaker out.

A transcriber has one verb, `hear`. It yields, in order of call audio, what it hears; `assemble` alone makes
utterances of that. Deadlines, retries and metering live above the seam, not in the adapters.

Time is milliseconds of call audio everywhere; an adapter gets the position of each piece of audio and adds no clock
of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast, runtime_checkable

from ridealong.core.errors import InvalidSettings, MissingPart
from ridealong.core.transcript import Speaker, SpeakerId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

EarlierAudio = Callable[[int, int], "Awaitable[Samples]"]
"""`await earlier(start_ts, end_ts)`: call audio between two times, 16 kHz, shape [frames, channels]."""

SAMPLE_RATE: Final = 16_000
"""Hz of all audio at this seam."""


class Audio:
    """A piece of call audio at 16 kHz, 1 or 2 channels.

    Pieces follow each other without holes: `start_ts` of one is the end of the one before (rounded to ms). It is made
    of samples or of PCM16, and gives either: what a vendor gets as it came is neither decoded nor encoded again.
    """

    __slots__ = ("_channels", "_pcm16", "_samples", "start_ts")

    def __init__(
        self, *, start_ts: int, samples: Samples | None = None, pcm16: bytes | None = None, channels: int = 1
    ) -> None:
        """`samples`: float32 in -1..1, [frames, channels]; or `pcm16`: whole frames of `channels` interleaved."""
        self.start_ts = start_ts
        self._samples = samples
        self._pcm16 = pcm16
        self._channels = channels

    @property
    def samples(self) -> Samples:
        """Float32 in -1..1, shape [frames, channels]."""
        if self._samples is None:
            from ridealong.speech import pcm  # noqa: PLC0415 - NumPy is not for everybody who imports the seam

            self._samples = pcm.samples_of(self._pcm16 or b"", self._channels)
        return self._samples

    @property
    def pcm16(self) -> bytes:
        """Signed 16-bit little-endian, interleaved."""
        if self._pcm16 is None:
            from ridealong.speech import pcm  # noqa: PLC0415

            self._pcm16 = pcm.pcm16(self.samples)
        return self._pcm16

    @property
    def duration_ms(self) -> int:
        if self._samples is None:
            return round(len(self._pcm16 or b"") * 1000 / (2 * self._channels * SAMPLE_RATE))
        return round(self._samples.shape[0] * 1000 / SAMPLE_RATE)


TakesAudio = Callable[[bytes], bool]
"""Takes PCM16 (whole frames, interleaved) in the moment of its arrival, or says False and has changed nothing."""


@runtime_checkable
class LiveAudio(Protocol):
    """Audio that may come by a shorter way than its iterator.

    While the iterator waits for the next piece, what arrives is offered to `take`; whatever that does not take comes
    by the iterator as ever. So a transcriber that only passes audio on need not be woken for each piece.
    """

    def hand_to(self, take: TakesAudio) -> None:
        """Offer arriving PCM16 to `take` from now on, where the audio is at hand in that form at all."""
        ...

    def __aiter__(self) -> AsyncIterator[Audio]: ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class KnownVoice:
    """A speaker already met on this call (after a restart): what they said before, as audio."""

    speaker_id: SpeakerId
    samples: Samples
    """16 kHz mono, at most about 30 s."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrolledVoice:
    """A rep's enrolled voice: `voiceprint` is the speaker model's 512 numbers (see `speech.voiceprint`)."""

    rep_id: str
    voiceprint: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SpokenTurn:
    """Who spoke when, before the audio that is to be heard: a vendor's new speaker numbers are matched by it."""

    speaker_id: SpeakerId
    start_ts: int
    end_ts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Hearing:
    """How to listen to one call.

    `channels` 1 or 2. `resumed_at_ts` > 0 after a restart: audio begins there, speaker ids go on from
    `known_voices`. `vocabulary`: names and phrases worth hearing right, for recognisers that take them.
    """

    channels: int = 1
    language: str = "en"
    resumed_at_ts: int = 0
    known_voices: tuple[KnownVoice, ...] = ()
    enrolled_voices: tuple[EnrolledVoice, ...] = ()
    vocabulary: tuple[str, ...] = ()
    turns_before: tuple[SpokenTurn, ...] = ()
    """The last turns before `resumed_at_ts`, oldest first."""
    partials: bool = True
    """Whether anybody makes use of what may still change; not of a recording that is transcribed after its call."""
    earlier: EarlierAudio | None = None
    """Reads call audio again that was heard before, also by an earlier hearing; None where nobody keeps it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpokenWord:
    """A word that will not change any more."""

    text: str
    start_ts: int
    end_ts: int
    speaker: Speaker
    estimated: bool = False
    """The recogniser gave no time: spread over the stretch."""
    speaker_confidence: float = 1.0
    overlapped: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """Final words, in order of their start. None at all where only the end of a turn is learnt."""

    words: tuple[SpokenWord, ...]
    ends_turn: bool = False
    """The speaker paused or another took over: the utterance can be finished now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Partial:
    """Words of the open stretch, which may change. May be empty of meaning; never final."""

    speaker: Speaker
    start_ts: int
    end_ts: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Activity:
    """Somebody began (`speaking`) or stopped speaking at `at_ts`."""

    at_ts: int
    speaking: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceMatched:
    """A speaker of the call is an enrolled rep, with this confidence (0 to 1)."""

    speaker_id: SpeakerId
    rep_id: str
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class NotHeard:
    """Audio from `start_ts` to `end_ts` could not be transcribed, and will not be any more."""

    start_ts: int
    end_ts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardThrough:
    """Everything up to `ts` has been heard: no later event carries a final word that starts before it.

    Sent at least once per second of audio, also in silence: it is the clock of the timing moments.
    """

    ts: int


Heard = Words | Partial | Activity | VoiceMatched | NotHeard | HeardThrough


class Transcriber(Protocol):
    """Hears many calls, each by one call of `hear`; what it loads (models, connections) is shared by them."""

    def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        """Yield what is heard in `audio` until it ends; then everything still open, and a last HeardThrough.

        Never blocks the event loop. Raises Unavailable when hearing cannot go on, InvalidSettings when it never will
        with these settings (a vendor refuses the key).
        """
        ...

    async def close(self) -> None:
        """Free what was loaded. Calls still being heard end first."""
        ...


class BatchTranscriber(Protocol):
    """Hears a whole recording after its call, with all the time a better recogniser takes."""

    async def transcribe(self, audio: AsyncIterable[Audio], hearing: Hearing) -> Sequence[SpokenWord]:
        """Every word of the recording, in order of its start.

        Raises Unavailable (try again) or InvalidSettings (never like this).
        """
        ...

    async def close(self) -> None:
        """Free what was loaded. Recordings still being transcribed end first."""
        ...


_INDEX: Final = {
    "local": "ridealong.speech.providers.local:LocalTranscriber",
    "channels": "ridealong.speech.providers.channels:ChannelsTranscriber",
    "replay": "ridealong.speech.providers.replay:ReplayTranscriber",
    "deepgram": "ridealong.speech.providers.deepgram:DeepgramTranscriber",
}


def transcriber_class(name: str) -> type[Transcriber]:
    """The adapter class of that name, imported on use. Raises InvalidSettings or MissingPart."""
    try:
        module_name, class_name = _INDEX[name].split(":")
    except KeyError:
        raise InvalidSettings(
            f"there is no transcriber '{name}': set RIDEALONG_TRANSCRIBER to one of {', '.join(_INDEX)}"
        ) from None
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise MissingPart(f"the transcriber '{name}' needs the package '{error.name}': run `make setup`") from error
    return cast("type[Transcriber]", getattr(module, class_name))
