"""A real server on loopback, over stand-ins."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest_asyncio
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from ridealong.web.server import create_app, running
from ridealong.web.services import Services
from ridealong.web.socket import Limits
from tests.integration.web.standin import StandInCall, StandInCalls, StandInStore, StandInTokens


class Client:
    """A phone's side of a socket, as a test reads it."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.heard: list[dict[str, Any]] = []

    async def send(self, message: dict[str, Any] | str | bytes) -> None:
        # A server that has refused already is no failure of the sending: what it said is still to be read.
        with contextlib.suppress(ConnectionClosed):
            await self.socket.send(json.dumps(message) if isinstance(message, dict) else message)

    async def next(self, timeout_s: float = 60.0) -> dict[str, Any]:
        async with asyncio.timeout(timeout_s):
            message = json.loads(await self.socket.recv())
        self.heard.append(message)
        return message

    async def until(self, **wanted: Any) -> dict[str, Any]:
        """Read on until a message has these keys and values."""
        while True:
            message = await self.next()
            if all(message.get(key) == value for key, value in wanted.items()):
                return message

    async def rest(self) -> int:
        """Read to the end; returns the close code."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.next()
        assert self.socket.close_code is not None
        return self.socket.close_code

    async def refused(self) -> tuple[str, int]:
        """Read to the end, which must be an error; returns (code, close code)."""
        close = await self.rest()
        last = self.heard[-1]
        assert last["type"] == "error", last
        assert last["message"] and isinstance(last["retry"], bool)
        assert self.socket.close_reason == last["code"]
        return last["code"], close


@dataclass
class World:
    """The server with everything behind it."""

    services: Services
    calls: StandInCalls
    tokens: StandInTokens
    store: StandInStore
    token: str
    app: FastAPI
    address: str = ""

    @contextlib.asynccontextmanager
    async def socket(self, path: str = "/v1/capture", **options: Any) -> AsyncIterator[Client]:
        async with connect(self.address.replace("http", "ws") + path, compression=None, **options) as socket:
            yield Client(socket)

    def start(self, **changed: Any) -> dict[str, Any]:
        return {
            "type": "start",
            "protocol": 1,
            "token": self.token,
            "format": {"encoding": "pcm16", "sample_rate": 16000, "channels": 1},
            "channel_layout": "mixed",
            "rep": {"id": "rep-7"},
            "consent": {"statement": "announced at the start, both agreed"},
            "title": "First call",
        } | changed

    @contextlib.asynccontextmanager
    async def started(self, **changed: Any) -> AsyncIterator[tuple[Client, StandInCall, dict[str, Any]]]:
        async with self.socket() as client:
            await client.send(self.start(**changed))
            reply = await client.next()
            assert reply["type"] == "started", reply
            yield client, self.calls.last, reply


@contextlib.asynccontextmanager
async def world(**limits: Any) -> AsyncIterator[World]:
    calls, tokens = StandInCalls(), StandInTokens()
    store = StandInStore(calls)
    services = Services(
        calls=calls,
        tokens=tokens,
        library=store,
        recordings=store,
        render=store,
        documents=store,
        voices=store,
        limits=replace(Limits(), **limits),
    )
    made = World(
        services=services, calls=calls, tokens=tokens, store=store, token=tokens.tenant(), app=create_app(services)
    )
    async with running(made.app) as made.address:
        yield made


def _anew(made: Any, *arguments: Any) -> None:
    vars(made).clear()
    made.__init__(*arguments)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_server() -> AsyncIterator[World]:
    async with world() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def server(shared_server: World) -> AsyncIterator[World]:
    """The shared server, with nothing behind it yet: starting and stopping one costs more than most tests."""
    _anew(shared_server.calls)
    _anew(shared_server.tokens)
    _anew(shared_server.store, shared_server.calls)
    shared_server.token = shared_server.tokens.tenant()
    yield shared_server
