"""Two people at once on one channel: marked where they are, nowhere else."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files

import numpy as np
import pytest

from ridealong.core.transcript import SpeakerId
from ridealong.speech import Hearing, SpokenWord, Words
from ridealong.speech.assemble import Assembler
from ridealong.speech.audio import read_recording
from ridealong.speech.listener import Listener, Models
from ridealong.speech.overlap import MIN_SPAN_MS, OverlapModel, Span, mark_overlap
from tests.unit.speech.sound import conversation

INTERRUPTED_MS = (20_500, 23_000)
TALKED_INTO_MS = (INTERRUPTED_MS, (19_000, 21_500), (22_000, 24_500), (11_500, 14_000), (22_500, 25_500))
"""Where the other voice talks into a turn: at its begin, in its middle, towards its end, and into the other's turn."""


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.load()


@cache
def sample_call() -> np.ndarray:
    with as_file(files("ridealong.sample") / "call.opus") as path:
        return read_recording(path).samples[:, 0]


def said(start_ms: int, end_ms: int) -> np.ndarray:
    return sample_call()[start_ms * 16 : end_ms * 16]


def talk(*, both_ms: tuple[int, int] | None) -> np.ndarray:
    """A turn of each voice of the sample call, then one of the customer (from 18.1 s); the rep talks into it there."""
    rep, customer, again = said(10_220, 19_250), said(19_950, 28_000), said(70_560, 79_000)
    pause = np.zeros(8_000, dtype=np.float32)
    mixed = np.concatenate([rep, pause, customer, pause, again, pause])
    if both_ms is not None:
        start, end = (ms * 16 for ms in both_ms)
        mixed[start:end] += said(59_310, 59_310 + both_ms[1] - both_ms[0])
    return mixed


def words_of(models: Models, samples: np.ndarray, *, speaker: SpeakerId | None = None) -> list[SpokenWord]:
    listener = Listener(models, Hearing(), speaker=speaker)
    heard = [event for at in range(0, samples.shape[0], 1_600) for event in listener.feed(samples[at : at + 1_600])]
    return [word for event in heard + listener.finish() if isinstance(event, Words) for word in event.words]


@pytest.fixture(scope="module")
def interrupted(models: Models) -> list[SpokenWord]:
    return words_of(models, talk(both_ms=INTERRUPTED_MS))


def test_words_are_marked_where_a_second_voice_talks_into_them_and_hardly_elsewhere(
    models: Models, interrupted: list[SpokenWord]
) -> None:
    # What the recogniser writes of two people at once is chance: only of several places can a share be asked.
    inside: list[SpokenWord] = []
    outside: list[SpokenWord] = []
    for start, end in TALKED_INTO_MS:
        words = interrupted if (start, end) == INTERRUPTED_MS else words_of(models, talk(both_ms=(start, end)))
        inside += [word for word in words if start + 300 <= word.start_ts and word.end_ts <= end - 300]
        outside += [word for word in words if word.end_ts < start - 500 or end + 500 < word.start_ts]
    assert len(inside) >= 20
    assert sum(word.overlapped for word in inside) >= 0.4 * len(inside)
    assert sum(word.overlapped for word in outside) <= 0.03 * len(outside)


def test_the_speaker_of_overlapped_words_is_trusted_less(interrupted: list[SpokenWord]) -> None:
    behind = [word for word in interrupted if word.start_ts > 18_000]
    marked = [word.speaker_confidence for word in behind if word.overlapped]
    clean = [word.speaker_confidence for word in behind if not word.overlapped]
    assert max(marked) < 0.8 * min(clean)


@pytest.mark.parametrize("call", ["synthetic", "real"])
def test_hardly_a_word_is_marked_where_two_voices_take_turns(models: Models, call: str) -> None:
    samples = talk(both_ms=None) if call == "synthetic" else conversation()[0]
    words = words_of(models, samples)
    assert len({word.speaker for word in words}) >= 2
    assert sum(word.overlapped for word in words) <= 0.03 * len(words)


def test_one_channel_with_a_fixed_speaker_is_left_to_who_hears_both_channels(models: Models) -> None:
    words = words_of(models, talk(both_ms=INTERRUPTED_MS)[18_000 * 16 :], speaker=SpeakerId(0))
    assert words
    assert not any(word.overlapped for word in words)


def test_the_utterance_with_an_overlapped_word_is_overlapped(interrupted: list[SpokenWord]) -> None:
    assembler = Assembler()
    utterances = [u for word in interrupted for u in assembler.feed(Words(words=(word,)))] + assembler.flush()
    marked = [u for u in utterances if u.overlapped]
    assert any(u.start_ts < INTERRUPTED_MS[1] and u.end_ts > INTERRUPTED_MS[0] for u in marked)
    assert len(marked) < len(utterances)


def word(start_ts: int, end_ts: int) -> SpokenWord:
    return SpokenWord(text="word", start_ts=start_ts, end_ts=end_ts, speaker=SpeakerId(1), speaker_confidence=0.9)


def test_a_word_is_overlapped_when_half_of_it_is() -> None:
    span = Span(start_ms=200, end_ms=600, probability=0.8)
    before, edge, inside, behind = mark_overlap(
        [word(1_000, 1_250), word(1_150, 1_250), word(1_300, 1_500), word(1_590, 1_800)], [span], 1_000
    )
    assert [w.overlapped for w in (before, edge, inside, behind)] == [False, True, True, False]
    assert before.speaker_confidence == 0.9
    assert inside.speaker_confidence == pytest.approx(0.9 * 0.6)
    assert {w.speaker for w in (before, edge, inside, behind)} == {1}


def test_no_states_have_no_overlap_and_a_short_burst_is_none() -> None:
    model = OverlapModel()
    assert model.spans(np.zeros((0, 288), dtype=np.float32)) == []
    noise = np.random.default_rng(3).normal(0, 3, (500, 288)).astype(np.float32)
    assert all(span.end_ms - span.start_ms >= MIN_SPAN_MS for span in model.spans(noise))
