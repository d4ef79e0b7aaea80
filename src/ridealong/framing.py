"""The header of a WebSocket frame, read and written: for the two places that handle every call's frames themselves."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Final

TEXT: Final = 0x81
BINARY: Final = 0x82
"""First byte of a whole message that came in one frame (RFC 6455, 5.2)."""


def end_of_frame(data: bytes, at: int) -> int:
    """Where the frame that begins at `at` ends, 0 while its header is not there yet."""
    left = len(data) - at
    if left < 2:
        return 0
    second = data[at + 1]
    masked = 4 if second & 0x80 else 0
    length = second & 0x7F
    if length < 126:
        return at + 2 + masked + length
    if length == 126:
        return at + 4 + masked + (data[at + 2] << 8 | data[at + 3]) if left >= 4 else 0
    return at + 10 + masked + struct.unpack_from("!Q", data, at + 2)[0] if left >= 10 else 0


def header_of(kind: int, size: int, *, masked: bool = False) -> bytes:
    """The header of a whole message of `size` bytes in one frame; where it is `masked`, the mask follows it."""
    bit = 0x80 if masked else 0
    if size < 126:
        return bytes((kind, bit | size))
    if size < 1 << 16:
        return struct.pack("!BBH", kind, bit | 126, size)
    return struct.pack("!BBQ", kind, bit | 127, size)


def _masks() -> Iterator[bytes]:
    while True:
        drawn = os.urandom(4 * 512)
        for at in range(0, len(drawn), 4):
            yield drawn[at : at + 4]


_drawn: Final = _masks()


def next_mask() -> bytes:
    """The four bytes that mask one frame, from a strong source (RFC 6455, 5.3), which is asked for many at once."""
    return next(_drawn)
