"""A telephone call over Twilio Media Streams: real sockets, the real journal, and a carrier that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect

from ridealong.config import Settings
from ridealong.live.registry import LiveCalls
from ridealong.store import calls as stored_calls
from tests.integration.web.conftest import World
from tests.integration.web.real import RealSite, real_site
from tests.vendors.twilio import Misbehaviour, TwilioStream, mulaw, until_closed

SECONDS = 6
BURSTS = {"inbound": (400, 2_000, 4_600), "outbound": (1_200, 3_100, 5_200)}
"""Where each track begins to speak: 300 ms of tone each."""


def burst_audio(track: str) -> bytes:
    samples = np.zeros(8 * 1000 * SECONDS)
    for begin in BURSTS[track]:
        samples[8 * begin : 8 * (begin + 300)] = 0.5 * np.sin(np.arange(2_400) * 0.9)
    return mulaw(samples)


AUDIO = {track: burst_audio(track) for track in BURSTS}


def onsets(journal: bytes, channel: int) -> list[int]:
    """The ms at which sound begins on a channel of a two-channel µ-law journal."""
    codes = np.frombuffer(journal, np.uint8).reshape(-1, 2)[:, channel]
    loud = np.flatnonzero((codes & 0x7F) < 0x40)
    begins = [loud[0], *(after for before, after in pairwise(loud) if after - before > 800)]
    return [int(at) // 8 for at in begins]


@pytest_asyncio.fixture
async def site(store_settings: Settings, tmp_path: Path) -> AsyncIterator[RealSite]:
    async with real_site(store_settings, tmp_path / "recordings") as made:
        yield made


@contextlib.asynccontextmanager
async def line(address: str) -> AsyncIterator[ClientConnection]:
    async with connect(address.replace("http", "ws") + "/v1/twilio", compression=None) as socket:
        yield socket


@dataclass
class Phone:
    """Makes streams of one call and reads what the server kept of it."""

    site: RealSite
    call_sid: str = "CA0123"

    def stream(self, **more: Any) -> TwilioStream:
        parameters = {"token": self.site.token, "rep": "rep-7", "consent": "Announced by the phone system."}
        behaviour = Misbehaviour(**more.pop("behaviour", {}))
        return TwilioStream(
            call_sid=self.call_sid,
            parameters=parameters | more.pop("parameters", {}),
            audio=more.pop("audio", AUDIO),
            behaviour=behaviour,
        )

    async def whole(self, **more: Any) -> bytes:
        """One stream from its start to its stop; the journal."""
        async with line(self.site.address) as socket:
            await self.stream(**more).run(socket)
            assert await until_closed(socket) == 1000
        return self.journals()[-1]

    def journals(self) -> list[bytes]:
        files = sorted(self.site.recordings.glob("*/*/audio"), key=lambda path: path.stat().st_mtime)
        return [path.read_bytes() for path in files]

    async def journalled(self, ms: int) -> None:
        """Wait until that much lies in the first journal: the carrier is told nothing."""
        async with asyncio.timeout(60):
            while not (found := self.journals()) or len(found[0]) < 16 * ms:
                await asyncio.sleep(0.02)

    async def stored(self, calls: int = 1) -> list[stored_calls.StoredCall]:
        """The stored calls, newest first, once all have ended."""
        for _ in range(1200):
            async with self.site.store.tenant(self.site.tenant_id) as conn:
                found = await stored_calls.list_calls(conn, external_id=self.call_sid)
            if len(found) == calls and not any(call.live for call in found):
                return found
            await asyncio.sleep(0.05)
        raise AssertionError("the calls have not ended")


@pytest.mark.parametrize(
    "behaviour",
    [
        {},
        {"shuffled_within_ms": 150, "duplicated": 0.2},
        {"shuffled_within_ms": 100, "holes": (("inbound", 700, 1_100), ("outbound", 3_500, 4_400))},
        {"numbers_as_ints": True, "jitter_ms": 9},
        {"without_chunks": True, "shuffled_within_ms": 120, "duplicated": 0.1},
        {"starts": {"outbound": 1_000}},
    ],
)
async def test_both_sides_are_heard_at_their_times_whatever_the_network_does(
    site: RealSite, behaviour: dict[str, Any]
) -> None:
    phone = Phone(site)
    journal = await phone.whole(behaviour=behaviour)
    for channel, track in enumerate(("inbound", "outbound")):
        found = onsets(journal, channel)
        assert len(found) == len(BURSTS[track])
        assert all(abs(at - true) <= 20 for at, true in zip(found, BURSTS[track], strict=True))
    assert len(journal) == 2 * 8_000 * SECONDS
    (call,) = await phone.stored()
    assert (call.encoding, call.channels, call.ended_reason) == ("mulaw", 2, "stopped")
    assert call.audio_ms == 1000 * SECONDS


async def test_one_track_alone_has_silence_on_the_other_channel(site: RealSite) -> None:
    journal = await Phone(site).whole(audio={"inbound": AUDIO["inbound"]})
    assert onsets(journal, 0) == list(BURSTS["inbound"])
    assert set(journal[1::2]) == {0xFF}


@pytest.mark.parametrize(
    ("rep_track", "layout"), [("inbound", "rep_first"), ("outbound", "customer_first"), (None, "separate")]
)
async def test_which_track_is_the_rep_is_said_or_not_known(site: RealSite, rep_track: str | None, layout: str) -> None:
    phone = Phone(site)
    await phone.whole(parameters={} if rep_track is None else {"rep_track": rep_track})
    (call,) = await phone.stored()
    assert call.layout == layout
    async with site.store.tenant(site.tenant_id) as conn:
        transcript_id = await stored_calls.latest_revision(conn, call.call_id)
        roles = await stored_calls.load_roles(conn, transcript_id)
    assert [r.source.value for r in roles.values()] == ([] if rep_track is None else ["channel", "channel"])


async def test_a_long_hole_on_both_tracks_is_a_recorded_gap(site: RealSite) -> None:
    phone = Phone(site)
    hole = {"holes": (("inbound", 2_400, 4_400), ("outbound", 2_400, 4_400))}
    journal = await phone.whole(behaviour=hole)
    assert len(journal) == 2 * 8_000 * (SECONDS - 2)
    assert onsets(journal, 0) == [400, 2_000, 2_600]
    (call,) = await phone.stored()
    async with site.store.tenant(site.tenant_id) as conn:
        (gap,) = await stored_calls.load_gaps(conn, call.call_id)
    assert (gap.at_ts, gap.duration_ms, gap.reason) == (2_400, 2_000, "frames lost")


async def test_a_call_that_reconnects_goes_on_behind_a_gap(site: RealSite) -> None:
    phone = Phone(site)
    async with line(site.address) as first:
        await phone.stream().run(first, stop_at_ms=2_500, hang_up=False)
        await phone.journalled(2_400)
        first.transport.abort()
    await asyncio.sleep(0.3)
    await phone.whole()
    (call,) = await phone.stored()
    (journal,) = phone.journals()
    assert call.audio_ms == len(journal) // 16
    lost = call.audio_ms - 1000 * SECONDS
    assert 2_300 <= lost <= 2_500
    assert [at - lost for at in onsets(journal, 0)[-3:]] == list(BURSTS["inbound"])
    async with site.store.tenant(site.tenant_id) as conn:
        (gap,) = await stored_calls.load_gaps(conn, call.call_id)
    assert (gap.at_ts, gap.reason) == (lost, "stream reconnected")
    assert 200 <= gap.duration_ms <= 5_000


async def test_a_call_goes_on_in_the_next_process(store_settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    async with real_site(store_settings, folder) as site:
        phone = Phone(site)
        async with line(site.address) as socket:
            await phone.stream().run(socket, stop_at_ms=3_000, hang_up=False)
            await phone.journalled(2_900)
    async with real_site(store_settings, folder, known=site) as again:
        calls = again.calls
        assert isinstance(calls, LiveCalls)
        assert await calls.recover() == 1
        phone = Phone(again)
        await phone.whole()
        (call,) = await phone.stored()
        assert call.audio_ms > 1000 * SECONDS + 2_500


async def test_a_stream_behind_an_ended_call_is_a_new_call(site: RealSite) -> None:
    phone = Phone(site)
    await phone.whole()
    await phone.stored()
    await phone.whole()
    assert len(await phone.stored(2)) == 2


async def test_a_newer_stream_of_the_same_call_takes_it_over(site: RealSite) -> None:
    phone = Phone(site)
    async with line(site.address) as first:
        await phone.stream().run(first, stop_at_ms=1_000, hang_up=False)
        await phone.journalled(900)
        async with line(site.address) as second:
            await phone.stream().run(second)
            assert await until_closed(first) == 4409
            assert await until_closed(second) == 1000
    assert len(await phone.stored()) == 1


async def test_two_streams_that_begin_at_the_same_moment_are_one_call(site: RealSite) -> None:
    phone = Phone(site)
    async with line(site.address) as first, line(site.address) as second:
        for socket in (first, second):
            for text in phone.stream().opening():
                await socket.send(text)
        closed = await asyncio.wait_for(
            asyncio.wait(
                {asyncio.create_task(until_closed(socket)) for socket in (first, second)},
                return_when=asyncio.FIRST_COMPLETED,
            ),
            60,
        )
        assert [task.result() for task in closed[0]] == [4409]
        for task in closed[1]:
            task.cancel()
    assert len(phone.journals()) == 1


async def refused(world: World, *messages: str | bytes) -> tuple[str, int | None]:
    async with line(world.address) as socket:
        for message in messages:
            with contextlib.suppress(Exception):
                await socket.send(message)
        said = json.loads(await asyncio.wait_for(socket.recv(), 60))
        return said["code"], await until_closed(socket)


def opening(world: World, **changed: Any) -> list[str]:
    parameters = {"token": world.token, "rep": "rep-7", "consent": "Announced."} | changed.pop("parameters", {})
    stream = TwilioStream(call_sid="CA1", parameters={k: v for k, v in parameters.items() if v}, audio=AUDIO)
    connected, start = stream.opening()
    message = json.loads(start)
    message["start"] |= changed
    return [connected, json.dumps(message)]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_stream_that_may_not_begin_a_call_is_refused_and_begins_none(server: World) -> None:
    opus = {"encoding": "audio/opus", "sampleRate": 48000, "channels": 1}
    cases: list[tuple[list[str | bytes], str, int]] = [
        (list(opening(server, parameters={"token": None})), "missing_token", 4401),
        (list(opening(server, parameters={"token": "wrong"})), "unknown_token", 4401),
        (list(opening(server, parameters={"consent": None})), "consent_missing", 4422),
        (list(opening(server, parameters={"rep": None})), "bad_message", 4400),
        (list(opening(server, parameters={"rep_track": "left"})), "bad_message", 4400),
        (list(opening(server, parameters={"language": "not a language"})), "bad_message", 4400),
        (list(opening(server, mediaFormat=opus)), "bad_format", 4415),
        (list(opening(server, tracks=["sideways"])), "bad_message", 4400),
        (list(opening(server, callSid=7)), "bad_message", 4400),
        ([b"\xff" * 160], "bad_message", 4400),
        (["garbage"], "bad_message", 4400),
        (['{"event":"media","media":{}}'], "bad_message", 4400),
        ([json.dumps({"event": "start"})], "bad_message", 4400),
    ]
    for messages, code, close in cases:
        assert await refused(server, *messages) == (code, close), messages
    assert not server.calls.all


@pytest.mark.asyncio(loop_scope="session")
async def test_messages_without_meaning_are_passed_over(server: World) -> None:
    stream = TwilioStream(
        call_sid="CA2", parameters={"token": server.token, "rep": "r", "consent": "Announced."}, audio=AUDIO
    )
    odd: list[Any] = [
        "garbage",
        "[1, 2]",
        b"\xff" * 160,
        stream.said("dtmf", dtmf={"track": "inbound_track", "digit": "1"}),
        stream.said("mark", mark={"name": "here"}),
        stream.said("news", news={}),
        stream.said("media", media={"track": "inbound", "chunk": "9", "timestamp": "20", "payload": "no base64!"}),
        stream.said("media", media={"track": "inbound", "chunk": "9", "timestamp": "soon", "payload": "////"}),
        stream.said("media", media={"track": "sideways", "chunk": "9", "timestamp": "20", "payload": "////"}),
        stream.said("media", media="////"),
        stream.said("media", media={"track": "inbound", "timestamp": -5, "payload": ["////"]}),
    ]
    async with line(server.address) as socket:
        for text in stream.opening():
            await socket.send(text)
        for number, (_, text) in enumerate(stream.media()):
            await socket.send(odd[number % len(odd)])
            await socket.send(text)
        await socket.send(stream.closing())
        assert await until_closed(socket) == 1000
    assert len(server.calls.last.audio) == 2 * 8_000 * SECONDS


@pytest.mark.asyncio(loop_scope="session")
async def test_frames_that_overtake_the_start_are_kept_and_the_start_may_come_twice(server: World) -> None:
    stream = TwilioStream(
        call_sid="CA4", parameters={"token": server.token, "rep": "r", "consent": "Announced."}, audio=AUDIO
    )
    connected, start = stream.opening()
    frames = [text for _, text in stream.media()]
    async with line(server.address) as socket:
        for text in (connected, *frames[:10], start, *frames[10:100], start, *frames[100:], stream.closing()):
            await socket.send(text)
        assert await until_closed(socket) == 1000
    alike = server.calls.last.audio
    async with line(server.address) as socket:
        for text in (connected, start, *frames, stream.closing()):
            await socket.send(text)
        assert await until_closed(socket) == 1000
    assert alike == server.calls.last.audio
    other = json.dumps(json.loads(start) | {"start": json.loads(start)["start"] | {"streamSid": "MZ1"}})
    assert await refused(server, connected, start, other) == ("already_started", 4400)
    assert await refused(server, connected, *frames[:50]) == ("bad_message", 4400)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_stream_of_nothing_but_garbage_is_closed_and_its_call_waits(server: World) -> None:
    stream = TwilioStream(
        call_sid="CA3", parameters={"token": server.token, "rep": "r", "consent": "Announced."}, audio=AUDIO
    )
    async with line(server.address) as socket:
        for text in stream.opening():
            await socket.send(text)
        with contextlib.suppress(Exception):
            for _ in range(200):
                await socket.send("garbage")
        assert await until_closed(socket) == 4400
    assert (server.calls.last.detached, server.calls.last.ended) == (1, False)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_call_is_found_by_the_carriers_name_of_it(server: World) -> None:
    import httpx

    headers = {"Authorization": f"Bearer {server.token}"}
    stream = TwilioStream(
        call_sid="CA4", parameters={"token": server.token, "rep": "r", "consent": "Announced."}, audio=AUDIO
    )
    async with (
        line(server.address) as socket,
        httpx.AsyncClient(base_url=server.address, headers=headers, timeout=60) as http,
    ):
        for text in stream.opening():
            await socket.send(text)
        for _ in range(3000):
            found = (await http.get("/v1/calls", params={"external_id": "CA4"})).json()["calls"]
            if found:
                break
            await asyncio.sleep(0.02)
        assert [call["call_id"] for call in found] == [str(server.calls.last.call_id)]
        assert (await http.get("/v1/calls", params={"external_id": "CA9"})).json()["calls"] == []


def test_the_stand_in_hurts_nobody_who_says_nothing() -> None:
    """The carrier itself is part of the proof: undisturbed it sends each frame once, in order, numbers as text."""
    stream = TwilioStream(call_sid="CA", parameters={}, audio=AUDIO)
    media = [json.loads(text)["media"] for _, text in stream.media()]
    for track in AUDIO:
        mine = [m for m in media if m["track"] == track]
        assert [m["chunk"] for m in mine] == [str(n + 1) for n in range(SECONDS * 50)]
        assert [m["timestamp"] for m in mine] == [str(20 * n) for n in range(SECONDS * 50)]
    worse = replace(stream, behaviour=Misbehaviour(duplicated=0.5, shuffled_within_ms=100))
    assert len(list(worse.media())) > 1.3 * len(media)
