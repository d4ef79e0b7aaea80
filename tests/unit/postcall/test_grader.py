"""Grading a criterion: what counts as a question, what likeness tells apart, and what a grade may cite."""

from __future__ import annotations

from functools import cache
from uuid import UUID

import numpy as np
import pytest

from ridealong.core.rubric import Criterion, Score
from ridealong.core.transcript import (
    Role,
    RoleAssignment,
    Roles,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.embedding.minilm import MiniLm, load_embedder
from ridealong.postcall.evidence import EvidenceFinder
from ridealong.postcall.grader import Grade, Grader, decided
from ridealong.postcall.grading_features import asks
from ridealong.postcall.likeness import load_likeness
from ridealong.postcall.review import embed_call
from ridealong.postcall.reviewer import ReviewContext

REP, CUSTOMER = SpeakerId(0), SpeakerId(1)

KEYS = Criterion(
    id="keys_asked",
    question="Did the rep ask who holds the keys?",
    role=Role.REP,
    shown_by=(
        "Who opens the door for us?",
        "Who has the keys to the building?",
        "Whom do we ring when the door is locked?",
        "Is it you who locks up at night?",
        "Who lets the technician in?",
    ),
    not_shown_by=("We'll bring you the keys on Monday.", "The door has a new lock."),
    shown_as="asked who holds the keys",
)


@cache
def embedder() -> MiniLm:
    return load_embedder()


def call(*said: tuple[SpeakerId, str]) -> ReviewContext:
    transcript = Transcript.of(
        TranscriptId(call_id=UUID(int=1)),
        [
            Utterance(no=no, speaker=who, start_ts=no * 5000, end_ts=no * 5000 + 4000, text=text)
            for no, (who, text) in enumerate(said)
        ],
    )
    rep = RoleAssignment(speaker_id=REP, role=Role.REP, confidence=1.0, source=RoleSource.STATED)
    return ReviewContext(
        transcript=transcript,
        roles=Roles([rep]),
        moments=(),
        vectors=embed_call(transcript, embedder(), {}),
        duration_ms=len(said) * 5000,
    )


def graded(context: ReviewContext, criterion: Criterion = KEYS) -> Grade:
    found = Grader(embedder()).grade(criterion, EvidenceFinder(embedder()).find(criterion, context), context)
    assert found is not None
    return found


SMALL_TALK = (
    (REP, "Thanks for taking the time today, I hope the roads were clear."),
    (CUSTOMER, "They were fine, there was hardly anybody out."),
    (REP, "The new filter lasts for two years and it comes in three sizes."),
    (CUSTOMER, "All right, the middle one is enough for us."),
    (REP, "Then I'll put the middle one on the offer, with the fitting."),
    (CUSTOMER, "Please do that."),
    (REP, "It takes half a day, and we clean up before we leave."),
)


@pytest.mark.parametrize("text", ["who signs that", "And when would you need it", "okay so how do you do that", "Yes?"])
def test_a_question_is_known_by_its_mark_or_by_its_first_words(text: str) -> None:
    assert asks(text)


@pytest.mark.parametrize("text", ["We sign that.", "I know who signs that.", "Whenever you like.", ""])
def test_a_statement_is_no_question(text: str) -> None:
    assert not asks(text)


@pytest.mark.parametrize(
    "text",
    [
        "and when that breaks what do you do",
        "so while the lift stands there what does that mean for you",
        "the depot on the hill and how many vans do you keep there",
        "the other one i see and have you got a number for it",
    ],
)
def test_a_question_without_a_mark_is_known_where_it_stands_by_the_verb_before_its_subject(text: str) -> None:
    assert asks(text)


@pytest.mark.parametrize(
    "text",
    [
        "that is what you told me",
        "i know what it does",
        "you said what they are worth",
        "i don't know how they would do it",
        "we did what you asked and we have what you need",
    ],
)
def test_what_is_told_with_the_words_of_questions_is_no_question(text: str) -> None:
    assert not asks(text)


def test_who_goes_on_after_a_breath_is_read_as_one_and_both_utterances_are_cited() -> None:
    around = [(CUSTOMER, "We moved here in March."), (REP, "It is a fine building."), (CUSTOMER, "It is.")]
    apart = [(REP, "So the one with the keys"), (CUSTOMER, "who would that be for us?"), (REP, "I wonder, too.")]
    found = graded(call(*around, (REP, "So the one with the keys"), (REP, "who would that be for us?"))).evidence[0]
    assert (found.utterance.no, found.quote) == (3, "So the one with the keys")
    assert [(c.utterance_no, c.quote) for c in found.citations] == [(3, found.quote), (4, "who would that be for us?")]
    alone = graded(call(*around, *apart)).evidence
    assert all(len(shown.citations) == 1 for shown in alone)
    assert found.confidence > alone[0].confidence


def test_likeness_sees_more_of_what_is_done_than_the_embedding_which_sees_what_it_is_about() -> None:
    said = [
        "Who signs off on the new vans?",
        "Who has the last word on the ovens?",
        "The new vans came in late again.",
    ]
    plain = embedder().embed(said)
    assert plain[0] @ plain[1] < plain[0] @ plain[2] - 0.3
    alike = load_likeness().of(embedder().layers(said))
    assert alike[0] @ alike[1] > alike[0] @ alike[2] - 0.1


def test_likeness_gives_rows_of_length_one() -> None:
    rows = load_likeness().of(embedder().layers(["Good morning.", ""]))
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_what_is_asked_is_found_and_what_nobody_asks_is_not() -> None:
    asked = graded(call(*SMALL_TALK[:4], (REP, "Who has the keys to the plant?"), *SMALL_TALK[4:]))
    assert asked.evidence[0].utterance.no == 4
    never = graded(call(*SMALL_TALK))
    assert never.score is Score.NO
    assert never.shown < 0.1
    assert asked.shown > never.shown + 0.3


def test_evidence_is_words_of_the_criterions_role_one_for_each_utterance_surest_first() -> None:
    context = call(*SMALL_TALK, (CUSTOMER, "Who has the keys to the building?"))
    found = graded(context)
    assert {context.side_of(e.utterance.speaker) for e in found.evidence} == {Role.REP}
    numbers = [e.utterance.no for e in found.evidence]
    assert len(set(numbers)) == len(numbers)
    assert [e.confidence for e in found.evidence] == sorted((e.confidence for e in found.evidence), reverse=True)
    assert all(e.quote in e.utterance.text for e in found.evidence)


def test_beside_better_words_nothing_is_cited_that_is_nearer_to_what_looks_alike() -> None:
    agreed = Criterion(
        id="extension_agreed",
        question="Did the member agree to go on?",
        role=Role.CUSTOMER,
        shown_by=("Yes, extend it please.", "Okay, let's go on for another year.", "Then do it."),
        not_shown_by=("I'll think about it.", "Not now."),
        shown_as="agreed to go on",
    )
    found = graded(
        call(
            (REP, "A coach is thirty euros an hour. Shall I extend the membership as well?"),
            (CUSTOMER, "Let me think about it."),
            (REP, "Six months with a freeze in August, then."),
            (CUSTOMER, "Fine. Then do it, extend it please."),
        ),
        agreed,
    )
    assert [shown.utterance.no for shown in found.evidence] == [3]


def test_the_probabilities_of_the_grades_add_up_to_one() -> None:
    assert sum(graded(call(*SMALL_TALK)).probabilities) == pytest.approx(1)


def test_there_is_no_grade_where_the_role_said_nothing() -> None:
    context = call((CUSTOMER, "Who has the keys to the building?"))
    assert Grader(embedder()).grade(KEYS, EvidenceFinder(embedder()).find(KEYS, context), context) is None


@pytest.mark.parametrize(
    ("probabilities", "score"),
    [((0.5, 0.2, 0.3), Score.NO), ((0.2, 0.2, 0.6), Score.YES), ((0.3, 0.4, 0.3), Score.PARTLY)],
)
def test_a_grade_is_decided_by_where_no_and_yes_begin(probabilities: tuple[float, ...], score: Score) -> None:
    assert decided(np.array(probabilities), no_from=0.45, yes_from=0.5) is score
