"""The bench's made calls and its count of talking at once."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from ridealong.app.bench.heldout import made_calls, read_turns
from ridealong.app.bench.speech import overlap_errors
from ridealong.core.transcript import SpeakerId
from ridealong.speech import SpokenWord

RATE = 16_000
TONES = {"MAB": 200, "FCD": 1_500, "both": 4_000}
"""Each voice is a tone, and where both speak there is a third: a piece's spectrum tells whose it is."""


def _write(path: Path, pieces: list[tuple[str, float]]) -> None:
    sound = np.concatenate([np.sin(np.arange(int(s * RATE)) * TONES[w] * 2 * np.pi / RATE) for w, s in pieces])
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray((sound * 8_000).astype(np.int16)[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.fixture
def meeting(tmp_path: Path) -> Path:
    _write(tmp_path / "m.flac", [("MAB", 9.0), ("both", 1.0), ("FCD", 9.0)])
    (tmp_path / "m.rttm").write_text(
        "SPEAKER m 1 0.000 10.000 <NA> <NA> MAB <NA> <NA>\nSPEAKER m 1 9.000 10.000 <NA> <NA> FCD <NA> <NA>\n"
    )
    return tmp_path


def test_turns_are_read_as_speaker_start_and_end(meeting: Path) -> None:
    assert read_turns(meeting / "m.rttm") == [("MAB", 0.0, 10.0), ("FCD", 9.0, 19.0)]


def test_a_made_call_holds_only_what_each_voice_said_alone_in_turns_that_never_meet(meeting: Path) -> None:
    recorded, _ = made_calls(meeting)
    speakers = [speaker for speaker, _, _ in recorded.turns]
    assert set(speakers) == {"MAB", "FCD"}
    assert all(before[2] < after[1] for before, after in zip(recorded.turns, recorded.turns[1:], strict=False))
    for speaker, start, end in recorded.turns:
        spectrum = np.abs(np.fft.rfft(recorded.samples[int(start * RATE) : int(end * RATE)]))
        loudest = float(spectrum.argmax()) / (end - start)
        assert loudest == pytest.approx(TONES[speaker], rel=0.02)


def test_a_made_call_is_the_same_every_time_and_comes_with_moved_tracts(meeting: Path) -> None:
    first, moved = made_calls(meeting)
    again, _ = made_calls(meeting)
    assert np.array_equal(first.samples, again.samples)
    assert moved.name == f"{first.name}, tracts moved"
    _, start, end = next(turn for turn in moved.turns if turn[0] == "MAB")
    spectrum = np.abs(np.fft.rfft(moved.samples[int(start * RATE) : int(end * RATE)]))
    assert float(spectrum.argmax()) / (end - start) == pytest.approx(220, rel=0.02)


def test_no_recording_makes_no_call(tmp_path: Path) -> None:
    assert made_calls(tmp_path) == []


def test_overlap_is_counted_in_seconds_marked_right_and_there() -> None:
    turns = [("a", 0.0, 4.0), ("b", 3.0, 6.0)]
    words = [
        SpokenWord(text="x", start_ts=start, end_ts=end, speaker=SpeakerId(0), overlapped=overlapped)
        for start, end, overlapped in ((0, 500, False), (2_500, 3_500, True), (3_500, 4_000, False))
    ]
    assert overlap_errors(turns, words, 6.0) == {
        "overlap_s": 1.0,
        "overlap_marked_s": 1.0,
        "overlap_found_s": 0.5,
    }
