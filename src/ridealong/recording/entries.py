"""Log lines: how what was heard and decided is written down, and read back after a restart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from ridealong.core.author import Author
from ridealong.core.events import (
    CallEnded,
    FeedbackGiven,
    GapRecorded,
    Latency,
    MarkMade,
    MessageSent,
    MomentAhead,
    MomentDecided,
    NudgeSighted,
    RoleLearned,
    UtteranceFinished,
    WarningGiven,
)
from ridealong.core.moments import LOCAL, Circumstances, Moment, Reason, Sight, Tier, Verdict
from ridealong.core.transcript import (
    UNATTRIBUTED,
    Evidence,
    Role,
    RoleAssignment,
    RoleSource,
    SpeakerId,
    Transcript,
    Unattributed,
    Utterance,
    Word,
)

Lasting = UtteranceFinished | MomentDecided | RoleLearned | GapRecorded | MarkMade | FeedbackGiven | CallEnded
"""The events that are stored in the database."""

Logged = Lasting | MomentAhead | MessageSent | WarningGiven
"""What is written into the log: what is stored, and the others that have numbers, so that there are no holes."""


def write_entry(seq: int, event: Logged) -> dict[str, object]:
    """One event as a JSON object."""
    return {"seq": seq, "at": event.at, **_body(event)}


def _body(event: Logged) -> dict[str, object]:  # noqa: PLR0911 - one for each event
    match event:
        case UtteranceFinished():
            return {"kind": "utterance", "role": event.role.value, **_utterance(event.utterance)}
        case MomentDecided():
            return {
                "kind": "moment",
                "moment_id": str(event.moment_id),
                "latency": [event.latency.speech, event.latency.classify],
                **_moment(event.moment),
            }
        case MomentAhead():
            return {
                "kind": "moment_ahead",
                "moment_id": str(event.moment_id),
                "latency": [event.latency.speech, event.latency.classify],
                "so_far": _utterance(event.moment.evidence[0].utterance),
                **_moment(event.moment),
            }
        case RoleLearned():
            found = event.assignment
            return {
                "kind": "role",
                "speaker_id": found.speaker_id,
                "role": found.role.value,
                "source": found.source.value,
                "confidence": found.confidence,
            }
        case GapRecorded():
            return {"kind": "gap", "at_ts": event.at_ts, "duration_ms": event.duration_ms, "reason": event.reason}
        case MarkMade():
            return {
                "kind": "mark",
                "mark_id": str(event.mark_id),
                "at_ts": event.at_ts,
                "by": event.author.as_json(),
            }
        case FeedbackGiven():
            return {
                "kind": "feedback",
                "moment_id": str(event.moment_id),
                "verdict": event.verdict.value,
                "by": event.author.as_json(),
            }
        case MessageSent():
            return {"kind": "message", "text": event.text, "at_ts": event.at_ts, "by": event.author.as_json()}
        case WarningGiven():
            return {"kind": "warning", "code": event.code, "message": event.message}
        case CallEnded():
            return {"kind": "ended", "audio_ms": event.audio_ms, "reason": event.reason}


def _utterance(utterance: Utterance) -> dict[str, object]:
    return {
        "no": utterance.no,
        "speaker_id": None if isinstance(utterance.speaker, Unattributed) else utterance.speaker,
        "start_ts": utterance.start_ts,
        "end_ts": utterance.end_ts,
        "text": utterance.text,
        "words": [[w.text, w.start_ts, w.end_ts, w.estimated] for w in utterance.words],
        "overlapped": utterance.overlapped,
        "speaker_confidence": utterance.speaker_confidence,
    }


def _moment(moment: Moment) -> dict[str, object]:
    return {
        "type": moment.type,
        "tier": moment.tier.value,
        "reason": moment.reason.value,
        "confidence": moment.confidence,
        "nudge": moment.nudge,
        "trigger_ts": moment.trigger_ts,
        "evidence": [[e.utterance_no, e.quote_start, e.quote_end] for e in moment.evidence],
        "decided_by": moment.decided_by,
        **_circumstances(moment.circumstances),
    }


def _circumstances(known: Circumstances | None) -> dict[str, object]:
    if known is None:
        return {}
    return {"decided": [known.decided_ts, known.rep_speaking, known.role_known]}


def write_sighting(sighted: NudgeSighted) -> dict[str, object]:
    """A line without a number: nobody is told of it."""
    return {
        "kind": "sighting",
        "moment_id": str(sighted.moment_id),
        "sight": sighted.sight.value,
        "at_ts": sighted.at_ts,
    }


def read_sighting(entry: Mapping[str, object]) -> NudgeSighted:
    line = cast("Mapping[str, Any]", entry)
    return NudgeSighted(moment_id=UUID(line["moment_id"]), sight=Sight(line["sight"]), at_ts=int(line["at_ts"]))


def _read_circumstances(line: Mapping[str, Any]) -> Circumstances | None:
    if "decided" not in line:
        return None
    decided_ts, rep_speaking, role_known = line["decided"]
    return Circumstances(decided_ts=int(decided_ts), rep_speaking=bool(rep_speaking), role_known=bool(role_known))


def read_entry(entry: Mapping[str, object], transcript: Transcript) -> tuple[int, Logged]:
    """(seq, event) of a log line. A moment's evidence is looked up in `transcript`, which must hold its utterances."""
    line = cast("Mapping[str, Any]", entry)
    return int(line["seq"]), _event(line, transcript)


