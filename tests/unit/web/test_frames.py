"""Audio goes the short way where it may, and nothing is lost, doubled or overtaken where it may not."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import websockets
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.websockets import WebSocket, WebSocketDisconnect

from ridealong.web import server
from ridealong.web.frames import frames_of

TEXTS = ("", "a", "x" * 125, "x" * 126, "é" * 70, "x" * 65_535, "x" * 65_536, "x" * 200_000)
"""At both sides of each way to write a frame's length."""


@dataclass
class Taken:
    """What an application got, in order, and which way."""

    messages: list[bytes | str] = field(default_factory=list)
    short: int = 0
    takes: bool = True
    paused: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def listening(taken: Taken) -> AsyncIterator[tuple[str, int]]:
    async def app(scope, receive, send):
        socket = WebSocket(scope, receive, send)
        await socket.accept()

        def sink(data: bytes) -> bool:
            if not taken.takes:
                return False
            taken.messages.append(data)
            taken.short += 1
            return True

        connection = frames_of(scope)
        assert connection is not None
        connection.sink = sink
        while True:
            try:
                message = await socket.receive()
            except WebSocketDisconnect:
                return
            if message["type"] == "websocket.disconnect":
                return
            data = message.get("text") if message.get("bytes") is None else message["bytes"]
            if data == "wait":
                await taken.paused.wait()
            taken.messages.append(data)

    app.state = type("State", (), {"sockets": server.Sockets()})  # what `running` asks of an application
    async with server.running(app) as address:  # type: ignore[arg-type]
        host, _, port = address.removeprefix("http://").partition(":")
        yield host, int(port)


async def until(taken: Taken, count: int) -> None:
    async with asyncio.timeout(60):
        while len(taken.messages) < count:
            await asyncio.sleep(0.005)


def frame(data: bytes, *, first: int = 0x82) -> bytes:
    mask = os.urandom(4)
    size = len(data)
    head = (
        bytes((first, 0x80 | size))
        if size < 126
        else struct.pack("!BBH", first, 0xFE, size)
        if size < 65_536
        else struct.pack("!BBQ", first, 0xFF, size)
    )
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


async def upgraded(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def test_binary_frames_go_the_short_way_and_text_between_them_keeps_its_place() -> None:
    taken = Taken()
    async with listening(taken) as (host, port), websockets.connect(f"ws://{host}:{port}/") as socket:
        await socket.send(b"one")
        await socket.send("two")
        await socket.send(b"three" * 30_000)
        await until(taken, 3)
    assert taken.messages == [b"one", "two", b"three" * 30_000]
    assert taken.short >= 1


async def test_what_comes_while_a_message_is_worked_on_waits_for_its_turn() -> None:
    taken = Taken()
    async with listening(taken) as (host, port), websockets.connect(f"ws://{host}:{port}/") as socket:
        await socket.send("wait")
        await socket.send(b"behind it")
        await asyncio.sleep(0.05)
        assert taken.messages == []
        taken.paused.set()
        await until(taken, 2)
    assert taken.messages == ["wait", b"behind it"]


async def test_what_the_sink_does_not_take_is_received_as_usual() -> None:
    taken = Taken(takes=False)
    async with listening(taken) as (host, port), websockets.connect(f"ws://{host}:{port}/") as socket:
        await socket.send(b"refused")
        await until(taken, 1)
    assert taken.messages == [b"refused"]
    assert taken.short == 0


@settings(max_examples=20, deadline=None)
@given(
    # A length below 126, one in two bytes, one in eight.
    sizes=st.lists(st.sampled_from([1, 7, 125, 126, 3_200, 65_535, 65_536]), max_size=6),
    cuts=st.lists(st.integers(1, 70_000), max_size=12),
)
def test_however_the_bytes_arrive_each_message_comes_once_and_in_order(sizes: list[int], cuts: list[int]) -> None:
    messages = [bytes([number + 1]) * size for number, size in enumerate(sizes)]

    async def send() -> list[bytes | str]:
        taken = Taken()
        async with listening(taken) as (host, port):
            _, writer = await upgraded(host, port)
            wire = b"".join(frame(message) for message in messages)
            for cut in cuts:
                writer.write(wire[:cut])
                wire = wire[cut:]
                await writer.drain()
                await asyncio.sleep(0)
            writer.write(wire)
            await until(taken, len(messages))
            writer.close()
        return taken.messages

    assert asyncio.run(send()) == messages


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"\x82\x03abc", 1002),  # not masked
        (frame(b"x", first=0x82 | 0x40), 1002),  # a bit that nobody agreed on
        (frame(b"begin", first=0x02) + frame(b"new", first=0x82), 1002),  # a message inside another's parts
        (struct.pack("!BBQ", 0x82, 0xFF, 2 * server.HARD_FRAME_BYTES) + bytes(server.HARD_FRAME_BYTES + 20), 1009),
    ],
    # Masks are random, so the bytes are no name that two workers agree on.
    ids=["not masked", "unknown bit", "message within a message", "too large"],
)
async def test_a_frame_that_breaks_the_protocol_closes_the_socket_with_its_code(wire: bytes, code: int) -> None:
    taken = Taken()
    async with listening(taken) as (host, port):
        reader, writer = await upgraded(host, port)
        writer.write(frame(b"fine") + wire)
        async with asyncio.timeout(60):
            answer = await reader.read()
        writer.close()
    assert answer[:1] == b"\x88"
    assert struct.unpack("!H", answer[2:4])[0] == code
    assert taken.messages[:1] == [b"fine"]
    assert b"new" not in taken.messages


async def test_a_message_in_parts_is_put_together() -> None:
    taken = Taken()
    async with listening(taken) as (host, port):
        _, writer = await upgraded(host, port)
        writer.write(frame(b"in ", first=0x02) + frame(b"", first=0x89) + frame(b"parts", first=0x80) + frame(b"next"))
        await until(taken, 2)
        writer.close()
    assert taken.messages == [b"in parts", b"next"]


async def test_texts_of_any_length_arrive_by_the_short_way_among_others() -> None:
    async def app(scope, receive, send):
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        connection = frames_of(scope)
        assert connection is not None
        for text in TEXTS:
            assert connection.send_text_now(text.encode())
            await socket.send_text(text)
        await socket.close()
        assert not connection.send_text_now(b"too late")

    app.state = type("State", (), {"sockets": server.Sockets()})  # what `running` asks of an application
    async with server.running(app) as address, websockets.connect(address.replace("http", "ws")) as client:  # type: ignore[arg-type]
        got = [text async for text in client]
    assert got == [text for text in TEXTS for _ in range(2)]
