"""The audio journal: bytes that were acknowledged are on the disk."""

from __future__ import annotations

import asyncio
import errno
import os
import struct
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ridealong.core.errors import InvalidAudio, Refused, Unavailable
from ridealong.recording.flusher import Flusher, flush_all

MAX_UNSYNCED: Final = 1 << 20
"""Bytes that may lie written but not flushed; a faster sender waits (TCP then holds it back)."""

PACKET_HEADER: Final = struct.Struct(">H")


@dataclass(frozen=True, kw_only=True, slots=True)
class ByteClock:
    """How payload bytes of a constant-rate encoding relate to time."""

    sample_rate: int
    frame_bytes: int
    """Bytes of one sample of all channels."""

    def ms(self, size: int) -> int:
        return size // self.frame_bytes * 1000 // self.sample_rate

    def offset(self, ts: int) -> int:
        """The first byte of the frame at `ts` ms."""
        return ts * self.sample_rate // 1000 * self.frame_bytes


class AudioJournal:
    """Appends to one file. `written` bytes are readable at once, `received` bytes survive a power cut.

    Sizes are payload bytes, the number that the sender counts; with `packets` each write is one packet and the file
    holds its length before it.
    """

    def __init__(self, path: Path, *, packets: bool, executor: Executor, flusher: Flusher | None = None) -> None:
        self.executor = executor
        self._packets = packets
        self._flusher = flusher or Flusher()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self.file_size, self.written = self._recover()
        self.received = self.written
        self.last = b""
        """The block at the end of the file: what is heard as soon as it is written need not be read back."""
        self._flushes = 0
        self._failure: OSError | None = None
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def quiet_ms(self) -> int:
        """Milliseconds since the last write, by the file's own time: earlier processes' writes count."""
        return max(0, round((time.time() - os.fstat(self._file).st_mtime) * 1000))

    def _recover(self) -> tuple[int, int]:
        """(file size, payload size) of what is whole; a packet torn by a crash was never acknowledged and is cut."""
        size = os.fstat(self._file).st_size
        if not self._packets:
            return size, size
        at = payload = 0
        while at + PACKET_HEADER.size <= size:
            (length,) = PACKET_HEADER.unpack(os.pread(self._file, PACKET_HEADER.size, at))
            if at + PACKET_HEADER.size + length > size:
                break
            at += PACKET_HEADER.size + length
            payload += length
        os.ftruncate(self._file, at)
        return at, payload

    async def write(self, data: bytes) -> int:
        """`append`, then `room`."""
        self.append(data)
        return await self.room()

    def append(self, data: bytes) -> None:
        """Append one frame; it is flushed soon.

        Raises InvalidAudio for an impossible packet, Refused('no_disk_space') when the disk is full (nothing of the
        frame is kept then) and Unavailable when the disk fails.
        """
        if self._packets and not 0 < len(data) <= 0xFFFF:
            raise InvalidAudio("an Opus packet has 1 to 65,535 bytes: send one packet in each binary frame")
        if self._failure is not None:
            raise Unavailable("the disk with the recordings does not take data") from self._failure
        block = PACKET_HEADER.pack(len(data)) + data if self._packets else data
        try:
            self._append(block)
        except OSError as error:
            os.ftruncate(self._file, self.file_size)
            raise disk_error(error) from error
        self.file_size += len(block)
        self.written += len(data)
        self.last = block
        self._flusher.soon(self)

    @property
    def has_room(self) -> bool:
        """Whether so little lies unflushed that more may be written at once."""
        return self.written - self.received <= MAX_UNSYNCED

    async def room(self) -> int:
        """Wait while too much lies unflushed; returns `received`, which may lag behind by about SYNC_EVERY_S."""
        if not self.has_room:
            await self.flush()
        return self.received

    def _append(self, block: bytes) -> None:
        # A page-cache write of a few kB costs microseconds; the flush, which can take long, runs in a thread.
        done = 0
        while done < len(block):
            done += os.pwrite(self._file, block[done:], self.file_size + done)

    def begin_flush(self) -> tuple[int, int]:
        """(file, `written` now): the file stays open until `end_flush`."""
        self._flushes += 1
        return self._file, self.written

    def end_flush(self, target: int, failure: OSError | None) -> None:
        """The first `target` bytes are on the disk, or a `failure` kept them from it."""
        self._flushes -= 1
        if failure is not None:
            self._failure = failure
        else:
            self.received = max(self.received, target)
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    async def _flushed(self) -> None:
        """Wait for the next flush to end."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    async def flush(self) -> int:
        """Wait until all that was written is on the disk; returns `received`. Raises Unavailable."""
        target = self.written
        while self.received < target:
            if self._failure is not None:
                raise Unavailable("the disk with the recordings does not take data") from self._failure
            await flush_all(self.executor, [self])
        return self.received

    async def wait_received(self, above: int) -> int:
        """Wait until `received` is greater than `above`; returns it."""
        while self.received <= above and self._failure is None:
            await self._flushed()
        return self.received

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes of the file from `offset` (file bytes: with packets, their headers too)."""
        begin = offset - (self.file_size - len(self.last))
        if begin >= 0:
            return self.last[begin : begin + size]
        return os.pread(self._file, min(size, max(0, self.file_size - offset)), offset)

    async def close(self) -> None:
        self._flusher.forget(self)
        if self.received < self.written and self._failure is None:
            await flush_all(self.executor, [self])
        while self._flushes:
            await self._flushed()
        os.close(self._file)


def disk_error(error: OSError) -> Refused | Unavailable:
    """What a failed write means to the sender."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Refused(
            "no_disk_space", "the server's disk is full: keep the audio and resume later; nothing acknowledged is lost"
        )
    return Unavailable("the disk with the recordings does not take data")