def _event(line: Mapping[str, Any], transcript: Transcript) -> Logged:  # noqa: PLR0911 - one for each event
    at = float(line["at"])
    match line["kind"]:
        case "utterance":
            return UtteranceFinished(utterance=_read_utterance(line), role=Role(line["role"]), at=at)
        case "moment":
            speech, classify = cast("Sequence[float]", line["latency"])
            return MomentDecided(
                moment_id=UUID(line["moment_id"]),
                moment=_read_moment(line, transcript),
                latency=Latency(speech=speech, classify=classify),
                at=at,
            )
        case "moment_ahead":
            speech, classify = cast("Sequence[float]", line["latency"])
            return MomentAhead(
                moment_id=UUID(line["moment_id"]),
                moment=_read_moment(line, Transcript.of(transcript.id, [_read_utterance(line["so_far"])])),
                latency=Latency(speech=speech, classify=classify),
                at=at,
            )
        case "role":
            assignment = RoleAssignment(
                speaker_id=SpeakerId(int(line["speaker_id"])),
                role=Role(line["role"]),
                source=RoleSource(line["source"]),
                confidence=float(line["confidence"]),
            )
            return RoleLearned(assignment=assignment, at=at)
        case "gap":
            return GapRecorded(
                at_ts=int(line["at_ts"]), duration_ms=int(line["duration_ms"]), reason=str(line["reason"]), at=at
            )
        case "mark":
            return MarkMade(mark_id=UUID(line["mark_id"]), at_ts=int(line["at_ts"]), author=_read_author(line), at=at)
        case "feedback":
            return FeedbackGiven(
                moment_id=UUID(line["moment_id"]),
                verdict=Verdict(line["verdict"]),
                author=_read_author(line),
                at=at,
            )
        case "message":
            return MessageSent(text=str(line["text"]), author=_read_author(line), at_ts=int(line["at_ts"]), at=at)
        case "warning":
            return WarningGiven(code=str(line["code"]), message=str(line["message"]), at=at)
        case _:
            return CallEnded(audio_ms=int(line["audio_ms"]), reason=str(line["reason"]), at=at)


def _read_author(line: Mapping[str, Any]) -> Author:
    by = cast("Mapping[str, str | None]", line["by"])
    member_id = by["member_id"]
    return Author(member_id=None if member_id is None else UUID(member_id), name=str(by["name"]))


def _read_utterance(line: Mapping[str, Any]) -> Utterance:
    speaker = line["speaker_id"]
    return Utterance(
        no=int(line["no"]),
        speaker=UNATTRIBUTED if speaker is None else SpeakerId(int(speaker)),
        start_ts=int(line["start_ts"]),
        end_ts=int(line["end_ts"]),
        text=str(line["text"]),
        words=tuple(
            Word(text=text, start_ts=start, end_ts=end, estimated=estimated)
            for text, start, end, estimated in cast("Sequence[tuple[str, int, int, bool]]", line["words"])
        ),
        overlapped=bool(line["overlapped"]),
        speaker_confidence=float(line["speaker_confidence"]),
    )


def _read_moment(line: Mapping[str, Any], transcript: Transcript) -> Moment:
    return Moment(
        type=str(line["type"]),
        tier=Tier(line["tier"]),
        reason=Reason(line["reason"]),
        confidence=float(line["confidence"]),
        nudge=str(line["nudge"]),
        trigger_ts=int(line["trigger_ts"]),
        evidence=tuple(
            Evidence(transcript_id=transcript.id, utterance=transcript[no], quote_start=start, quote_end=end)
            for no, start, end in cast("Sequence[tuple[int, int, int]]", line["evidence"])
        ),
        # A log of an earlier version knows nothing but its own machine.
        decided_by=str(line.get("decided_by", LOCAL)),
        circumstances=_read_circumstances(line),
    )
