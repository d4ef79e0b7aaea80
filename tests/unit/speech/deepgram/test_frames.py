"""What Deepgram's socket says arrives whole and in order, however its frames are cut on the wire."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
from dataclasses import dataclass, field
from random import Random

import pytest

from ridealong.speech.providers.deepgram.socket import Socket, open_socket
from ridealong.speech.providers.deepgram.wire import DeepgramOptions

TEXT, BINARY, CONTINUED, PING, CLOSE = 0x1, 0x2, 0x0, 0x9, 0x8
LONG = "w" * 70_000


def frame(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """A frame as a server sends it: not masked."""
    first = (0x80 if final else 0) | opcode
    if len(payload) < 126:
        return bytes((first, len(payload))) + payload
    if len(payload) < 1 << 16:
        return struct.pack("!BBH", first, 126, len(payload)) + payload
    return struct.pack("!BBQ", first, 127, len(payload)) + payload


WIRE = b"".join(
    (
        frame(TEXT, b"one"),
        frame(TEXT, b"b" * 300),
        frame(PING, b"are you there"),
        frame(TEXT, b"in ", final=False),
        frame(PING, b""),
        frame(CONTINUED, b"two ", final=False),
        frame(CONTINUED, b"parts"),
        frame(BINARY, b"nothing that we know"),
        frame(TEXT, LONG.encode()),
        frame(TEXT, b""),
        frame(TEXT, "zuletzt: über".encode()),
        frame(CLOSE, struct.pack("!H", 1011)),
    )
)
SAID = ["one", "b" * 300, "in two parts", LONG, "", "zuletzt: über"]


@dataclass
class Got:
    messages: list[str] = field(default_factory=list)
    code: int | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def lost(self, code: int) -> None:
        self.code = code
        self.over.set()


async def heard(pieces: list[bytes], *, with_handshake: bool = False) -> Got:
    """What a socket tells of `pieces`, each written alone; the first together with the answer to the handshake."""
    got, listens = Got(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = dict(line.split(": ", 1) for line in request.split("\r\n")[1:] if line)
        key = next(value for name, value in lines.items() if name.lower() == "sec-websocket-key")
        digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode(), usedforsecurity=False).digest()
        accept = base64.b64encode(digest)
        answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        answer += b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        rest = pieces
        if with_handshake:
            answer, rest = answer + pieces[0], pieces[1:]
        writer.write(answer)
        await listens.wait()
        for piece in rest:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        options = DeepgramOptions(api_key="key", url=f"ws://127.0.0.1:{port}")
        socket: Socket = await open_socket(
            options,
            f"ws://127.0.0.1:{port}/v1/listen",
            on_message=lambda data: got.messages.append(data.decode(errors="replace")),
            on_lost=got.lost,
        )
        listens.set()
        await got.over.wait()
        socket.abort()
    return got


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000, 100_000])
async def test_messages_are_whole_and_in_order_however_they_are_cut(size: int) -> None:
    # Bytes alone are enough for the first and the last frames: a long one in single bytes would only take time.
    near = [WIRE[at : at + size] for at in range(0, 1000, size)] if size < 1000 else []
    sent = sum(map(len, near))
    got = await heard([*near, *(WIRE[at : at + max(size, 997)] for at in range(sent, len(WIRE), max(size, 997)))])
    assert got.messages == SAID
    assert got.code == 1011


async def test_messages_are_whole_and_in_order_when_they_are_cut_anywhere() -> None:
    chance = Random(7)
    for _ in range(5):
        cuts = sorted(chance.sample(range(1, len(WIRE)), 40))
        got = await heard([WIRE[a:b] for a, b in zip([0, *cuts], [*cuts, len(WIRE)], strict=True)])
        assert got.messages == SAID


async def test_what_comes_with_the_handshake_and_ends_inside_a_frame_loses_nothing_behind_it() -> None:
    looks_like_a_frame = frame(TEXT, b"inside")
    first = frame(TEXT, looks_like_a_frame)
    got = await heard([first[:2], first[2:] + WIRE], with_handshake=True)
    assert got.messages == [looks_like_a_frame.decode(errors="replace"), *SAID]
    assert got.code == 1011
