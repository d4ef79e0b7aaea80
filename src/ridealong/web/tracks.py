"""Telephone frames that come late, twice, out of order or not at all, as one two-channel stream on the sample clock.

A frame's place is its timestamp: milliseconds since the carrier's stream began, the same zero for both tracks. What is
missing on a track is silence of the same length, so a position in the output is a position on that clock; only where
both tracks miss `LOST_MS` or more is the hole left out and told, as everywhere in Ridealong.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, NamedTuple

SILENCE: Final = b"\xff"
"""Zero in G.711 µ-law."""
BYTES_PER_MS: Final = 8
WINDOW_MS: Final = 200
"""How late a frame may be. Frames in order on both tracks do not wait at all."""
APART_WINDOW_MS: Final = 1_000
"""The same where each track has a connection of its own, which may falter while the other does not."""
LOST_MS: Final = 1_000
"""A hole on both tracks from this length on is a gap, not silence."""
_JITTER_MS: Final = 10
"""A timestamp may be off by half a frame before it counts as a hole."""
_NEXT_JITTER_MS: Final = 19
"""Where the chunk numbers say that nothing is missing in between: a whole frame would be a lost one."""
_RESTART_MS: Final = 2_000
"""A newer chunk that lies this far behind is no late frame: the carrier's clock began anew."""
_LEAP_MS: Final = 30_000
"""A timestamp this far ahead is believed when a second one says the same: one mad number must not move the clock."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """µ-law audio of one track. `chunk` is its number in its track, None where the carrier counts nothing."""

    start_ms: int
    data: bytes
    chunk: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """Both tracks miss this much."""

    duration_ms: int


Mixed = bytes | Lost


class _Waiting(NamedTuple):
    """A frame in its track's order: by its place, and by its chunk where two claim the same."""

    start: int
    chunk: int
    data: bytes


@dataclass(slots=True)
class _Track:
    """One channel. Positions are its bytes since the stream's zero."""

    waiting: list[_Waiting] = field(default_factory=list[_Waiting])
    audio: bytearray = field(default_factory=bytearray)
    """What is placed and not taken yet."""
    end: int = 0
    """Where `audio` ends."""
    last_chunk: int = -1
    """The newest chunk that was placed."""

    @property
    def newest_chunk(self) -> int:
        return max(self.last_chunk, max((w.chunk for w in self.waiting), default=-1))

    def add(self, start: int, frame: Frame) -> bool:
        """False for a frame that is there already, or whose place has gone by."""
        chunk = -1 if frame.chunk is None else frame.chunk
        if chunk >= 0:
            known = chunk <= self.last_chunk or any(w.chunk == chunk for w in self.waiting)
        else:
            known = start + len(frame.data) <= self.end + _JITTER_MS * BYTES_PER_MS
            known = known or any(w.start == start for w in self.waiting)
        if known:
            return False
        insort(self.waiting, _Waiting(start, chunk, frame.data))
        return True

    def place(self, before: int = 0) -> None:
        """Place what follows without a hole, and what begins `before` that position, with silence in the holes."""
        while self.waiting:
            start, chunk, data = self.waiting[0]
            following = chunk >= 0 and chunk == self.last_chunk + 1
            hole = start - self.end
            if hole > (_NEXT_JITTER_MS if following else _JITTER_MS) * BYTES_PER_MS:
                if start >= before:
                    return
                self.silence(start)
            elif -hole > _NEXT_JITTER_MS * BYTES_PER_MS:
                # Not jitter any more: what is there already is not said twice.
                data = data[-hole:]
            del self.waiting[0]
            self.audio += data
            self.end += len(data)
            self.last_chunk = max(self.last_chunk, chunk)

    def silence(self, until: int) -> None:
        if until > self.end:
            self.audio += SILENCE * (until - self.end)
            self.end = until

    def begin_anew(self) -> None:
        """Another stream brings the track, and counts its chunks from the start."""
        self.last_chunk = -1
        self.waiting = [each._replace(chunk=-1) for each in self.waiting]

    def take(self, size: int) -> bytes:
        taken = bytes(self.audio[:size])
        del self.audio[:size]
        return taken


class TwoTracks:
    """Mixes two tracks into interleaved bytes: channel 0 and channel 1.

    `expected`: the channels that the carrier announced; nobody waits for the others. Memory is bounded: what is older
    than `WINDOW_MS` before the newest frame leaves with the next one.
    """

    def __init__(self, expected: Collection[int] = (0, 1)) -> None:
        self._tracks = (_Track(), _Track())
        self._expected = tuple(expected)
        self._window = WINDOW_MS * BYTES_PER_MS
        self._apart = False
        self._position = 0
        self._newest = 0
        self._leap = 0
        self._offset = 0
        """Position of the carrier's zero."""
        self.dropped = 0
        """Frames that came twice, too late, or alone from a far future."""

    def expect(self, channels: Collection[int], *, apart: bool) -> None:
        """Who sends from now on. `apart`: on connections of their own, so that one far behind is no new clock."""
        self._expected = tuple(channels)
        if apart:
            self._apart, self._window = True, APART_WINDOW_MS * BYTES_PER_MS

    def begin_anew(self, channel: int) -> None:
        """Another stream brings that channel, on the same clock."""
        self._tracks[channel].begin_anew()

    def feed(self, channel: int, frame: Frame) -> list[Mixed]:
        """Take one frame; what can be journalled now, in order: interleaved bytes, and holes."""
        track = self._tracks[channel]
        start = frame.start_ms * BYTES_PER_MS + self._offset
        out: list[Mixed] = []
        newer = not self._apart and (frame.chunk is None or frame.chunk > track.newest_chunk)
        if newer and self._position - start > _RESTART_MS * BYTES_PER_MS:
            out = self.flush()
            self._offset += self._position - start
            start = self._position
        mad = start - self._newest > _LEAP_MS * BYTES_PER_MS and abs(start - self._leap) > LOST_MS * BYTES_PER_MS
        self._leap = start
        if mad or not track.add(start, frame):
            self.dropped += 1
            return out
        self._newest = max(self._newest, start + len(frame.data))
        for each in self._tracks:
            each.place()
        whole = min(self._tracks[index].end for index in self._expected)
        return out + self._through(max(whole, self._newest - self._window))

    def flush(self) -> list[Mixed]:
        """Nothing more will come: everything that still waits."""
        return self._through(self._newest)

    def _through(self, until: int) -> list[Mixed]:
        out: list[Mixed] = []
        while self._position < until:
            reached = min(max(track.end for track in self._tracks), until)
            if reached <= self._position:
                # Neither track has anything here.
                starts = [track.waiting[0].start for track in self._tracks if track.waiting]
                if not starts:
                    break  # a frame that jittered was placed a little before its time
                begins = min(starts)
                lost = begins - self._position
                if lost >= LOST_MS * BYTES_PER_MS:
                    if begins > until:
                        break  # a late frame may still shorten the hole
                    out.append(Lost(duration_ms=lost // BYTES_PER_MS))
                    self._position = begins
                    for track in self._tracks:
                        track.end = begins
                    reached = begins
                else:
                    reached = min(begins, until)
            for track in self._tracks:
                track.place(before=reached)
                track.silence(reached)
            self._emit(reached - self._position, out)
            for track in self._tracks:
                track.place()
        return out

    def _emit(self, size: int, out: list[Mixed]) -> None:
        if size <= 0:
            return
        mixed = bytearray(2 * size)
        for channel, track in enumerate(self._tracks):
            mixed[channel::2] = track.take(size)
        out.append(bytes(mixed))
        self._position += size
