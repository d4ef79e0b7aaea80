"""Confidence: signals to one probability, its words, its doubts, and what votes teach it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ridealong.app.bench.confidence_fit import Assumed, hosted_claims
from ridealong.core.confidence import FEATURES, WORDS, Signals, doubts, features, in_words
from ridealong.core.errors import Refused
from ridealong.postcall.confidence import (
    INTERCEPT,
    calibration_error,
    confidence_of,
    fit_votes,
    logistic,
    probabilities,
    shipped_confidence,
)

SURE = Signals(own=0.9, hosted=True, second="supported", likeness=0.5, shared=0.5)


def probability(**changes: object) -> float:
    return shipped_confidence().probability(replace(SURE, **changes))  # pyright: ignore[reportArgumentType]


def test_every_shaky_signal_makes_a_claim_less_sure() -> None:
    sure = probability()
    for changes in (
        {"own": 0.5},
        {"second": None},
        {"second": "partly"},
        {"speaker": 0.6},
        {"role": 0.6},
        {"overlapped": True},
        {"estimated": 1.0},
        {"nearest": 0.29, "absence": True},
        {"repaired": True},
        {"contradicted": True},
    ):
        assert probability(**changes) < sure, changes
    assert probability(second="partly") < probability(second=None) < sure


def test_a_claim_on_a_shaky_span_says_so_and_names_no_words() -> None:
    assert doubts(SURE) == ()
    shaky = replace(SURE, overlapped=True, speaker=0.5, estimated=1.0, role_guessed=True, second="partly")
    assert [d.split()[0] for d in doubts(shaky)] == ["two", "who", "the", "which", "a"]
    assert doubts(None) == ()


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.99, "almost certain"), (0.9, "almost certain"), (0.896, "almost certain"), (0.7, "likely"),
     (0.69, "more likely than not"),
     (0.5, "more likely than not"), (0.3, "uncertain"), (0.29, "doubtful"), (0.0, "doubtful")],
)  # fmt: skip
def test_the_words_follow_the_number_as_it_is_shown(value: float, words: str) -> None:
    assert in_words(value) == words


def test_signals_survive_being_stored_by_this_version_or_an_earlier_one() -> None:
    assert Signals.of(SURE.as_json()) == SURE
    assert Signals.of({"own": 0.5, "of a later version": 1}) == Signals(own=0.5)
    assert Signals.of({}) is None
    assert len(features(SURE)) == len(FEATURES)
    assert [least for least, _ in WORDS] == sorted((least for least, _ in WORDS), reverse=True)


def votes(count: int, seed: int, *, harsh: float) -> list[tuple[Signals, bool]]:
    """Claims as they may be, by people of whom a share `harsh` of those who should agree does not."""
    pool = [Signals(own=0.5, likeness=0.3, shared=0.2)]
    found, holds = hosted_claims(pool * 2, [True, False], Assumed(), count, seed)
    chance = np.random.default_rng(seed)
    return [(s, h and bool(chance.random() >= harsh)) for s, h in zip(found, holds, strict=True)]


def test_votes_teach_a_tenants_own_weights_and_their_error_falls() -> None:
    fit = fit_votes(votes(400, 5, harsh=0.4), shipped_confidence())
    assert fit.error_after < fit.error_before - 0.05
    assert fit.agreed + fit.disagreed == 400
    unseen = votes(2000, 6, harsh=0.4)
    rows = np.array([features(s) for s, _ in unseen])
    holds = np.array([float(h) for _, h in unseen])
    told = probabilities(np.array([fit.weights[name] for name in (INTERCEPT, *FEATURES)]), rows)
    before = np.array([shipped_confidence().probability(s) for s, _ in unseen])
    assert calibration_error(told, holds) < calibration_error(before, holds) / 2


def test_few_votes_move_the_weights_less_than_many() -> None:
    shipped = shipped_confidence()
    old = np.array([shipped.weights[name] for name in FEATURES])

    def moved(count: int) -> float:
        fit = fit_votes(votes(count, 7, harsh=0.5), shipped)
        return float(np.abs(np.array([fit.weights[name] for name in FEATURES]) - old).sum())

    assert moved(40) < moved(1500)


def test_too_few_votes_or_votes_of_one_kind_are_refused_with_what_is_missing() -> None:
    with pytest.raises(Refused, match="at least 40"):
        fit_votes(votes(39, 1, harsh=0.3), shipped_confidence())
    with pytest.raises(Refused, match="5 of each kind"):
        fit_votes([(SURE, True)] * 60, shipped_confidence())


def test_nothing_to_learn_from_leaves_the_weights_where_they_were() -> None:
    prior = np.array([0.3, *(shipped_confidence().weights[name] for name in FEATURES)])
    found = logistic(np.zeros((0, len(FEATURES))), np.zeros(0), prior, 4.0)
    assert np.allclose(found, prior)
    assert confidence_of(None).version == "shipped-2"


def test_the_calibration_error_is_the_mean_distance_by_bins() -> None:
    told, holds = np.array([0.9, 0.9, 0.1, 0.1]), np.array([1.0, 0.0, 0.0, 0.0])
    assert calibration_error(told, holds) == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)
