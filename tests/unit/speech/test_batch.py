"""Whole recordings: every word at once becomes utterances."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest

from ridealong.core.errors import InvalidSettings
from ridealong.core.transcript import SpeakerId, Utterance
from ridealong.speech import Audio, Hearing, SpokenWord
from ridealong.speech.batch import HeardToTheEnd, utterances_of
from ridealong.speech.providers.replay import ReplayTranscriber
from ridealong.speech.session_file import RecordedSession


def word(text: str, start_ts: int, speaker: int, length_ms: int = 250) -> SpokenWord:
    return SpokenWord(text=text, start_ts=start_ts, end_ts=start_ts + length_ms, speaker=SpeakerId(speaker))


def said(*words: SpokenWord) -> list[tuple[int, int, str]]:
    return [(u.no, int(u.speaker), u.text) for u in utterances_of(words)]  # type: ignore[arg-type]


def test_a_change_of_speaker_ends_a_turn_word_by_word() -> None:
    words = [word("one", 0, 0), word("two", 300, 0), word("yes", 600, 1), word("three", 900, 0)]
    assert said(*words) == [(0, 0, "one two"), (1, 1, "yes"), (2, 0, "three")]


def test_two_people_who_speak_at_once_are_two_turns_and_no_word_salad() -> None:
    a = [word(f"a{i}", 300 * i, 0, 300) for i in range(10)]
    b = [word(f"b{i}", 310 + 300 * i, 1, 290) for i in range(4)]
    assert said(*a, *b) == [(0, 0, " ".join(w.text for w in a)), (1, 1, "b0 b1 b2 b3")]


def test_a_pause_ends_a_turn_and_a_long_turn_is_cut() -> None:
    assert said(word("one", 0, 0), word("two", 1_000, 0)) == [(0, 0, "one"), (1, 0, "two")]
    long = utterances_of(word(f"w{i}", 300 * i, 0) for i in range(200))
    assert all(u.duration_ms <= 12_000 for u in long)
    assert " ".join(u.text for u in long).split() == [f"w{i}" for i in range(200)]


def test_nothing_heard_is_nothing_said() -> None:
    assert utterances_of([]) == ()


async def silence(ms: int) -> AsyncIterator[Audio]:
    for start in range(0, ms, 100):
        yield Audio(start_ts=start, samples=np.zeros((1_600, 1), np.float32))


async def test_any_transcriber_hears_a_recording_to_its_end() -> None:
    spoken = (
        Utterance(no=0, speaker=SpeakerId(0), start_ts=100, end_ts=900, text="Hello there."),
        Utterance(no=1, speaker=SpeakerId(1), start_ts=1_800, end_ts=2_400, text="Good morning."),
    )
    batch = HeardToTheEnd(
        {1: ReplayTranscriber(RecordedSession(call="test", rep_speakers=(SpeakerId(0),), utterances=spoken))}
    )
    words = await batch.transcribe(silence(3_000), Hearing())
    assert [(u.text, u.start_ts, u.end_ts) for u in utterances_of(words)] == [
        ("Hello there.", 100, 900),
        ("Good morning.", 1_800, 2_400),
    ]
    with pytest.raises(InvalidSettings):
        await batch.transcribe(silence(100), Hearing(channels=2))
