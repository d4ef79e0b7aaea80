"""What single messages mean, in orders and shapes that the vendor's documentation does not promise against."""

from __future__ import annotations

from typing import Any

import pytest

from ridealong.speech import Hearing, SpokenWord, Words
from ridealong.speech.providers.deepgram.ear import ClockBroken, Ear

LONG = 600_000


def word(text: str, start: float, speaker: float | None = 0) -> dict[str, Any]:
    said: dict[str, Any] = {"word": text, "start": start, "end": start + 0.2, "confidence": 1}
    return said if speaker is None else {**said, "speaker": speaker}


def results(start: float, end: float, *words: dict[str, Any], final: bool = True) -> dict[str, Any]:
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "start": start,
        "duration": end - start,
        "is_final": final,
        "speech_final": False,
        "channel": {"alternatives": [{"transcript": " ".join(w["word"] for w in words), "words": list(words)}]},
    }


def begun(ear: Ear | None = None, origin_ts: float = 0.0) -> Ear:
    ear = ear or Ear(Hearing())
    ear.begin(origin_ts)
    return ear


def take(ear: Ear, *messages: dict[str, Any]) -> list[SpokenWord]:
    return [
        each
        for message in messages
        for heard in ear.take(message, LONG)
        if isinstance(heard, Words)
        for each in heard.words
    ]


def test_a_speaker_number_written_as_a_float_is_a_speaker() -> None:
    said = take(begun(), results(0, 2, word("one", 0.5, 0.0), word("two", 1.0, 1.0)))
    assert [each.speaker for each in said] == [0, 1]


def test_a_clock_that_begins_anew_in_audio_sent_again_is_not_taken_for_words_said_before() -> None:
    ear = begun()
    take(ear, results(0, 5, word("one", 1)), results(5, 20, word("two", 12)))
    begun(ear, 10_000.0)
    take(ear, results(0, 5, word("two", 2)), results(5, 13, word("three", 12)))
    with pytest.raises(ClockBroken):
        take(ear, results(0, 1.9, word("four", 0.5), word("five", 1)))


def test_a_clock_that_begins_anew_in_a_longer_window_is_noticed_too() -> None:
    ear = begun()
    take(ear, results(0, 5, word("one", 1), word("two", 2)))
    with pytest.raises(ClockBroken):
        take(ear, results(0, 9, word("three", 0.5), word("four", 1.5), word("five", 2.5), word("six", 8)))


def test_a_clock_that_begins_anew_before_anything_is_final_is_noticed_by_a_window_before_the_audio() -> None:
    with pytest.raises(ClockBroken):
        take(begun(None, 4_000.0), results(-2.7, 0.4, word("one", 0.1)))


def test_a_result_of_the_audio_sent_again_may_come_twice() -> None:
    ear = begun()
    take(ear, results(0, 5, word("one", 1)), results(5, 20, word("two", 12)))
    begun(ear, 10_000.0)
    again = results(0, 5, word("two", 2, 1))
    said = take(ear, again, results(5, 13, word("three", 12, 1)), again, results(13, 15, word("four", 14, 1)))
    assert [(each.text, each.speaker) for each in said] == [("three", 0), ("four", 0)]


def test_an_empty_interim_that_overtook_a_final_does_not_call_its_time_silent() -> None:
    ear = begun()
    take(ear, results(0, 2, word("one", 1)))
    take(ear, results(5, 9, final=False))
    assert ear.through(9_000, 0).ts == 2_000
    assert [each.text for each in take(ear, results(2, 5, word("two", 3)))] == ["two"]


def test_a_vendor_that_mixed_up_windows_with_holes_once_is_waited_for() -> None:
    ear = begun()
    take(ear, results(1, 2, word("one", 1)))
    ear.release()
    assert [each.text for each in take(ear, results(5, 6, word("three", 5)), results(3, 4, word("two", 3)))] == [
        "three",
        "two",
    ]
    assert [each.text for each in take(ear, results(9, 10, word("five", 9)), results(7, 8, word("four", 7)))] == []
    said = [w.text for heard in ear.release() if isinstance(heard, Words) for w in heard.words]
    assert said == ["four", "five"]
