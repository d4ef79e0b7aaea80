"""The log: what was told to anybody is on the disk, and comes back the same."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from ridealong.core.events import (
    CallEnded,
    GapRecorded,
    Latency,
    MomentDecided,
    RoleLearned,
    UtteranceFinished,
    WarningGiven,
)
from ridealong.core.moments import Moment, Reason, Tier
from ridealong.core.transcript import (
    UNATTRIBUTED,
    Citation,
    Role,
    RoleAssignment,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
    Word,
)
from ridealong.recording.entries import Logged, read_entry, write_entry
from ridealong.recording.log import CallLog

UTTERANCE = Utterance(
    no=3,
    speaker=SpeakerId(1),
    start_ts=1000,
    end_ts=2500,
    text="That’s too much — für uns 🙂.",
    words=(Word(text="That’s", start_ts=1000, end_ts=1200, estimated=True),),
    overlapped=True,
    speaker_confidence=0.75,
)


def events() -> list[Logged]:
    transcript = Transcript.of(TranscriptId(call_id=uuid4()), [UTTERANCE])
    moment = Moment(
        type="objection_raised",
        tier=Tier.NOTED,
        reason=Reason.LATE,
        confidence=0.8,
        nudge="Ask what it is compared with.",
        trigger_ts=2500,
        evidence=(transcript.cite(Citation(utterance_no=3, quote="too much")),),
    )
    return [
        UtteranceFinished(utterance=UTTERANCE, role=Role.CUSTOMER, at=2.6),
        MomentDecided(moment_id=uuid4(), moment=moment, latency=Latency(speech=100.0, classify=2.0), at=2.7),
        RoleLearned(
            assignment=RoleAssignment(
                speaker_id=SpeakerId(1), role=Role.CUSTOMER, source=RoleSource.HEURISTIC, confidence=0.9
            ),
            at=2.8,
        ),
        GapRecorded(at_ts=3000, duration_ms=20, reason="client", at=3.0),
        WarningGiven(code="database_away", message="…", at=3.1),
        CallEnded(audio_ms=4000, reason="stopped", at=4.0),
    ]


def test_every_event_comes_back_as_it_was(tmp_path: Path) -> None:
    written = events()
    log = CallLog(tmp_path / "log.jsonl")
    for seq, event in enumerate(written, 1):
        log.append(write_entry(seq, event))
    log.close()
    transcript = Transcript.of(written[1].moment.evidence[0].transcript_id, [UTTERANCE])  # type: ignore[union-attr]
    read = [read_entry(entry, transcript) for entry in CallLog(tmp_path / "log.jsonl").entries()]
    assert read == list(enumerate(written, 1))


def test_an_unattributed_utterance_stays_unattributed(tmp_path: Path) -> None:
    utterance = Utterance(no=0, speaker=UNATTRIBUTED, start_ts=0, end_ts=10, text="hm")
    entry = write_entry(1, UtteranceFinished(utterance=utterance, role=Role.UNKNOWN, at=0.0))
    _, event = read_entry(entry, Transcript(TranscriptId(call_id=uuid4())))
    assert isinstance(event, UtteranceFinished)
    assert event.utterance.speaker is UNATTRIBUTED


def test_a_line_torn_by_a_crash_is_cut_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = CallLog(path)
    log.append({"kind": "heard", "ts": 1})
    log.append({"kind": "heard", "ts": 2})
    log.close()
    path.write_bytes(path.read_bytes()[:-5])
    again = CallLog(path)
    assert [entry["ts"] for entry in again.entries()] == [1]
    again.append({"kind": "heard", "ts": 3})
    again.close()
    assert [entry["ts"] for entry in CallLog(path).entries()] == [1, 3]


def test_evidence_of_an_utterance_that_the_log_does_not_hold_cannot_be_read() -> None:
    moment = events()[1]
    assert isinstance(moment, MomentDecided)
    with pytest.raises(KeyError):
        read_entry(write_entry(1, moment), Transcript(TranscriptId(call_id=uuid4())))
