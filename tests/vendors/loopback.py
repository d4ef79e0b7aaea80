"""What the vendors' stand-ins share: a real HTTP server on loopback, what it was asked, and how it may misbehave."""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from aiohttp import web

KEY = "test-key"
Json = dict[str, Any]


class Fault(StrEnum):
    """One way in which a vendor misbehaves, for one request."""

    BAD_KEY = "401"
    NO_CREDIT = "402"
    NO_MODEL = "404"
    BUSY = "429"
    BUSY_BARE = "429-bare"
    """Without any header or body field that says when to come back."""
    BROKEN = "500"
    OVERLOADED = "503"
    NOT_JSON = "not-json"
    """200, and the page of a proxy."""
    DEEP_JSON = "deep-json"
    """200, and JSON that is nested deeper than a parser goes."""
    ODD_TYPES = "odd-types"
    """200, and JSON of the right names, each with a value of another type."""
    ENDLESS = "endless"
    """200, and more bytes than any answer has."""
    REDIRECT = "redirect"
    SLOW = "slow"
    """The first byte comes after `slow_s`."""
    NEVER = "never"
    HANG_UP = "hang-up"
    """The connection is closed without an answer."""
    CUT = "cut"
    """The answer breaks off in the middle."""
    ENDS_EARLY = "ends-early"
    """A stream is closed in good order, as by a proxy, but before its end. Without a stream: as `cut`."""
    ERROR_EVENT = "error-event"
    """A stream tells of an overload in its middle. Without a stream: as `503`."""
    HALF_JSON = "half-json"
    """All is well with the wire, but the model's JSON ends in the middle."""
    WRONG_SHAPE = "wrong-shape"
    """The model's JSON is whole and does not fit the schema."""
    NO_WORDS = "no-words"
    MANY_WORDS = "many-words"
    """The model's JSON is whole and fits the schema, and one text in it has two million letters."""
    THINKS_ALOUD = "thinks-aloud"
    """The model writes its thoughts, with JSON among them, before its JSON."""
    FENCED = "fenced"
    """The JSON stands in a code fence between polite words."""
    UNKNOWN_EVENTS = "unknown-events"
    """Kinds of events, fields and blocks that the documentation does not know, between the real ones."""
    TOO_LONG = "too-long"
    """The limit of tokens is reached."""
    REFUSES = "refuses"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request, in words that hold for every vendor."""

    model: str
    system: str
    user: str
    schema: Json | None
    """The schema in the request's own field; None where it is not there."""
    schema_name: str | None
    headers: Mapping[str, str]
    body: Json


Answering = Callable[[Asked], Mapping[str, Any] | str | Awaitable[Mapping[str, Any] | str]]


def least_answer(asked: Asked) -> Mapping[str, Any]:
    """The plainest object that fits the schema: for a stand-in run by hand."""
    schema = asked.schema or {}
    found: Json = _least(schema, schema)
    return found


def _least(part: Json, root: Json) -> Any:
    if "$ref" in part:
        node: Any = root
        for name in part["$ref"].removeprefix("#/").split("/"):
            node = node[name]
        return _least(node, root)
    if "enum" in part:
        return part["enum"][0]
    if "anyOf" in part:
        return _least(part["anyOf"][0], root)
    kind = part.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: _least(value, root) for name, value in part.get("properties", {}).items()}
    return {"string": "", "integer": 0, "number": 0.0, "boolean": False, "array": [], "null": None}[kind]


