"""What changed between two artifacts."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ridealong.app.sample_artifact import sample_artifact
from ridealong.core.difference import difference

BEFORE: dict[str, Any] = sample_artifact().as_json()


def changed(path: str, value: object) -> dict[str, Any]:
    """The sample with one thing changed."""
    after = deepcopy(BEFORE)
    *way, last = path.split("/")
    at: Any = after
    for step in way:
        at = at[int(step)] if step.isdigit() else at[step]
    at[int(last) if last.isdigit() else last] = value
    return after


def test_an_artifact_differs_from_itself_in_nothing() -> None:
    found = difference(BEFORE, deepcopy(BEFORE))
    assert (found["added"], found["gone"], found["changed"], found["sections"]) == ([], [], [], [])
    assert found["unchanged"] == 7


def test_another_score_of_a_criterion_is_a_change_of_that_finding() -> None:
    found: Any = difference(BEFORE, changed("sections/0/findings/0/score", "no"))
    assert [(c["place"], c["changes"]) for c in found["changed"]] == [("sample/asked", ["score"])]


def test_a_finding_that_moved_by_more_than_a_second_says_so_and_by_less_does_not() -> None:
    for start_ts, moved in ((900, []), (1_500, ["span"])):
        found: Any = difference(BEFORE, changed("sections/0/findings/0/evidence/0/start_ts", start_ts))
        assert [c["changes"] for c in found["changed"]] == [[w] for w in moved]


def test_a_claim_that_went_and_one_that_came_are_told_apart() -> None:
    after = changed("gaps/0/title", "Another")
    found: Any = difference(BEFORE, after)
    assert [c["place"] for c in found["added"]] == ["Another"]
    assert [c["place"] for c in found["gone"]] == ["Cost"]


def test_a_section_that_only_one_of_them_has_is_listed_with_its_score() -> None:
    after = deepcopy(BEFORE)
    after["sections"] = []
    assert difference(BEFORE, after)["sections"] == [
        {"section_id": "sample", "title": "Sample", "before": 50.0, "after": None}
    ]
