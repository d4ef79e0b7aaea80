"""Times of Opus packets, read from their first bytes (RFC 6716, section 3.1) without decoding."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final

from ridealong.core.errors import InvalidAudio
from ridealong.recording.journal import PACKET_HEADER, AudioJournal

RATE: Final = 48_000
PREROLL_MS: Final = 80
"""A decoder that starts in the middle needs this much before its output is right (RFC 7845, section 4.6)."""

_CHUNK: Final = 1 << 16
_MARK_EVERY: Final = 10 * RATE


def packet_samples(packet: bytes) -> int:
    """Length of one packet in samples at 48 kHz. Raises InvalidAudio when it is no Opus packet."""
    if not packet:
        raise InvalidAudio("an Opus packet has at least one byte")
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:  # SILK: 10, 20, 40, 60 ms
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:  # hybrid: 10, 20 ms
        frame = (480, 960)[config & 1]
    else:  # CELT: 2.5, 5, 10, 20 ms
        frame = (120, 240, 480, 960)[config & 3]
    if code == 0:
        return frame
    if code in (1, 2):
        return 2 * frame
    if len(packet) < 2:
        raise InvalidAudio("the Opus packet is cut short")
    total = frame * (packet[1] & 0x3F)
    if not 0 < total <= 5760:  # 120 ms
        raise InvalidAudio("an Opus packet holds at most 120 ms")
    return total


class PacketClock:
    """The times of one journal's packets, while it grows. Thread-safe.

    Each packet is counted once, and a mark is kept every ten seconds: a question in the third hour of a call costs as
    much as one in its first minute.
    """

    def __init__(self, journal: AudioJournal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._marks: list[tuple[int, int]] = [(0, 0)]
        """(file offset of a packet, samples before it), earliest first."""
        self._counted = (0, 0)
        """(file offset, samples) up to which packets are counted."""

    def total_ms(self) -> int:
        """Length of the whole journal in ms."""
        return self.ms_at(self._journal.file_size)

    def ms_at(self, file_size: int) -> int:
        """Length in ms of the packets that begin in the first `file_size` bytes of the file."""
        with self._lock:
            self._count()
            if file_size >= self._counted[0]:
                return self._counted[1] * 1000 // RATE
            mark = self._marks[max(0, bisect_left(self._marks, file_size, key=lambda m: m[0]) - 1)]
        end = mark[1]
        for at, before, duration, _ in self._packets(*mark):
            if at >= file_size:
                break
            end = before + duration
        return end * 1000 // RATE

    def seek(self, ts: int) -> tuple[int, int]:
        """(file offset, start in ms) of a packet at least PREROLL_MS before `ts`, or of the first one."""
        target = max(0, ts - PREROLL_MS) * RATE // 1000
        with self._lock:
            self._count()
            at, samples = mark = self._marks[max(0, bisect_right(self._marks, target, key=lambda m: m[1]) - 1)]
        for begins, before, duration, _ in self._packets(*mark):
            at, samples = begins, before
            if before + duration > target:
                break
        return at, samples * 1000 // RATE

    def _count(self) -> None:
        for at, before, duration, following in self._packets(*self._counted):
            if before - self._marks[-1][1] >= _MARK_EVERY:
                self._marks.append((at, before))
            self._counted = (following, before + duration)

    def _packets(self, at: int, samples: int) -> Iterator[tuple[int, int, int, int]]:
        """(file offset, samples before it, its samples, offset of the next) of each packet from `at` on."""
        chunk, chunk_at = b"", at
        while True:
            # Header and the first two bytes of the packet must lie in the chunk; the last packet may have only one.
            if at + PACKET_HEADER.size + 2 > chunk_at + len(chunk):
                chunk, chunk_at = self._journal.read(at, _CHUNK), at
                if len(chunk) < PACKET_HEADER.size + 1:
                    return
            inside = at - chunk_at
            (length,) = PACKET_HEADER.unpack_from(chunk, inside)
            begins = inside + PACKET_HEADER.size
            duration = packet_samples(chunk[begins : begins + min(2, length)])
            following = begins + chunk_at + length
            yield at, samples, duration, following
            at, samples = following, samples + duration
