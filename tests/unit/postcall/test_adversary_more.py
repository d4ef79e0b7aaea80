"""More answers that lie: a little off in place, letters, figures, units and dates. None gets through."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from ridealong.core.transcript import SpeakerId
from ridealong.postcall.review import coach_call, review_section
from ridealong.postcall.reviewer import ReviewContext, StepLog
from tests.unit.postcall.adversary import lies
from tests.unit.postcall.adversary_more import SPOKEN, more_lies
from tests.unit.postcall.test_adversary import Liar, section, truth_of
from tests.unit.postcall.test_review import context


def spoken() -> ReviewContext:
    return context([(SpeakerId(who), text) for who, text in SPOKEN])


@pytest.mark.parametrize("seed", [101, 102])
def test_none_of_a_thousand_lies_that_are_a_little_off_gets_through(seed: int) -> None:
    call = spoken()
    told = list(more_lies(call.transcript, 1000, seed))
    outcome = asyncio.run(
        review_section(Liar([lie.draft for lie in told]), section(len(told)), call, StepLog(step="section"))
    )
    through = [(told[int(f.criterion_id[1:])].kind, f.claim.statement) for f in outcome.review.findings]
    assert through == []
    assert min(Counter(lie.kind for lie in told).values()) == 100


def test_nor_as_a_coaching_moment_nor_with_another_seed_of_the_kinds_before() -> None:
    call = spoken()
    told = [*more_lies(call.transcript, 300, 103), *lies(context().transcript, 320, 104)]
    first = asyncio.run(coach_call(Liar([lie.draft for lie in told[:300]]), call, StepLog(step="coaching moments")))
    assert first.coaching_moments == ()
    old = told[300:]
    outcome = asyncio.run(review_section(Liar([lie.draft for lie in old]), section(320), context(), StepLog(step="s")))
    assert [old[int(f.criterion_id[1:])].draft.statement for f in outcome.review.findings] == []


def test_the_same_figures_told_rightly_stand() -> None:
    call = spoken()
    drafts = []
    for statement, quote in (
        ("The customer named 240 euros each.", "About 240 euros each"),
        ("The customer ships 1,200 pallets a month.", "we ship twelve hundred pallets a month"),
        ("The rep quoted 1,800 euros per dock.", "The tracker is eighteen hundred euros per dock"),
        ("The rep offered 15% off for three docks.", "we take fifteen percent off for three docks"),
        (
            "The damage rate rose from 2 to 3.5 percent.",
            "the damage rate went from two percent to three and a half percent",
        ),
        ("The rep put it at one and a half points more.", "That's one and a half points more"),
        ("Oliver signs before June 30.", "Oliver has to sign before the thirtieth of June"),
        ("Oliver signs before the thirtieth of June.", "Oliver has to sign before the thirtieth of June"),
        ("The customer has 48,500 left for the second half.", "We have 48,500 left in the budget for the second half"),
        (
            "Lagermax offered 15 percent last October.",
            "Fifteen percent off is what Lagermax offered us as well, last October",
        ),
    ):
        no = next(u.no for u in call.transcript if quote in u.text)
        drafts.append(truth_of(statement, no, quote))
    outcome = asyncio.run(review_section(Liar(drafts), section(len(drafts)), call, StepLog(step="section")))
    stands = {int(f.criterion_id[1:]) for f in outcome.review.findings}
    assert [d.statement for n, d in enumerate(drafts) if n not in stands] == []
