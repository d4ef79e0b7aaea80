"""The capture socket when everything goes as it should."""

from __future__ import annotations

import asyncio
import contextlib
import json
from uuid import uuid4

import pytest

from ridealong.core.context import CallContext
from ridealong.core.events import PartialHeard, WarningGiven
from ridealong.core.moments import Sight, Tier
from ridealong.core.transcript import SpeakerId
from ridealong.live.start import read_statement, statement
from ridealong.web.server import create_app, running
from tests.integration.web.conftest import World, world
from tests.integration.web.standin import StandInSender

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECOND = bytes(32_000)


async def settled(condition, timeout_s: float = 60.0) -> None:
    """Wait until `condition()` holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_call_from_start_to_artifact(server: World) -> None:
    async with server.started() as (client, call, reply):
        assert reply["received"] == 0
        assert reply["call_id"] == str(call.call_id)
        await client.send(SECOND)
        assert (await client.until(type="ack"))["received"] == 32_000
        call.say("it is too expensive for us")
        moment_id = call.notice("objection_raised", "Ask what they compare the price with before you answer")
        nudge = await client.until(event="nudge")
        moment = await client.until(event="moment")
        assert nudge["moment_id"] == moment["moment_id"] == str(moment_id)
        assert nudge["seq"] == moment["seq"]
        assert nudge["text"].startswith("Ask what they compare")
        assert nudge["evidence"][0]["quote"] == "it is too expensive for us"
        await client.send({"type": "stop"})
        assert await client.rest() == 1000
        events = [m.get("event") for m in client.heard]
        assert events.index("ended") < events.index("artifact")
        assert client.heard[-1]["event"] in {"artifact"}
    assert bytes(call.audio) == SECOND
    assert call.stops == 1
    assert call.detached == 0


async def test_a_nudge_counts_as_sent_when_the_sender_got_it_and_as_seen_when_the_sender_says_so(server: World) -> None:
    async with server.started() as (client, call, _):
        call.say("it is too expensive for us")
        shown = call.notice("objection_raised", "Ask what they compare the price with before you answer")
        call.notice("stall", "Offer a date", tier=Tier.NOTED)
        await client.until(event="nudge")
        await settled(lambda: call.sighted == [(shown, Sight.SENT)])
        await client.send({"type": "seen", "moment_id": str(shown)})
        await settled(lambda: (shown, Sight.SEEN) in call.sighted)
        await client.send({"type": "seen", "moment_id": str(uuid4())})
        assert (await client.until(event="warning"))["code"] == "unknown_moment"
        await client.send({"type": "stop"})
        assert await client.rest() == 1000
    assert [sight for _, sight in call.sighted].count(Sight.SENT) == 1


async def test_whose_deal_a_call_is_may_be_stated_with_its_start(server: World) -> None:
    stated = {"customer": "Northwind", "call_type": "demo", "of_a_newer_app": True}
    async with server.started(context=stated) as (_, call, _):
        assert call.start.context == CallContext(customer="Northwind", call_type="demo")
        assert read_statement(json.loads(json.dumps(statement(call.start)))) == call.start
    async with server.socket() as client:
        await client.send(server.start(context={"stage": "x" * 65}))
        assert (await client.next())["code"] == "bad_message"


async def test_the_token_may_come_in_the_header(server: World) -> None:
    headers = {"Authorization": f"Bearer {server.token}"}
    async with server.socket(additional_headers=headers) as client:
        message = server.start()
        del message["token"]
        await client.send(message)
        assert (await client.next())["type"] == "started"


async def test_acknowledgements_are_merged_and_end_with_every_byte(server: World) -> None:
    async with server.started() as (client, _, _):
        for _ in range(100):
            await client.send(bytes(640))
        await client.until(type="ack", received=64_000)
    acks = [m["received"] for m in client.heard if m.get("type") == "ack"]
    assert acks == sorted(set(acks))
    assert len(acks) < 20


async def test_a_dropped_call_goes_on_from_the_servers_count(server: World) -> None:
    async with server.started() as (client, call, reply):
        await client.send(SECOND)
        await client.until(type="ack", received=32_000)
        client.socket.transport.abort()
    await settled(lambda: call.attached is None)
    call.say("we go on")
    async with server.socket() as client:
        await client.send({"type": "resume", "call_token": reply["call_token"], "received": 32_000, "after": 1})
        resumed = await client.next()
        assert resumed["type"] == "resumed"
        assert resumed["received"] == 32_000
        assert (await client.until(event="utterance"))["seq"] == 2
        await client.send(SECOND)
        await client.until(type="ack", received=64_000)
        await client.send({"type": "stop"})
        assert await client.rest() == 1000
    assert len(call.audio) == 64_000


async def test_a_client_that_saw_fewer_acknowledgements_is_told_the_true_count(server: World) -> None:
    async with server.started() as (client, call, reply):
        await client.send(SECOND)
        await settled(lambda: len(call.audio) == 32_000)
        client.socket.transport.abort()
    await settled(lambda: call.attached is None)
    async with server.socket() as client:
        await client.send({"type": "resume", "call_token": reply["call_token"], "received": 0})
        assert (await client.next())["received"] == 32_000


async def test_a_nudge_from_before_the_reconnect_is_not_shown_again(server: World) -> None:
    async with server.started() as (client, call, reply):
        client.socket.transport.abort()
    await settled(lambda: call.attached is None)
    call.say("maybe next year")
    call.notice("stall", "Offer two concrete dates for the next step")
    async with server.socket() as client:
        await client.send({"type": "resume", "call_token": reply["call_token"], "after": 0})
        await client.until(event="moment")
        call.say("our boss decides")
        call.notice("decision_process", "Ask who else should see this before you go on")
        assert (await client.until(event="nudge"))["type"] == "decision_process"
    assert [m["type"] for m in client.heard if m.get("event") == "nudge"] == ["decision_process"]
    assert [m["type"] for m in client.heard if m.get("event") == "moment"] == ["stall"]


async def test_without_after_a_resumed_socket_gets_new_events_only(server: World) -> None:
    async with server.started() as (client, call, reply):
        client.socket.transport.abort()
    await settled(lambda: call.attached is None)
    call.say("old")
    async with server.socket() as client:
        await client.send({"type": "resume", "call_token": reply["call_token"]})
        assert (await client.next())["seq"] == 2
        call.say("new")
        assert (await client.next())["text"] == "new"


async def test_take_over_replaces_a_socket_that_is_still_open(server: World) -> None:
    async with server.started() as (old, call, reply):
        await old.send(SECOND)
        await old.until(type="ack")
        async with server.socket() as new:
            await new.send({"type": "resume", "call_token": reply["call_token"], "take_over": True})
            assert (await new.next())["received"] == 32_000
            assert await old.refused() == ("taken_over", 4409)
            await new.send(SECOND)
            await new.until(type="ack", received=64_000)
            assert call.attached is not None


async def test_a_noted_moment_makes_no_nudge(server: World) -> None:
    async with server.started() as (client, call, _):
        call.say("hm")
        call.notice("stall", "Offer a date", tier=Tier.NOTED)
        call.say("and then")
        await client.until(event="utterance", text="and then")
    assert "nudge" not in {m.get("event") for m in client.heard}


async def test_partials_take_no_number_and_make_no_hole(server: World) -> None:
    async with server.started() as (client, call, _):
        for number in range(50):
            call.publish(PartialHeard(speaker=SpeakerId(0), start_ts=0, end_ts=number, text=f"word {number}", at=0.1))
        await client.until(event="partial", text="word 49")
        call.say("word word")
        await client.until(event="utterance")
    assert "missed" not in {m.get("type") for m in client.heard}


async def test_gap_pause_rep_speaker_and_ping_reach_the_call(server: World) -> None:
    async with server.started() as (client, call, _):
        await client.send(SECOND)
        await client.send({"type": "gap", "duration_ms": 1500, "reason": "call waiting"})
        gap = await client.until(event="gap")
        assert (gap["at_ts"], gap["duration_ms"], gap["reason"]) == (1000, 1500, "call waiting")
        await client.send({"type": "rep_speaker", "speaker_id": 1})
        role = await client.until(event="role")
        assert (role["speaker_id"], role["role"], role["source"]) == (1, "rep", "stated")
        await client.send({"type": "pause"})
        await client.until(type="ack", received=32_000)
        await settled(lambda: call.paused)
        await client.send({"type": "unpause"})
        await settled(lambda: not call.paused)
        await client.send({"type": "pause"})
        await settled(lambda: call.paused)
        await client.send(SECOND)
        await settled(lambda: not call.paused and len(call.audio) == 64_000)
        await client.send({"type": "ping", "id": 7, "a_key_of_tomorrow": True})
        assert (await client.until(type="pong"))["id"] == 7


async def test_stop_twice_ends_the_call_once(server: World) -> None:
    async with server.started() as (client, call, _):
        await client.send(SECOND)
        await client.send({"type": "stop"})
        await client.send({"type": "stop"})
        assert await client.rest() == 1000
    assert call.stops == 1


async def test_a_call_ends_although_its_socket_dies_after_stop(server: World) -> None:
    async with server.started() as (client, call, _):
        await client.send({"type": "stop"})
        await settled(lambda: call.stops == 1)
        client.socket.transport.abort()
    await settled(lambda: call.attached is None)
    assert call.detached == 0


async def test_a_half_closed_socket_leaves_the_call_waiting(server: World) -> None:
    async with server.started() as (client, call, reply):
        await client.send(SECOND)
        await client.until(type="ack")
        client.socket.transport.write_eof()
        await settled(lambda: call.detached == 1)
    async with server.socket() as client:
        await client.send({"type": "resume", "call_token": reply["call_token"]})
        assert (await client.next())["received"] == 32_000


async def test_a_slow_disk_slows_the_sender_and_loses_nothing(server: World) -> None:
    async with server.started() as (client, call, _):
        call.journal_delay_s = 0.02
        for _ in range(40):
            await client.send(bytes(3200))
        await client.until(type="ack", received=128_000)


async def test_a_stopping_server_says_so_and_leaves_the_call_to_be_resumed() -> None:
    async with contextlib.AsyncExitStack() as site:
        made = await site.enter_async_context(world())
        async with made.started() as (client, call, reply):
            path = f"/v1/calls/{call.call_id}/events"
            headers = {"Authorization": f"Bearer {made.token}"}
            async with made.socket(path, additional_headers=headers) as watcher:
                await client.send(SECOND)
                await client.until(type="ack")
                async with asyncio.timeout(60):
                    stopping = asyncio.create_task(site.aclose())
                    for one in (client, watcher):
                        assert await one.rest() == 1012
                        assert one.heard[-1]["code"] == "server_going"
                    await stopping
        assert (call.detached, call.stops) == (1, 0)
    async with running(create_app(made.services)) as made.address, made.socket() as again:
        await again.send({"type": "resume", "call_token": reply["call_token"], "received": 32_000})
        assert (await again.next())["received"] == 32_000


async def test_a_server_that_ends_the_call_itself_says_so_and_takes_no_offence_at_late_frames(server: World) -> None:
    async with server.started() as (client, call, _):
        await client.send(SECOND)
        await client.until(type="ack")
        ending = asyncio.create_task(StandInSender(call).stop())
        await settled(lambda: call.ended)
        await client.send(SECOND)
        assert await client.rest() == 1000
        await ending
    assert client.heard[-1]["event"] == "artifact"
    assert len(call.audio) == 32_000


async def test_a_socket_waits_only_so_long_for_the_review() -> None:
    async with world(review_s=0.2) as made, made.started() as (client, call, _):
        call.review_never_comes = True
        await client.send({"type": "stop"})
        assert await client.rest() == 1000
        assert client.heard[-1]["event"] == "ended"


async def test_a_nudge_that_a_stalled_socket_delivers_late_is_not_shown() -> None:
    async with world(fresh_s=0.2) as made, made.started() as (client, call, _):
        for _ in range(400):
            # Nobody reads: after a few MB the server's sending stands still.
            call.publish(WarningGiven(code="test", message="x" * 30_000, at=0.0))
            await asyncio.sleep(0)
        call.say("that is too expensive")
        call.notice("objection_raised", "Ask what they compare the price with first")
        await asyncio.sleep(0.5)
        await client.until(event="moment")
        assert "nudge" not in {m.get("event") for m in client.heard}
        call.notice("objection_raised", "Ask what they compare the price with first")
        assert (await client.until(event="nudge"))["type"] == "objection_raised"
