"""What the capture socket refuses, each with its own code, and that the call survives it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ridealong.core.errors import Refused, Unavailable
from ridealong.web.access import CAPTURE, READ
from tests.integration.web.conftest import World, world
from tests.integration.web.test_capture import SECOND, settled

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def refused_start(server: World, message: dict[str, Any] | str | bytes) -> tuple[str, int]:
    async with server.socket() as client:
        await client.send(message)
        return await client.refused()


async def test_a_wrong_token_is_refused(server: World) -> None:
    assert await refused_start(server, server.start(token="wrong")) == ("unknown_token", 4401)


async def test_a_missing_token_is_refused(server: World) -> None:
    message = server.start()
    del message["token"]
    assert await refused_start(server, message) == ("missing_token", 4401)


async def test_a_token_of_a_removed_tenant_is_refused(server: World) -> None:
    server.tokens.tenantless.add("left")
    assert await refused_start(server, server.start(token="left")) == ("unknown_tenant", 4401)


async def test_an_expired_token_is_refused(server: World) -> None:
    server.tokens.expired.add("old")
    assert await refused_start(server, server.start(token="old")) == ("expired_token", 4401)


async def test_a_token_that_may_only_read_starts_no_call(server: World) -> None:
    token = server.tokens.also(server.token, READ)
    assert await refused_start(server, server.start(token=token)) == ("forbidden", 4403)
    assert not server.calls.all


async def test_a_calls_own_token_starts_no_other_call(server: World) -> None:
    async with server.started() as (_, _, reply):
        assert await refused_start(server, server.start(token=reply["call_token"])) == ("forbidden", 4403)


@pytest.mark.parametrize(
    ("encoding", "rate", "channels", "layout"),
    [
        ("mp3", 16000, 1, "mixed"),
        ("pcm16", 7999, 1, "mixed"),
        ("pcm16", 48001, 1, "mixed"),
        ("pcm16", 16000, 3, "mixed"),
        ("pcm16", 16000, 0, "mixed"),
        ("pcm16", 16000, 2, "mixed"),
        ("pcm16", 16000, 1, "rep_first"),
        ("mulaw", 16000, 1, "mixed"),
        ("mulaw", 8000, 2, "mixed"),
        ("opus", 16000, 1, "mixed"),
    ],
)
async def test_a_format_that_cannot_be_is_refused(
    server: World, encoding: str, rate: int, channels: int, layout: str
) -> None:
    message = server.start(
        format={"encoding": encoding, "sample_rate": rate, "channels": channels}, channel_layout=layout
    )
    assert await refused_start(server, message) == ("bad_format", 4415)
    assert not server.calls.all


@pytest.mark.parametrize("consent", [None, {}, {"statement": ""}, {"statement": "  \n"}])
async def test_no_consent_no_call(server: World, consent: object) -> None:
    message = server.start(consent=consent)
    assert await refused_start(server, message) == ("consent_missing", 4422)
    assert not server.calls.all


async def test_a_protocol_of_tomorrow_is_refused(server: World) -> None:
    assert await refused_start(server, server.start(protocol=2)) == ("unsupported_protocol", 4426)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "hello",
        "{",
        "[]",
        "null",
        '"start"',
        "{}",
        '{"type": 7}',
        '{"type": "begin"}',
        '{"type": "stop"}',
        '{"type": "start"}',
        "[" * 30_000,
        '{"type":"resume","call_token":"x","received":-1}',
        '{"type":"resume","call_token":"x","received":1e400}',
        '{"type":"resume","call_token":"x","received":"7"}',
        '{"type":"start","protocol":1,"title":"\\ud800"}',
    ],
)
async def test_garbage_is_refused(server: World, message: str) -> None:
    assert await refused_start(server, message) == ("bad_message", 4400)


@pytest.mark.parametrize(
    "changed",
    [
        {"rep": {"id": ""}},
        {"rep": {"id": 7}},
        {"rep": "me"},
        {"rep": {"id": "x" * 301}},
        {"rep": {"id": "a\x00b"}},
        {"title": "a\x00b"},
        {"format": {"encoding": "pcm16", "sample_rate": "16000", "channels": 1}},
        {"format": {"encoding": "pcm16", "sample_rate": 16000.5, "channels": 1}},
        {"format": {"encoding": "pcm16", "sample_rate": True, "channels": 1}},
        {"format": None},
        {"language": "english please"},
        {"channel_layout": "stereo"},
        {"pace": "fast"},
        {"token": ["a"]},
        {"token": "x" * 600},
    ],
)
async def test_a_key_of_the_wrong_type_is_refused_by_name(server: World, changed: dict[str, Any]) -> None:
    async with server.socket() as client:
        await client.send(server.start(**changed))
        assert await client.refused() == ("bad_message", 4400)
        assert f"`{next(iter(changed))}" in client.heard[-1]["message"]
        assert "xxxx" not in client.heard[-1]["message"]


async def test_audio_before_start_is_refused(server: World) -> None:
    assert await refused_start(server, SECOND) == ("binary_before_start", 4400)


async def test_silence_instead_of_start_is_refused() -> None:
    async with world(start_s=0.1) as made, made.socket() as client:
        assert await client.refused() == ("start_timeout", 4408)


async def test_a_second_start_is_refused_and_the_call_can_be_resumed(server: World) -> None:
    async with server.started() as (client, call, reply):
        await client.send(server.start())
        assert await client.refused() == ("already_started", 4400)
    assert len(server.calls.all) == 1
    assert call.detached == 1
    async with server.socket() as client:
        await client.send({"type": "resume", "call_token": reply["call_token"]})
        assert (await client.next())["type"] == "resumed"


async def test_garbage_in_the_middle_leaves_the_call_to_be_resumed(server: World) -> None:
    async with server.started() as (client, call, _):
        await client.send(SECOND)
        await client.send("what?")
        assert await client.refused() == ("bad_message", 4400)
    assert (call.detached, call.stops, len(call.audio)) == (1, 0, 32_000)


async def test_a_binary_frame_over_the_limit_is_refused_unjournalled(server: World) -> None:
    async with server.started() as (client, call, _):
        await client.send(bytes(256 * 1024))
        await client.send(bytes(256 * 1024 + 2))
        assert await client.refused() == ("frame_too_large", 4413)
    assert len(call.audio) == 256 * 1024


async def test_a_text_over_the_limit_is_refused(server: World) -> None:
    async with server.started() as (client, _, _):
        await client.send({"type": "ping", "padding": "é" * 40_000})
        assert await client.refused() == ("frame_too_large", 4413)


async def test_a_frame_of_megabytes_is_not_even_read(server: World) -> None:
    async with server.started() as (client, call, _):
        await client.send(bytes(3 * 1024 * 1024))
        assert await client.rest() == 1009
        await settled(lambda: call.detached == 1)
    assert not call.audio


async def test_text_that_is_not_utf8_is_refused(server: World) -> None:
    async with server.started() as (client, call, _):
        await client.socket.send(b"\xff\xfe{", text=True)
        assert await client.rest() == 1007
        await settled(lambda: call.detached == 1)


async def test_a_second_sender_is_refused_and_the_first_goes_on(server: World) -> None:
    async with server.started() as (first, call, reply):
        message = {"type": "resume", "call_token": reply["call_token"]}
        assert await refused_start(server, message) == ("second_sender", 4409)
        await first.send(SECOND)
        await first.until(type="ack", received=32_000)
        assert call.attached is not None


async def test_a_resume_beyond_what_was_received_tells_how_far_it_is(server: World) -> None:
    async with server.started() as (client, call, reply):
        await client.send(SECOND)
        await client.until(type="ack")
        client.socket.transport.abort()
    await settled(lambda: call.attached is None)
    async with server.socket() as client:
        await client.send({"type": "resume", "call_token": reply["call_token"], "received": 32_001})
        assert await client.refused() == ("resume_beyond_received", 4416)
        assert client.heard[-1]["received"] == 32_000
    await settled(lambda: call.attached is None)


async def test_a_resume_with_another_calls_token_is_refused(server: World) -> None:
    async with server.started() as (_, _, one), server.started() as (_, _, two):
        message = {"type": "resume", "call_token": one["call_token"], "call_id": two["call_id"]}
        assert await refused_start(server, message) == ("forbidden", 4403)


async def test_a_resume_with_another_tenants_token_finds_no_call(server: World) -> None:
    async with server.started() as (_, _, reply):
        message = {"type": "resume", "call_token": server.tokens.tenant(), "call_id": reply["call_id"]}
        assert await refused_start(server, message) == ("unknown_call", 4404)


async def test_a_tenants_token_resumes_only_a_call_that_it_names(server: World) -> None:
    assert await refused_start(server, {"type": "resume", "call_token": server.token}) == ("bad_message", 4400)


async def test_a_view_token_resumes_nothing(server: World) -> None:
    async with server.started() as (_, call, _):
        view = await server.tokens.issue(call.tenant_id, scopes=frozenset({READ}), call_id=call.call_id, lifetime_s=60)
        assert await refused_start(server, {"type": "resume", "call_token": view}) == ("forbidden", 4403)


async def test_an_ended_call_is_not_resumed(server: World) -> None:
    async with server.started() as (client, _, reply):
        await client.send({"type": "stop"})
        assert await client.rest() == 1000
    assert await refused_start(server, {"type": "resume", "call_token": reply["call_token"]}) == ("call_ended", 4410)


async def test_audio_after_stop_is_refused_and_the_call_ends_well(server: World) -> None:
    async with server.started() as (client, call, _):
        await client.send(SECOND)
        await client.send({"type": "stop"})
        await client.send(SECOND)
        assert await client.refused() == ("audio_after_stop", 4410)
    await settled(lambda: call.attached is None)
    assert (len(call.audio), call.stops, call.detached) == (32_000, 1, 0)


@pytest.mark.parametrize("data", [b"\x00" * 3201, b"RIFF" + bytes(40)])
async def test_bytes_that_are_not_the_stated_audio_are_refused(server: World, data: bytes) -> None:
    async with server.started() as (client, call, _):
        await client.send(data)
        assert await client.refused() == ("bad_audio", 4415)
    assert not call.audio


async def test_a_full_disk_is_told_and_the_call_waits(server: World) -> None:
    async with server.started() as (client, call, _):
        call.journal_error = Refused("no_disk_space", "the disk is full: free some space")
        await client.send(SECOND)
        assert await client.refused() == ("no_disk_space", 4507)
        assert client.heard[-1]["retry"] is True
    assert (call.detached, call.stops) == (1, 0)


async def test_a_call_that_reaches_its_longest_duration_is_ended(server: World) -> None:
    async with server.started() as (client, call, _):
        call.journal_error = Refused("call_too_long", "four hours are over")
        await client.send(SECOND)
        assert await client.refused() == ("call_too_long", 4410)
    await settled(lambda: call.stops == 1)


async def test_a_socket_that_is_open_too_long_ends_its_call() -> None:
    async with world(call_s=0.3) as made, made.started() as (client, call, _):
        assert await client.refused() == ("call_too_long", 4410)
        assert call.stops == 1


async def test_a_mistake_of_the_server_is_told_without_its_text(
    server: World, capfd: pytest.CaptureFixture[str]
) -> None:
    async with server.started() as (client, call, _):
        call.journal_error = ValueError("somebody said: my salary is 9000")
        await client.send(SECOND)
        assert await client.refused() == ("internal", 4500)
    out, err = capfd.readouterr()
    assert "ValueError" in out + err
    assert "salary" not in out + err + str(client.heard)


async def test_a_database_that_is_away_refuses_a_start_for_now(server: World) -> None:
    server.tokens.away = True
    assert await refused_start(server, server.start()) == ("unavailable", 4503)
    server.tokens.away = False
    server.calls.begin_error = Unavailable("the database does not answer")
    assert await refused_start(server, server.start()) == ("unavailable", 4503)


async def test_a_call_that_nobody_could_come_back_to_is_ended(server: World) -> None:
    token = server.tokens.also(server.token, CAPTURE)
    issue = server.tokens.issue

    async def away(*_: object, **__: object) -> str:
        raise Unavailable("the database does not answer")

    server.tokens.issue = away  # type: ignore[method-assign]  # the stand-in is ours
    assert await refused_start(server, server.start(token=token)) == ("unavailable", 4503)
    server.tokens.issue = issue  # type: ignore[method-assign]
    assert server.calls.last.stops == 1


async def test_a_sender_that_says_nothing_is_let_go_and_may_come_back() -> None:
    async with world(idle_s=0.3) as made, made.started() as (client, call, reply):
        for _ in range(4):
            await asyncio.sleep(0.15)
            await client.send({"type": "ping"})
        assert call.attached is not None
        assert await client.refused() == ("idle", 4408)
        assert call.detached == 1
        async with made.socket() as again:
            await again.send({"type": "resume", "call_token": reply["call_token"]})
            assert (await again.next())["type"] == "resumed"


async def test_more_sockets_than_allowed_are_refused_for_now() -> None:
    async with world(sockets=1) as made, made.started():
        assert await refused_start(made, made.start()) == ("too_busy", 4429)


async def test_an_empty_call_ends_with_a_warning(server: World) -> None:
    async with server.started() as (client, _, _):
        await client.send({"type": "stop"})
        assert await client.rest() == 1000
    assert {"no_audio"} <= {m.get("code") for m in client.heard}
