"""Fitting the grader: what is folded into one reading reads as before, and cuts are where agreement is best."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import pytest

from ridealong.app.bench.grading_fit import cuts, folded
from ridealong.postcall.grader import Linear
from ridealong.postcall.grading_features import FEATURES, OF_CRITERION, OF_WORDS
from ridealong.postcall.likeness_fit import examples_of, fitting_criteria


def test_a_reading_of_readings_is_folded_into_one_that_says_the_same() -> None:
    chance = np.random.default_rng(3)
    heads = tuple(Linear(weights=chance.normal(size=len(OF_WORDS)), bias=np.array(chance.normal())) for _ in range(2))
    anew = [2, 9, len(FEATURES) - 1]
    model = Linear(weights=chance.normal(size=5), bias=np.array(0.3))
    rows = chance.normal(size=(4, len(FEATURES)))
    words = rows[:, : len(OF_WORDS)]
    expected = model(np.column_stack([heads[0](words), heads[1](words), rows[:, anew]]))
    assert folded(model, (heads[0], heads[1]), anew)(rows) == pytest.approx(expected)


def test_cuts_are_where_agreement_is_best() -> None:
    # Whoever is told "no" with 0.45 or more deserves it, and "yes" from 0.5 on.
    told = np.array([[0.47, 0.2, 0.33], [0.3, 0.3, 0.4], [0.1, 0.35, 0.55], [0.05, 0.2, 0.75]] * 5)
    no_from, yes_from = cuts(told, [0, 1, 2, 2] * 5)
    assert 0.3 < no_from <= 0.47
    assert 0.4 < yes_from <= 0.55


def test_what_ships_was_fitted_for_the_features_that_are_read() -> None:
    text = files("ridealong.postcall").joinpath("calibration", "grader.json").read_text(encoding="utf-8")
    stored = json.loads(text)
    assert (tuple(stored["features"]), tuple(stored["of_criterion"])) == (FEATURES, OF_CRITERION)


def test_every_criterion_that_likeness_is_fitted_on_has_examples_that_no_other_one_turns_around() -> None:
    criteria = fitting_criteria()
    assert len({c.shown_by for c in criteria}) == len(criteria)
    assert all(not {*c.shown_by} & {*c.not_shown_by} for c in criteria)
    assert len(examples_of(criteria)) > 2000
