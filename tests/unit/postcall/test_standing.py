"""What may stand as proof of a criterion: words of their own strength, that fit no other criterion clearly better."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from ridealong.app.bench.judged import judged_calls
from ridealong.app.bench.judged_claims import JudgedClaim, judged_claims
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
from ridealong.embedding.minilm import load_embedder
from ridealong.postcall.evidence import Shown
from ridealong.postcall.grader import Grade
from ridealong.postcall.reviewer import ReviewContext
from ridealong.postcall.standing import ALONE, CLEARLY, LEAST, standing, takes_up

CALLS = Path(__file__).parents[2] / "fixtures" / "defended_calls"
REP, CUSTOMER = SpeakerId(0), SpeakerId(1)
SAID = (
    (REP, "Good morning, thanks so much for taking the time, how are you keeping today?"),
    (CUSTOMER, "Fine. The drums come late half the time, and then two of my washes stand still."),
    (REP, "So the drums come late and the washes stand still, have I got that?"),
    (REP, "Ours comes in blue with a lid that opens with one hand."),
)
TRANSCRIPT = Transcript.of(
    TranscriptId(call_id=UUID(int=1)),
    [
        Utterance(no=no, speaker=who, start_ts=no * 5000, end_ts=no * 5000 + 4000, text=text)
        for no, (who, text) in enumerate(SAID)
    ],
)
PLAYED_BACK = Criterion(
    id="played_back",
    question="Did the rep play it back?",
    role=Role.REP,
    shown_by=("So it is late?",),
    takes_up=Role.CUSTOMER,
)
ASKED = Criterion(id="asked", question="Did the rep ask?", role=Role.REP, shown_by=("What is late?",))


def context(*, rep_known: bool = True) -> ReviewContext:
    rep = RoleAssignment(speaker_id=REP, role=Role.REP, confidence=1.0, source=RoleSource.STATED)
    return ReviewContext(
        transcript=TRANSCRIPT,
        roles=Roles([rep] if rep_known else []),
        moments=(),
        vectors=np.zeros((len(SAID), 4), np.float32),
        duration_ms=20_000,
    )


def grade(**chances: float) -> Grade:
    """`u2=0.4`: utterance 2 shows it with this probability by itself."""
    found = {int(key[1:]): chance for key, chance in chances.items()}
    read = tuple(
        Shown(utterance=TRANSCRIPT[no], quote=TRANSCRIPT[no].text, partly=0.0, fully=chance)
        for no, chance in sorted(found.items(), key=lambda item: -item[1])
    )
    return Grade(
        score=Score.YES,
        probabilities=(0.2, 0.2, 0.6),
        evidence=read,
        read=read,
        fits={no: float(np.log(chance / (1 - chance))) for no, chance in found.items()},
    )


def stood(**grades: Grade) -> list[int]:
    by_criterion: dict[Criterion, Grade | None] = {replace(ASKED, id=name): found for name, found in grades.items()}
    return [s.utterance.no for s in standing(next(iter(by_criterion)), by_criterion, context())]


def test_words_that_hardly_show_it_are_no_proof_however_probable_the_grade_is() -> None:
    assert stood(asked=grade(u0=LEAST - 0.01, u2=LEAST + 0.01)) == [2]
    assert stood(asked=grade(u0=LEAST - 0.01)) == []


def test_an_utterance_is_proof_of_what_it_fits_best() -> None:
    weak, strong = ALONE - 0.1, ALONE + 0.1
    assert stood(asked=grade(u2=weak, u3=0.3), other=grade(u2=0.9)) == [3]
    assert stood(asked=grade(u2=weak), other=grade(u3=0.9)) == [2]
    assert stood(asked=grade(u2=strong), other=grade(u2=0.95)) == [2], "it stands alone"
    assert stood(asked=grade(u2=weak), other=grade(u2=0.9, u3=0.95)) == [2], "the other has better words"
    near = 1 / (1 + np.exp(-(np.log(weak / (1 - weak)) + CLEARLY - 0.1)))
    assert stood(asked=grade(u2=weak), other=grade(u2=float(near))) == [2], "not clearly better"


def test_a_greeting_plays_nothing_back_and_a_feature_takes_nothing_up() -> None:
    assert [takes_up(PLAYED_BACK, TRANSCRIPT[no], context()) for no in (0, 2, 3)] == [False, True, False]
    by_criterion = {PLAYED_BACK: grade(u0=0.9, u3=0.8, u2=0.6)}
    assert [s.utterance.no for s in standing(PLAYED_BACK, by_criterion, context())] == [2]


def test_nothing_must_be_taken_up_where_nobody_asks_for_it_or_nobody_knows_who_is_who() -> None:
    assert takes_up(ASKED, TRANSCRIPT[0], context())
    assert takes_up(PLAYED_BACK, TRANSCRIPT[0], context(rep_known=False))


@pytest.fixture(scope="module")
def claims() -> dict[str, list[JudgedClaim]]:
    """What the shipped reviewer says of three calls that a person had answered before it was run."""
    found = asyncio.run(judged_claims(judged_calls(CALLS), load_embedder(), lambda _: None))
    return {call.name: [c for c in found if c.call == call.name] for call in judged_calls(CALLS)}


def test_a_rep_who_greets_and_pitches_is_given_nothing(claims: dict[str, list[JudgedClaim]]) -> None:
    of_rep = [
        c for c in claims["car-wash-chemicals"] if c.criterion not in ("pain_stated", "buyer_named", "budget_known")
    ]
    assert [c.criterion for c in of_rep if c.score is Score.YES] == []
    assert len([c.criterion for c in of_rep if c.score is Score.PARTLY]) <= 2


def test_most_of_what_is_found_is_proved_by_what_is_cited(claims: dict[str, list[JudgedClaim]]) -> None:
    found = [c for call in claims.values() for c in call if c.score is not Score.NO]
    assert len(found) >= 30, "and it finds"
    assert sum(c.holds for c in found) / len(found) >= 0.6
