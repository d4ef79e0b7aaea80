"""Whole calls heard by Deepgram: a lost connection and a killed process must not show in the stored transcript."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from ridealong.core.events import GapRecorded
from ridealong.core.transcript import Utterance
from ridealong.live import CallStart
from ridealong.live.session import LiveCall
from ridealong.speech.providers.deepgram import DeepgramTranscriber
from tests.integration.live.conftest import House
from tests.integration.live.test_calls import stop, stored
from tests.unit.speech.deepgram.listening import first, options, script
from tests.vendors.deepgram import Mischief, Spoken, deepgram, marked_audio

LENGTH_MS = 46_000
PCM = (marked_audio(LENGTH_MS) * 32768).astype("<i2").tobytes()
WORDS = script(45_000)


def words_of(utterances: list[Utterance]) -> list[tuple[str, object]]:
    return [(word.text, utterance.speaker) for utterance in utterances for word in utterance.words]


def words_said(words: list[Spoken]) -> list[tuple[str, object]]:
    return [(word.text, word.speaker) for word in words]


def assert_stored(utterances: list[Utterance]) -> None:
    assert words_of(utterances) == words_said(WORDS)
    heard = [word for utterance in utterances for word in utterance.words]
    assert all(abs(a.start_ts - b.start_ts) <= 100 for a, b in zip(heard, WORDS, strict=True))


async def send_from(call: LiveCall, from_ms: int, to_ms: int) -> None:
    sender = call.attach()
    for at in range(from_ms * 32, to_ms * 32, 3_200):
        await sender.write(PCM[at : at + 3_200])
        await call.taken()
    await sender.detach()


async def test_a_lost_connection_does_not_show(house: House, tenant_id: UUID, start: Callable[..., CallStart]) -> None:
    async with deepgram(WORDS, final_delay_s=0.0, plan=first(Mischief(abort_after_ms=33_050))) as standin:
        house = replace(house, transcriber=DeepgramTranscriber(options(standin)))
        call = await house.process().begin(tenant_id, start())
        await send_from(call, 0, LENGTH_MS)
        events = await stop(call)
        assert len(standin.seen) == 2
    assert not [event for event in events if isinstance(event, GapRecorded)]
    assert_stored(await stored(house.store, tenant_id, call.call_id))


@pytest.mark.parametrize("at_ms", [9_100, 27_500, 41_200])
async def test_a_killed_process_does_not_show(
    house: House, tenant_id: UUID, start: Callable[..., CallStart], at_ms: int
) -> None:
    async with deepgram(WORDS, final_delay_s=0.0) as standin:
        house = replace(house, transcriber=DeepgramTranscriber(options(standin)))
        before = house.process()
        call = await before.begin(tenant_id, start())
        await send_from(call, 0, at_ms)
        await before.close()
        after = house.process()
        await after.recover()
        again = await after.find(tenant_id, call.call_id)
        assert isinstance(again, LiveCall)
        await send_from(again, at_ms, LENGTH_MS)
        await stop(again)
        assert standin.seen[-1].origin_ms < at_ms
    assert_stored(await stored(house.store, tenant_id, call.call_id))
