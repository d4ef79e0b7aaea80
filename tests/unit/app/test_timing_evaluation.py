"""The timing moments against exact times: the figure that is promised, and that the measure can fail."""

from __future__ import annotations

from ridealong.app.evaluation.timing import Mark, compare, evaluate


def test_timing_moments_agree_with_a_stop_watch() -> None:
    scores, lags = evaluate(6)
    for name, score in scores.items():
        assert score.right > 5, name
        assert score.f1 >= 0.98, (name, score)
    # Told while it lasts: within one step of the clock.
    assert lags[-1] <= 100


def test_a_trigger_that_is_off_by_more_than_the_tolerance_is_wrong_twice() -> None:
    scores = compare([Mark("silence", 5_000)], [Mark("silence", 5_051)])
    assert (scores["silence"].right, scores["silence"].missed, scores["silence"].false) == (0, 1, 1)
    assert compare([Mark("silence", 5_000)], [Mark("silence", 5_050)])["silence"].f1 == 1.0
