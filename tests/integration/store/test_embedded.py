"""The embedded server among several processes, killed ones included, and a database that goes away and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psutil
import psycopg
import pytest

from ridealong.config import Settings
from ridealong.core.errors import InvalidSettings, Refused, Unavailable, Ungrounded
from ridealong.store import Store
from ridealong.store.calls import append_utterances, begin_call, load_transcript
from ridealong.store.database import prepare
from ridealong.store.embedded import DATABASE, OWNER, EmbeddedPostgres
from ridealong.store.tenants import create_tenant, find_tenant
from tests.integration.store.conversation import new_call, record_call, utterances

OPEN_AND_WAIT = """
import asyncio, sys
from pathlib import Path
from ridealong.config import Settings
from ridealong.store import Store

async def main():
    store = await Store.open(Settings(data_dir=Path(sys.argv[1]), database_url=None))
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await store.close()
    print("closed", flush=True)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def used_before() -> Iterator[Path]:
    """A data directory whose server was started, migrated and stopped. Copying it is faster than making one."""
    folder = Path(tempfile.mkdtemp(prefix="ridealong-test-"))
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    prepare(server.url(user=OWNER, database=DATABASE))
    server.stop()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ridealong-test-"))
    yield folder
    if process := server_of(folder):
        process.send_signal(signal.SIGINT)  # a fast stop, whoever is still connected
        process.wait(30)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def data_dir(used_before: Path, empty_dir: Path) -> Path:
    subprocess.run(["cp", "-a", str(used_before / "postgres"), str(empty_dir)], check=True)
    return empty_dir


def settings_of(data_dir: Path) -> Settings:
    return Settings(data_dir=data_dir, database_url=None)


def server_of(data_dir: Path) -> psutil.Process | None:
    """The server's process, when one runs on this directory."""
    for process in psutil.process_iter(["name", "cmdline"]):
        command = process.info["cmdline"] or []
        if process.info["name"] == "postgres" and str((data_dir / "postgres").resolve()) in command:
            return process
    return None


class Other:
    """Another process that has the store open."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OPEN_AND_WAIT, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == word

    def leave(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.wait_until("closed")
        assert self.process.wait(30) == 0

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


async def test_the_last_process_stops_the_server_and_the_data_stays(empty_dir: Path) -> None:
    data_dir = empty_dir
    first, second = Other(data_dir), Other(data_dir)  # both at once
    first.wait_until("open")
    second.wait_until("open")
    store = await Store.open(settings_of(data_dir))
    acme = await create_tenant(store, "acme", "Acme")
    first.leave()
    assert await find_tenant(store, "acme") == acme
    await store.close()
    assert server_of(data_dir) is not None
    second.leave()
    assert server_of(data_dir) is None
    again = await Store.open(settings_of(data_dir))
    assert await find_tenant(again, "acme") == acme
    await again.close()
    assert server_of(data_dir) is None


async def test_a_killed_process_leaves_nothing_broken(data_dir: Path) -> None:
    killed = Other(data_dir)
    killed.wait_until("open")
    killed.kill()
    assert server_of(data_dir) is not None
    store = await Store.open(settings_of(data_dir))
    acme = await create_tenant(store, "acme", "Acme")
    await store.close()
    assert server_of(data_dir) is None  # the killed one no longer counts

    # Now the server is killed as well, as by a power cut, and its number goes to another program.
    killed = Other(data_dir)
    killed.wait_until("open")
    server = server_of(data_dir)
    assert server is not None
    for process in (server, *server.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    killed.kill()
    server.wait(10)
    pid_file = data_dir / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    sleeper = await asyncio.create_subprocess_exec("sleep", "60")
    pid_file.write_text("\n".join([str(sleeper.pid), *lines[1:]]))
    try:
        store = await Store.open(settings_of(data_dir))
        assert await find_tenant(store, "acme") == acme
        await store.close()
    finally:
        sleeper.kill()
        await sleeper.wait()


async def test_a_long_path_or_a_strange_one_works_too(empty_dir: Path) -> None:
    deep = empty_dir / ("a folder, with 'marks' and " + "x" * 90)
    store = await Store.open(settings_of(deep))
    try:
        assert store.server is not None
        assert len(str(store.server.socket_dir)) < 80
        assert store.server.socket_dir.stat().st_mode & 0o077 == 0
        await create_tenant(store, "acme", "Acme")
    finally:
        await store.close()
    shutil.rmtree(store.server.socket_dir, ignore_errors=True)


async def test_a_directory_with_other_things_in_it_is_left_alone(empty_dir: Path) -> None:
    data_dir = empty_dir
    (data_dir / "postgres").mkdir()
    (data_dir / "postgres" / "letters.txt").write_text("mine")
    with pytest.raises(InvalidSettings, match="holds other files"):
        await Store.open(settings_of(data_dir))
    (data_dir / "file").write_text("")
    with pytest.raises(InvalidSettings, match="RIDEALONG_DATA_DIR"):
        await Store.open(settings_of(data_dir / "file"))


async def back(store: Store, tenant_id: UUID) -> None:
    """Wait until connections are made again: the pool tries at growing intervals."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(Unavailable):
                async with store.tenant(tenant_id):
                    return


