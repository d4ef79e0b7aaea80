"""The journal: what was acknowledged is on the disk, whole."""

from __future__ import annotations

import asyncio
import resource
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ridealong.core.errors import InvalidAudio, Refused
from ridealong.recording.journal import MAX_UNSYNCED, AudioJournal, ByteClock


@pytest.fixture
def disk() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


async def test_bytes_are_counted_as_received_only_after_they_were_flushed(
    tmp_path: Path, disk: ThreadPoolExecutor
) -> None:
    journal = AudioJournal(tmp_path / "audio", packets=False, executor=disk)
    at_once = await journal.write(b"x" * 100)
    assert at_once == 0
    assert journal.read(0, 100) == b"x" * 100, "what is written can be heard before it is flushed"
    assert await journal.wait_received(0) == 100
    await journal.close()


async def test_flush_waits_for_all_that_was_written(tmp_path: Path, disk: ThreadPoolExecutor) -> None:
    journal = AudioJournal(tmp_path / "audio", packets=False, executor=disk)
    await journal.write(b"x" * 100)
    await journal.write(b"y" * 50)
    assert await journal.flush() == 150
    await journal.close()


async def test_a_sender_that_is_faster_than_the_disk_waits_for_it(tmp_path: Path, disk: ThreadPoolExecutor) -> None:
    journal = AudioJournal(tmp_path / "audio", packets=False, executor=disk)
    for _ in range(5):
        await journal.write(bytes(MAX_UNSYNCED // 2))
        assert journal.written - journal.received <= MAX_UNSYNCED
    await journal.close()


async def test_a_reopened_journal_goes_on_behind_its_last_byte(tmp_path: Path, disk: ThreadPoolExecutor) -> None:
    journal = AudioJournal(tmp_path / "audio", packets=False, executor=disk)
    await journal.write(b"first")
    await journal.close()
    again = AudioJournal(tmp_path / "audio", packets=False, executor=disk)
    assert again.received == 5
    await again.write(b"second")
    assert again.read(0, 100) == b"firstsecond"
    await again.close()


async def test_a_packet_torn_by_a_crash_is_cut_and_the_whole_ones_stay(
    tmp_path: Path, disk: ThreadPoolExecutor
) -> None:
    path = tmp_path / "audio"
    journal = AudioJournal(path, packets=True, executor=disk)
    await journal.write(b"one")
    await journal.write(b"three")
    await journal.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 2)
    again = AudioJournal(path, packets=True, executor=disk)
    assert again.received == len(b"one")
    assert again.file_size == len(b"one") + 2
    await again.write(b"four")
    assert again.read(0, 100) == b"\0\3one\0\4four"
    await again.close()


async def test_an_empty_packet_is_refused(tmp_path: Path, disk: ThreadPoolExecutor) -> None:
    journal = AudioJournal(tmp_path / "audio", packets=True, executor=disk)
    with pytest.raises(InvalidAudio):
        await journal.write(b"")
    await journal.close()


async def test_a_disk_that_takes_no_more_keeps_nothing_of_the_refused_frame(
    tmp_path: Path, disk: ThreadPoolExecutor
) -> None:
    journal = AudioJournal(tmp_path / "audio", packets=False, executor=disk)
    await journal.write(b"x" * 1000)
    await journal.flush()
    # The kernel's own limit on the size of a file stands in for a full disk: the write fails in the same place.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, before[1]))
    try:
        with pytest.raises((Refused, Exception), match="disk"):
            await journal.write(b"y" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert journal.written == 1000
    assert (tmp_path / "audio").stat().st_size == 1000
    await journal.write(b"z" * 10)
    assert await journal.flush() == 1010
    await journal.close()


def test_byte_offsets_and_times_agree() -> None:
    clock = ByteClock(sample_rate=44_100, frame_bytes=4)
    assert clock.ms(clock.offset(10_000)) == 10_000
    assert clock.offset(1) % 4 == 0
    three_hours = 3 * 3_600_000
    assert clock.ms(clock.offset(three_hours)) == three_hours


async def test_two_hundred_small_frames_share_a_few_flushes(tmp_path: Path, disk: ThreadPoolExecutor) -> None:
    journal = AudioJournal(tmp_path / "audio", packets=False, executor=disk)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(200):
        await journal.write(bytes(640))
    # Waiting for a flush with each frame would take 200 × 0.1 s.
    assert loop.time() - began < 10
    assert await journal.flush() == 200 * 640
    await journal.close()


class SlowDisk(ThreadPoolExecutor):
    """Begins nothing before `go` is set."""

    def __init__(self) -> None:
        super().__init__(1)
        self.asked, self.go = threading.Event(), threading.Event()

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.asked.set()
        return super().submit(lambda: self.go.wait(10) and fn(*args, **kwargs))


async def test_what_is_written_while_the_disk_flushes_is_acknowledged_without_more_audio(tmp_path: Path) -> None:
    with SlowDisk() as disk:
        journal = AudioJournal(tmp_path / "audio", packets=False, executor=disk)
        await journal.write(b"first")
        await asyncio.to_thread(disk.asked.wait, 10)
        await journal.write(b"second")
        disk.go.set()
        async with asyncio.timeout(60):
            while await journal.wait_received(journal.received) < len(b"firstsecond"):
                pass
        await journal.close()
