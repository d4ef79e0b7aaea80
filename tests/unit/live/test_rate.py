"""A call's own rate of moments: what the same words mean where they are rare."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import numpy as np
import pytest

from ridealong.core.transcript import Role, Roles, SpeakerId, Transcript, TranscriptId, Utterance
from ridealong.embedding.minilm import VIEWS_WIDTH, Earlier
from ridealong.live.classify import MomentClassifier
from ridealong.live.head import Head
from ridealong.live.rate import LEAST, WORTH, MomentRate
from ridealong.live.taxonomy import default_taxonomy

USUAL = {"price_asked": 0.15, "stall": 0.05}


def heard(rate: MomentRate, probabilities: Sequence[float]) -> MomentRate:
    for probability in probabilities:
        rate.heard({"price_asked": probability})
    return rate


def test_nothing_is_moved_before_anything_was_heard() -> None:
    assert MomentRate(USUAL).shift == pytest.approx(0.0)
    assert MomentRate(USUAL).moved("stall", 0.7) == pytest.approx(0.7)


def test_at_the_usual_rate_nothing_is_moved() -> None:
    assert heard(MomentRate(USUAL), [1.0, 0.0, 0.0, 0.0, 0.0] * 20).shift == pytest.approx(0.0, abs=0.01)


def test_the_odds_are_those_of_the_two_rates() -> None:
    rate = heard(MomentRate(USUAL), [0.0] * (3 * WORTH))
    # A quarter of the usual 0.2 is 0.05: odds of 1/19 instead of 1/4.
    assert rate.moved("price_asked", 0.5) == pytest.approx((4 / 19) / (1 + 4 / 19))


def test_a_call_that_goes_quiet_and_wakes_up_is_believed_again() -> None:
    rate = heard(MomentRate(USUAL), [0.0] * 60)
    before = rate.shift
    assert before < heard(rate, [1.0] * 10).shift <= 0


def test_it_never_lowers_far_nor_makes_surer() -> None:
    assert heard(MomentRate(USUAL), [0.0] * 10_000).shift == LEAST
    assert heard(MomentRate(USUAL), [1.0] * 10_000).shift == 0


def test_types_whose_rate_nobody_knows_are_neither_moved_nor_counted() -> None:
    rate = MomentRate({**USUAL, "their_own": 0.0})
    rate.heard({"their_own": 1.0})
    alone = MomentRate(USUAL)
    alone.heard({})
    assert rate.shift == alone.shift < 0
    assert rate.moved("their_own", 0.6) == 0.6
    assert MomentRate({}).shift == 0.0


def test_a_call_taken_up_in_the_middle_knows_what_it_was_like() -> None:
    rate = MomentRate(USUAL)
    rate.restored(30, ["price_asked", "their_own", "silence"])
    assert rate.shift == pytest.approx(heard(MomentRate(USUAL), [1.0] + [0.0] * 29).shift)


def test_certainties_stay() -> None:
    rate = heard(MomentRate(USUAL), [0.0] * 50)
    assert (rate.moved("stall", 0.0), rate.moved("stall", 1.0)) == (0.0, 1.0)


class Reader:
    """Sees one thing only: whether a text has a question mark."""

    def views(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[float("?" in text)] * VIEWS_WIDTH for text in texts], np.float32)

    def pieces(self, text: str, spans: Sequence[tuple[int, int]]) -> np.ndarray:
        return self.views([text, *(text[a:b] for a, b in spans)])

    def answer(self, text: str, role: Role, before: Sequence[Earlier], facts: np.ndarray) -> np.ndarray:
        raise AssertionError("no head here asks for that")


class AsksForThePrice(Head):
    """Sure to 0.8 where there is a question mark, and to 0.02 elsewhere."""

    def margins(self, rows: np.ndarray) -> np.ndarray:
        return np.where(rows[:, :1] > 0, 1.386, -3.89).astype(np.float32)


def classifier(share: float) -> MomentClassifier:
    one = np.ones(1, np.float32)
    head = AsksForThePrice(
        types=("price_asked",), weights=one[None], bias=0 * one, slope=one, offset=0 * one, share=share * one
    )
    return MomentClassifier(taxonomy=default_taxonomy(), embedder=Reader(), head=head)


def confidence_after(call: MomentClassifier, plain: int) -> float:
    """Of a question after so many utterances that hold nothing."""
    transcript = Transcript(TranscriptId(call_id=UUID(int=1)))
    for no in range(plain + 1):
        text = "And what would that be?" if no == plain else "That is how it has always been."
        said = Utterance(no=no, speaker=SpeakerId(1), start_ts=no * 4000, end_ts=no * 4000 + 3000, text=text)
        transcript.append(said)
        found = call.classify(transcript, said, Roles())
    return found.likelihoods["price_asked"]


def test_the_same_question_is_less_sure_in_a_call_in_which_little_happens() -> None:
    assert confidence_after(classifier(0.2), 0) == pytest.approx(0.8, abs=0.01)
    assert confidence_after(classifier(0.2), 40) < 0.6
    assert confidence_after(classifier(0.0), 40) == pytest.approx(0.8, abs=0.01)
