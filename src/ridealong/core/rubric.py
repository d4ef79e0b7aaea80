"""A rubric: what a tenant scores a call on, and how a score comes of what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ridealong.core.claims import Claim
from ridealong.core.transcript import Role


class Score(StrEnum):
    """How far a criterion was met. Where the call gives no evidence either way there is no score at all."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


@dataclass(frozen=True, kw_only=True, slots=True)
class Criterion:
    """One thing to look for.

    `shown_by` are sentences as somebody on a call would say them: what retrieval compares utterances with.
    `partly_shown_by` are sentences that go some of the way, `not_shown_by` sentences that look alike and are not it.
    `role` is who must have said it, UNKNOWN for anybody. `called_for_by`: moment types (or nothing) whose
    occurrence makes the absence of this criterion a finding. `shown_as` completes "the rep …" or "the customer …"
    in a finding's statement.
    """

    id: str
    question: str
    role: Role
    shown_by: tuple[str, ...]
    partly_shown_by: tuple[str, ...] = ()
    not_shown_by: tuple[str, ...] = ()
    shown_as: str = ""
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

    def section(self, section_id: str) -> Section:
        """The section of that id. Raises KeyError."""
        for section in self.sections:
            if section.id == section_id:
                return section
        raise KeyError(section_id)


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

    @property
    def assessed(self) -> bool:
        """False when no criterion could be assessed: `score` then means nothing."""
        return bool(self.findings)


@dataclass(frozen=True, kw_only=True, slots=True)
class CoachingMoment:
    """A stretch worth replaying with the rep: what happened (the claim) and what to try next time.

    `why`: what it would have changed in the call. A judgement, as the advice is, and no claim about what was said.
    """

    title: str
    advice: str
    claim: Claim
    why: str = ""


_POINTS: Final[Mapping[Score, float]] = MappingProxyType({Score.YES: 1.0, Score.PARTLY: 0.5, Score.NO: 0.0})


def scored_section(section: Section, findings: Sequence[Finding]) -> SectionReview:
    """The section's review from its findings, at most one for each criterion.

    score = 100 x sum(weight x points) / sum(weight), over the criteria with a finding; points: yes 1, partly 0.5,
    no 0. confidence = sum(weight x the finding's confidence) / sum(weight), over *all* criteria: what could not be
    assessed makes the section less sure, not worse.
    """
    found = {f.criterion_id: f for f in findings}
    assessed = [c for c in section.criteria if c.id in found]
    weight = sum(c.weight for c in assessed)
    points = sum(c.weight * _POINTS[found[c.id].score] for c in assessed)
    sure = sum(c.weight * found[c.id].claim.confidence for c in assessed)
    return SectionReview(
        section_id=section.id,
        title=section.title,
        score=100 * points / weight if weight else 0.0,
        confidence=min(1.0, sure / sum(c.weight for c in section.criteria)),
        findings=tuple(found[c.id] for c in assessed),
        not_assessed=tuple(c.id for c in section.criteria if c.id not in found),
    )


def call_score(rubric: Rubric, scores: Mapping[str, float]) -> float | None:
    """0 to 100: the mean of `scores` by the sections' weights; None without any.

    `scores` maps the id of each section that could be assessed to its score.
    """
    assessed = [(section.weight, scores[section.id]) for section in rubric.sections if section.id in scores]
    if not assessed:
        return None
    return sum(weight * score for weight, score in assessed) / sum(weight for weight, _ in assessed)
