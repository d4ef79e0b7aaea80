"""Rubrics: what ships is whole, and every mistake is told with its line."""

from __future__ import annotations

import pytest

from ridealong.core.errors import InvalidDocument
from ridealong.core.rubric import call_score
from ridealong.postcall.rubric import SHIPPED, load_rubric, shipped_rubric

GOOD = """\
id: own
title: Our own
sections:
  - id: first
    title: First
    criteria:
      - id: asked
        question: Did the rep ask?
        role: rep
        weight: 2
        shown_by:
          - How do you do that today?
        called_for_by: [pain_stated]
  - id: second
    title: Second
    criteria:
      - id: told
        question: Did the customer tell?
        role: customer
        shown_by: [We do it by hand.]
"""


def test_a_good_rubric_is_read() -> None:
    rubric = load_rubric(GOOD, "own.yaml")
    assert [s.id for s in rubric.sections] == ["first", "second"]
    assert rubric.sections[0].criteria[0].called_for_by == ("pain_stated",)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("id: second", "id: first", 14),
        ("id: told", "id: asked", 17),
        ("weight: 2", "weight: 0", 10),
        ("weight: 2", "weight: .nan", 10),
        ("role: rep", "role: seller", 9),
        ("[pain_stated]", "[pain_state]", 13),
        ("title: Second", "title: Second\n    titel: Second", 16),
        ("id: told", "id: Told you", 17),
        ("shown_by: [We do it by hand.]", "shown_by: []", 20),
        ("shown_by: [We do it by hand.]", "shown_by: [", 21),
    ],
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, line: int) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load_rubric(GOOD.replace(old, new), "own.yaml")
    assert caught.value.line == line
    assert str(caught.value).startswith(f"own.yaml:{line}: ")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_rubric_is_whole(name: str) -> None:
    rubric = shipped_rubric(name)
    assert rubric.id == name
    for section in rubric.sections:
        for criterion in section.criteria:
            assert len(criterion.shown_by) >= 8
            assert criterion.partly_shown_by
            assert criterion.not_shown_by
            assert criterion.advice
            assert criterion.shown_as


def test_an_unknown_shipped_rubric_is_named_with_those_that_exist() -> None:
    with pytest.raises(InvalidDocument, match="meddic"):
        shipped_rubric("../../etc/passwd")


def test_the_score_of_a_call_weighs_only_what_could_be_assessed() -> None:
    rubric = load_rubric(GOOD.replace("title: First\n", "title: First\n    weight: 3\n"), "own.yaml")
    assert call_score(rubric, {"first": 100.0, "second": 20.0}) == 80.0
    assert call_score(rubric, {"second": 20.0}) == 20.0
    assert call_score(rubric, {}) is None
