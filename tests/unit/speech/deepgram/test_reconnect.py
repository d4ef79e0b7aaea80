"""A connection that is lost in the middle of speech must not show in the transcript."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ridealong.core.errors import InvalidSettings, Unavailable
from ridealong.core.transcript import SpeakerId
from ridealong.speech import Audio, HeardThrough, Hearing, NotHeard, SpokenTurn, Words
from ridealong.speech.providers.deepgram import DeepgramTranscriber
from ridealong.speech.providers.deepgram.wire import retry_after_s
from tests.unit.speech.deepgram.listening import assert_same, first, hear, options, pieces, script, spoken
from tests.vendors.deepgram import Mischief, deepgram, marked_audio


async def test_an_undisturbed_call_is_heard_word_for_word() -> None:
    heard, standin = await hear(script())
    assert_same(heard, script())
    assert len(standin.seen) == 1


@pytest.mark.parametrize("lost_at", [300, 2_000, 9_950, 15_100, 33_000, 40_300, 44_900, 59_900])
@pytest.mark.parametrize("how", ["abort", "1011", "1008"])
async def test_a_connection_lost_in_mid_speech_leaves_no_trace(lost_at: int, how: str) -> None:
    wrong = (
        Mischief(abort_after_ms=lost_at) if how == "abort" else Mischief(close_code=int(how), close_after_ms=lost_at)
    )
    heard, standin = await hear(script(), first(wrong))
    assert len(standin.seen) == 2
    assert_same(heard, script())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lost=st.lists(st.integers(min_value=100, max_value=30_000), min_size=1, max_size=4))
def test_however_often_and_wherever_it_is_lost(lost: list[int]) -> None:
    plan = lambda n: Mischief(abort_after_ms=lost[n]) if n < len(lost) else Mischief()  # noqa: E731
    heard, _ = asyncio.run(hear(script(), plan))
    assert_same(heard, script())


async def test_audio_already_final_is_sent_again_only_to_tell_the_speakers() -> None:
    _, standin = await hear(script(), first(Mischief(abort_after_ms=44_000)))
    assert 5_000 <= 44_000 - standin.seen[1].origin_ms <= 30_000


async def test_a_speaker_whom_nothing_proves_gets_a_new_id() -> None:
    # Who spoke only long before the break is not in the audio that is sent again.
    words = [w for w in script() if w.end_ts < 5_000 or w.start_ts > 33_000]
    heard, _ = await hear(words, first(Mischief(abort_after_ms=40_000)))
    got = spoken(heard)
    before = {word.speaker for word in got if word.end_ts < 5_000}
    assert before == {0}
    later = {word.speaker for word in got if word.start_ts > 44_800}
    assert later & {0} == set()
    assert later <= {1, 2}


async def test_a_restarted_hearing_goes_on_with_the_speakers_from_before() -> None:
    words = script()
    at = next(w.end_ts for w in words if w.end_ts > 30_300)
    turns: list[SpokenTurn] = [
        SpokenTurn(speaker_id=SpeakerId(w.speaker + 5), start_ts=w.start_ts, end_ts=w.end_ts)
        for w in words
        if w.end_ts <= at and w.speaker is not None
    ]
    asked: list[tuple[int, int]] = []

    async def earlier(start_ts: int, end_ts: int) -> object:
        asked.append((start_ts, end_ts))
        return marked_audio(end_ts - start_ts, 1, start_ts)

    hearing = Hearing(resumed_at_ts=at, turns_before=tuple(turns), earlier=earlier)  # type: ignore[arg-type]
    heard, standin = await hear(words, hearing=hearing)
    rest = [w for w in words if w.start_ts >= at]
    got = spoken(heard)
    assert [w.text for w in got] == [w.text for w in rest]
    assert [w.speaker for w in got] == [(w.speaker or 0) + 5 for w in rest]
    assert len(asked) == 1
    assert standin.seen[0].origin_ms == asked[0][0] < at


async def test_audio_that_nobody_keeps_any_more_is_a_gap() -> None:
    async def earlier(start_ts: int, end_ts: int) -> object:
        kept_from = max(start_ts, 16_000)
        return marked_audio(end_ts - kept_from, 1, kept_from)

    words = script(from_ms=30_000)
    plan = first(Mischief(abort_after_ms=18_000))
    heard, _ = await hear(words, plan, hearing=Hearing(earlier=earlier))  # type: ignore[arg-type]
    gaps = [event for event in heard if isinstance(event, NotHeard)]
    assert [gap.end_ts for gap in gaps] == [16_000]
    assert 9_000 < gaps[0].start_ts < 11_000
    assert_same(heard, words)


async def test_a_stalled_connection_is_reopened() -> None:
    heard, standin = await hear(
        script(20_000), first(Mischief(stall_after_ms=3_000)), duration_ms=21_000, pause_s=0.01, stall_s=0.5
    )
    assert len(standin.seen) == 2
    assert_same(heard, script(20_000))


async def test_a_vendor_that_answers_nothing_more_is_given_up() -> None:
    plan = lambda n: Mischief(status=503) if n else Mischief(abort_after_ms=9_000)  # noqa: E731
    with pytest.raises(Unavailable, match="503"):
        await hear(script(), plan, patience_s=0.6)


@pytest.mark.parametrize("status", [401, 402, 403, 404])
async def test_a_refusal_that_waiting_cannot_mend_is_raised_at_once(status: int) -> None:
    async with deepgram(script(), plan=lambda _: Mischief(status=status)) as standin:
        transcriber = DeepgramTranscriber(options(standin))
        with pytest.raises(InvalidSettings, match="RIDEALONG_"):
            [event async for event in transcriber.hear(pieces(2_000), Hearing())]
        assert len(standin.seen) == 1


async def test_a_wrong_key_is_told_as_one() -> None:
    async with deepgram(script()) as standin:
        transcriber = DeepgramTranscriber(options(standin, api_key="wrong"))
        with pytest.raises(InvalidSettings, match="key"):
            [event async for event in transcriber.hear(pieces(2_000), Hearing())]


@pytest.mark.parametrize("wrong", [Mischief(status=429), Mischief(status=429, retry_after="0.1"), Mischief(status=500)])
async def test_a_refusal_that_passes_is_waited_for(wrong: Mischief) -> None:
    heard, standin = await hear(script(20_000), lambda n: wrong if n < 2 else Mischief(), duration_ms=21_000)
    assert len(standin.seen) == 3
    assert_same(heard, script(20_000))


async def test_a_date_to_come_back_at_is_understood() -> None:
    assert (
        retry_after_s({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}) == 30
    )
    assert retry_after_s({"retry-after": "soon"}) is None
    far = Mischief(status=429, retry_after="Fri, 31 Dec 9999 23:59:59 GMT")
    heard, standin = await hear(script(5_000), first(far), duration_ms=6_000)
    assert len(standin.seen) == 2
    assert_same(heard, script(5_000))


async def test_who_is_told_to_stay_away_for_long_says_so_at_once() -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable):
        await hear(script(5_000), lambda _: Mischief(status=429, retry_after="60"), duration_ms=6_000)
    assert asyncio.get_running_loop().time() - began < 5


@pytest.mark.parametrize("url", ["ws://here:port", "ws://here:99999", "ftp://here", "ws://", "http://[::1"])
async def test_an_address_that_is_none_is_told_as_one(url: str) -> None:
    with pytest.raises(InvalidSettings, match="RIDEALONG_DEEPGRAM_URL"):
        await hear(script(5_000), url=url)


async def test_a_vendor_that_says_nothing_to_the_end_has_not_heard_it() -> None:
    async def speech() -> AsyncIterator[Audio]:
        for at in range(20):
            yield Audio(start_ts=at * 100, samples=np.full((1_600, 1), 0.3, np.float32))
            await asyncio.sleep(0.1)

    async with deepgram(script(5_000), plan=lambda _: Mischief(stall_after_ms=0)) as standin:
        transcriber = DeepgramTranscriber(options(standin, patience_s=1.0))
        with pytest.raises(Unavailable):
            async for _ in transcriber.hear(speech(), Hearing()):
                pass
        await transcriber.close()


async def test_what_is_told_as_heard_through_stays_true_over_a_break() -> None:
    heard, _ = await hear(script(), first(Mischief(abort_after_ms=31_000)))
    through = 0
    for event in heard:
        if isinstance(event, HeardThrough):
            assert event.ts >= through
            through = event.ts
        elif isinstance(event, Words):
            assert all(word.start_ts >= through for word in event.words)
    assert through == 62_000
