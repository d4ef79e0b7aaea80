"""What a vendor, a proxy or a network may put in an answer's place: the call goes on, and nothing leaks."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from ridealong.app import hosted
from ridealong.config import Settings
from ridealong.core.events import CallEvent, MomentDecided, WarningGiven
from ridealong.core.moments import Tier
from ridealong.core.transcript import Roles, Transcript, Utterance
from ridealong.live import CallStart
from ridealong.live.classify import Classified
from ridealong.live.finished import FinishedTranscript
from ridealong.live.head import SHIPPED, Heads
from ridealong.live.taxonomy import Taxonomy
from ridealong.llm.house import ModelHouse
from tests.integration.live.conftest import House, OneWord, line
from tests.vendors.raw import Act, RawVendor, resets, responds, sends, vanishes

Start = Callable[..., CallStart]

KEY = "gsk_a-key-that-nobody-may-read"
SPEECH = "Zanzibar"
"""A word of the call, and of no line of ours."""
DEADLINE_S = 0.5
SLACK_S = 1.0
"""For a busy machine, over a whole call."""

SURE, IN_DOUBT = "expensive", "rather expensive"
SAID = ("fine", SURE, "fine", IN_DOUBT, "fine", IN_DOUBT, "fine", IN_DOUBT)
TALK = tuple(line(no, no % 2, 500 + 2500 * no, f"The {SPEECH} offer is {word}.") for no, word in enumerate(SAID))
DOUBTS = tuple(no for no, word in enumerate(SAID) if word == IN_DOUBT)


class SureOrNot(OneWord):
    """Is sure of what `OneWord` finds unless it is said with doubt."""

    def classifier(self, taxonomy: Taxonomy, heads: Heads = SHIPPED) -> SureOrNot:
        return self

    def classify(self, transcript: Transcript, utterance: Utterance, roles: Roles) -> Classified:
        found = super().classify(transcript, utterance, roles)
        if IN_DOUBT not in utterance.text:
            return found
        return replace(found, detections=tuple(replace(d, confidence=0.66) for d in found.detections))


# ---- what is answered


def chat(content: object, *, finish: str = "stop", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **more}
    usage = {"prompt_tokens": 700, "completion_tokens": 40}
    return {"model": "openai/gpt-oss-20b", "choices": [{"message": message, "finish_reason": finish}], "usage": usage}


def verdict(asked: str) -> str:
    no = json.loads(json.loads(asked)["messages"][-1]["content"].splitlines()[-1])["judge"][-1]
    words = "Ask what they would need to see before deciding."
    return json.dumps({"type": "objection_raised", "utterance_no": no, "quote": "expensive", "nudge": words})


def answers(made: Callable[[str], Act]) -> Act:
    """What `made` makes of the right answer."""

    async def act(asked: str, writer: asyncio.StreamWriter) -> None:
        await made(verdict(asked))(asked, writer)

    return act


def raw(text: str) -> bytes:
    return json.dumps(chat(text)).encode()


def refuses(status: str, *headers: str, **error: str) -> Act:
    """With key and speech wherever a vendor may repeat them."""
    told = {"message": f"{KEY}: {SPEECH}", "type": f"{SPEECH} {KEY}", "param": SPEECH, **error}
    return responds(f"{status} {SPEECH}", (*headers, f"X-Echo: {KEY} {SPEECH}"), {"error": told})


def event(told: Mapping[str, Any] | str) -> bytes:
    return f"data: {told if isinstance(told, str) else json.dumps(told)}\n\n".encode()


def delta(finish: str | None = None, **part: str) -> bytes:
    return event({"choices": [{"index": 0, "delta": part, "finish_reason": finish}]})


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
THINKS = delta(reasoning=f"They said {SPEECH}. ")
GZIP = ("Content-Encoding: gzip",)
HTML = ("Content-Type: text/html",)
LIMITS = (
    "x-ratelimit-limit-requests: 14400",
    "x-ratelimit-limit-tokens: 8000",
    "x-ratelimit-remaining-requests: 14370",
    "x-ratelimit-remaining-tokens: 0",
    "x-ratelimit-reset-requests: 24m3.6s",
    "x-ratelimit-reset-tokens: 1.2s",
)

ODD: dict[str, Act] = {
    "413, tokens a minute": refuses("413", code="rate_limit_exceeded"),
    "413 of a proxy": responds("413 Request Entity Too Large", HTML, f"<html>{SPEECH} {KEY}"),
    "429 with headers": refuses("429", "retry-after: 2", *LIMITS, code="rate_limit_exceeded"),
    "429 bare": responds("429 Too Many Requests"),
    "429 until tomorrow": refuses("429", "retry-after: 86400", code="rate_limit_exceeded"),
    "429 until yesterday": responds("429 x", ("Retry-After: Wed, 21 Oct 2015 07:28:00 GMT",)),
    "429 until nonsense": refuses("429", f"retry-after: {SPEECH}", code="rate_limit_exceeded"),
    "498, flex capacity": refuses("498", code="capacity_exceeded"),
    "498 bare": responds("498 x"),
    "503": refuses("503"),
    "503 bare": responds("503 Service Unavailable", HTML, "<html>"),
    "503 with a time": responds("503 Service Unavailable", ("Retry-After: 1",)),
    "400, what failed is told": refuses("400", code="json_validate_failed", failed_generation=SPEECH),
    "an error that says all is well": responds("200 OK", (), {"error": {"message": SPEECH, "code": 502}}),
    "thoughts alone": responds("200 OK", (), chat("", reasoning=f"They said {SPEECH}")),
    "thoughts alone, no content": responds("200 OK", (), chat(None, reasoning='{"type": "none"}')),
    "thoughts cut off": responds("200 OK", (), chat("", finish="length", reasoning=SPEECH)),
    "cut off at its limit": responds("200 OK", (), chat('{"type": "objec', finish="length")),
    "no choices": responds("200 OK", (), {"choices": []}),
    "a stream that thinks for ever": sends(SSE, THINKS, then="repeats"),
    "a stream of comments": sends(SSE, b": ping\n\n", then="repeats"),
    "a stream that is silent": sends(SSE, THINKS, then="waits"),
    "a stream of one endless line": sends(SSE, b"x" * 65_536, then="repeats", every_s=0.001),
    "a stream that breaks off": sends(SSE, THINKS),
    "a redirect": responds("307 x", (f"Location: https://elsewhere.example/{SPEECH}?k={KEY}",)),
    "gzip that is none": responds("200 OK", GZIP, SPEECH),
    "gzip cut off": responds("200 OK", GZIP, gzip.compress(json.dumps(chat("{}")).encode())[:40]),
    "gzip of 200 MiB": responds("200 OK", GZIP, gzip.compress(bytes(200 << 20), 1)),
    "a page": responds("200 OK", HTML, f"<html>{SPEECH} {KEY}</html>"),
    "a page as a stream": responds("200 OK", ("Content-Type: text/event-stream",), f"<html>{SPEECH} {KEY}</html>"),
    "closed in the middle": answers(lambda text: sends(HEAD + b"Content-Length: 999\r\n\r\n" + raw(text)[:50])),
    "a chunk without its end": answers(
        lambda text: sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(raw(text)) + raw(text) + b"\r\n")
    ),
    "no chunk": sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + SPEECH.encode()),
    "closed": vanishes,
    "reset": resets,
    "silence": sends(then="waits"),
    "half a head": sends(HEAD, then="waits"),
    "no HTTP": sends(f"220 {SPEECH} {KEY}\r\n".encode()),
    "a head of 100 kB": responds("200 OK", ("X-Long: " + "a" * 100_000,), chat("{}")),
    "go on, go on": sends(b"HTTP/1.1 100 Continue\r\n\r\n", then="repeats"),
    "no letters": responds("200 OK", (), b'{"choices": "\xff\xfe"}'),
}

USUAL: dict[str, Act] = {
    "gzip": answers(lambda text: responds("200 OK", GZIP, gzip.compress(raw(text)))),
    "text/plain": answers(lambda text: responds("200 OK", ("Content-Type: text/plain",), raw(text))),
    "a byte order mark": answers(lambda text: responds("200 OK", (), b"\xef\xbb\xbf" + raw(text))),
    "thoughts beside": answers(lambda text: responds("200 OK", (), chat(text, reasoning=SPEECH))),
    "a model whose name is none": answers(
        lambda text: responds("200 OK", (), {**chat(text), "model": f"\0\ud800 {SPEECH}"})
    ),
    "a stream that stays open behind its end": answers(
        lambda text: sends(SSE, delta(content=text), delta("stop"), event("[DONE]"), then="waits")
    ),
    "a stream that never says its end": answers(
        lambda text: sends(SSE, delta(content=text), delta("stop"), b": ping\n\n", then="repeats")
    ),
}


# ---- one call


@dataclass
class Heard:
    events: list[CallEvent]
    seconds: float
    told: str
    """Everything that was logged or told to whoever watches."""

    @property
    def decided(self) -> list[tuple[int, str]]:
        found = (e.moment for e in self.events if isinstance(e, MomentDecided))
        return [(m.evidence[0].utterance_no, m.decided_by) for m in found]

    @property
    def warned(self) -> list[str]:
        return [e.code for e in self.events if isinstance(e, WarningGiven)]


@asynccontextmanager
async def asking(house: House, url: str) -> AsyncIterator[None]:
    settings = Settings(groq_api_key=KEY, groq_url=url, live_deadline_ms=round(1000 * DEADLINE_S))  # type: ignore[arg-type]
    models = ModelHouse(settings)
    house.minds = SureOrNot()
    house.live_model = hosted.live_model(settings, models)
    house.asking = hosted.asking(settings)
    try:
        yield
    finally:
        for process in house.opened:
            await process.close()
        await models.close()


Hear = Callable[[str], Any]


@pytest.fixture
def hear(house: House, tenant_id: UUID, start: Start, caplog: pytest.LogCaptureFixture) -> Hear:
    async def heard(url: str) -> Heard:
        with capture_logs() as logs:
            async with asking(house, url):
                call = await house.process().begin(tenant_id, start(), source=FinishedTranscript(TALK))
                began = time.monotonic()
                async with asyncio.timeout(30):
                    await call.over.wait()
                took = time.monotonic() - began
                events = [n.event async for n in call.watch()]
        others = [f"{r.getMessage()} {r.exc_info}" for r in caplog.records if not r.name.startswith("psycopg")]
        warnings = [e.message for e in events if isinstance(e, WarningGiven)]
        return Heard(events, took, " ".join([str(logs), *others, *warnings]))

    caplog.set_level(logging.DEBUG)
    return heard


def check(found: Heard, *, by: str = "local") -> None:
    assert found.decided == [(SAID.index(SURE), "local"), *((no, by) for no in DOUBTS)]
    sure = next(e.moment for e in found.events if isinstance(e, MomentDecided))
    assert sure.tier is Tier.NUDGE, "what is sure is shown, whoever is away"
    assert found.seconds < len(DOUBTS) * DEADLINE_S + SLACK_S
    assert KEY not in found.told
    assert SPEECH not in found.told


@pytest.mark.parametrize("odd", ODD)
async def test_the_local_decision_stands_in_time_and_it_is_told_once(hear: Hear, odd: str) -> None:
    async with RawVendor(act=ODD[odd]) as vendor:
        found = await hear(vendor.url)
    check(found)
    assert vendor.asked
    assert found.warned in ([], ["live_model_away"])


@pytest.mark.parametrize("usual", USUAL)
async def test_an_answer_that_is_whole_counts_however_it_is_wrapped(hear: Hear, usual: str) -> None:
    async with RawVendor(act=USUAL[usual]) as vendor:
        found = await hear(vendor.url)
    check(found, by="groq:openai/gpt-oss-20b")
    assert found.warned == []


async def test_a_port_that_refuses_a_name_that_is_none_and_tls_to_what_speaks_none(hear: Hear) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        refuses_it = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with RawVendor(act=sends(then="waits")) as plain:
            for url in (refuses_it, "https://no-such-host.invalid", f"https://127.0.0.1:{plain.port}"):
                found = await hear(url)
                check(found)
                assert found.warned == ["live_model_away"]


@pytest.mark.parametrize("odd", ["413, tokens a minute", "503", "reset", "no HTTP", "silence", "thoughts cut off"])
async def test_the_vendor_s_return_is_told_once_and_used(hear: Hear, odd: str) -> None:
    well = USUAL["text/plain"]

    async def act(asked: str, writer: asyncio.StreamWriter) -> None:
        await (ODD[odd] if len(vendor.asked) <= 2 else well)(asked, writer)

    async with RawVendor(act=act) as vendor:
        found = await hear(vendor.url)
    assert found.decided[-1] == (DOUBTS[-1], "groq:openai/gpt-oss-20b")
    of_use = odd in ("413, tokens a minute", "thoughts cut off")
    assert found.warned == ([] if of_use else ["live_model_away", "live_model_back"])
