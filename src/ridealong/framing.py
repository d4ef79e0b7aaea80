"""How long a WebSocket frame is: for the two places that read the frames of every call's audio and words themselves."""

from __future__ import annotations

import struct
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
