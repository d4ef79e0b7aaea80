"""What a vendor's stream does now and then, and what must not become of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise

import pytest

from ridealong.core.errors import InvalidSettings
from ridealong.core.transcript import UNATTRIBUTED
from ridealong.speech import Activity, Audio, Heard, HeardThrough, Hearing, Partial, Words
from ridealong.speech.providers.deepgram import DeepgramTranscriber
from tests.unit.speech.deepgram.listening import (
    assert_same,
    first,
    hear,
    options,
    quiet,
    script,
    spoken,
)
from tests.vendors.deepgram import DeepgramStandIn, Mischief, Spoken, deepgram, marked_audio

ALWAYS = [
    Mischief(revise_interims=True),
    Mischief(change_speakers=True),
    Mischief(duplicate=True),
    Mischief(reorder=True),
    Mischief(unknown_types=True),
    Mischief(finalize_unanswered=True),
    Mischief(quiet_in_silence=True),
    Mischief(whole_windows=False),
    Mischief(duplicate=True, reorder=True),
    Mischief(duplicate=True, whole_windows=False),
    Mischief(reorder=True, whole_windows=False),
    Mischief(duplicate=True, reorder=True, whole_windows=False),
    Mischief(duplicate=True, reorder=True, whole_windows=False, revise_interims=True, change_speakers=True),
]


@pytest.mark.parametrize("wrong", ALWAYS)
async def test_the_transcript_is_the_same_whatever_the_stream_does(wrong: Mischief) -> None:
    heard, _ = await hear(script(), lambda _: wrong)
    assert_same(heard, script())


@pytest.mark.parametrize("wrong", ALWAYS[2:5])
async def test_the_same_with_a_break_on_top(wrong: Mischief) -> None:
    heard, standin = await hear(script(), lambda n: replace(wrong, abort_after_ms=None if n else 33_000))
    assert len(standin.seen) == 2
    assert_same(heard, script())


@pytest.mark.parametrize("at", [4_000, 21_000])
async def test_a_clock_that_begins_anew_inside_a_connection_is_noticed(at: int) -> None:
    heard, standin = await hear(script(), first(Mischief(restart_clock_after_ms=at)))
    assert len(standin.seen) == 2
    assert_same(heard, script())


async def test_words_whose_speaker_comes_late_stay_unattributed() -> None:
    heard, _ = await hear(script(20_000), lambda _: Mischief(late_speakers=True), duration_ms=21_000)
    assert [word.text for word in spoken(heard)] == [word.text for word in script(20_000)]
    assert {word.speaker for word in spoken(heard)} == {UNATTRIBUTED}


async def test_words_without_a_speaker_are_unattributed_and_their_neighbours_are_not() -> None:
    words = [
        Spoken(text=f"word{n}", start_ts=500 + n * 300, end_ts=700 + n * 300, speaker=None if n == 3 else 0)
        for n in range(8)
    ]
    heard, _ = await hear(words, duration_ms=5_000)
    assert_same_speakers = [UNATTRIBUTED if n == 3 else 0 for n in range(8)]
    assert [word.speaker for word in spoken(heard)] == assert_same_speakers


async def test_an_interim_is_only_ever_a_partial_and_names_no_speaker() -> None:
    heard, _ = await hear(script(20_000), lambda _: Mischief(change_speakers=True), duration_ms=21_000)
    partials = [event for event in heard if isinstance(event, Partial)]
    assert partials
    assert {partial.speaker for partial in partials} == {UNATTRIBUTED}


async def test_a_turn_ends_where_the_vendor_says_so() -> None:
    heard, _ = await hear(script(20_000), duration_ms=21_000)
    ends = [event for event in heard if isinstance(event, Words) and event.ends_turn]
    assert len(ends) == 3
    activity = [event.speaking for event in heard if isinstance(event, Activity)]
    assert activity == [True, False] * (len(activity) // 2)


async def test_two_channels_are_two_speakers_without_diarisation() -> None:
    heard, standin = await hear(script(), first(Mischief(abort_after_ms=41_000)), hearing=Hearing(channels=2))
    assert standin.seen[0].parameters["multichannel"] == ["true"]
    assert "diarize_model" not in standin.seen[0].parameters
    got = sorted(spoken(heard), key=lambda word: (word.start_ts, word.speaker))
    want = sorted(script(), key=lambda word: (word.start_ts, word.speaker))
    assert [(word.text, word.speaker) for word in got] == [(word.text, word.speaker) for word in want]
    assert any(word.overlapped for word in got)
    partials = {event.speaker for event in heard if isinstance(event, Partial)}
    assert partials == {0, 1}


async def test_what_is_asked_of_the_vendor() -> None:
    vocabulary = ("Fernwell", "dispatch", "Fernwell", " ")
    _, standin = await hear(script(5_000), duration_ms=5_000, hearing=Hearing(vocabulary=vocabulary, language="en"))
    seen = standin.seen[0]
    assert seen.authorization == "Token test-key"
    assert seen.parameters == {
        "model": ["nova-3"],
        "language": ["en"],
        "encoding": ["linear16"],
        "sample_rate": ["16000"],
        "channels": ["1"],
        "interim_results": ["true"],
        "punctuate": ["true"],
        "endpointing": ["300"],
        "utterance_end_ms": ["1000"],
        "vad_events": ["true"],
        "diarize_model": ["latest"],
        "keyterm": ["Fernwell", "dispatch"],
    }
    assert set(seen.frames[:-1]) == {3_200}
    assert [kind for _, kind in seen.controls] == ["Finalize", "CloseStream"]


async def test_key_terms_stay_below_the_limit_above_which_transcription_stops_silently() -> None:
    vocabulary = tuple(f"Extraordinary Term {n}" for n in range(400))
    _, standin = await hear(script(5_000), duration_ms=5_000, hearing=Hearing(vocabulary=vocabulary))
    terms = standin.seen[0].parameters["keyterm"]
    assert 20 <= len(terms) < 60
    _, standin = await hear(script(5_000), duration_ms=5_000, hearing=Hearing(vocabulary=vocabulary), model="nova-2")
    assert "keyterm" not in standin.seen[0].parameters


async def after_silence(
    at: int, words: list[Spoken], *, answers_after_s: float = 0.0
) -> tuple[list[Heard], int, DeepgramStandIn]:
    """A call whose sender says nothing for a while at `at` ms, and how many words had been heard by then."""
    heard: list[Heard] = []
    before = 0
    async with deepgram(words, final_delay_s=answers_after_s) as standin:

        async def audio() -> AsyncIterator[Audio]:
            nonlocal before
            yield Audio(start_ts=0, samples=marked_audio(at))
            while not (standin.seen and standin.seen[0].controls):
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3 if answers_after_s == 0.0 else 0.0)
            before = len(spoken(heard))
            yield Audio(start_ts=at, samples=marked_audio(21_000 - at, 1, at))

        async for event in DeepgramTranscriber(options(standin)).hear(audio(), Hearing()):
            heard.append(event)  # noqa: PERF401 - the audio looks at it midway
    return heard, before, standin


async def test_a_sender_that_falls_silent_keeps_its_connection_and_gets_its_last_words() -> None:
    words = script(20_000)
    pause = next(a.end_ts for a, b in pairwise(words) if a.end_ts > 5_000 and b.start_ts - a.end_ts > 280)
    heard, before, standin = await after_silence(pause + 250, words)
    assert len(standin.seen) == 1
    assert standin.seen[0].controls[0][1] == "Finalize"
    assert standin.seen[0].binary_controls == 0
    assert before == len([word for word in words if word.end_ts <= pause])
    assert_same(heard, words)


async def test_a_sender_that_falls_silent_for_long_keeps_its_connection_alive() -> None:
    words = script(8_000)
    async with deepgram(words, final_delay_s=0.0, silence_limit_s=4.5) as standin:

        async def audio() -> AsyncIterator[Audio]:
            yield Audio(start_ts=0, samples=marked_audio(9_000))
            while "KeepAlive" not in [kind for seen in standin.seen for _, kind in seen.controls]:
                await asyncio.sleep(0.05)

        heard = [event async for event in DeepgramTranscriber(options(standin)).hear(audio(), Hearing())]
    assert len(standin.seen) == 1
    assert standin.seen[0].binary_controls == 0
    assert_same(heard, words)


@pytest.mark.parametrize("answers_after_s", [0.0, 0.3])
@pytest.mark.parametrize("within", [0.4, 0.9])
async def test_a_word_in_which_the_sender_broke_off_is_heard_whole_when_it_goes_on(
    within: float, answers_after_s: float
) -> None:
    words = script(20_000)
    torn = next(word for word in words if word.start_ts > 6_000 and word.end_ts - word.start_ts > 200)
    at = round(torn.start_ts + within * (torn.end_ts - torn.start_ts))
    heard, before, standin = await after_silence(at, words, answers_after_s=answers_after_s)
    assert len(standin.seen) == 2
    assert before <= words.index(torn)
    assert_same(heard, words)


async def test_a_word_in_which_the_sender_broke_off_for_good_is_said_as_far_as_it_was_heard() -> None:
    words = script(20_000)
    torn = next(word for word in words if word.start_ts > 6_000 and word.end_ts - word.start_ts > 200)
    at = (torn.start_ts + torn.end_ts) // 2
    async with deepgram(words, final_delay_s=0.0) as standin:

        async def audio() -> AsyncIterator[Audio]:
            yield Audio(start_ts=0, samples=marked_audio(at))
            while not (standin.seen and standin.seen[0].controls):
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)

        heard = [event async for event in DeepgramTranscriber(options(standin)).hear(audio(), Hearing())]
    *whole, half = spoken(heard)
    assert [word.text for word in whole] == [word.text for word in words[: words.index(torn)]]
    assert (half.text[-1], half.start_ts, half.end_ts) == ("-", torn.start_ts, at)
    assert heard[-1] == HeardThrough(ts=at)


async def test_a_redirect_is_refused_and_gets_neither_the_key_nor_the_call() -> None:
    async with deepgram(script(5_000)) as elsewhere:
        away = Mischief(status=302, location=f"{elsewhere.url}/v1/listen")
        with pytest.raises(InvalidSettings, match="RIDEALONG_DEEPGRAM_URL"):
            await hear(script(5_000), lambda _: away, duration_ms=6_000)
        assert elsewhere.seen == []


async def test_silence_is_told_at_least_once_a_second_by_a_vendor_that_says_nothing_in_it() -> None:
    heard, standin = await hear([], lambda _: Mischief(quiet_in_silence=True), duration_ms=12_000, pause_s=0.002)
    told = [event.ts for event in heard if isinstance(event, HeardThrough)]
    assert len(told) >= 12
    assert told[-1] == 12_000
    assert len(standin.seen) == 1


async def test_a_call_of_silence_has_no_words() -> None:
    async with deepgram([], final_delay_s=0.0) as standin:

        async def audio() -> AsyncIterator[Audio]:
            yield Audio(start_ts=0, samples=quiet(5_000))

        heard = [event async for event in DeepgramTranscriber(options(standin)).hear(audio(), Hearing())]
    assert spoken(heard) == []
    assert heard[-1] == HeardThrough(ts=5_000)
