"""True words under false statements: what patterns can see falls without any model, and honest statements stand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ridealong.core.conditions import ALWAYS
from ridealong.core.errors import Ungrounded
from ridealong.core.faults import Fault
from ridealong.core.rubric import Section
from ridealong.core.transcript import Citation, Role, Speaker, SpeakerId
from ridealong.postcall.distorted import refuse_unheard_letter
from ridealong.postcall.review import review_section
from ridealong.postcall.reviewer import Draft, ReviewContext, StepLog
from ridealong.postcall.rubric import shipped_rubric
from tests.unit.postcall.distortions import HONEST, LIES, NEVER_AGREED, OFFERED, TOLD, TWISTED, Spoken, Stated
from tests.unit.postcall.test_adversary import Liar, section
from tests.unit.postcall.test_review import context


def call_of(spoken: Spoken) -> ReviewContext:
    said: list[tuple[Speaker, str]] = [(SpeakerId(who), text) for who, text in spoken]
    return context(said)


def drafts_of(stated: Stated) -> list[Draft]:
    return [
        Draft(statement=statement, citations=(Citation(utterance_no=no, quote=quote),), confidence=0.9)
        for statement, no, quote in stated
    ]


def reviewed(call: ReviewContext, drafts: Sequence[Draft], asked: Section | None = None) -> tuple[set[int], Any]:
    """Which of the drafts became findings, and the outcome. Whoever checks them doubts nothing."""
    outcome = asyncio.run(review_section(Liar(drafts), asked or section(len(drafts)), call, StepLog(step="section")))
    return {int(f.criterion_id[1:]) for f in outcome.review.findings}, outcome


def test_nothing_that_is_made_of_true_words_gets_through() -> None:
    found, outcome = reviewed(call_of(TWISTED), drafts_of(LIES))
    assert [LIES[n] for n in sorted(found)] == []
    told = outcome.tally.flat()
    assert told[f"dropped:{Fault.QUOTE_CUT.value}"] >= 8
    assert set(told) == {
        f"dropped:{fault.value}"
        for fault in (
            Fault.QUOTE_CUT,
            Fault.NUMBER_NOT_IN_EVIDENCE,
            Fault.DATE_NOT_IN_EVIDENCE,
            Fault.NAME_NOT_IN_EVIDENCE,
            Fault.WRONG_SPEAKER,
            Fault.QUOTE_NOT_FOUND,
            Fault.SAID_OTHERWISE,
        )
    }


def test_an_offer_is_no_agreement_whoever_is_said_to_have_agreed() -> None:
    found, _ = reviewed(call_of(OFFERED), drafts_of(NEVER_AGREED))
    assert [NEVER_AGREED[n] for n in sorted(found)] == []


def test_in_another_language_an_agreement_needs_no_english_word() -> None:
    call = call_of([(0, "Passt Ihnen Donnerstag um zehn?"), (1, "Ja, gerne, das machen wir so.")])
    found, _ = reviewed(
        call, drafts_of([("The customer agreed.", 1, "Ja, gerne"), ("It was agreed.", 0, "Passt Ihnen")])
    )
    assert found == {0, 1}


def test_what_may_honestly_be_said_stands() -> None:
    found, _ = reviewed(call_of(TOLD), drafts_of(HONEST))
    assert [HONEST[n] for n in range(len(HONEST)) if n not in found] == []


@pytest.mark.parametrize("quote", ["I'm not going to sign anything", "not going to sign", "before the new year"])
def test_a_quote_with_its_negation_or_beyond_a_pause_is_no_cut_one(quote: str) -> None:
    call = call_of([(0, "Shall we sign?"), (1, "No, we sign before the new year, I'm not going to sign anything now.")])
    found, _ = reviewed(call, drafts_of([("The customer spoke of signing.", 1, quote)]))
    assert found == {0}


def test_the_rubric_s_own_words_for_what_it_asks_are_no_invention() -> None:
    for rubric in ("discovery", "meddpicc", "negotiation", "renewal", "sandler", "in-home", "compliance"):
        for part in shipped_rubric(rubric).sections:
            for asked in part.criteria:
                # By heart: whatever words show it, the local reviewer states it so.
                criterion = replace(asked, when=ALWAYS)
                side = criterion.role if criterion.role is not Role.UNKNOWN else Role.REP
                voice = SpeakerId(1 if side is Role.CUSTOMER else 0)
                call = context([(SpeakerId(0), "Good morning to you."), (voice, "Let us talk about that now then.")])
                draft = Draft(
                    statement=f"The {side.value} {criterion.shown_as}.",
                    citations=(Citation(utterance_no=1, quote="Let us talk about that now then"),),
                    confidence=0.9,
                )
                liar = Liar([draft])
                liar.drafts = {criterion.id: draft}
                wanted = Section(id="one", title=part.title, criteria=(criterion,))
                outcome = asyncio.run(review_section(liar, wanted, call, StepLog(step="section")))
                assert outcome.review.findings, (rubric, criterion.id, outcome.tally.flat())


@pytest.mark.parametrize(
    ("sentence", "no", "quote", "stands"),
    [
        ("You agreed to 400 a month.", 2, "It would be four hundred a month", False),
        ("We agreed on it.", 2, "It would be four hundred a month", False),
        ("You told me that you lose around thirty orders a month.", 1, "We lose around thirty orders a month", True),
        ("I promised to look at it.", 1, "We lose around thirty orders a month", False),
        ("I offered 400 a month.", 2, "It would be four hundred a month", True),
        ("I noted what you said.", 1, "We lose around thirty orders a month", True),
    ],
)
def test_a_letter_puts_nothing_into_the_mouth_of_whom_it_does_not_cite(
    sentence: str, no: int, quote: str, stands: bool
) -> None:
    call = call_of(TWISTED)
    evidence = (call.transcript.cite(Citation(utterance_no=no, quote=quote)),)
    if stands:
        refuse_unheard_letter(sentence, evidence, call)
    else:
        with pytest.raises(Ungrounded):
            refuse_unheard_letter(sentence, evidence, call)
