"""A whole call that asks a hosted model: the transcript never waits, every decision is logged, nothing is lost."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ridealong.app import hosted
from ridealong.app.stored_models import StoredModels
from ridealong.app.tenant_models import TenantModels
from ridealong.app.token_counts import TokenCounts
from ridealong.config import Settings
from ridealong.core.events import CallEnded, CallEvent, MomentDecided, PartialHeard, UtteranceFinished, WarningGiven
from ridealong.core.moments import Tier
from ridealong.core.transcript import Roles, SpeakerId, Transcript, Utterance
from ridealong.live import CallStart
from ridealong.live.cascade import CascadeSettings
from ridealong.live.classify import Classified
from ridealong.live.finished import FinishedTranscript
from ridealong.live.head import SHIPPED, Heads
from ridealong.live.session import LiveCall
from ridealong.live.taxonomy import Taxonomy
from ridealong.llm import Answer, Model, Question
from ridealong.llm.house import ModelHouse
from ridealong.recording.folder import Recordings
from ridealong.speech.session_file import RecordedSession
from ridealong.store import calls, moments
from ridealong.store.sealing import Sealing
from tests.integration.live.conftest import House, OneWord, line
from tests.vendors.groq_chat import GroqChat
from tests.vendors.loopback import Asked, Fault

Start = Callable[..., CallStart]

WORDS = "Ask what they would need to see before deciding."
TALK = tuple(
    line(no, no % 2, 500 + 2500 * no, f"Line {no} is too expensive." if no in {3, 5, 7} else f"This is line {no}.")
    for no in range(9)
)
LENGTH_MS = 25_000
PIECE = bytes(3200)
PIECES = LENGTH_MS // 100


class Unsure(OneWord):
    """Says of what `OneWord` finds that it may be one."""

    def classifier(self, taxonomy: Taxonomy, heads: Heads = SHIPPED) -> Unsure:
        return self

    def classify(self, transcript: Transcript, utterance: Utterance, roles: Roles) -> Classified:
        found = super().classify(transcript, utterance, roles)
        usual = "Pause, then ask which part worries them the most."
        return replace(found, detections=tuple(replace(d, confidence=0.66, nudge=usual) for d in found.detections))


def verdict(judged: int) -> dict[str, Any]:
    return {"type": "objection_raised", "utterance_no": judged, "quote": "too expensive", "nudge": WORDS}


def judged_in(material: str) -> int:
    return json.loads(material.splitlines()[-1])["judge"][-1]


class Waiting:
    """Answers rightly, once it may."""

    name = "scripted:waiting"

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.asked = asyncio.Event()

    async def answer(self, question: Question) -> Answer:
        self.asked.set()
        await self.may_answer.wait()
        content = verdict(judged_in(question.material[-1].text))
        return Answer(content=content, model="waiting", vendor="scripted")

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def session() -> RecordedSession:
    return RecordedSession(call="test", rep_speakers=(SpeakerId(0),), utterances=TALK)


@pytest.fixture
async def model(house: House) -> AsyncIterator[Waiting]:
    made = Waiting()
    house.minds = Unsure()

    async def live_model(_tenant: UUID) -> Model:
        return made

    house.live_model = live_model
    house.asking = CascadeSettings(deadline_ms=10_000)
    yield made
    made.may_answer.set()


async def send(call: LiveCall, count: int = PIECES) -> None:
    sender = call.attach()
    for _ in range(count):
        await sender.write(PIECE)
        await call.taken()
    await sender.detach()


async def stop(call: LiveCall) -> list[CallEvent]:
    sender = call.attach()
    await sender.stop()
    await call.over.wait()
    return [n.event async for n in call.watch() if not isinstance(n.event, PartialHeard)]


async def until(call: LiveCall, holds: Callable[[CallEvent], bool]) -> None:
    async with asyncio.timeout(60):
        async for numbered in call.watch():
            if holds(numbered.event):
                return


def decided(events: list[CallEvent]) -> list[tuple[int, str]]:
    return [(e.moment.evidence[0].utterance_no, e.moment.decided_by) for e in events if isinstance(e, MomentDecided)]


async def test_the_transcript_goes_on_while_the_model_is_asked(
    house: House, model: Waiting, tenant_id: UUID, start: Start
) -> None:
    call = await house.process().begin(tenant_id, start())
    await send(call)
    await model.asked.wait()
    await until(call, lambda e: isinstance(e, UtteranceFinished) and e.utterance.no >= 6)
    model.may_answer.set()
    events = await stop(call)
    assert [e.utterance.no for e in events if isinstance(e, UtteranceFinished)] == list(range(9))
    assert sorted(no for no, _ in decided(events)) == [3, 5, 7]
    assert isinstance(events[-1], CallEnded)


async def test_decisions_are_numbered_without_holes_each_behind_its_utterance_and_stored_with_who_made_it(
    house: House, model: Waiting, tenant_id: UUID, start: Start
) -> None:
    model.may_answer.set()
    call = await house.process().begin(tenant_id, start())
    await send(call)
    sender = call.attach()
    await sender.stop()
    await call.over.wait()
    numbered = [n async for n in call.watch() if not isinstance(n.event, PartialHeard)]
    assert [n.seq for n in numbered] == list(range(1, len(numbered) + 1))
    heard: set[int] = set()
    for event in (n.event for n in numbered):
        if isinstance(event, UtteranceFinished):
            heard.add(event.utterance.no)
        if isinstance(event, MomentDecided):
            assert event.moment.evidence[0].utterance_no in heard
    async with house.store.tenant(tenant_id) as conn:
        transcript = await calls.load_transcript(conn, await calls.latest_revision(conn, call.call_id))
        stored = [m.moment for m in await moments.load_moments(conn, transcript)]
    assert [(m.evidence[0].utterance_no, m.decided_by) for m in stored] == [
        (no, "scripted:waiting") for no in (3, 5, 7)
    ]
    assert {m.nudge for m in stored} == {WORDS}


async def test_the_end_of_a_call_waits_for_an_answer_no_longer_than_the_deadline(
    house: House, model: Waiting, tenant_id: UUID, start: Start
) -> None:
    house.asking = CascadeSettings(deadline_ms=200)
    call = await house.process().begin(tenant_id, start())
    await send(call)
    async with asyncio.timeout(60):
        events = await stop(call)
    assert decided(events) == [(3, "local"), (5, "local"), (7, "local")]
    assert isinstance(events[-1], CallEnded)


async def test_a_process_that_is_stopped_decides_what_is_open_before_it_goes(
    house: House, model: Waiting, tenant_id: UUID, start: Start
) -> None:
    first = house.process()
    call = await first.begin(tenant_id, start())
    await send(call, 110)
    await model.asked.wait()
    await first.close()

    model.may_answer.set()
    second = house.process()
    assert await second.recover() == 1
    again = await second.find(tenant_id, call.call_id)
    await send(again, PIECES - 110)
    events = await stop(again)
    assert decided(events) == [(3, "local"), (5, "scripted:waiting"), (7, "scripted:waiting")]
    assert [e.utterance.no for e in events if isinstance(e, UtteranceFinished)] == list(range(9))


async def test_a_killed_process_loses_the_undecided_and_nothing_else(
    house: House, model: Waiting, tenant_id: UUID, start: Start, tmp_path: Path
) -> None:
    call = await house.process().begin(tenant_id, start())
    await send(call, 110)
    await model.asked.wait()
    # What lies on the disk while the question is open is what a killed process leaves behind.
    left = tmp_path / "left"
    await asyncio.to_thread(shutil.copytree, tmp_path / "recordings", left)

    model.may_answer.set()
    house.recordings = Recordings(left)
    second = house.process()
    assert await second.recover() == 1
    again = await second.find(tenant_id, call.call_id)
    await send(again, PIECES - 110)
    events = await stop(again)
    assert decided(events) == [(5, "scripted:waiting"), (7, "scripted:waiting")]
    assert [e.utterance.no for e in events if isinstance(e, UtteranceFinished)] == list(range(9))


async def test_a_finished_transcript_at_full_speed_is_judged_as_if_it_were_live(
    house: House, model: Waiting, tenant_id: UUID, start: Start
) -> None:
    model.may_answer.set()
    call = await house.process().begin(tenant_id, start(), source=FinishedTranscript(TALK))
    await call.over.wait()
    found = [n.event async for n in call.watch()]
    shown = [e.moment for e in found if isinstance(e, MomentDecided)]
    assert [(m.evidence[0].utterance_no, m.decided_by) for m in shown] == [(no, "scripted:waiting") for no in (3, 5, 7)]
    assert shown[0].tier is Tier.NUDGE


# ---- over a real socket


def says(asked: Asked) -> Mapping[str, Any]:
    return verdict(judged_in(asked.user))


@pytest.fixture
async def groq(house: House) -> AsyncIterator[GroqChat]:
    async with GroqChat(answer=says) as vendor:
        settings = Settings(groq_api_key=vendor.key, groq_url=vendor.url, live_deadline_ms=5000)
        models = ModelHouse(settings)
        house.minds = Unsure()
        house.live_model = hosted.live_model(settings, models)
        house.asking = hosted.asking(settings)
        yield vendor
        for process in house.opened:
            await process.close()
        await models.close()


async def test_a_vendor_on_a_real_socket_decides_and_words_the_nudge(
    house: House, groq: GroqChat, tenant_id: UUID, start: Start
) -> None:
    call = await house.process().begin(tenant_id, start(), source=FinishedTranscript(TALK))
    await call.over.wait()
    found = [n.event async for n in call.watch()]
    assert decided(found) == [(no, "groq:openai/gpt-oss-20b") for no in (3, 5, 7)]
    assert len(groq.asked) == 3
    assert "objection_raised" in groq.asked[0].system
    assert "Line 3" not in groq.asked[0].system, "what was said is data, and no instruction"


@pytest.mark.parametrize(
    "fault",
    [
        Fault.BROKEN,
        Fault.BUSY,
        Fault.BUSY_BARE,
        Fault.BAD_KEY,
        Fault.NO_CREDIT,
        Fault.HANG_UP,
        Fault.CUT,
    ],
)
async def test_a_vendor_that_fails_leaves_the_call_to_this_machine_and_is_told_of_once(
    house: House, groq: GroqChat, tenant_id: UUID, start: Start, fault: Fault
) -> None:
    groq.fault = fault
    call = await house.process().begin(tenant_id, start(), source=FinishedTranscript(TALK))
    await call.over.wait()
    found = [n.event async for n in call.watch()]
    assert decided(found) == [(no, "local") for no in (3, 5, 7)]
    assert [e.code for e in found if isinstance(e, WarningGiven)] == ["live_model_away"]


@pytest.mark.parametrize(
    "fault", [Fault.NOT_JSON, Fault.HALF_JSON, Fault.WRONG_SHAPE, Fault.NO_WORDS, Fault.TOO_LONG, Fault.REFUSES]
)
async def test_an_answer_that_is_none_leaves_the_local_decision(
    house: House, groq: GroqChat, tenant_id: UUID, start: Start, fault: Fault
) -> None:
    groq.fault = fault
    call = await house.process().begin(tenant_id, start(), source=FinishedTranscript(TALK))
    await call.over.wait()
    found = [n.event async for n in call.watch()]
    assert decided(found) == [(no, "local") for no in (3, 5, 7)]


async def test_a_vendor_that_comes_back_is_asked_again(
    house: House, groq: GroqChat, tenant_id: UUID, start: Start
) -> None:
    groq.faults.extend([Fault.BROKEN, Fault.BROKEN])
    call = await house.process().begin(tenant_id, start(), source=FinishedTranscript(TALK))
    await call.over.wait()
    found = [n.event async for n in call.watch()]
    assert decided(found) == [(3, "local"), (5, "local"), (7, "groq:openai/gpt-oss-20b")]
    assert [e.code for e in found if isinstance(e, WarningGiven)] == ["live_model_away", "live_model_back"]


async def test_a_running_call_whose_tokens_are_spent_goes_on_alone_and_asks_again_once_there_are_more(
    house: House, groq: GroqChat, tenant_id: UUID, start: Start
) -> None:
    settings = Settings(groq_api_key=groq.key, groq_url=groq.url, live_deadline_ms=5000)
    models = ModelHouse(settings)
    counts = TokenCounts(house.store, models)
    own = TenantModels(house.store, Sealing.of_settings(settings), counts=counts)
    stored = StoredModels(settings=settings, house=models, tenants=own, counts=counts)
    house.live_model = hosted.live_model(settings, models, own)
    await stored.write(tenant_id, {"live_tokens_per_day": 2000})
    models.budget(str(tenant_id)).take(1900, live=True)

    call = await house.process().begin(tenant_id, start())
    await send(call, 120)
    await until(call, lambda e: isinstance(e, WarningGiven))
    assert not groq.asked
    await stored.write(tenant_id, {"live_tokens_per_day": 1_000_000})
    await send(call, PIECES - 120)
    events = await stop(call)
    assert decided(events) == [(3, "local"), (5, "groq:openai/gpt-oss-20b"), (7, "groq:openai/gpt-oss-20b")]
    told = [e for e in events if isinstance(e, WarningGiven)]
    assert [e.code for e in told] == ["live_model_away", "live_model_back"]
    assert "tokens" in told[0].message
    assert "00:00 UTC" in told[0].message
    await models.close()
