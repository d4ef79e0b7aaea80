"""Past calls under a changed policy."""

from __future__ import annotations

from uuid import UUID

from ridealong.web.answers import Answer
from ridealong.web.answers.artifact import EvidenceShown


class ReplaySide(Answer):
    """What was, or what would be. `reasons` counts every recorded moment; `not_recorded`: not even noted."""

    nudges: int
    per_10_minutes: float | None
    reasons: dict[str, int]


class ReplayOfType(Answer):
    """Of one type: recorded moments, and how many were nudged and would be."""

    moments: int
    was: int
    would: int


class ReplayFigures(Answer):
    audio_ms: int
    moments: int
    was: ReplaySide
    would: ReplaySide
    types: dict[str, ReplayOfType]


class ReplayDecision(Answer):
    tier: str
    reason: str


class ReplayChange(Answer):
    """A moment that would be decided otherwise; `would` null: it would not be recorded."""

    moment_id: UUID
    type: str
    nudge: str
    confidence: float
    trigger_ts: int
    decided_ts: int
    was: ReplayDecision
    would: ReplayDecision | None
    evidence: list[EvidenceShown]


class ReplayedCallShown(ReplayFigures):
    """`changes`: what would be decided otherwise. `kept`: what was nudged and would be again."""

    call_id: UUID
    title: str
    changes: list[ReplayChange]
    kept: list[ReplayChange]


class ReplayAnswer(Answer):
    """`notes` say what a replay cannot know."""

    calls: list[ReplayedCallShown]
    total: ReplayFigures
    notes: list[str]
