"""A call's recording as a WAV file that exists only while it is sent: a header made on the fly, then the journal's PCM.

Any single byte range can be asked for (RFC 9110), so a browser seeks to a clip without loading the call.
"""

from __future__ import annotations

import re
import struct
from collections.abc import AsyncIterator
from typing import Final

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from ridealong.core.errors import Unavailable
from ridealong.web.services import Recording
from ridealong.web.shell import problem

HEADER_BYTES: Final = 44
_CHUNK: Final = 64 * 1024
_MOST_PCM: Final = 0xFFFF_FFFF - 36
"""A RIFF size has 32 bits: six hours of 48 kHz in two channels."""
_RANGE: Final = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def wav_header(*, sample_rate: int, channels: int, size: int) -> bytes:
    """The 44 bytes before `size` bytes of PCM16."""
    block = channels * 2
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, channels, sample_rate, sample_rate * block, block, 16),
        *(b"data", size),
    )


def byte_range(header: str | None, total: int) -> tuple[int, int] | None:
    """(first, end) of the bytes that a `Range` header asks for; None when the whole file is to be sent.

    What is not one range of bytes is ignored, as the standard allows. Raises ValueError when nothing lies in it.
    """
    asked = _RANGE.fullmatch((header or "").replace(" ", ""))
    if asked is None or asked.group(0) == "bytes=-":
        return None
    first, last = asked.groups()
    if not first:
        if int(last) == 0:
            raise ValueError("an empty range")
        return max(0, total - int(last)), total
    start, end = int(first), min(total, int(last) + 1) if last else total
    if last and int(last) < int(first):
        return None
    if start >= total:
        raise ValueError("a range beyond the end")
    return start, end


AUDIO_POLICY: Final = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"


def wav_response(request: Request, recording: Recording, *, tag: str) -> Response:
    """The whole file, a part of it (206), its headers alone (HEAD), or 416. `tag` names the call."""
    size = min(recording.size, _MOST_PCM)
    # A running call grows: parts of two lengths do not belong to one file, and the tag keeps them apart.
    etag = f'"{tag}-{size}"'
    total = HEADER_BYTES + size
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Content-Type": "audio/wav",
        # A report plays its evidence in a frame of this same server, and nobody else's page may.
        "Content-Security-Policy": AUDIO_POLICY,
        "X-Frame-Options": "SAMEORIGIN",
    }
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range") if request.headers.get("if-range", etag) == etag else None
    try:
        part = byte_range(asked, total)
    except ValueError:
        return problem(
            "range_not_satisfiable",
            f"the recording has {total} bytes",
            headers={"Content-Range": f"bytes */{total}"},
        )
    first, end = part or (0, total)
    headers["Content-Length"] = str(end - first)
    if part is not None:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{total}"
    status = 200 if part is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_bytes(recording, size, first, end), status_code=status, headers=headers)


async def _bytes(recording: Recording, size: int, first: int, end: int) -> AsyncIterator[bytes]:
    if first < HEADER_BYTES:
        header = wav_header(sample_rate=recording.sample_rate, channels=recording.channels, size=size)
        yield header[first : min(end, HEADER_BYTES)]
        first = HEADER_BYTES
    while first < end:
        wanted = min(_CHUNK, end - first)
        data = await recording.read(first - HEADER_BYTES, wanted)
        if len(data) != wanted:
            # The length is promised already: breaking off is the one honest way to say that bytes are missing.
            raise Unavailable("the recording is shorter than it was")
        yield data
        first += wanted
