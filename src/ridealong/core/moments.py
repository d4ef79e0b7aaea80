"""Moments: the stretches of a call that a coach would want to know about, and what was done about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ridealong.core.errors import Ungrounded
from ridealong.core.transcript import Evidence, Role

CONTENT_TYPES: Final = (
    "objection_raised",
    "price_asked",
    "competitor_mentioned",
    "commitment_offered",
    "buying_signal",
    "stall",
    "decision_process",
    "pain_stated",
    "risky_promise",
)
"""The default taxonomy's types that are judged from the words."""

SIDE_OF_TYPE: Final = dict.fromkeys(CONTENT_TYPES, Role.CUSTOMER) | {"risky_promise": Role.REP}
"""Who says it, by the default taxonomy."""

TIMING_TYPES: Final = ("silence", "monologue", "interruption")
"""The types computed from the diarised times alone, never by a model."""


LOCAL: Final = "local"
"""`decided_by` of what this machine found alone: the local head, the trackers, the timing rules."""


class Tier(StrEnum):
    """What became of a moment: shown live, or recorded for the review only."""

    NUDGE = "nudge"
    NOTED = "noted"


class Reason(StrEnum):
    """Why a moment got its tier."""

    DELIVERED = "delivered"
    LOW_CONFIDENCE = "low_confidence"
    BUDGET_SPENT = "budget_spent"
    COOLING_DOWN = "cooling_down"
    LATE = "late"
    ROLE_UNKNOWN = "role_unknown"
    TYPE_IS_NOTED = "type_is_noted"
    ADDED = "added"
    """A person added it after the call: nothing had found it."""
    QUIET_PERIOD = "quiet_period"
    """Too early in the call, by the policy's `quiet.first_s`."""
    REP_IS_SPEAKING = "rep_is_speaking"
    """The policy's `quiet.while_rep_speaks`."""
    CUSTOMER_IS_THINKING = "customer_is_thinking"
    """A silence behind the rep's words, by the policy's `quiet.while_customer_thinks`."""
    HELD_OUT = "held_out"
    """It would have been delivered, and was kept back at random, so that nudging can be compared with not nudging."""


class Sight(StrEnum):
    """How far a nudge got."""

    SENT = "sent"
    """Handed to the rep's device."""
    SEEN = "seen"
    """On its screen, by the device's own word."""


class Verdict(StrEnum):
    """What a rep says of a nudge."""

    HELPFUL = "helpful"
    NOT_NOW = "not_now"
    WRONG = "wrong"


@dataclass(frozen=True, kw_only=True, slots=True)
class Detection:
    """A moment as the classifier or the timing rules see it, before any policy.

    `trigger_ts` is the end of the trigger phrase (for `silence`: the time at which the limit was passed), in ms of
    call audio.
    """

    type: str
    confidence: float
    evidence: tuple[Evidence, ...]
    trigger_ts: int
    nudge: str
    role_known: bool
    """False while a type that depends on a role was found before the role is known."""
    speaker_role: Role = Role.UNKNOWN
    """Of whoever said what is cited first; of a `silence`, of who spoke last, where that is known."""
    decided_by: str = LOCAL
    """LOCAL, or the hosted model that named the type, as `vendor:model`."""

    def __post_init__(self) -> None:
        _check(self.confidence, self.evidence)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What policy made of a detection."""

    tier: Tier
    reason: Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Circumstances:
    """What policy went by beside the detection itself: with it a call can be decided again under another policy.

    `decided_ts` is the call's clock at the decision, ms of call audio, before any delivery.
    """

    decided_ts: int
    rep_speaking: bool
    """Whether the rep was heard speaking then, as far as was known."""
    role_known: bool
    """See `Detection.role_known`."""

    def __post_init__(self) -> None:
        if self.decided_ts < 0:
            raise ValueError("a decision is not made before the call begins")


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A detection with its decision, as it is stored and sent."""

    type: str
    tier: Tier
    reason: Reason
    confidence: float
    nudge: str
    trigger_ts: int
    evidence: tuple[Evidence, ...]
    decided_by: str = LOCAL
    """See `Detection.decided_by`."""
    circumstances: Circumstances | None = None
    """None of moments that were decided before this was kept."""

    def __post_init__(self) -> None:
        _check(self.confidence, self.evidence)

    @classmethod
    def decided(cls, detection: Detection, decision: Decision, circumstances: Circumstances | None = None) -> Moment:
        return cls(
            type=detection.type,
            tier=decision.tier,
            reason=decision.reason,
            confidence=detection.confidence,
            nudge=detection.nudge,
            trigger_ts=detection.trigger_ts,
            evidence=detection.evidence,
            decided_by=detection.decided_by,
            circumstances=circumstances,
        )


def _check(confidence: float, evidence: Sequence[Evidence]) -> None:
    if not 0.0 <= confidence <= 1.0:
        raise ValueError("a moment's confidence lies between 0 and 1")
    if not evidence:
        raise Ungrounded("a moment needs at least one piece of evidence")
    if len({e.transcript_id for e in evidence}) != 1:
        raise Ungrounded("all evidence of a moment comes from one revision of one call")


def word_count(text: str) -> int:
    return len(text.split())


def evidence_span(evidence: Sequence[Evidence]) -> tuple[int, int]:
    """(start_ts, end_ts) in ms over all of `evidence`."""
    return min(e.start_ts for e in evidence), max(e.end_ts for e in evidence)
