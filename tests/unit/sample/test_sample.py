"""The bundled sample call: its audio and its truth belong together, and it holds what a demonstration needs."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest

from ridealong.core.moments import CONTENT_TYPES, TIMING_TYPES
from ridealong.sample import sample_audio_path, sample_transcript_path

Line = dict[str, Any]


@pytest.fixture(scope="module")
def truth() -> tuple[Line, list[Line]]:
    lines = [json.loads(line) for line in sample_transcript_path().read_text(encoding="utf-8").splitlines()]
    return lines[0], lines[1:]


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    with av.open(str(sample_audio_path())) as container:
        resampler = av.AudioResampler("s16", "mono", 16_000)
        pieces = [p.to_ndarray()[0] for f in [*container.decode(audio=0), None] for p in resampler.resample(f)]
    return np.concatenate(pieces).astype(np.float32) / 32768


def types(lines: list[Line]) -> set[str]:
    return {moment["type"] for line in lines for moment in line["moments"]}


def test_the_call_lasts_about_four_minutes_and_is_small(truth: tuple[Line, list[Line]], samples: np.ndarray) -> None:
    assert 180_000 <= truth[0]["audio_ms"] <= 245_000
    assert abs(len(samples) / 16 - truth[0]["audio_ms"]) < 20
    assert sample_audio_path().stat().st_size < 1_500_000


def test_the_truth_is_a_transcript_of_two_speakers_in_order(truth: tuple[Line, list[Line]]) -> None:
    header, lines = truth
    assert header["call"]
    assert header["rep_speaker"] == 0
    assert [line["no"] for line in lines] == list(range(len(lines)))
    assert {line["speaker"] for line in lines} == {0, 1}
    assert all(a["start_ts"] <= b["start_ts"] for a, b in pairwise(lines))
    assert all(line["start_ts"] < line["end_ts"] and line["text"].strip() for line in lines)


def test_the_call_holds_many_moment_types_of_the_default_taxonomy(truth: tuple[Line, list[Line]]) -> None:
    found = types(truth[1])
    assert found <= {*CONTENT_TYPES, *TIMING_TYPES}
    assert found >= {*CONTENT_TYPES, "silence", "interruption"}


def test_each_moment_is_said_by_whom_its_type_asks_for(truth: tuple[Line, list[Line]]) -> None:
    for line in truth[1]:
        for kind in types([line]) - {"silence"}:
            assert (line["speaker"] == 0) == (kind in ("risky_promise", "interruption"))


def test_the_marked_silence_and_interruption_are_in_the_times(truth: tuple[Line, list[Line]]) -> None:
    for number, line in enumerate(truth[1]):
        if "silence" in types([line]):
            assert truth[1][number + 1]["start_ts"] - line["end_ts"] > 4_500
        if "interruption" in types([line]):
            assert truth[1][number - 1]["end_ts"] - line["start_ts"] > 500
            assert line["end_ts"] - line["start_ts"] > 1_000


def test_the_audio_speaks_where_the_truth_says_so_and_nowhere_else(
    truth: tuple[Line, list[Line]], samples: np.ndarray
) -> None:
    said = np.zeros(len(samples), dtype=bool)
    for line in truth[1]:
        part = samples[line["start_ts"] * 16 : line["end_ts"] * 16]
        assert np.sqrt((part**2).mean()) > 0.03
        said[max(0, line["start_ts"] - 60) * 16 : (line["end_ts"] + 60) * 16] = True
    quiet = samples[~said]
    assert np.abs(quiet).max() < 0.02
    # A room, not a digital nothing.
    assert np.sqrt((quiet**2).mean()) > 0.0003
