"""The shapes of events: exact, because others build on them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from uuid import UUID

from ridealong.core.events import (
    CallEnded,
    CallStarted,
    GapRecorded,
    Latency,
    MomentAhead,
    MomentDecided,
    PartialHeard,
    ReviewFinished,
    RoleLearned,
    UtteranceFinished,
    WarningGiven,
)
from ridealong.core.moments import Moment, Reason, Tier
from ridealong.core.transcript import (
    UNATTRIBUTED,
    Role,
    RoleAssignment,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.web.wire import dumps, event_json, nudge_json

CALL = UUID(int=7)
SAID = Utterance(no=3, speaker=SpeakerId(1), start_ts=1000, end_ts=2500, text="That is too much.")


def moment(tier: Tier = Tier.NUDGE) -> MomentDecided:
    evidence = Transcript.of(TranscriptId(call_id=CALL), [SAID]).cite_whole(3)
    return MomentDecided(
        moment_id=UUID(int=9),
        moment=Moment(
            type="objection_raised",
            tier=tier,
            reason=Reason.DELIVERED,
            confidence=0.87654,
            nudge="Ask what they compare the price with",
            trigger_ts=2500,
            evidence=(evidence,),
        ),
        latency=Latency(speech=401.26, classify=1.5),
        at=3.14159,
    )


def test_the_command_lines_lines_have_exactly_their_keys() -> None:
    assert event_json(CallStarted(call_id=CALL)) == {"event": "call", "call_id": str(CALL)}
    assert event_json(UtteranceFinished(utterance=SAID, role=Role.CUSTOMER, at=3.14159)) == {
        "event": "utterance",
        "no": 3,
        "speaker_id": 1,
        "role": "customer",
        "start_ts": 1000,
        "end_ts": 2500,
        "text": "That is too much.",
        "at": 3.142,
    }
    assert event_json(moment()) == {
        "event": "moment",
        "type": "objection_raised",
        "tier": "nudge",
        "reason": "delivered",
        "confidence": 0.877,
        "nudge": "Ask what they compare the price with",
        "evidence": [
            {"utterance_no": 3, "speaker_id": 1, "start_ts": 1000, "end_ts": 2500, "quote": "That is too much"}
        ],
        "at": 3.142,
        "latency_ms": {"speech": 401.3, "classify": 1.5, "total": 402.8},
    }
    assert event_json(ReviewFinished(artifact={"score": 1}, at=2.0)) == {"event": "artifact", "at": 2.0, "score": 1}


def test_a_socket_adds_its_keys_and_changes_none() -> None:
    for event, more in (
        (CallStarted(call_id=CALL), set[str]()),
        (UtteranceFinished(utterance=SAID, role=Role.REP, at=1.0), {"overlapped", "speaker_confidence"}),
        (moment(), {"moment_id", "trigger_ts", "decided_by"}),
        (CallEnded(audio_ms=5, reason="stopped", at=1.0), set[str]()),
    ):
        bare, sent = event_json(event), event_json(event, 12)
        assert sent["seq"] == 12
        assert set(sent) - set(bare) == more | {"seq"}
        assert {key: sent[key] for key in bare} == bare


def test_every_other_event_has_its_shape() -> None:
    role = RoleAssignment(speaker_id=SpeakerId(0), role=Role.REP, source=RoleSource.STATED, confidence=1.0)
    assert event_json(RoleLearned(assignment=role, at=1.0))["role"] == "rep"
    assert event_json(GapRecorded(at_ts=5, duration_ms=6, reason="paused", at=1.0))["duration_ms"] == 6
    assert event_json(WarningGiven(code="a", message="b", at=1.0))["code"] == "a"
    partial = PartialHeard(speaker=UNATTRIBUTED, start_ts=0, end_ts=5, text="hm", at=1.0)
    assert event_json(partial)["speaker_id"] is None


def test_only_a_nudge_makes_a_nudge() -> None:
    shown = nudge_json(moment(), 4)
    assert shown is not None
    assert shown["text"] == "Ask what they compare the price with"
    assert (shown["seq"], shown["moment_id"]) == (4, str(UUID(int=9)))
    assert nudge_json(moment(Tier.NOTED), 4) is None


def test_a_moment_that_was_told_ahead_nudges_once() -> None:
    kept = moment()
    early = MomentAhead(moment_id=kept.moment_id, moment=kept.moment, latency=kept.latency, at=kept.at)
    # The words that it cites stand in no utterance yet.
    cited = {"utterance_no": None, "speaker_id": 1, "start_ts": 1000, "end_ts": 2500, "quote": "That is too much"}
    shown = nudge_json(kept, 4)
    assert shown is not None
    assert nudge_json(early, 4) == {**shown, "evidence": [cited]}
    assert nudge_json(replace(kept, told_ahead=True), 5) is None
    assert event_json(early, 4) == {**event_json(kept, 4), "event": "moment_ahead", "evidence": [cited]}


def test_numbers_that_json_does_not_have_become_null() -> None:
    value = {"a": math.nan, "b": [math.inf, (-math.inf, 1.5)], "c": {"d": math.nan}}
    assert json.loads(dumps(value)) == {"a": None, "b": [None, [None, 1.5]], "c": {"d": None}}


def test_text_that_utf8_cannot_hold_is_replaced_and_the_rest_is_kept() -> None:
    assert json.loads(dumps({"text": "a\ud800ü\u2028😀"})) == {"text": "a?ü\u2028😀"}
    assert "\n" not in dumps({"text": "one\ntwo"})