class Refusal(Exception):
    """The stand-in refuses a request as the vendor would: status and body."""

    def __init__(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


@dataclass(kw_only=True)
class StandIn(ABC):
    """A vendor on a port of its own. `async with` starts it; `url` is its base URL.

    `delay_s`: how long the model takes. `faults`: the next requests take one each. `fault`: every request has it.
    """

    answer: Answering = least_answer
    key: str = KEY
    delay_s: float = 0.0
    slow_s: float = 30.0
    port: int = 0
    fault: Fault | None = None
    faults: deque[Fault | None] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    left: int = 0
    """Requests whose client went away before the answer."""
    keep_asked: int = 10_000
    _runner: web.AppRunner | None = field(default=None, repr=False)

    @property
    @abstractmethod
    def base_path(self) -> str: ...

    @abstractmethod
    def routes(self) -> list[web.RouteDef]: ...

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.base_path}"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=16 * 1024**2)
        app.add_routes([*self.routes(), web.post("/_faults", self._set_faults), web.get("/_asked", self._tell_asked)])
        # A client that leaves cancels its request, so that the stand-in can count it.
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def took_fault(self) -> Fault | None:
        """The fault of this request."""
        return self.faults.popleft() if self.faults else self.fault

    def note(self, asked: Asked) -> None:
        if len(self.asked) < self.keep_asked:
            self.asked.append(asked)

    async def said(self, asked: Asked, fault: Fault | None) -> str:  # noqa: PLR0911 - one for each fault
        """The model's words, after the time that it takes."""
        try:
            if fault is Fault.NEVER:
                await asyncio.Event().wait()
            await asyncio.sleep(self.slow_s if fault is Fault.SLOW else self.delay_s)
            said = self.answer(asked)
            if inspect.isawaitable(said):
                said = await said
        except asyncio.CancelledError:
            self.left += 1
            raise
        text = said if isinstance(said, str) else json.dumps(said)
        match fault:
            case Fault.HALF_JSON | Fault.TOO_LONG:
                return text[: max(1, len(text) // 2)]
            case Fault.WRONG_SHAPE:
                return json.dumps({"something": "else"})
            case Fault.NO_WORDS:
                return ""
            case Fault.MANY_WORDS:
                found = json.loads(text)
                return json.dumps({**found, **{k: "a" * 2_000_000 for k, v in found.items() if isinstance(v, str)}})
            case Fault.THINKS_ALOUD:
                return f'<think>They want {{"type": "none"}}, or do they?</think>\n\n{text}'
            case Fault.FENCED:
                return f"Here it is:\n\n```json\n{text}\n```\n\nAnything else?"
            case _:
                return text

    async def whole(
        self, request: web.Request, body: Json, fault: Fault | None, headers: Mapping[str, str]
    ) -> web.StreamResponse:
        """An answer in one piece, or cut off in its middle."""
        raw = json.dumps(body).encode()
        if fault not in (Fault.CUT, Fault.ENDS_EARLY):
            return web.Response(body=raw, content_type="application/json", headers=headers)
        response = web.StreamResponse(headers={**headers, "Content-Type": "application/json"})
        response.content_length = len(raw)
        await response.prepare(request)
        await response.write(raw[: len(raw) // 2])
        hang_up(request)
        return response

    async def _set_faults(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        fault = Fault(wanted["fault"]) if wanted.get("fault") else None
        if "times" in wanted:
            self.faults.extend([fault] * int(wanted["times"]))
        else:
            self.fault = fault
        self.delay_s = float(wanted.get("delay_s", self.delay_s))
        return web.json_response({"fault": self.fault, "queued": len(self.faults)})

    async def _tell_asked(self, _request: web.Request) -> web.Response:
        return web.json_response({"asked": len(self.asked), "left": self.left})


def no_answer(fault: Fault | None) -> web.Response | None:
    """A response that holds no answer at all; None for other faults."""
    match fault:
        case Fault.NOT_JSON:
            return web.Response(text="<html>Welcome</html>", content_type="text/html")
        case Fault.DEEP_JSON:
            return web.Response(text="[" * 100_000, content_type="application/json")
        case Fault.ODD_TYPES:
            odd = {"choices": ["x"], "content": 5, "candidates": ["x"], "promptFeedback": "x", "stop_reason": 5}
            return web.json_response({**odd, "usage": [1], "usageMetadata": "x", "model": 5})
        case Fault.ENDLESS:
            return web.Response(body=b" " * (9 << 20), content_type="application/json")
        case Fault.REDIRECT:
            return web.Response(status=307, headers={"Location": "/elsewhere"})
        case _:
            return None


def hang_up(request: web.Request) -> None:
    """Close the connection without a word, as a network does."""
    if request.transport is not None:
        request.transport.abort()


def pieces(text: str, size: int = 12) -> list[str]:
    """The text as a model's stream brings it."""
    return [text[n : n + size] for n in range(0, len(text), size)]


def tokens(text: str) -> int:
    """About as many tokens as a vendor would count: four letters each."""
    return max(1, len(text) // 4)


def run(stand_in: type[StandIn]) -> None:
    """Run it by hand until interrupted: `python -m tests.vendors.groq_chat --port 9001 --delay-ms 260`."""
    parser = argparse.ArgumentParser(description=stand_in.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay-ms", type=float, default=0)
    parser.add_argument("--key", default=KEY)
    parser.add_argument("--answer", help="a JSON object to answer with; without it the plainest one that fits")
    parser.add_argument("--fault", choices=[fault.value for fault in Fault])
    given = parser.parse_args()
    answer = (lambda _asked: given.answer) if given.answer else least_answer

    async def serve() -> None:
        fault = Fault(given.fault) if given.fault else None
        made = stand_in(
            port=given.port, delay_s=given.delay_ms / 1000, key=given.key, answer=answer, fault=fault, keep_asked=1
        )
        async with made:
            print(made.url, flush=True)  # noqa: T201
            await asyncio.Event().wait()

    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        return
