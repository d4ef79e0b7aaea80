"""The artifact of Path B: what the manager opens. Made of stored rows alone, so it can be rendered again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from ridealong.core.claims import AbsenceClaim, Claim
from ridealong.core.confidence import doubts, in_words
from ridealong.core.moments import Moment
from ridealong.core.outdated import SENTENCES, Outdated
from ridealong.core.outline import (
    FOLLOW_UP_CLOSING,
    FOLLOW_UP_GREETING,
    FOLLOW_UP_SIGNATURE,
    FOLLOW_UP_SUBJECT,
    FOLLOW_UP_THANKS,
    FollowUpSentence,
    Gap,
    NextAction,
    Stage,
    StepResult,
)
from ridealong.core.rubric import POINTS, CoachingMoment, Finding, SectionReview
from ridealong.core.transcript import Evidence, RoleAssignment, TranscriptId
from ridealong.core.workings import not_applicable_json, rule_json


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredMoment:
    moment_id: UUID
    moment: Moment


class StepOutcome(StrEnum):
    """What became of asking a model."""

    ANSWERED = "answered"
    LATE = "late"
    REFUSED = "refused"
    BUSY = "busy"
    BUDGET_SPENT = "budget_spent"
    """The tenant's own tokens were used up."""
    AWAY = "away"
    BAD_ANSWER = "bad_answer"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewStep:
    """What one model was asked in one step of a review, and what that took. Holds nothing that was said."""

    step: str
    """For example `section opening` or `coaching moments`."""
    part: str
    """`draft`, `repair` (what was refused, once more), `verify`, or `transcribe` (the recording, heard again)."""
    model: str
    """`vendor:model id`, as the settings write it."""
    outcome: StepOutcome
    """Of the last attempt."""
    attempts: int
    input_tokens: int
    """All of the prompts; the cached tokens are parts of it."""
    cache_read_tokens: int
    cache_written_tokens: int
    output_tokens: int
    cost_usd: float | None
    """US dollars by the price table; None where it knows no price for the model."""
    seconds: float
    prompt: str = ""
    """The prompt's file with its version, for example `section-1`; empty for what was asked before this was kept."""

    def as_json(self) -> dict[str, object]:
        return {
            "step": self.step,
            "part": self.part,
            "prompt": self.prompt,
            "model": self.model,
            "outcome": self.outcome.value,
            "attempts": self.attempts,
            "input_tokens": self.input_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_written_tokens": self.cache_written_tokens,
            "output_tokens": self.output_tokens,
            "cost_usd": None if self.cost_usd is None else round(self.cost_usd, 6),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """One review of one transcript revision.

    `statistics` maps a statistic's name to its value (see `core.stats`). `missing_sections` could not be scored and
    are not part of `score`. `dropped_drafts` counts the statements that nothing proved; of those that were proved,
    a second reading took `removed_claims` out and made `lowered_claims` less sure; it did not reach
    `unchecked_claims`. `steps`: what was asked of which model; empty where none was asked.
    """

    review_id: UUID
    transcript_id: TranscriptId
    title: str
    rubric_id: str
    rubric_title: str
    reviewer: str
    score: float
    """0 to 100: the weighted mean over the sections that could be assessed."""
    assessed: bool
    """False when nothing could be assessed (for example a silent call): `score` then means nothing."""
    duration_ms: int
    sections: tuple[SectionReview, ...]
    coaching_moments: tuple[CoachingMoment, ...]
    moments: tuple[StoredMoment, ...]
    statistics: Mapping[str, object]
    speakers: tuple[RoleAssignment, ...]
    missing_sections: tuple[str, ...] = ()
    dropped_drafts: int = 0
    removed_claims: int = 0
    lowered_claims: int = 0
    unchecked_claims: int = 0
    checks: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])
    """What became of statements with a fault: `repaired`, `lowered` or `dropped`, then the fault and how many."""
    confidence_version: str | None = None
    """Whose weights made the claims' confidence; None where the reviewer's own word was taken."""
    warnings: tuple[str, ...] = field(default=())
    steps: tuple[ReviewStep, ...] = ()
    outline: tuple[Stage, ...] = ()
    gaps: tuple[Gap, ...] = ()
    next_actions: tuple[NextAction, ...] = ()
    follow_up: tuple[FollowUpSentence, ...] = ()
    """The sentences of a draft e-mail to the customer; the words around them are `core.outline`'s."""
    step_results: tuple[StepResult, ...] = ()
    outdated: tuple[Outdated, ...] = ()
    """What changed since the review was made; of the newest artifact alone, and only where somebody looked."""

    @property
    def told(self) -> tuple[str, ...]:
        """What whoever reads it must know first: that it is outdated, and the warnings."""
        return (*(f"{SENTENCES[o]}: ask for the review again" for o in self.outdated), *self.warnings)

    def as_json(self) -> dict[str, object]:
        """The artifact as `report --json`, the API and the event stream show it."""
        return {
            "call_id": str(self.transcript_id.call_id),
            "revision": self.transcript_id.revision,
            "review_id": str(self.review_id),
            "title": self.title,
            "rubric": {"id": self.rubric_id, "title": self.rubric_title},
            "reviewer": self.reviewer,
            "score": round(self.score, 1) if self.assessed else None,
            "duration_ms": self.duration_ms,
            "speakers": [role_json(r) for r in self.speakers],
            "sections": [_section_json(s) for s in self.sections],
            "coaching_moments": [
                {"rank": rank, "title": c.title, "advice": c.advice, "why": c.why, **claim_json(c.claim)}
                for rank, c in enumerate(self.coaching_moments, start=1)
            ],
            "outline": [_stage_json(s) for s in self.outline],
            "gaps": [
                {"gap": g.gap.value, "title": g.title, "sections": list(g.sections), **claim_json(g.claim)}
                for g in self.gaps
            ],
            "next_actions": [{"who": a.who.value, "due": a.due, **claim_json(a.claim)} for a in self.next_actions],
            "follow_up": follow_up_json(self.follow_up),
            "moments": [{"moment_id": str(m.moment_id), **moment_json(m.moment)} for m in self.moments],
            "statistics": dict(self.statistics),
            "missing_sections": list(self.missing_sections),
            "dropped_drafts": self.dropped_drafts,
            "removed_claims": self.removed_claims,
            "lowered_claims": self.lowered_claims,
            "unchecked_claims": self.unchecked_claims,
            "checks": {fate: dict(faults) for fate, faults in self.checks.items()},
            "confidence_version": self.confidence_version,
            "outdated": [o.value for o in self.outdated],
            "warnings": list(self.warnings),
            "steps": [s.as_json() for s in self.steps],
            "step_results": [r.as_json() for r in self.step_results],
        }


