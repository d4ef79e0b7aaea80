"""Watching a call: who may, what they get, and that they can never hold it up."""

from __future__ import annotations

import asyncio

import pytest

from ridealong.core.events import WarningGiven
from ridealong.web.access import CAPTURE, READ
from tests.integration.web.conftest import World
from tests.integration.web.standin import KEPT
from tests.integration.web.test_capture import SECOND

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_any_number_of_watchers_see_the_call(server: World) -> None:
    async with server.started() as (_, call, reply):
        path = f"/v1/calls/{call.call_id}/events"
        headers = {"Authorization": f"Bearer {server.token}"}
        async with server.socket(path, additional_headers=headers) as one, server.socket(path) as two:
            await two.send({"type": "watch", "token": reply["call_token"]})
            call.say("hello")
            for watcher in (one, two):
                assert (await watcher.next())["type"] == "watching"
                utterance = await watcher.until(event="utterance")
                assert (utterance["text"], utterance["seq"]) == ("hello", 2)
                await watcher.send({"type": "ping", "id": "a"})
                assert (await watcher.until(type="pong"))["id"] == "a"


async def test_watching_begins_after_the_number_asked_for(server: World) -> None:
    async with server.started() as (_, call, _):
        for text in ("one", "two", "three"):
            call.say(text)
        headers = {"Authorization": f"Bearer {server.token}"}
        path = f"/v1/calls/{call.call_id}/events?after=3"
        async with server.socket(path, additional_headers=headers) as watcher:
            assert (await watcher.next())["seq"] == 4
            assert (await watcher.next())["text"] == "three"


async def test_a_watcher_sees_the_end_and_the_artifact_and_is_closed(server: World) -> None:
    async with server.started() as (client, call, _):
        headers = {"Authorization": f"Bearer {server.token}"}
        async with server.socket(f"/v1/calls/{call.call_id}/events", additional_headers=headers) as watcher:
            await watcher.next()
            await client.send(SECOND)
            await client.send({"type": "stop"})
            assert await watcher.rest() == 1000
            assert [m["event"] for m in watcher.heard[-2:]] == ["ended", "artifact"]


async def test_an_ended_call_is_replayed_from_what_is_stored(server: World) -> None:
    async with server.started() as (client, call, _):
        call.say("that was it")
        await client.send({"type": "stop"})
        await client.rest()
    async with server.socket(f"/v1/calls/{call.call_id}/events") as watcher:
        await watcher.send({"type": "watch", "token": server.token})
        assert await watcher.rest() == 1000
    assert watcher.heard[0]["running"] is False
    assert watcher.heard[1]["text"] == "that was it"
    assert watcher.heard[-1]["event"] == "artifact"
    assert not any("seq" in m for m in watcher.heard)


async def test_a_slow_watcher_loses_old_events_and_the_call_loses_nothing(server: World) -> None:
    async with server.started() as (client, call, _):
        headers = {"Authorization": f"Bearer {server.token}"}
        path = f"/v1/calls/{call.call_id}/events"
        # A small read buffer, and nobody reading: the server's socket fills after a few hundred KiB.
        async with server.socket(path, additional_headers=headers, max_queue=1, write_limit=1024) as watcher:
            await watcher.next()
            for _ in range(2 * KEPT):
                call.publish(WarningGiven(code="test", message="x" * 8_000, at=0.0))
                await asyncio.sleep(0)
            call.say("after the flood")
            # The sender is served all the while.
            await client.send(SECOND)
            await client.until(type="ack", received=32_000)
            last = await watcher.until(event="utterance")
            # On a quick machine it comes before the acknowledgement, which waits for the disk.
            if not any(message.get("event") == "utterance" for message in client.heard):
                await client.until(event="utterance")
    missed = [m for m in watcher.heard if m.get("type") == "missed"]
    assert missed
    lasting = [m for m in watcher.heard if "seq" in m and "event" in m]
    assert len(lasting) + sum(m["count"] for m in missed) == last["seq"] == call.last_seq


async def refused_watch(server: World, call_id: object, message: object, **options: object) -> tuple[str, int]:
    async with server.socket(f"/v1/calls/{call_id}/events", **options) as watcher:
        await watcher.send(message)  # type: ignore[arg-type]
        return await watcher.refused()


async def test_who_may_not_watch(server: World) -> None:
    async with server.started() as (_, call, reply), server.started() as (_, other, _):
        cases = [
            (call.call_id, server.tokens.tenant(), "unknown_call", 4404),
            (call.call_id, "wrong", "unknown_token", 4401),
            (call.call_id, None, "missing_token", 4401),
            (call.call_id, server.tokens.also(server.token, CAPTURE), "forbidden", 4403),
            (other.call_id, reply["call_token"], "forbidden", 4403),
            ("nonsense", server.token, "unknown_call", 4404),
            ("00000000-0000-0000-0000-000000000000", server.token, "unknown_call", 4404),
        ]
        for call_id, token, code, close in cases:
            message = {"type": "watch", "token": token}
            assert await refused_watch(server, call_id, message) == (code, close)
        assert call.attached is not None


async def test_what_a_watcher_may_not_say(server: World) -> None:
    async with server.started() as (client, call, _):
        token = server.tokens.also(server.token, READ)
        for first in (b"\x00\x00", "garbage", {"type": "stop"}, {"type": "ping"}, {"type": "watch", "after": -1}):
            assert await refused_watch(server, call.call_id, first) == ("bad_message", 4400)
        headers = {"Authorization": f"Bearer {token}"}
        for later in (b"\x00\x00", "garbage", {"type": "watch"}):
            said = await refused_watch(server, call.call_id, later, additional_headers=headers)
            assert said == ("bad_message", 4400)
        async with server.socket(f"/v1/calls/{call.call_id}/events?after=soon") as watcher:
            assert await watcher.refused() == ("bad_message", 4400)
        await client.send(SECOND)
        await client.until(type="ack", received=32_000)
