"""A rubric: what a tenant scores a call on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ridealong.core.claims import Claim
from ridealong.core.transcript import Role


class Score(StrEnum):
    """How far a criterion was met. NOT_SHOWN: the call gives no evidence either way."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


@dataclass(frozen=True, kw_only=True, slots=True)
class Criterion:
    """One thing to look for.

    `shown_by` are sentences as somebody on a call would say them: what retrieval compares utterances with.
    `role` is who must have said it, UNKNOWN for anybody. `called_for_by`: moment types (or nothing) whose
    occurrence makes the absence of this criterion a finding.
    """

    id: str
    question: str
    role: Role
    shown_by: tuple[str, ...]
    weight: float = 1.0
    called_for_by: tuple[str, ...] = ()
    advice: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    id: str
    title: str
    criteria: tuple[Criterion, ...]
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Rubric:
    id: str
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A claim about one criterion."""

    criterion_id: str
    score: Score
    claim: Claim


@dataclass(frozen=True, kw_only=True, slots=True)
class SectionReview:
    """One section's outcome. `score` is 0 to 100, the weighted mean over its assessed criteria.

    `not_assessed` names the criteria for which the call holds no evidence either way: they lower no score.
    """

    section_id: str
    title: str
    score: float
    confidence: float
    findings: tuple[Finding, ...]
    not_assessed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CoachingMoment:
    """A stretch worth replaying with the rep: what happened (the claim) and what to try next time."""

    title: str
    advice: str
    claim: Claim
