"""Events as JSON: the same keys on the sockets and in the command line's `--jsonl`.

`event` says which event it is. On a socket an event also carries `seq`, its number within the call, and the few keys
that only a socket needs. No number is ever NaN or infinite: JSON has neither, so such a value becomes null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Final, assert_never, cast

from ridealong.core.artifact import evidence_json, role_json
from ridealong.core.events import (
    CallEnded,
    CallEvent,
    CallStarted,
    FeedbackGiven,
    GapRecorded,
    MarkMade,
    MessageSent,
    MomentAhead,
    MomentDecided,
    PartialHeard,
    ReviewFinished,
    RoleLearned,
    UtteranceFinished,
    WarningGiven,
)
from ridealong.core.moments import Tier
from ridealong.core.transcript import Speaker, Unattributed

URGENT_TYPES: Final = frozenset({"risky_promise", "interruption", "monologue"})
"""Types that ask the rep to stop doing something now: a phone should buzz twice."""


def event_json(event: CallEvent, seq: int | None = None) -> dict[str, object]:
    """`event` as the object that is sent.

    Without `seq` it has the keys of `--jsonl` and no others. With `seq` it is the socket's shape: the same keys, `seq`,
    and for a moment also `moment_id`, `trigger_ts` and `decided_by`, for an utterance `overlapped` and
    `speaker_confidence`.
    Times `*_ts` are ms of call audio; `at` is seconds since the first audio was sent; latencies are ms.
    """
    shown = _shown(event)
    if seq is not None:
        shown |= _socket_only(event)
        shown["seq"] = seq
    return shown


def nudge_json(event: MomentDecided | MomentAhead, seq: int) -> dict[str, object] | None:
    """The small message that a phone shows, or None when the moment is not for showing, or was shown already."""
    moment = event.moment
    if moment.tier is not Tier.NUDGE or (isinstance(event, MomentDecided) and event.told_ahead):
        return None
    return {
        "event": "nudge",
        "seq": seq,
        "moment_id": str(event.moment_id),
        "type": moment.type,
        "text": moment.nudge,
        "haptic": "double" if moment.type in URGENT_TYPES else "single",
        "confidence": round(moment.confidence, 3),
        "evidence": _evidence(event),
        "at": round(event.at, 3),
    }


def _evidence(event: MomentDecided | MomentAhead) -> list[dict[str, object]]:
    cited = [evidence_json(e) for e in event.moment.evidence]
    # What was told ahead cites words that stand in no utterance yet.
    return [{**each, "utterance_no": None} for each in cited] if isinstance(event, MomentAhead) else cited


def _plain(value: object) -> object:
    return dict(cast("Mapping[object, object]", value)) if isinstance(value, Mapping) else str(value)


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


def dumps(value: object) -> str:
    """`value` as one line of JSON. NaN and infinities become null; what cannot be UTF-8 is replaced."""
    try:
        text = _ENCODER.encode(value)
    except (ValueError, TypeError):
        text = _ENCODER.encode(_finite(value))
    if text.isascii():
        return text
    # A lone surrogate can come out of a broken recogniser or file; a text frame must be UTF-8.
    return text.encode("utf-8", "replace").decode("utf-8")


def _shown(event: CallEvent) -> dict[str, object]:  # noqa: PLR0911, PLR0912 - one for each event
    match event:
        case CallStarted():
            return {"event": "call", "call_id": str(event.call_id)}
        case PartialHeard():
            return {
                "event": "partial",
                "speaker_id": _speaker(event.speaker),
                "start_ts": event.start_ts,
                "end_ts": event.end_ts,
                "text": event.text,
                "at": round(event.at, 3),
            }
        case UtteranceFinished():
            return {
                "event": "utterance",
                "no": event.utterance.no,
                "speaker_id": _speaker(event.utterance.speaker),
                "role": event.role.value,
                "start_ts": event.utterance.start_ts,
                "end_ts": event.utterance.end_ts,
                "text": event.utterance.text,
                "at": round(event.at, 3),
            }
        case RoleLearned():
            return {"event": "role", **role_json(event.assignment), "at": round(event.at, 3)}
        case MomentAhead():
            return {**_moment(event), "event": "moment_ahead"}
        case MomentDecided():
            return _moment(event)
        case GapRecorded():
            return {
                "event": "gap",
                "at_ts": event.at_ts,
                "duration_ms": event.duration_ms,
                "reason": event.reason,
                "at": round(event.at, 3),
            }
        case MarkMade():
            return {
                "event": "mark",
                "at_ts": event.at_ts,
                "by": event.author.as_json(),
                "at": round(event.at, 3),
            }
        case FeedbackGiven():
            return {
                "event": "feedback",
                "moment_id": str(event.moment_id),
                "verdict": event.verdict.value,
                "by": event.author.as_json(),
                "at": round(event.at, 3),
            }
        case MessageSent():
            return {
                "event": "message",
                "text": event.text,
                "from": event.author.name,
                "at_ts": event.at_ts,
                "at": round(event.at, 3),
            }
        case WarningGiven():
            return {"event": "warning", "code": event.code, "message": event.message, "at": round(event.at, 3)}
        case CallEnded():
            return {
                "event": "ended",
                "audio_ms": event.audio_ms,
                "reason": event.reason,
                "at": round(event.at, 3),
            }
        case ReviewFinished():
            return {"event": "artifact", "at": round(event.at, 3), **event.artifact}
        case _:
            assert_never(event)


def _moment(event: MomentDecided | MomentAhead) -> dict[str, object]:
    moment, latency = event.moment, event.latency
    return {
        "event": "moment",
        "type": moment.type,
        "tier": moment.tier.value,
        "reason": moment.reason.value,
        "confidence": round(moment.confidence, 3),
        "nudge": moment.nudge,
        "evidence": _evidence(event),
        "at": round(event.at, 3),
        "latency_ms": {
            "speech": round(latency.speech, 1),
            "classify": round(latency.classify, 1),
            "total": round(latency.total, 1),
        },
    }


def _socket_only(event: CallEvent) -> dict[str, object]:
    match event:
        case MomentDecided() | MomentAhead():
            return {
                "moment_id": str(event.moment_id),
                "trigger_ts": event.moment.trigger_ts,
                "decided_by": event.moment.decided_by,
            }
        case UtteranceFinished():
            return {
                "overlapped": event.utterance.overlapped,
                "speaker_confidence": round(event.utterance.speaker_confidence, 3),
            }
        case _:
            return {}


def _speaker(speaker: Speaker) -> int | None:
    return None if isinstance(speaker, Unattributed) else int(speaker)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in cast("Mapping[object, object]", value).items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_finite(item) for item in cast("Sequence[object]", value)]
    return value
