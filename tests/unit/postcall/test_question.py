"""What a question restricts, read out of its words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ridealong.core.answer import Scope
from ridealong.core.moments import CONTENT_TYPES
from ridealong.core.transcript import Role
from ridealong.postcall.question import Understood, understand

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
"""A Wednesday."""


def read(question: str, given: Scope | None = None, now: datetime = NOW) -> Understood:
    return understand(
        question,
        given or Scope(),
        now=now,
        reps={"rep-7": "Ana Silva", "rep-8": "Ben"},
        customers=["Nord Logistics", "Nord"],
        moment_types=CONTENT_TYPES,
    )


@pytest.mark.parametrize(
    ("words", "began", "ended"),
    [
        ("this month", (2026, 11, 1), None),
        ("last week", (2026, 11, 16), (2026, 11, 23)),
        ("this week", (2026, 11, 23), None),
        ("last month", (2026, 10, 1), (2026, 11, 1)),
        ("this quarter", (2026, 10, 1), None),
        ("last quarter", (2026, 7, 1), (2026, 10, 1)),
        ("last year", (2025, 1, 1), (2026, 1, 1)),
        ("yesterday", (2026, 11, 24), (2026, 11, 25)),
        ("in the last 30 days", (2026, 10, 26), None),
        ("over the past two weeks", (2026, 11, 11), None),
        ("in October", (2026, 10, 1), (2026, 11, 1)),
        ("in December", (2025, 12, 1), (2026, 1, 1)),
        ("since March 2026", (2026, 3, 1), None),
    ],
)
def test_times_are_read_as_whole_days_and_leave_the_question(
    words: str, began: tuple[int, int, int], ended: tuple[int, int, int] | None
) -> None:
    found = read(f"What came up about onboarding {words}?")
    assert found.scope.started_from == datetime(*began, tzinfo=UTC)
    assert found.scope.started_to == (None if ended is None else datetime(*ended, tzinfo=UTC))
    assert found.text == "What came up about onboarding ?"


@pytest.mark.parametrize(
    ("question", "role"),
    [
        ("What did customers say about onboarding?", Role.CUSTOMER),
        ("What do our reps tell customers about the price?", Role.REP),
        ("What did customers tell our reps?", Role.CUSTOMER),
        ("What was said about onboarding?", Role.UNKNOWN),
        ("How often is the customer portal used?", Role.UNKNOWN),
        ("What did Ben tell customers?", Role.REP),
    ],
)
def test_whose_words_are_asked_for(question: str, role: Role) -> None:
    assert read(question).scope.role is role


def test_names_are_whole_words_the_longest_wins_and_two_are_none() -> None:
    assert read("What did Nord Logistics say?").scope.customer == "Nord Logistics"
    assert read("What happens in Nordic countries?").scope.customer is None
    assert read("What did ana silva promise?").scope.rep_id == "rep-7"
    assert read("Benchmarks?").scope.rep_id is None


def test_moments_are_named_by_what_people_call_them() -> None:
    assert read("Which objections came up?").scope.moments == ("objection_raised",)
    assert read("Which competitors were named?").scope.moments == ("competitor_mentioned",)
    assert read("What about onboarding?").scope.moments == ()


@pytest.mark.parametrize(
    ("question", "all_of_them"),
    [
        ("Which objections came up?", True),
        ("What objections did customers raise this month?", True),
        ("Which competitors were named by Nord Logistics?", True),
        ("List the pain points that customers mentioned most often in October", True),
        ("Which objections about the price came up?", False),
        ("What did Nord Logistics say about competitors in Spain?", False),
        ("What did customers say?", False),
    ],
)
def test_a_kind_of_moment_may_be_all_that_is_asked_for(question: str, all_of_them: bool) -> None:
    assert read(question).all_of_them is all_of_them


def test_what_is_stated_beside_the_question_holds_against_its_words() -> None:
    given = Scope(started_from=datetime(2026, 1, 1, tzinfo=UTC), rep_id="rep-8", role=Role.REP)
    found = read("What did customers tell Ana Silva last week?", given).scope
    assert (found.started_from, found.rep_id, found.role) == (given.started_from, "rep-8", Role.REP)


@pytest.mark.parametrize("now", [datetime(2028, 2, 29, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)])
def test_odd_days_are_read_too(now: datetime) -> None:
    for words in ("last month", "last quarter", "last year", "in February", "last 99999 years", "in December 2026"):
        read(f"What came up {words}?", now=now)
