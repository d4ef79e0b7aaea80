"""Finals that overtake each other, with and without a moment's patience: every word comes out, once."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ridealong.speech import Hearing, Words
from ridealong.speech.providers.deepgram.ear import Ear
from tests.unit.speech.deepgram.listening import script
from tests.vendors.deepgram import Spoken

UNTIL_MS = 40_000
"""Before two people speak at once: there a window has no one place."""


def results(words: list[Spoken], start_ts: int, end_ts: int, *, final: bool, ends_turn: bool = False) -> dict[str, Any]:
    told = [
        {"word": w.text, "punctuated_word": w.text, "start": w.start_ts / 1000, "end": w.end_ts / 1000, "speaker": 0}
        for w in words
    ]
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "start": start_ts / 1000,
        "duration": (end_ts - start_ts) / 1000,
        "is_final": final,
        "speech_final": ends_turn,
        "channel": {"alternatives": [{"transcript": " ".join(w.text for w in words), "words": told}]},
    }


def windows(words: list[Spoken], chance: random.Random, *, whole: bool) -> list[tuple[list[Spoken], int, int]]:
    """The words cut into windows that follow each other, or that begin with their first word."""
    cut: list[tuple[list[Spoken], int, int]] = []
    at, end = 0, 0
    while at < len(words):
        mine = words[at : at + chance.randint(1, 16)]
        at += len(mine)
        start, end = (end if whole else mine[0].start_ts), mine[-1].end_ts
        cut.append((mine, start, end))
    return cut


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("impatient", [0.0, 0.1, 1.0])
def test_every_word_comes_out_once_however_finals_overtake_each_other(whole: bool, impatient: float) -> None:
    words = script(UNTIL_MS)
    for seed in range(60):
        chance = random.Random(seed)
        cut = windows(words, chance, whole=whole)
        order = list(range(len(cut)))
        for at in range(0, len(order) - 1, 2):
            if chance.random() < 0.7:
                order[at], order[at + 1] = order[at + 1], order[at]
        ear = Ear(Hearing())
        ear.begin(0)
        heard = []
        for n, at in enumerate(order):
            for shown in range(n, max(order[: n + 1]) + 1):
                if chance.random() < 0.5:
                    heard += ear.take(results(*cut[shown], final=False), UNTIL_MS)
            final = results(*cut[at], final=True, ends_turn=chance.random() < 0.4)
            heard += ear.take(final, UNTIL_MS)
            if chance.random() < 0.2:
                heard += ear.take(final, UNTIL_MS)
            if chance.random() < impatient:
                heard += ear.release()
        heard += ear.finish(UNTIL_MS)
        got = [(word.start_ts, word.text) for event in heard if isinstance(event, Words) for word in event.words]
        assert sorted(got) == [(word.start_ts, word.text) for word in words], seed


def test_a_word_of_somebody_who_spoke_at_once_is_not_taken_for_an_old_one() -> None:
    both = [Spoken(text="Right.", start_ts=1_000, end_ts=1_590, speaker=0)]
    next_words = [
        Spoken(text="drivers,", start_ts=1_100, end_ts=1_500, speaker=1),
        Spoken(text="and", start_ts=1_600, end_ts=1_800, speaker=1),
    ]
    ear = Ear(Hearing())
    ear.begin(0)
    heard = ear.take(results(both, 0, 1_590, final=True), 5_000)
    heard += ear.take(results(next_words, 1_100, 1_800, final=True), 5_000)
    heard += ear.finish(5_000)
    got = [word.text for event in heard if isinstance(event, Words) for word in event.words]
    assert got == ["Right.", "drivers,", "and"]


def test_what_waits_for_an_earlier_window_is_not_overtaken_by_the_next() -> None:
    words = [
        Spoken(text=f"w{at}", start_ts=at, end_ts=at + 900, speaker=0) for at in (1_000, 2_100, 3_200, 4_300, 5_400)
    ]
    ear = Ear(Hearing())
    ear.begin(0)

    def say(at: int, *, final: bool) -> list[str]:
        word = words[at]
        heard = ear.take(results([word], word.start_ts, word.end_ts, final=final), 9_000)
        return [w.text for event in heard if isinstance(event, Words) for w in event.words]

    got = say(0, final=True)
    got += [w.text for event in ear.release() if isinstance(event, Words) for w in event.words]
    got += say(1, final=False)
    got += say(2, final=True)
    got += say(1, final=True)
    got += say(3, final=False)
    got += say(4, final=True)
    got += say(3, final=True)
    got += [w.text for event in ear.finish(9_000) if isinstance(event, Words) for w in event.words]
    assert got == [word.text for word in words]
