"""A recording as PCM16, whatever it was sent as: what a player is given, at any offset."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from ridealong.core.errors import Refused
from ridealong.live import CallStart, Encoding
from ridealong.live.hearing import decode_packet
from ridealong.live.start import read_statement
from ridealong.recording.journal import PACKET_HEADER
from ridealong.speech import SAMPLE_RATE
from ridealong.speech.audio import MULAW, AudioDecoder

if TYPE_CHECKING:
    from ridealong.recording.folder import Recording

DECODED: Final = "audio.pcm16"
"""Opus is decoded once, into this file beside the packets: a player's jumps must not decode from the start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PcmRecording:
    """Implements `web.services.Recording`. `size` in bytes of PCM16, as it was when it was opened."""

    path: Path
    sample_rate: int
    channels: int
    size: int
    mulaw: bool
    executor: Executor

    async def read(self, offset: int, size: int) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self.executor, self.read_now, offset, size)

    def read_now(self, offset: int, size: int) -> bytes:
        """As `read`, for whoever is in a thread already."""
        size = max(0, min(size, self.size - offset))
        with self.path.open("rb") as file:
            if not self.mulaw:
                file.seek(offset)
                return file.read(size)
            first, last = offset // 2, (offset + size + 1) // 2
            file.seek(first)
            pcm = _pcm16(MULAW[np.frombuffer(file.read(last - first), np.uint8)])
            return pcm[offset % 2 : offset % 2 + size]


async def open_pcm(recording: Recording, executor: Executor) -> PcmRecording:
    """The call's audio. Raises Refused('no_recording') when there is none: a transcript, or erased."""
    return await asyncio.get_running_loop().run_in_executor(executor, _open, recording, executor)


def _open(recording: Recording, executor: Executor) -> PcmRecording:
    try:
        start = read_statement(cast("dict[str, Any]", recording.statement()))
        size = recording.audio_path.stat().st_size
    except FileNotFoundError:
        size, start = 0, None
    if start is None or size == 0:
        raise Refused("no_recording", "this call has no audio")
    match start.format.encoding:
        case Encoding.OPUS:
            path = _decoded(recording, start)
            rate, channels, size, mulaw = SAMPLE_RATE, start.format.channels, path.stat().st_size, False
        case Encoding.MULAW:
            path, rate, channels, mulaw = recording.audio_path, start.format.sample_rate, start.format.channels, True
            size = (size - size % channels) * 2
        case Encoding.PCM16:
            path, rate, channels, mulaw = recording.audio_path, start.format.sample_rate, start.format.channels, False
            size -= size % (2 * channels)
    return PcmRecording(path=path, sample_rate=rate, channels=channels, size=size, mulaw=mulaw, executor=executor)


def _decoded(recording: Recording, start: CallStart) -> Path:
    """The decoded file; made anew while the call still grows."""
    path = recording.folder / DECODED
    if path.exists() and path.stat().st_mtime >= recording.audio_path.stat().st_mtime:
        return path
    decoder = AudioDecoder(start.format.encoding.value, start.format.sample_rate, start.format.channels)
    part = path.with_suffix(f".{os.getpid()}.part")
    with recording.audio_path.open("rb") as packets, part.open("wb") as out:
        while len(header := packets.read(PACKET_HEADER.size)) == PACKET_HEADER.size:
            (length,) = PACKET_HEADER.unpack(header)
            packet = packets.read(length)
            if len(packet) < length:
                break
            out.write(_pcm16(decode_packet(decoder, packet)))
        out.write(_pcm16(decoder.flush()))
    part.replace(path)
    return path


def _pcm16(samples: np.ndarray[Any, np.dtype[np.float32]]) -> bytes:
    return (np.clip(samples, -1.0, 1.0) * 32767.0).round().astype("<i2").tobytes()
