"""Times of Opus packets, read from their first bytes (RFC 6716, section 3.1) without decoding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ridealong.core.errors import InvalidAudio
from ridealong.recording.journal import PACKET_HEADER, AudioJournal

RATE: Final = 48_000
PREROLL_MS: Final = 80
"""A decoder that starts in the middle needs this much before its output is right (RFC 7845, section 4.6)."""

_CHUNK: Final = 1 << 20


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


def seek(journal: AudioJournal, ts: int) -> tuple[int, int]:
    """(file offset, start in ms) of a packet at least PREROLL_MS before `ts`, or of the first one."""
    target = max(0, ts - PREROLL_MS) * RATE // 1000
    at = samples = 0
    for at, before, duration in _packets(journal):
        samples = before
        if before + duration > target:
            return at, before * 1000 // RATE
    return at, samples * 1000 // RATE


def total_ms(journal: AudioJournal) -> int:
    """Length of the whole journal in ms."""
    return ms_at(journal, journal.file_size)


def ms_at(journal: AudioJournal, file_size: int) -> int:
    """Length in ms of the packets that lie in the first `file_size` bytes of the file."""
    end = 0
    for at, before, duration in _packets(journal):
        if at >= file_size:
            break
        end = before + duration
    return end * 1000 // RATE


def _packets(journal: AudioJournal) -> Iterator[tuple[int, int, int]]:
    """(file offset, samples before it, its samples) of each packet."""
    at = samples = 0
    chunk, chunk_at = b"", 0
    while True:
        # Header and the first two bytes of the packet must lie in the chunk; the last packet may have only one.
        if at + PACKET_HEADER.size + 2 > chunk_at + len(chunk):
            chunk, chunk_at = journal.read(at, _CHUNK), at
            if len(chunk) < PACKET_HEADER.size + 1:
                return
        inside = at - chunk_at
        (length,) = PACKET_HEADER.unpack_from(chunk, inside)
        begins = inside + PACKET_HEADER.size
        duration = packet_samples(chunk[begins : begins + min(2, length)])
        yield at, samples, duration
        samples += duration
        at += PACKET_HEADER.size + length
