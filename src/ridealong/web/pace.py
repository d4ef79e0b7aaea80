"""Does the audio arrive as fast as its header says? A header that lies turns speech into noise without any error.

Two rules, each sure of what it says, and each giving a warning only, once a socket:

- **More audio than time.** A microphone cannot record more seconds than have passed since the call began, whatever was
  buffered on the way: so a live call that has sent more than `RATIO` times the time since `start` plus
  `BUFFERED_S` seconds is not what its header says (or was recorded before: then `pace: "recorded"` says so). A
  client that resumes is not judged by this rule, because its call began on another socket.
- **Less audio than time, steadily.** Frames that keep coming without a break longer than `STEADY_S` while, over at
  least `WINDOW_S` seconds, they add up to less than 1 / `RATIO` of that time. A slow network stalls and catches up,
  which is not steady. Pauses and breaks start the window anew.

Opus frames tell no duration by their size and are not judged.
"""

from __future__ import annotations

from typing import Final

from ridealong.live import AudioFormat, Encoding

RATIO: Final = 1.5
WINDOW_S: Final = 10.0
STEADY_S: Final = 0.75
LOOK_EVERY_S: Final = 0.25
"""Every byte is counted, and what they add up to is told no more often. Breaks are seen by what lies between two such
reports, so it stays well under STEADY_S."""
BUFFERED_S: Final = 5.0
"""Seconds that a client may have recorded while its connection was being made."""


def bytes_per_second(audio: AudioFormat) -> int | None:
    """Payload bytes in a second of audio, None where the size does not tell (Opus)."""
    match audio.encoding:
        case Encoding.PCM16:
            return audio.sample_rate * audio.channels * 2
        case Encoding.MULAW:
            return audio.sample_rate * audio.channels
        case Encoding.OPUS:
            return None


class Pace:
    """Watches one socket's arrivals. Times are seconds of any steadily growing clock, given by the caller."""

    def __init__(self, audio: AudioFormat, *, began_at: float, live: bool) -> None:
        self._rate = bytes_per_second(audio)
        self._stated = audio
        self._live = live
        self._began_at = began_at
        self._total = 0
        self._last_at: float | None = None
        self._window_from = began_at
        self._window_bytes = 0
        self._warned = False

    def broken(self) -> None:
        """A pause or a stated gap: what comes next starts a new window."""
        self._last_at = None

    def arrived(self, size: int, *, at: float) -> str | None:
        """Take note of `size` bytes, the last of which came `at`. Returns the warning's text, once, if there is one."""
        if self._rate is None or not self._live or self._warned:
            return None
        self._total += size
        if self._last_at is None or at - self._last_at > STEADY_S:
            self._window_from, self._window_bytes = at, 0
        else:
            self._window_bytes += size
        self._last_at = at
        found = self._too_much(at) or self._too_little(at)
        self._warned = found is not None
        return found

    def _too_much(self, at: float) -> str | None:
        passed = at - self._began_at
        audio_s = self._total / (self._rate or 1)
        if passed < WINDOW_S or audio_s <= RATIO * passed + BUFFERED_S:
            return None
        return self._text(audio_s / passed)

    def _too_little(self, at: float) -> str | None:
        passed = at - self._window_from
        if passed < WINDOW_S:
            return None
        audio_s = self._window_bytes / (self._rate or 1)
        if audio_s * RATIO < passed:
            return self._text(audio_s / passed)
        self._window_from, self._window_bytes = at, 0
        return None

    def _text(self, ratio: float) -> str:
        likely = round(self._stated.sample_rate * ratio)
        return (
            f"audio arrives at {ratio:.2f} times the pace that {self._stated.sample_rate} Hz with "
            f"{self._stated.channels} channel(s) means (about {likely} Hz would fit): check `format`; "
            'for audio recorded before, send `"pace": "recorded"`'
        )
