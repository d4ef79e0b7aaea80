"""Claims and moments: there is none without its proof."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from uuid import UUID

import pytest

from ridealong.core.claims import AbsenceClaim, Claim
from ridealong.core.errors import Ungrounded
from ridealong.core.moments import Decision, Detection, Moment, Reason, Tier, evidence_span, word_count
from ridealong.core.transcript import Evidence, Role, SpeakerId, Transcript, TranscriptId, Utterance

IMPOSSIBLE = [-0.01, 1.01, float("nan"), float("inf")]


def evidence(*, call: int = 1, revision: int = 1, no: int = 0) -> Evidence:
    said = Utterance(no=no, speaker=SpeakerId(1), start_ts=no * 1_000, end_ts=no * 1_000 + 900, text="too expensive")
    return Transcript.of(TranscriptId(call_id=UUID(int=call), revision=revision), [said]).cite_whole(no)


def detection(**changes: object) -> Detection:
    values: dict[str, object] = {
        "type": "objection_raised",
        "confidence": 0.8,
        "evidence": (evidence(no=3),),
        "trigger_ts": 3_900,
        "nudge": "Ask what it is compared with",
        "role_known": True,
        "speaker_role": Role.CUSTOMER,
        **changes,
    }
    return Detection(**values)  # type: ignore[arg-type]


def test_a_claim_without_evidence_cannot_be_made() -> None:
    with pytest.raises(Ungrounded):
        Claim(statement="The price was too high", confidence=0.9, evidence=())


@pytest.mark.parametrize("statement", ["", " \n\t"])
def test_a_claim_that_states_nothing_cannot_be_made(statement: str) -> None:
    with pytest.raises(ValueError, match="statement"):
        Claim(statement=statement, confidence=0.9, evidence=(evidence(),))


@pytest.mark.parametrize("confidence", IMPOSSIBLE)
def test_confidence_lies_between_0_and_1(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Claim(statement="So", confidence=confidence, evidence=(evidence(),))
    with pytest.raises(ValueError, match="between 0 and 1"):
        detection(confidence=confidence)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Moment(
            type="stall",
            tier=Tier.NOTED,
            reason=Reason.LATE,
            confidence=confidence,
            nudge="",
            trigger_ts=0,
            evidence=(evidence(),),
        )


@pytest.mark.parametrize("other", [evidence(call=2), evidence(revision=2)])
def test_evidence_of_two_calls_or_revisions_does_not_mix(other: Evidence) -> None:
    with pytest.raises(Ungrounded):
        Claim(statement="So", confidence=0.5, evidence=(evidence(), other))
    with pytest.raises(Ungrounded):
        detection(evidence=(evidence(), other))


def test_a_claim_keeps_its_evidence_in_order_and_never_changes() -> None:
    claim = Claim(statement="So", confidence=1.0, evidence=(evidence(no=4), evidence(no=2)))
    assert [e.utterance_no for e in claim.evidence] == [4, 2]
    with pytest.raises(FrozenInstanceError):
        claim.confidence = 0.1  # type: ignore[misc]


def test_an_absence_says_how_far_was_searched() -> None:
    claim = AbsenceClaim(statement="Not answered", confidence=0.6, evidence=(evidence(no=4),), through=9)
    assert claim.through == 9
    assert AbsenceClaim(statement="Not answered", confidence=0.6, evidence=(evidence(no=4),), through=4).through == 4


def test_an_absence_cannot_end_before_what_it_cites() -> None:
    with pytest.raises(Ungrounded):
        AbsenceClaim(statement="No", confidence=0.6, evidence=(evidence(no=4), evidence(no=7)), through=6)


def test_an_absence_is_checked_as_a_claim_too() -> None:
    with pytest.raises(Ungrounded):
        AbsenceClaim(statement="No", confidence=0.6, evidence=(), through=6)
    with pytest.raises(ValueError, match="between 0 and 1"):
        AbsenceClaim(statement="No", confidence=2.0, evidence=(evidence(),), through=6)


def test_a_moment_without_evidence_cannot_be_detected_or_stored() -> None:
    with pytest.raises(Ungrounded):
        detection(evidence=())
    with pytest.raises(Ungrounded):
        Moment(
            type="stall",
            tier=Tier.NOTED,
            reason=Reason.LATE,
            confidence=0.5,
            nudge="",
            trigger_ts=0,
            evidence=(),
        )


def test_a_decided_moment_keeps_everything_that_was_detected() -> None:
    seen = detection()
    moment = Moment.decided(seen, Decision(tier=Tier.NOTED, reason=Reason.LATE))
    assert (moment.tier, moment.reason) == (Tier.NOTED, Reason.LATE)
    for name in ("type", "confidence", "nudge", "trigger_ts", "evidence"):
        assert getattr(moment, name) == getattr(seen, name)


def test_the_span_of_evidence_reaches_from_the_first_start_to_the_last_end() -> None:
    assert evidence_span([evidence(no=4), evidence(no=2)]) == (2_000, 4_900)


def test_words_are_counted_by_their_spaces() -> None:
    assert [word_count(text) for text in ("", " one ", "two  words", "a\nb\tc")] == [0, 1, 2, 3]
