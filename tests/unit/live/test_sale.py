"""The running belief that a call is a sale, with a sense that reads one number."""

from __future__ import annotations

import numpy as np
import pytest

from ridealong.app.bench.wires import script
from ridealong.embedding.minilm import MiniLm, load_embedder
from ridealong.live.sale import LIMIT, SaleBelief, SaleSense, load_sale_sense, no_sale_texts
from ridealong.live.train import shipped_examples

SENSE = SaleSense(weights=np.array([1.0], np.float32), bias=0.0)


def believed(*said: float) -> SaleBelief:
    belief = SaleBelief(SENSE)
    for log_odds in said:
        belief.heard(np.array([log_odds], np.float32))
    return belief


@pytest.fixture(scope="module")
def embedder() -> MiniLm:
    return load_embedder()


def test_before_a_word_was_said_a_sale_is_likely_and_not_sure() -> None:
    assert 0.6 < SaleBelief(SENSE).likelihood < 0.9


def test_every_utterance_moves_the_belief_its_own_way() -> None:
    assert believed(1.0).likelihood > believed().likelihood > believed(-1.0).likelihood


def test_no_single_utterance_decides() -> None:
    assert believed(-100.0).likelihood == believed(-2.0).likelihood > 0.5


def test_a_talk_that_is_no_sale_is_known_within_a_minute_and_a_call_may_turn() -> None:
    assert believed(*[-1.0] * 10).likelihood < 0.05
    turned = believed(*[-2.0] * 50, *[2.0] * 12)
    assert turned.likelihood > 0.95
    assert believed(*[2.0] * 500).likelihood == pytest.approx(1 / (1 + np.exp(-LIMIT)))


def test_the_talks_that_are_no_sale_are_many_and_share_hardly_a_line_with_sales() -> None:
    others = no_sale_texts()
    assert len(others) > 500
    # "That's clear", "Agreed": said everywhere.
    assert len(set(others) & {example.text for example in shipped_examples()}) < 5


def test_a_call_of_plain_sentences_is_a_sale(embedder: MiniLm) -> None:
    """The bench's script: prices, vendors and proposals, and nothing of what people say beside them."""
    belief = SaleBelief(load_sale_sense(embedder))
    for line in script(90_000):
        belief.heard(embedder.views([line["text"]])[0])
        assert belief.likelihood > 0.6
    assert belief.likelihood > 0.95
