"""The local models on real voices."""

from __future__ import annotations

import numpy as np
import pytest

from ridealong.core.errors import InvalidAudio
from ridealong.core.transcript import SpeakerId
from ridealong.sample import sample_audio_path
from ridealong.speech import EnrolledVoice, Heard, Hearing, KnownVoice, VoiceMatched, Words
from ridealong.speech.audio import read_recording
from ridealong.speech.diarize import find_voices
from ridealong.speech.listener import Listener, Models
from ridealong.speech.voices import Enrolment
from tests.unit.speech.sound import conversation, final_words, first_voice, second_voice, silence


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.load()


def hear(models: Models, samples: np.ndarray, hearing: Hearing | None = None) -> list[Heard]:
    listener = Listener(models, hearing or Hearing())
    heard = [event for at in range(0, samples.shape[0], 1_600) for event in listener.feed(samples[at : at + 1_600])]
    return heard + listener.finish()


@pytest.mark.parametrize(
    "samples",
    [
        silence(3),
        np.random.default_rng(0).normal(0, 0.02, 48_000).astype(np.float32),
        np.sin(np.arange(48_000) * 0.17).astype(np.float32),
    ],
    ids=["silence", "noise", "tone"],
)
def test_nothing_is_written_where_nobody_speaks(models: Models, samples: np.ndarray) -> None:
    assert final_words(hear(models, samples)) == []


def test_a_call_of_one_second_is_heard(models: Models) -> None:
    assert len(final_words(hear(models, first_voice(0.5, 1.5)))) >= 1


def test_clipped_audio_is_still_heard(models: Models) -> None:
    clipped = np.clip(first_voice(0.5, 6.0) * 30, -1, 1)
    assert len(final_words(hear(models, clipped))) >= 5


def test_one_person_is_one_speaker(models: Models) -> None:
    speakers = {speaker for _, _, speaker, _ in final_words(hear(models, first_voice(0, 28.6)))}
    assert speakers == {0}


def test_a_long_turn_is_cut_before_it_lasts_much_longer_than_twelve_seconds(models: Models) -> None:
    loop = np.concatenate([first_voice(1.0, 3.0)] * 12)
    for event in hear(models, loop):
        if isinstance(event, Words):
            assert event.words[-1].end_ts - event.words[0].start_ts <= 12_100


def test_a_known_voice_keeps_its_id_after_a_restart(models: Models) -> None:
    known = KnownVoice(speaker_id=SpeakerId(4), samples=second_voice(0, 4.5))
    heard = final_words(hear(models, second_voice(4.5, 9.5), Hearing(known_voices=(known,), resumed_at_ts=60_000)))
    assert {speaker for _, _, speaker, _ in heard} == {4}
    assert all(start >= 60_000 for start, *_ in heard)


def test_an_enrolled_voice_is_recognised_and_another_one_is_not(models: Models) -> None:
    print_of_first = Enrolment(models.voices, models.activity).enrol(first_voice(20, 45))
    assert len(print_of_first) == 512
    hearing = Hearing(enrolled_voices=(EnrolledVoice(rep_id="ada", voiceprint=print_of_first),))
    samples, _ = conversation()
    matches = [event for event in hear(models, samples, hearing) if isinstance(event, VoiceMatched)]
    assert {(match.speaker_id, match.rep_id) for match in matches} == {(0, "ada")}
    assert all(0.5 <= match.confidence < 1 for match in matches)


def test_too_little_speech_makes_no_voiceprint(models: Models) -> None:
    with pytest.raises(InvalidAudio, match="8 s"):
        Enrolment(models.voices, models.activity).enrol(np.concatenate([first_voice(0, 4), silence(20)]))


def test_a_draft_hardly_changes_what_is_written(models: Models) -> None:
    whole = models.recognizer.recognize(first_voice(0.5, 4.0))
    draft = models.recognizer.recognize(first_voice(0.5, 3.0)).tokens
    again = models.recognizer.recognize(first_voice(0.5, 4.0), draft=draft)
    assert again.text.split()[:3] == whole.text.split()[:3]
    assert abs(len(again.tokens) - len(whole.tokens)) <= 3


def test_memory_of_a_long_call_stays_bounded(models: Models) -> None:
    listener = Listener(models, Hearing())
    for _ in range(60):
        listener.feed(np.zeros(16_000, dtype=np.float32))
    assert listener.kept_ms < 3_000


@pytest.mark.parametrize("voices", [1, 2, 3])
def test_as_many_voices_are_found_as_there_are(voices: int) -> None:
    random = np.random.default_rng(voices)
    centres = random.normal(size=(voices, 512))
    # As spread out as real windows: cosine about 0.4 within one voice.
    vectors = np.repeat(centres, 30, axis=0) + random.normal(size=(voices * 30, 512)) * 1.2
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    labels = find_voices(unit, np.arange(voices * 30) * 1_500)
    assert [len(set(labels[v * 30 : v * 30 + 30].tolist())) for v in range(voices)] == [1] * voices
    assert len(set(labels.tolist())) == voices


TWO_KNOWN = Hearing(
    known_voices=(
        KnownVoice(speaker_id=SpeakerId(0), samples=first_voice(16, 28)),
        KnownVoice(speaker_id=SpeakerId(1), samples=second_voice(0, 10)),
    )
)


def test_a_turn_that_another_voice_follows_at_once_is_finished_while_that_voice_still_begins(models: Models) -> None:
    call = read_recording(sample_audio_path()).samples[:, 0]
    rep, customer, turns = (call[a * 16_000 : b * 16_000] for a, b in ((10, 19), (20, 30), (161, 168)))
    known = (KnownVoice(speaker_id=SpeakerId(0), samples=rep), KnownVoice(speaker_id=SpeakerId(1), samples=customer))
    follower = 163_680 - 161_000
    listener = Listener(models, Hearing(known_voices=known))
    for at in range(0, turns.shape[0], 512):
        for event in listener.feed(turns[at : at + 512], partials=False):
            if isinstance(event, Words):
                assert {word.speaker for word in event.words} == {1}
                assert event.words[-1].end_ts <= follower
                assert follower < (at + 512) // 16 <= follower + 800
                return
    pytest.fail("the turn was never finished")


def test_a_short_silence_of_one_voice_ends_nothing(models: Models) -> None:
    samples = np.concatenate([first_voice(0.5, 2.5), silence(0.2), first_voice(2.5, 5.0), silence(1)])
    assert len([event for event in hear(models, samples, TWO_KNOWN) if isinstance(event, Words)]) == 1
