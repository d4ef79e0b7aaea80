"""What the cascade asks and what it gains, on labelled calls, with models that answer from the labels."""

from __future__ import annotations

from statistics import mean

import pytest

from ridealong.app.bench.cascade import MODELS, ORACLE, Heard, ask_all, hear, play, rows
from ridealong.app.bench.classify import DEFAULT_FOLDER, read_call
from ridealong.embedding.minilm import load_embedder
from ridealong.live.taxonomy import default_taxonomy
from ridealong.live.train import load_head
from ridealong.sample import sample_transcript_path

FLOORS = {t.id: t.floor for t in default_taxonomy().content_types}


@pytest.fixture(scope="module")
def heard() -> list[Heard]:
    reader = load_embedder()
    paths = [*sorted(DEFAULT_FOLDER.glob("*.jsonl")), sample_transcript_path()]
    return hear([read_call(path) for path in paths], reader, load_head(reader))


def test_few_utterances_are_asked_about(heard: list[Heard]) -> None:
    assert 0.02 < play(heard, ORACLE).asked <= 0.17


def test_a_model_that_is_right_makes_it_better(heard: list[Heard]) -> None:
    alone, helped = play(heard, None), play(heard, ORACLE)
    assert helped.macro_f1() > alone.macro_f1() + 0.04
    assert helped.macro_f1(FLOORS) > alone.macro_f1(FLOORS) + 0.06


def test_a_model_that_errs_makes_it_no_worse(heard: list[Heard]) -> None:
    alone = play(heard, None)
    for model in MODELS[1:]:
        runs = [play(heard, model, seed=seed) for seed in range(5)]
        assert mean(r.macro_f1() for r in runs) > alone.macro_f1() - 0.005
        assert mean(r.macro_f1(FLOORS) for r in runs) > alone.macro_f1(FLOORS)


def test_a_model_that_errs_does_better_in_the_cascade_than_alone(heard: list[Heard]) -> None:
    assert ask_all(heard, ORACLE).macro_f1() > 0.99
    for model in MODELS[1:]:
        assert play(heard, model, seed=1).macro_f1() > ask_all(heard, model, seed=1).macro_f1()


def test_the_bench_says_how_often_the_model_is_asked_and_that_it_is_made_up() -> None:
    calls, *gains = rows()
    assert calls.ok is True
    assert calls.numbers["share"] == pytest.approx(
        calls.numbers["calls_an_hour"] / calls.numbers["calls_an_hour_one_per_utterance"]
    )
    assert len(gains) == len(MODELS)
    assert all("made-up" in row.what for row in gains)
    assert [row.ok for row in gains] == [None, True, True]


def test_without_a_model_nothing_changes(heard: list[Heard]) -> None:
    alone = play(heard, None)
    assert alone.asked == 0
    assert all(
        set(j.found) == {d.type for d in h.classified.detections} for j, h in zip(alone.judged, heard, strict=True)
    )
