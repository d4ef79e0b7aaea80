"""Running calls: what a supervisor sees of them, a word to the rep, and what the rep taps."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from websockets.asyncio.client import connect

from ridealong.config import Settings
from ridealong.core.people import MemberRole
from ridealong.web.answers.calls import CallDetail, Waveform
from ridealong.web.answers.talk import MessageSent
from ridealong.web.answers.team import LiveAnswer, TeamAnswer
from tests.integration.pages.conftest import Pages, closed
from tests.integration.store.conversation import record_call
from tests.integration.web.conftest import Client
from tests.integration.web.people import House, house, is_problem

MANAGER, RITA = "max@acme.example", "rita@acme.example"


@pytest.fixture
async def acme(store_settings: Settings, tmp_path: Path) -> AsyncIterator[House]:
    async with house(store_settings, tmp_path / "recordings") as made:
        for email, role in ((MANAGER, MemberRole.MANAGER), (RITA, MemberRole.REP)):
            await made.member(email, role)
        yield made


@contextlib.asynccontextmanager
async def capturing(acme: House, **changed: Any) -> AsyncIterator[tuple[Client, UUID]]:
    start = {
        "type": "start",
        "protocol": 1,
        "token": acme.token,
        "format": {"encoding": "pcm16", "sample_rate": 16000, "channels": 1},
        "rep": {"id": RITA},
        "consent": {"statement": "both agreed"},
        "title": "A call that runs",
    } | changed
    async with connect(acme.address.replace("http", "ws", 1) + "/v1/capture", compression=None) as socket:
        client = Client(socket)
        await client.send(start)
        yield client, UUID((await client.next())["call_id"])


async def test_a_managers_word_arrives_on_the_reps_socket_and_the_reps_mark_is_kept(acme: House) -> None:
    async with acme.browser(MANAGER) as manager, capturing(acme) as (phone, call_id):
        await phone.send(bytes(32_000))
        await phone.until(event="utterance", no=1)
        live = (await manager.get("/v1/live")).json()
        closed(LiveAnswer, live)
        assert [(c["call_id"], c["title"], c["audio_ms"]) for c in live["calls"]] == [
            (str(call_id), "A call that runs", 1000)
        ]
        sent = await manager.ask("POST", f"/v1/calls/{call_id}/messages", {"text": " Ask for the\n finance lead "})
        closed(MessageSent, sent.json())
        message = await phone.until(event="message")
        assert (message["text"], message["from"], message["at_ts"]) == ("Ask for the finance lead", "Max", 1000)
        assert message["seq"] > 0
        assert is_problem(
            await manager.ask("POST", f"/v1/calls/{call_id}/messages", {"text": "x" * 141}), 422, "bad_request"
        )
        async with acme.browser(RITA) as rita:
            path = f"/v1/calls/{call_id}/messages"
            assert is_problem(await rita.ask("POST", path, {"text": "x"}), 403, "forbidden")
            assert len((await rita.get("/v1/live")).json()["calls"]) == 1
        await phone.send({"type": "mark"})
        mark = await phone.until(event="mark")
        assert (mark["at_ts"], mark["by"]) == (1000, {"member_id": None, "name": RITA})
        await phone.send({"type": "feedback", "moment_id": str(uuid4()), "verdict": "helpful"})
        assert (await phone.until(event="warning"))["code"] == "unknown_moment"
        await phone.send({"type": "stop"})
        await phone.until(event="ended")
        detail = (await manager.get(f"/v1/calls/{call_id}")).json()
        closed(CallDetail, detail)
        assert [m["at_ts"] for m in detail["marks"]] == [1000]
        assert (await manager.get("/v1/live")).json() == {"calls": []}
        late = await manager.ask("POST", f"/v1/calls/{call_id}/messages", {"text": "too late"})
        assert is_problem(late, 410, "call_ended")


async def test_what_a_socket_told_of_a_running_call_is_what_the_next_answer_knows(acme: House) -> None:
    async with acme.browser(MANAGER) as manager, capturing(acme) as (phone, call_id):
        await phone.send(bytes(32_000))
        told = [(await phone.until(event="utterance", no=no))["text"] for no in (0, 1)]
        shown = (await manager.get(f"/v1/calls/{call_id}/transcript")).json()["utterances"]
        assert [u["text"] for u in shown] == told
        await phone.send({"type": "mark"})
        await phone.until(event="mark")
        assert len((await manager.get(f"/v1/calls/{call_id}")).json()["marks"]) == 1


async def test_a_comment_carries_the_member_and_only_its_author_takes_it_back(acme: House) -> None:
    call_id = await acme.call(RITA)
    at = f"/v1/calls/{call_id}/comments"
    async with acme.browser(MANAGER) as manager, acme.browser(RITA) as rita:
        made = (await manager.ask("POST", at, {"at_ts": 100, "text": "well asked"})).json()
        assert made["by"]["name"] == "Max"
        assert made["by"]["member_id"]
        assert is_problem(await rita.ask("DELETE", f"{at}/{made['comment_id']}"), 403, "forbidden")
        answer = await rita.ask("POST", at, {"at_ts": 100, "text": "thanks", "reply_to": made["comment_id"]})
        assert answer.status_code == 201
        assert (await manager.ask("DELETE", f"{at}/{made['comment_id']}")).status_code == 204
        shown = (await rita.get(at)).json()["comments"]
        assert [(c["text"], c["by"]["name"]) for c in shown] == [("", "Max"), ("thanks", "Rita")]


async def test_the_waveform_shows_each_speaker_where_that_one_speaks(acme: House, tmp_path: Path) -> None:
    async with acme.browser(MANAGER) as manager, capturing(acme) as (phone, call_id):
        # A quarter of full scale for the whole second; speaker 0 says 100 to 500 ms, speaker 1 600 to 900 ms.
        tone = 8192 * np.sin(np.arange(16_000) * 2 * np.pi * 440 / 16_000)
        await phone.send(tone.astype("<i2").tobytes())
        await phone.send({"type": "stop"})
        await phone.until(event="ended")
        for _ in range(2):
            shown = (await manager.get(f"/v1/calls/{call_id}/waveform?points=10")).json()
            closed(Waveform, shown)
            assert shown["duration_ms"] == 1000
            lanes = {lane["speaker_id"]: lane["peaks"] for lane in shown["lanes"]}
            assert [round(peak, 2) for peak in lanes[0]] == [0, 0.25, 0.25, 0.25, 0.25, 0, 0, 0, 0, 0]
            assert [round(peak, 2) for peak in lanes[1]] == [0, 0, 0, 0, 0, 0, 0.25, 0.25, 0.25, 0]
        kept = list((tmp_path / "recordings").glob(f"*/{call_id}/peaks.npy"))
        assert len(kept) == 1
        assert is_problem(await manager.get(f"/v1/calls/{call_id}/waveform?points=1"), 422, "bad_request")


async def test_every_number_of_the_team_leads_to_the_calls_behind_it(pages: Pages) -> None:
    first = await record_call(pages.store, pages.tenant_id)
    await record_call(pages.store, pages.tenant_id)
    written = await pages.call()
    path = f"/calls/{first.call_id}/moments/{first.moment_id}/feedback"
    await pages.ask("POST", path, json={"verdict": "helpful"})
    team = await pages.get("/team", TeamAnswer)
    reps = {rep["rep_id"]: rep for rep in team["reps"]}
    assert set(reps) == {"rep-7", "ben@example.org"}
    mine = reps["rep-7"]
    assert (mine["calls"]["value"], mine["score"]) == (2, {**mine["score"], "value": 62.5, "n": 2})
    assert (mine["nudges"]["value"], mine["nudges_helpful"]["value"], mine["nudges_wrong"]["value"]) == (2, 1, 0)
    assert mine["talk_ratio"]["value"] is None, "no call says it: not 0"
    statistics = (await pages.get(f"/calls/{written}/artifact"))["statistics"]["values"]
    assert reps["ben@example.org"]["talk_ratio"]["value"] == statistics["talk_ratio_of_speech"]
    assert reps["ben@example.org"]["questions_per_call"]["value"] == statistics["rep_questions"]
    (week,) = team["weeks"]
    assert week["calls"]["value"] == 3
    for figures in (*team["reps"], week):
        for number in (figures["calls"], figures["score"], *figures["moments"].values()):
            calls = await pages.get(f"/calls{number['calls_query']}")
            assert calls["total"] >= 1
        assert (await pages.get(f"/calls{figures['calls']['calls_query']}"))["total"] == figures["calls"]["value"]
    assert (await pages.get("/team?rep_id=rep-7"))["weeks"][0]["calls"]["value"] == 2
    assert await pages.get("/team?to=2020-01-01T00:00:00Z") == {"reps": [], "weeks": []}
