"""Two channels that were heard to different places when something broke; gaps behind audio not heard yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from ridealong.core.transcript import Utterance
from ridealong.live import CallStart, ChannelLayout
from ridealong.live.session import LiveCall
from ridealong.speech.providers.deepgram import DeepgramTranscriber
from tests.integration.live.conftest import House
from tests.integration.live.test_calls import stop, stored
from tests.unit.speech.deepgram.listening import options, script
from tests.vendors.deepgram import Mischief, Spoken, deepgram, marked_audio

LENGTH_MS = 46_000


def spoken(channel: int, from_ms: int, to_ms: int) -> list[Spoken]:
    """Words without a pause between them, each another one."""
    return [
        Spoken(text=f"word{channel}{at}", start_ts=at, end_ts=at + 260, speaker=channel)
        for at in range(from_ms, to_ms, 300)
    ]


def said(utterances: list[Utterance]) -> list[tuple[str, object]]:
    words = [(w.start_ts, w.text, u.speaker) for u in utterances for w in u.words]
    return [(text, speaker) for _, text, speaker in sorted(words, key=lambda word: word[0])]


def expected(words: list[Spoken]) -> list[tuple[str, object]]:
    return [(word.text, word.speaker) for word in sorted(words, key=lambda word: word.start_ts)]


async def send_from(call: LiveCall, from_ms: int, to_ms: int, channels: int, *, taken: bool = True) -> None:
    pcm = (marked_audio(to_ms - from_ms, channels, from_ms) * 32768).astype("<i2").tobytes()
    sender = call.attach()
    for at in range(0, len(pcm), 3_200 * channels):
        await sender.write(pcm[at : at + 3_200 * channels])
        if taken:
            await call.taken()
    await sender.detach()


async def taken_up(house: House, tenant_id: UUID, call: LiveCall) -> LiveCall:
    """The same call in the next process."""
    after = house.process()
    await after.recover()
    again = await after.find(tenant_id, call.call_id)
    assert isinstance(again, LiveCall)
    return again


@pytest.mark.parametrize("at_ms", [27_500, 38_200])
async def test_a_killed_process_does_not_show_where_one_of_two_channels_was_heard_further(
    house: House, tenant_id: UUID, start: Callable[..., CallStart], at_ms: int
) -> None:
    # One speaks without a pause, so that his utterances are cut by their length alone; the other is hardly there.
    words = [*spoken(0, 600, 45_000), *spoken(1, 2_000, 3_000)]
    async with deepgram(words, final_delay_s=0.0) as standin:
        house = replace(house, transcriber=DeepgramTranscriber(options(standin)))
        before = house.process()
        call = await before.begin(tenant_id, start(channels=2, layout=ChannelLayout.SEPARATE))
        await send_from(call, 0, at_ms, 2)
        await before.close()
        again = await taken_up(house, tenant_id, call)
        await send_from(again, at_ms, LENGTH_MS, 2)
        await stop(again)
    assert said(await stored(house.store, tenant_id, call.call_id)) == expected(words)


async def test_a_recogniser_that_goes_away_takes_no_words_of_the_channel_that_was_heard_less(
    house: House, tenant_id: UUID, start: Callable[..., CallStart]
) -> None:
    # One has just finished a turn when the vendor goes away for longer than is waited; the other is in the middle.
    words = [*spoken(0, 600, 9_000), *spoken(1, 6_000, 14_000), *spoken(0, 20_000, 24_000)]
    away = [Mischief(abort_after_ms=9_450), *[Mischief(status=503)] * 4]
    plan = lambda n: away[n] if n < len(away) else Mischief()  # noqa: E731
    async with deepgram(words, final_delay_s=0.0, plan=plan) as standin:
        transcriber = DeepgramTranscriber(options(standin, patience_s=0.2))
        house = replace(house, transcriber=transcriber)
        call = await house.process().begin(tenant_id, start(channels=2, layout=ChannelLayout.SEPARATE))
        await send_from(call, 0, 26_000, 2)
        await stop(call)
        assert len(standin.seen) > len(away)
    assert said(await stored(house.store, tenant_id, call.call_id)) == expected(words)


async def test_what_was_said_before_a_gap_and_not_heard_yet_is_heard_by_the_next_process(
    house: House, tenant_id: UUID, start: Callable[..., CallStart]
) -> None:
    words = script(20_000)
    away = True
    plan = lambda _: Mischief(status=503) if away else Mischief()  # noqa: E731
    async with deepgram(words, final_delay_s=0.0, plan=plan) as standin:
        house = replace(house, transcriber=DeepgramTranscriber(options(standin)))
        before = house.process()
        call = await before.begin(tenant_id, start())
        await send_from(call, 0, 12_000, 1, taken=False)
        sender = call.attach()
        await sender.gap(2_000, "frames lost")
        await sender.detach()
        while not standin.seen:
            await asyncio.sleep(0.01)
        await before.close()
        away = False
        again = await taken_up(house, tenant_id, call)
        await send_from(again, 12_000, 21_000, 1)
        await stop(again)
    heard = said(await stored(house.store, tenant_id, call.call_id))
    # At the gap itself a word may be in two halves, as it is in the recording.
    clear = [word for word in words if not word.start_ts <= 12_000 <= word.end_ts]
    assert [word for word in expected(clear) if word not in heard] == []
    assert len(heard) <= len(words) + 1
