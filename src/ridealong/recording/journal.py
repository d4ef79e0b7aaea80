"""The audio journal: bytes that were acknowledged are on the disk."""

from __future__ import annotations

import asyncio
import errno
import os
import struct
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ridealong.core.errors import InvalidAudio, Refused, Unavailable

SYNC_EVERY_S: Final = 0.1
"""At most ten flushes a second for a call: a sender sees its bytes acknowledged about this much later."""

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

    def __init__(self, path: Path, *, packets: bool, executor: Executor) -> None:
        self._path = path
        self._packets = packets
        self._executor = executor
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._file_size, self.written = self._recover()
        self.received = self.written
        self._sync_task: asyncio.Task[None] | None = None
        self._failure: OSError | None = None
        self._synced = asyncio.Condition()

    @property
    def file_size(self) -> int:
        return self._file_size

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
        """Append one frame and return `received`, which may lag behind it by up to SYNC_EVERY_S.

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
            os.ftruncate(self._file, self._file_size)
            raise disk_error(error) from error
        self._file_size += len(block)
        self.written += len(data)
        if self._sync_task is None or self._sync_task.done():
            self._sync_task = asyncio.create_task(self._sync_later())
        if self.written - self.received > MAX_UNSYNCED:
            await self.flush()
        return self.received

    def _append(self, block: bytes) -> None:
        # A page-cache write of a few kB costs microseconds; the flush, which can take long, runs in a thread.
        done = 0
        while done < len(block):
            done += os.pwrite(self._file, block[done:], self._file_size + done)

    async def _sync_later(self) -> None:
        await asyncio.sleep(SYNC_EVERY_S)
        await self._sync()

    async def _sync(self) -> None:
        target = self.written
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, os.fdatasync, self._file)
        except OSError as error:
            self._failure = error
        else:
            self.received = max(self.received, target)
        async with self._synced:
            self._synced.notify_all()

    async def flush(self) -> int:
        """Wait until all that was written is on the disk; returns `received`. Raises Unavailable."""
        target = self.written
        while self.received < target:
            if self._failure is not None:
                raise Unavailable("the disk with the recordings does not take data") from self._failure
            await self._sync()
        return self.received

    async def wait_received(self, above: int) -> int:
        """Wait until `received` is greater than `above`; returns it."""
        async with self._synced:
            await self._synced.wait_for(lambda: self.received > above or self._failure is not None)
        return self.received

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes of the file from `offset` (file bytes: with packets, their headers too)."""
        return os.pread(self._file, min(size, max(0, self._file_size - offset)), offset)

    async def close(self) -> None:
        if self._sync_task is not None:
            await asyncio.gather(self._sync_task, return_exceptions=True)
        if self.received < self.written and self._failure is None:
            await self._sync()
        os.close(self._file)


def disk_error(error: OSError) -> Refused | Unavailable:
    """What a failed write means to the sender."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Refused(
            "no_disk_space", "the server's disk is full: keep the audio and resume later; nothing acknowledged is lost"
        )
    return Unavailable("the disk with the recordings does not take data")