def evidence_json(evidence: Evidence) -> dict[str, object]:
    return {
        "utterance_no": evidence.utterance_no,
        "speaker_id": evidence.speaker_id,
        "start_ts": evidence.start_ts,
        "end_ts": evidence.end_ts,
        "quote": evidence.quote,
    }


def claim_json(claim: Claim) -> dict[str, object]:
    found: dict[str, object] = {
        "claim_id": None if claim.claim_id is None else str(claim.claim_id),
        "statement": claim.statement,
        "confidence": round(claim.confidence, 3),
        "confidence_words": in_words(claim.confidence),
        "doubts": list(doubts(claim.signals)),
        "evidence": [evidence_json(e) for e in claim.evidence],
    }
    if isinstance(claim, AbsenceClaim):
        found["through"] = claim.through
        found["cited_as"] = None if claim.cited_as is None else claim.cited_as.value
        if claim.searched is not None:
            closest = claim.searched.closest
            found["searched"] = {
                "from_no": claim.searched.from_no,
                "through": claim.through,
                "start_ts": claim.searched.start_ts,
                "end_ts": claim.searched.end_ts,
                "closest": None
                if closest is None
                else {**evidence_json(closest), "similarity": round(claim.searched.similarity, 3)},
            }
    return found


def moment_json(moment: Moment) -> dict[str, object]:
    return {
        "type": moment.type,
        "tier": moment.tier.value,
        "reason": moment.reason.value,
        "confidence": round(moment.confidence, 3),
        "nudge": moment.nudge,
        "trigger_ts": moment.trigger_ts,
        # Which transcript `utterance_no` counts in: a moment stays on the old one where a new one lacks its words.
        "revision": moment.evidence[0].transcript_id.revision,
        "evidence": [evidence_json(e) for e in moment.evidence],
    }


def role_json(role: RoleAssignment) -> dict[str, object]:
    return {
        "speaker_id": role.speaker_id,
        "role": role.role.value,
        "source": role.source.value,
        "confidence": round(role.confidence, 3),
    }


def _stage_json(stage: Stage) -> dict[str, object]:
    return {
        "stage": stage.stage,
        "first_no": stage.first_no,
        "last_no": stage.last_no,
        "start_ts": stage.start_ts,
        "end_ts": stage.end_ts,
        **claim_json(stage.summary),
    }


def follow_up_json(sentences: Sequence[FollowUpSentence]) -> dict[str, object] | None:
    """The draft with the words around its sentences; None where the call gave nothing to write about."""
    if not sentences:
        return None
    return {
        "subject": FOLLOW_UP_SUBJECT,
        "greeting": FOLLOW_UP_GREETING,
        "thanks": FOLLOW_UP_THANKS,
        "sentences": [{"part": s.part.value, **claim_json(s.claim)} for s in sentences],
        "closing": FOLLOW_UP_CLOSING,
        "signature": FOLLOW_UP_SIGNATURE,
    }


def _section_json(section: SectionReview) -> dict[str, object]:
    return {
        "section_id": section.section_id,
        "title": section.title,
        "weight": section.weight,
        "score": round(section.score, 1) if section.assessed else None,
        "base": None if section.base is None else round(section.base, 1),
        "confidence": round(section.confidence, 3),
        "findings": [_finding_json(f, section) for f in section.findings],
        "not_assessed": list(section.not_assessed),
        "not_applicable": [not_applicable_json(n) for n in section.not_applicable],
        "rules": [rule_json(r) for r in section.rules],
    }


def _finding_json(finding: Finding, section: SectionReview) -> dict[str, object]:
    """`weight` and `points` are what the section's score is made of; null for a rule, which acts on the score."""
    weight = section.weight_of(finding.criterion_id)
    return {
        "criterion_id": finding.criterion_id,
        "score": finding.score.value,
        "weight": weight,
        "points": None if weight is None else POINTS[finding.score],
        **claim_json(finding.claim),
    }
