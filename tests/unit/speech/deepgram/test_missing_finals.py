"""A final that does not come: it is asked for again, and what cannot be had is told as not heard."""

from __future__ import annotations

import numpy as np
import pytest

from ridealong.speech import Hearing, NotHeard, Words
from ridealong.speech.providers.deepgram.ear import Ear
from tests.unit.speech.deepgram.listening import assert_same, first, hear, script, spoken
from tests.unit.speech.deepgram.test_order_of_finals import results
from tests.vendors.deepgram import Mischief, Spoken, marked_audio

PAUSE_S = 0.01
"""Ten times as fast as it is spoken: interims come between the finals."""


def recorded(channels: int = 1) -> Hearing:
    """A call whose recording can be read again."""

    async def earlier(start_ts: int, end_ts: int) -> np.ndarray:
        return marked_audio(end_ts - start_ts, channels, start_ts)

    return Hearing(channels=channels, earlier=earlier)


@pytest.mark.parametrize("pause_s", [0.0, PAUSE_S])
@pytest.mark.parametrize("at_ms", [22_000, 36_000, 57_000])
async def test_a_final_that_never_comes_is_heard_on_another_connection(at_ms: int, pause_s: float) -> None:
    heard, standin = await hear(script(), first(Mischief(lose_final_at_ms=at_ms)), hearing=recorded(), pause_s=pause_s)
    assert_same(heard, script())
    assert len(standin.seen) == 2
    assert not any(isinstance(event, NotHeard) for event in heard)


@pytest.mark.parametrize("at_ms", [22_000, 38_000])
async def test_the_same_with_two_channels(at_ms: int) -> None:
    heard, _ = await hear(script(), first(Mischief(lose_final_at_ms=at_ms)), hearing=recorded(2), pause_s=PAUSE_S)
    want = [(w.text, w.start_ts, w.speaker) for w in script()]
    assert sorted((w.text, w.start_ts, w.speaker) for w in spoken(heard)) == sorted(want)


async def test_a_final_that_no_connection_gives_is_told_as_not_heard_and_once() -> None:
    at_ms = 22_000
    heard, standin = await hear(
        script(), lambda _: Mischief(lose_final_at_ms=at_ms), hearing=recorded(), pause_s=PAUSE_S
    )
    assert len(standin.seen) == 2
    (gap,) = [event for event in heard if isinstance(event, NotHeard)]
    assert gap.start_ts <= at_ms < gap.end_ts
    rest = [w for w in script() if not gap.start_ts <= (w.start_ts + w.end_ts) / 2 < gap.end_ts]
    assert [w.text for w in spoken(heard)] == [w.text for w in rest]


def texts(heard: list[object]) -> list[str]:
    return [word.text for event in heard if isinstance(event, Words) for word in event.words]


def said(*words: tuple[str, int, int]) -> list[Spoken]:
    return [Spoken(text=text, start_ts=start, end_ts=end, speaker=0) for text, start, end in words]


def test_of_two_finals_that_come_late_into_one_hole_both_are_heard() -> None:
    ear = Ear(Hearing())
    ear.begin(0)
    late = [said(("one", 200, 900)), said(("two", 1_100, 1_900))]
    heard: list[object] = [*ear.take(results(said(("three", 2_200, 2_900)), 2_000, 3_000, final=True), 5_000)]
    heard += ear.release()
    heard += ear.take(results(late[0], 0, 1_000, final=True), 5_000)
    heard += ear.take(results(late[1], 1_000, 2_000, final=True), 5_000)
    assert sorted(texts(heard)) == ["one", "three", "two"]


def again(before: list[Spoken], after: list[Spoken]) -> list[str]:
    """What is said in all of `before` on one connection, and `after` on the next, which hears everything again."""
    ear = Ear(Hearing())
    ear.begin(0)
    heard: list[object] = [*ear.take(results(before, 0, before[-1].end_ts, final=True), 9_000)]
    ear.begin(0)
    heard += ear.take(results(after, 0, after[-1].end_ts, final=True), 9_000)
    return texts([*heard, *ear.finish(9_000)])


def test_the_second_of_two_equal_words_is_not_taken_for_the_first_one() -> None:
    before = said(("Well,", 1_000, 1_300), ("no,", 1_400, 1_520))
    after = said(("Well,", 1_000, 1_300), ("no,", 1_400, 1_520), ("no,", 1_530, 1_650), ("thanks.", 1_700, 2_000))
    assert again(before, after) == ["Well,", "no,", "no,", "thanks."]


def test_a_short_new_word_that_seems_to_lie_before_the_cut_is_heard() -> None:
    before = said(("Well,", 1_000, 1_300), ("no,", 1_400, 1_600))
    # The same audio some ms earlier, as another connection's grid of times has it.
    after = said(("Well,", 940, 1_240), ("no,", 1_340, 1_540), ("I", 1_545, 1_635), ("do.", 1_640, 1_900))
    assert again(before, after) == ["Well,", "no,", "I", "do."]


def test_a_word_that_is_punctuated_otherwise_is_the_same_word() -> None:
    before = said(("a", 1_000, 1_100), ("promise.", 1_200, 1_500))
    after = said(("a", 1_060, 1_160), ("promise", 1_340, 1_740), ("That", 1_900, 2_100))
    assert again(before, after) == ["a", "promise.", "That"]
