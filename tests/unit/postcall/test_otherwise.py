"""A true quote under a statement that says otherwise: denied, asked, possible, conditional, past or opposite."""

from __future__ import annotations

import pytest

from ridealong.core.errors import Ungrounded
from ridealong.core.faults import Fault
from ridealong.core.transcript import Role
from ridealong.postcall.otherwise import refuse_otherwise
from tests.unit.postcall import opposed, opposed_unseen
from tests.unit.postcall.measured import standing


def test_no_lie_about_a_true_quote_stands_and_what_is_fair_does() -> None:
    assert standing(opposed.OPPOSED) == []
    assert [told for told in opposed.FAIR if told not in standing(opposed.FAIR)] == []


def test_of_the_lies_that_measured_it_those_that_pass_are_known() -> None:
    # Most passed without these rules, and a third when they were first measured.
    assert len(standing(opposed_unseen.OPPOSED)) <= 5
    assert len(standing(opposed_unseen.FAIR)) >= len(opposed_unseen.FAIR) - 1


@pytest.mark.parametrize(
    ("statement", "quote", "why"),
    [
        ("The price worries the customer.", "It isn't the price that worries me", "denies"),
        ("The customer does not want a demo.", "We want a demo", "leave the negation out"),
        ("The customer will renew.", "We might renew", "possible"),
        ("The customer signs in May.", "If it works, we sign in May", "condition"),
        ("The customer uses SAP.", "We used to use SAP", "once"),
        ("Turnover rose.", "Our turnover fell", "opposite"),
        ("Everybody uses it.", "A few of us use it", "some"),
    ],
)
def test_the_reason_says_what_is_told_otherwise_and_repeats_no_words(statement: str, quote: str, why: str) -> None:
    with pytest.raises(Ungrounded, match=why) as refused:
        refuse_otherwise(statement, [(quote, Role.CUSTOMER)])
    assert refused.value.fault is Fault.SAID_OTHERWISE
    assert quote not in str(refused.value)


def test_who_is_meant_by_you_and_i_depends_on_who_speaks() -> None:
    for speaker, side, stands in (
        (Role.CUSTOMER, "rep", True),
        (Role.CUSTOMER, "customer", False),
        (Role.REP, "customer", True),
        (Role.REP, "rep", False),
        (Role.UNKNOWN, "customer", True),
    ):
        quote = [("You pay the freight", speaker)]
        if stands:
            refuse_otherwise(f"It was said that the {side} pays the freight.", quote)
        else:
            with pytest.raises(Ungrounded):
                refuse_otherwise(f"It was said that the {side} pays the freight.", quote)


def test_what_is_called_absent_may_deny_what_was_said() -> None:
    refuse_otherwise("The rep never asked who signs.", [("Our director signs", Role.CUSTOMER)], absence=True)
