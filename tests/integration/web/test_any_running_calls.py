"""What every implementation of `RunningCalls` must look like from the sockets: asked with an address and a token alone.

The stand-in of the other tests and the real running calls answer the same questions: that keeps the stand-in honest.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
import pytest_asyncio
from pydantic import SecretStr
from websockets.asyncio.client import connect

from ridealong.config import Settings
from ridealong.store.embedded import DATABASE, OWNER, SUPERUSER, EmbeddedPostgres
from tests.integration.web.conftest import Client, world
from tests.integration.web.real import real_server

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECOND: Final = bytes(32_000)


@dataclass
class Site:
    address: str
    token: str

    @contextlib.asynccontextmanager
    async def socket(self, path: str = "/v1/capture") -> AsyncIterator[Client]:
        async with connect(self.address.replace("http", "ws") + path, compression=None) as socket:
            yield Client(socket)

    @contextlib.asynccontextmanager
    async def started(self, **changed: Any) -> AsyncIterator[tuple[Client, dict[str, Any]]]:
        async with self.socket() as client:
            await client.send(
                {
                    "type": "start",
                    "protocol": 1,
                    "token": self.token,
                    "format": {"encoding": "pcm16", "sample_rate": 16000, "channels": 1},
                    "rep": {"id": "rep-7"},
                    "consent": {"statement": "announced at the start"},
                }
                | changed
            )
            reply = await client.next()
            assert reply["type"] == "started", reply
            yield client, reply

    @contextlib.asynccontextmanager
    async def resumed(self, started: dict[str, Any], **more: Any) -> AsyncIterator[tuple[Client, dict[str, Any]]]:
        async with self.socket() as client:
            await client.send({"type": "resume", "call_token": started["call_token"], "take_over": True} | more)
            yield client, await client.next()


@contextlib.asynccontextmanager
async def real(postgres: EmbeddedPostgres, folder: Path) -> AsyncIterator[Site]:
    with psycopg.connect(postgres.url(user=SUPERUSER, database="postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE sockets TEMPLATE {DATABASE} OWNER {OWNER}")
    try:
        settings = Settings(data_dir=folder, database_url=SecretStr(postgres.url(user=OWNER, database="sockets")))
        async with real_server(settings, folder / "recordings") as (address, token):
            yield Site(address, token)
    finally:
        with psycopg.connect(postgres.url(user=SUPERUSER, database="postgres"), autocommit=True) as connection:
            connection.execute("DROP DATABASE sockets WITH (FORCE)")


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["stand-in", "real"])
async def site(
    request: pytest.FixtureRequest, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    if request.param == "real":
        async with real(postgres, tmp_path_factory.mktemp("real")) as made:
            yield made
    else:
        async with world() as stands_in:
            yield Site(stands_in.address, stands_in.token)


async def test_every_byte_is_acknowledged_and_the_end_is_told(site: Site) -> None:
    async with site.started() as (client, _):
        for _ in range(20):
            await client.send(bytes(3200))
        await client.until(type="ack", received=64_000)
        await client.send({"type": "stop"})
        assert (await client.until(event="ended"))["audio_ms"] == 2000
    numbers = [m["seq"] for m in client.heard if "seq" in m and m["event"] not in {"partial", "nudge"}]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("wait_s", [0.0, 0.02, 0.15])
async def test_a_cut_call_has_every_byte_once_wherever_it_was_cut(site: Site, wait_s: float) -> None:
    async with site.started() as (client, reply):
        for _ in range(10):
            await client.send(bytes(3200))
        # The answer proves that all frames were taken, though perhaps not yet flushed to the disk.
        await client.send({"type": "ping"})
        await client.until(type="pong")
        await asyncio.sleep(wait_s)
        client.socket.transport.abort()
    total = 64_000
    async with site.resumed(reply) as (client, resumed):
        assert resumed["type"] == "resumed"
        assert resumed["received"] <= 32_000
        for at in range(resumed["received"], total, 3200):
            await client.send(bytes(min(3200, total - at)))
        await client.until(type="ack", received=total)
        await client.send({"type": "stop"})
        assert (await client.until(event="ended"))["audio_ms"] == total // 32


async def test_a_second_sender_gets_the_call_only_when_it_takes_it_over(site: Site) -> None:
    async with site.started() as (first, reply):
        await first.send(SECOND)
        await first.until(type="ack", received=32_000)
        async with site.resumed(reply, take_over=False) as (second, answer):
            assert answer["code"] == "second_sender"
            assert await second.rest() == 4409
        async with site.resumed(reply) as (third, answer):
            assert answer["received"] == 32_000
            assert await first.refused() == ("taken_over", 4409)
            await third.send({"type": "stop"})
            await third.until(event="ended")


async def test_a_resume_beyond_what_was_received_leaves_the_call_free(site: Site) -> None:
    async with site.started() as (client, reply):
        await client.send(SECOND)
        await client.until(type="ack", received=32_000)
    async with site.resumed(reply, received=32_002) as (client, answer):
        assert (answer["code"], answer["received"]) == ("resume_beyond_received", 32_000)
        assert await client.rest() == 4416
    async with site.resumed(reply, received=32_000) as (client, answer):
        assert answer["received"] == 32_000
        await client.send({"type": "stop"})
        await client.until(event="ended")


@pytest.mark.parametrize("data", [bytes(3201), b"RIFF" + bytes(40)])
async def test_what_is_not_the_stated_audio_is_refused_and_not_counted(site: Site, data: bytes) -> None:
    async with site.started() as (client, reply):
        await client.send(data)
        assert await client.refused() == ("bad_audio", 4415)
    async with site.resumed(reply) as (client, answer):
        assert answer["received"] == 0
        await client.send({"type": "stop"})
        await client.until(event="ended")


async def test_a_gap_and_a_pause_add_no_time(site: Site) -> None:
    async with site.started() as (client, _):
        await client.send(SECOND)
        await client.send({"type": "gap", "duration_ms": 5000, "reason": "lift"})
        gap = await client.until(event="gap")
        assert (gap["at_ts"], gap["duration_ms"], gap["reason"]) == (1000, 5000, "lift")
        await client.send({"type": "pause"})
        await client.send({"type": "pause"})
        await client.send({"type": "unpause"})
        await client.send({"type": "unpause"})
        await client.send({"type": "pause"})
        await client.send(SECOND)
        await client.until(type="ack", received=64_000)
        await client.send({"type": "stop"})
        assert (await client.until(event="ended"))["audio_ms"] == 2000


async def test_a_paused_call_goes_on_on_another_socket(site: Site) -> None:
    async with site.started() as (client, reply):
        await client.send(SECOND)
        await client.send({"type": "pause"})
        await client.until(type="ack", received=32_000)
    async with site.resumed(reply) as (client, _):
        await client.send(SECOND)
        await client.until(type="ack", received=64_000)
        await client.send({"type": "stop"})
        assert (await client.until(event="ended"))["audio_ms"] == 2000


async def test_the_reps_statement_is_told_to_everybody(site: Site) -> None:
    async with site.started() as (client, reply), site.socket(f"/v1/calls/{reply['call_id']}/events") as watcher:
        await watcher.send({"type": "watch", "token": reply["call_token"]})
        await watcher.until(type="watching")
        await client.send({"type": "rep_speaker", "speaker_id": 0})
        role = await watcher.until(event="role", speaker_id=0)
        assert (role["role"], role["source"]) == ("rep", "stated")
        await client.send({"type": "stop"})
        await watcher.until(event="ended")


async def test_an_empty_call_ends(site: Site) -> None:
    async with site.started() as (client, reply):
        await client.send({"type": "stop"})
        assert (await client.until(event="ended"))["audio_ms"] == 0
    async with site.resumed(reply) as (client, answer):
        assert (answer.get("code"), await client.rest()) == ("call_ended", 4410)
