"""Agreement of reviewer and person: the statistic against worked examples, and how what is left open counts."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import pytest

from ridealong.app.bench.agreement import Answered, agreement
from ridealong.app.bench.judged import judged_calls
from ridealong.app.bench.kappa import interval, linear, weighted_kappa, with_apart
from ridealong.core.errors import InvalidDocument
from ridealong.core.rubric import Rubric
from ridealong.postcall.rubric import load_rubric, shipped_rubric
from ridealong.speech.session_file import read_session

# Two judges, three grades: observed disagreement (5 + 2 + 1) x 0.5 / 40 + 2 / 40, worked out by hand.
TABLE = [(0, 0)] * 10 + [(0, 1)] * 5 + [(1, 1)] * 10 + [(1, 2)] * 2 + [(2, 1)] + [(2, 2)] * 10 + [(2, 0)] * 2


def test_weighted_kappa_is_one_less_the_ratio_of_seen_to_expected_disagreement() -> None:
    seen = (8 * 0.5 + 2) / 40
    rows, columns = (15, 12, 13), (12, 16, 12)
    expected = sum(rows[i] * columns[j] * abs(i - j) / 2 for i in range(3) for j in range(3)) / 1600
    assert weighted_kappa(TABLE, linear(3)) == pytest.approx(1 - seen / expected)


def test_kappa_is_one_for_agreement_zero_for_chance_and_nothing_where_only_one_answer_is_given() -> None:
    assert weighted_kappa([(0, 0), (1, 1), (2, 2)], linear(3)) == 1
    assert weighted_kappa([(i, j) for i in range(3) for j in range(3)], linear(3)) == pytest.approx(0)
    assert math.isnan(weighted_kappa([(1, 1)] * 5, linear(3)))


def test_an_answer_apart_disagrees_wholly_with_every_grade() -> None:
    weights = with_apart(3)
    assert weights[3].tolist() == [1, 1, 1, 0]
    assert weights[:, 3].tolist() == [1, 1, 1, 0]


def test_the_interval_holds_the_figure_and_is_the_same_in_every_run() -> None:
    by_call = {n: TABLE[n::4] for n in range(4)}
    low, high = interval(by_call, linear(3))
    assert low < weighted_kappa(TABLE, linear(3)) < high
    assert (low, high) == interval(by_call, linear(3))


@pytest.mark.filterwarnings("error")
def test_where_all_answers_are_the_same_no_interval_is_known_and_single_such_draws_are_left_out() -> None:
    alike = {"one": [(1, 1)] * 3, "two": [(1, 1)] * 2}
    assert all(math.isnan(end) for end in interval(alike, linear(3)))
    low, high = interval({**alike, "three": [(0, 0), (1, 1), (0, 1)]}, linear(3))
    assert 0 < low <= high < 1


def answered(person: str, reviewer: str, call: str = "a") -> Answered:
    return Answered(call=call, rubric="bant", criterion="c", person=person, reviewer=reviewer)


def test_what_the_reviewer_leaves_open_counts_as_no_and_lowers_the_coverage() -> None:
    found = agreement([answered("yes", "yes"), answered("no", "open"), answered("no", "open"), answered("yes", "open")])
    assert found.kappa.value == weighted_kappa([(2, 2), (0, 0), (0, 0), (2, 0)], linear(3))
    assert found.coverage == 0.25
    assert found.confusion["no"] == {"open": 2}
    assert found.kappa_open_apart.value < found.kappa.value


def test_what_does_not_apply_to_the_person_is_no_grade() -> None:
    found = agreement([answered("yes", "yes"), answered("no", "no"), answered("open", "open"), answered("open", "yes")])
    assert (found.kappa.answers, found.kappa_open_apart.answers) == (2, 4)


def test_every_judged_call_answers_every_criterion_of_its_rubrics_and_points_at_words_that_exist() -> None:

    folder = Path(__file__).parents[2] / "fixtures" / "judged_calls"

    @cache  # reading one takes a quarter of a second
    def rubrics(name: str) -> Rubric:
        if name.endswith(".yaml"):
            return load_rubric((folder / "dev" / name).read_text(encoding="utf-8"), name)
        return shipped_rubric(name)

    for call in [*judged_calls(folder / "dev"), *judged_calls(folder / "test")]:
        numbers = {u.no for u in read_session(call.transcript).utterances}
        for name, answers in call.answers.items():
            asked = [c.id for section in rubrics(name).sections for c in section.criteria]
            assert list(answers) == asked, call.name
            assert all(a.why and set(a.at) <= numbers for a in answers.values())
            assert all(a.at for a in answers.values() if a.answer in {"yes", "partly"}), call.name


def test_a_mistake_in_the_answers_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "call.answers.yaml").write_text('answers:\n  bant:\n    budget_asked: {answer: "maybe"}\n')
    with pytest.raises(InvalidDocument, match="yaml:3: "):
        judged_calls(tmp_path)
    with pytest.raises(InvalidDocument, match="no \\*"):
        judged_calls(tmp_path / "nothing")