async def test_the_database_may_go_away_and_come_back(data_dir: Path) -> None:
    store = await Store.open(settings_of(data_dir))
    server = store.server
    assert server is not None
    call = await record_call(store)
    after = new_call()
    try:
        await asyncio.to_thread(server.stop_server)
        for _ in range(2):
            with pytest.raises(Unavailable, match="try again") as away:
                async with store.tenant(call.tenant_id) as connection:
                    await begin_call(connection, after)
            assert away.value.__cause__ is not None
        await asyncio.to_thread(server.start_server)
        await back(store, call.tenant_id)
        async with store.tenant(call.tenant_id) as connection:
            transcript_id = await begin_call(connection, after)
            await append_utterances(connection, transcript_id, utterances())
            assert len(await load_transcript(connection, transcript_id)) == len(utterances())

        # In the middle of a transaction: nothing of it is kept, and repeating it is safe.
        late = new_call()
        with pytest.raises(Unavailable):
            async with store.tenant(call.tenant_id) as connection:
                transcript_id = await begin_call(connection, late)
                await asyncio.to_thread(server.stop_server)
                await append_utterances(connection, transcript_id, utterances())
        await asyncio.to_thread(server.start_server)
        await back(store, call.tenant_id)
        async with store.tenant(call.tenant_id) as connection:
            with pytest.raises(Refused, match="no such call"):
                await load_transcript(connection, transcript_id)
            await append_utterances(connection, await begin_call(connection, late), utterances())
    finally:
        await store.close()


async def test_what_was_said_enters_no_log_and_no_error(data_dir: Path) -> None:
    store = await Store.open(settings_of(data_dir))
    assert store.server is not None
    marker = "xylophone"
    call = await record_call(store)
    try:
        with pytest.raises(Refused) as refused:
            async with store.tenant(call.tenant_id) as connection:
                await connection.execute(
                    "INSERT INTO utterance (tenant_id, call_id, revision, utterance_no, start_ts, end_ts, text)"
                    " VALUES (current_tenant(), %s, 1, 70, 9, 1, %s)",
                    [call.call_id, marker],
                )
        assert refused.value.code == "utterance_ends_after_it_starts"
        shown = f"{refused.value!r} {refused.value.__cause__!r}"
        with pytest.raises(Ungrounded) as ungrounded:
            async with store.tenant(call.tenant_id) as connection:
                await connection.execute(
                    "INSERT INTO moment (tenant_id, moment_id, call_id, revision, type, tier, reason, confidence,"
                    " nudge, trigger_ts, utterance_no, speaker_id, start_ts, end_ts, text_length, quote_start,"
                    " quote_end) SELECT tenant_id, gen_random_uuid(), call_id, revision, type, tier, reason, 7, %s,"
                    " trigger_ts, utterance_no, speaker_id, start_ts, end_ts, text_length, quote_start,"
                    " quote_end FROM moment",
                    [marker],
                )
        shown += f"{ungrounded.value!r} {ungrounded.value.__cause__!r}"
        with (
            psycopg.connect(store.server.url(user=OWNER, database="ridealong")) as owner,
            pytest.raises(psycopg.Error),
        ):
            owner.execute(f"SELECT '{marker}'::int")
    finally:
        await store.close()
    log = store.server.log_file.read_text()
    assert "ready to accept connections" in log
    assert marker not in log + shown


MULTIPLY_MEANWHILE = """
import os, sys, threading
from pathlib import Path
import numpy as np
from ridealong.store.embedded import EmbeddedPostgres

matrix = np.ones((400, 400), np.float32)

def multiply():
    while True:
        matrix @ matrix

for _ in range(4):
    threading.Thread(target=multiply, daemon=True).start()
database = EmbeddedPostgres(Path(sys.argv[1]))
for _ in range(3):
    database.start()
    database.stop()
print("stopped", flush=True)
os._exit(0)
"""


def test_the_server_starts_and_stops_while_other_threads_multiply_matrices(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MULTIPLY_MEANWHILE, str(tmp_path / "postgres")],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.stdout == "stopped\n", done.stderr
