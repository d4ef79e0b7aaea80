"""A disk that is really full: a small file system of its own, where this machine lets us mount one."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from ridealong.core.errors import Refused
from ridealong.core.events import UtteranceFinished, WarningGiven
from ridealong.core.transcript import SpeakerId
from ridealong.live import CallStart
from ridealong.recording.folder import MIN_FREE_BYTES, Recordings
from ridealong.speech import Audio, Heard, Hearing, Transcriber
from ridealong.speech.providers.replay import ReplayTranscriber
from ridealong.speech.session_file import RecordedSession
from ridealong.store import calls
from tests.integration.live.conftest import LENGTH_MS, SPOKEN, House, line

PIECE = bytes(3200)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    # Nothing that is not written takes memory, so the size costs nothing.
    size = f"size={MIN_FREE_BYTES + (8 << 20)}"
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], capture_output=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("no program `mount` here: a full disk is tested with a limit on files alone")
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a file system: a full disk is tested with a limit on files alone")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path, *, leave: int) -> None:
    free = os.statvfs(disk)
    with (disk / "other").open("ab") as other:
        os.posix_fallocate(other.fileno(), other.tell(), free.f_bavail * free.f_frsize - leave)


async def test_a_full_disk_refuses_new_calls_and_holds_up_running_ones_until_there_is_space(
    house: House, tenant_id: UUID, start: Callable[..., CallStart], small_disk: Path
) -> None:
    house = replace(house, recordings=Recordings(small_disk / "recordings"))
    live = house.process()
    call = await live.begin(tenant_id, start())
    sender = call.attach()
    for _ in range(30):
        await sender.write(PIECE)
        await call.taken()
    received = await sender.wait_received(29 * len(PIECE))
    assert received == 30 * len(PIECE)

    fill(small_disk, leave=MIN_FREE_BYTES - 4096)
    with pytest.raises(Refused) as refused:
        await live.begin(tenant_id, start())
    assert refused.value.code == "no_disk_space"
    assert live.running(tenant_id) == [call.call_id]

    fill(small_disk, leave=3 * len(PIECE))
    written = 0
    with pytest.raises(Refused) as refused:
        while written < 100:
            await sender.write(PIECE)
            written += 1
    assert refused.value.code == "no_disk_space"
    assert 1 <= written < 100
    assert call.journal.written == (30 + written) * len(PIECE), "half a frame was kept"

    # The sender keeps its audio and comes back when there is space again.
    await sender.detach()
    (small_disk / "other").unlink()
    again = call.attach()
    assert again.received == (30 + written) * len(PIECE)
    for _ in range(LENGTH_MS // 100 - 30 - written):
        await again.write(PIECE)
        await call.taken()
    await again.stop()
    await call.over.wait()
    events = [n.event async for n in call.watch()]
    assert [e.utterance.text for e in events if isinstance(e, UtteranceFinished)] == [u.text for u in SPOKEN]
    assert {e.code for e in events if isinstance(e, WarningGiven)} <= {"no_disk_space"}
    async with house.store.tenant(tenant_id) as conn:
        found = await calls.load_transcript(conn, await calls.latest_revision(conn, call.call_id))
        assert [u.text for u in found] == [u.text for u in SPOKEN]


class Waiting:
    """Hears nothing before `go` is set."""

    def __init__(self, inner: Transcriber) -> None:
        self._inner = inner
        self.go = asyncio.Event()

    async def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        await self.go.wait()
        async for heard in self._inner.hear(audio, hearing):
            yield heard

    async def close(self) -> None:
        await self._inner.close()


async def test_words_that_the_full_log_cannot_take_go_to_the_database_with_a_warning(
    house: House, tenant_id: UUID, start: Callable[..., CallStart], small_disk: Path
) -> None:
    # More than the rest of the log's last page on the disk.
    long = tuple(line(no, no % 2, no * 4000, "on and on " * 1000, 3000) for no in range(3))
    waiting = Waiting(ReplayTranscriber(RecordedSession(call="long", rep_speakers=(SpeakerId(0),), utterances=long)))
    house = replace(house, recordings=Recordings(small_disk / "recordings"), transcriber=waiting)
    live = house.process()
    call = await live.begin(tenant_id, start())
    sender = call.attach()
    for _ in range(120):
        await sender.write(PIECE)
    await sender.wait_received(120 * len(PIECE) - 1)
    fill(small_disk, leave=0)
    waiting.go.set()
    await sender.stop()
    await call.over.wait()
    events = [n.event async for n in call.watch()]
    assert [e.code for e in events if isinstance(e, WarningGiven)] == ["no_disk_space"]
    async with house.store.tenant(tenant_id) as conn:
        found = await calls.load_transcript(conn, await calls.latest_revision(conn, call.call_id))
        assert [len(u.text) for u in found] == [len(u.text.strip()) for u in long]
        assert (await calls.load_call(conn, call.call_id)).status == "ended"
