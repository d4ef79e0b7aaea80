"""Which of a call's moments its review goes by."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from ridealong.core.artifact import StoredMoment
from ridealong.core.moments import SIDE_OF_TYPE, Circumstances, Moment, Reason, Tier
from ridealong.core.transcript import (
    Citation,
    Role,
    RoleAssignment,
    Roles,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.live.taxonomy import default_taxonomy
from ridealong.postcall.reviewer import reviewed_moments

REP, CUSTOMER = SpeakerId(0), SpeakerId(1)
SAID = ((REP, "I'm sorry, that does not sound right."), (CUSTOMER, "That is far too much for us."))
TRANSCRIPT = Transcript.of(
    TranscriptId(call_id=UUID(int=1)),
    [
        Utterance(no=no, speaker=who, start_ts=no * 5000, end_ts=no * 5000 + 4000, text=text)
        for no, (who, text) in enumerate(SAID)
    ],
)
KNOWN = Roles(
    RoleAssignment(speaker_id=who, role=role, confidence=0.9, source=RoleSource.HEURISTIC)
    for who, role in ((REP, Role.REP), (CUSTOMER, Role.CUSTOMER))
)


def noted(no: int, type_id: str = "objection_raised", *, role_known: bool = False) -> StoredMoment:
    moment = Moment(
        type=type_id,
        tier=Tier.NOTED,
        reason=Reason.ROLE_UNKNOWN,
        confidence=0.8,
        nudge="Ask what is behind it.",
        trigger_ts=no * 5000 + 4000,
        evidence=(TRANSCRIPT.cite(Citation(utterance_no=no, quote=SAID[no][1])),),
        circumstances=Circumstances(decided_ts=no * 5000 + 4100, rep_speaking=False, role_known=role_known),
    )
    return StoredMoment(moment_id=UUID(int=no + 1), moment=moment)


def test_an_objection_noted_before_the_roles_were_known_is_none_where_the_rep_had_said_it() -> None:
    assert reviewed_moments([noted(0), noted(1)], TRANSCRIPT, KNOWN, heard=KNOWN) == (noted(1),)
    assert reviewed_moments([noted(0, "risky_promise"), noted(1, "risky_promise")], TRANSCRIPT, KNOWN, heard=KNOWN) == (
        noted(0, "risky_promise"),
    )


def test_what_nothing_speaks_against_stays() -> None:
    kept = [noted(0, role_known=True), noted(0, "warranty_asked"), noted(0, "silence")]
    assert reviewed_moments(kept, TRANSCRIPT, KNOWN, heard=KNOWN) == tuple(kept)
    assert reviewed_moments([noted(0)], TRANSCRIPT, Roles(), heard=Roles()) == (noted(0),)
    old = StoredMoment(moment_id=UUID(int=9), moment=replace(noted(0).moment, circumstances=None))
    assert reviewed_moments([old], TRANSCRIPT, KNOWN, heard=KNOWN) == (old,)


def test_an_objection_that_was_the_customers_is_none_once_somebody_says_that_the_rep_spoke() -> None:
    heard = Roles(
        RoleAssignment(speaker_id=who, role=role, confidence=0.9, source=RoleSource.HEURISTIC)
        for who, role in ((REP, Role.CUSTOMER), (CUSTOMER, Role.REP))
    )
    shown = replace(noted(0, role_known=True).moment, tier=Tier.NUDGE, reason=Reason.DELIVERED)
    nudged = StoredMoment(moment_id=UUID(int=1), moment=shown)
    promised = noted(1, "risky_promise", role_known=True)
    old = StoredMoment(moment_id=UUID(int=9), moment=replace(shown, circumstances=None))
    own = noted(0, "warranty_asked", role_known=True)
    assert reviewed_moments([nudged, promised, old, own], TRANSCRIPT, KNOWN, heard=heard) == (own,)
    assert reviewed_moments([nudged, promised], TRANSCRIPT, heard, heard=heard) == (nudged, promised)


def test_what_stayed_on_an_earlier_transcript_is_left_out() -> None:
    later = Transcript.of(TranscriptId(call_id=UUID(int=1), revision=2), list(TRANSCRIPT))
    assert reviewed_moments([noted(1)], later, KNOWN, heard=KNOWN) == ()


def test_the_sides_of_types_are_those_of_the_taxonomy_that_ships() -> None:
    assert {t.id: t.bound_role for t in default_taxonomy().content_types} == SIDE_OF_TYPE
