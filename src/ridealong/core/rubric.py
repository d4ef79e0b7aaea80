"""A rubric: what a tenant scores a call on, and how a score comes of what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ridealong.core.claims import Claim
from ridealong.core.conditions import ALWAYS, CallFacts, When
from ridealong.core.rules import Effect, Reach, Rule, RuleOutcome, RuleState, after_effects
from ridealong.core.transcript import Role


class Score(StrEnum):
    """How far a criterion was met. Where the call gives no evidence either way there is no score at all."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


class CallPlace(StrEnum):
    """Where in a call something belongs, if anywhere."""

    OPENING = "opening"
    CLOSING = "closing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """A labelled example: what somebody said, the score it is worth, and why."""

    words: str
    score: Score
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Criterion:
    """One thing to look for.

    `shown_by` are sentences as somebody on a call would say them: what retrieval compares utterances with.
    `partly_shown_by` are sentences that go some of the way, `not_shown_by` sentences that look alike and are not it.
    `role` is who must have said it, UNKNOWN for anybody. `called_for_by`: moment types (or nothing) whose
    occurrence makes the absence of this criterion a finding. `takes_up`: whose earlier words must come up again in what
    shows it. `place`: where in a call it belongs; the words there are cited when it is missing. `shown_as` completes
    "the rep …" or "the customer …" in a finding's statement. `good`, `partial` and `poor` say in words what earns which
    score, for people and hosted models; `anchors` are labelled examples, of which those that fit stand among the three
    lists as well.
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
    takes_up: Role | None = None
    place: CallPlace | None = None
    advice: str = ""
    good: str = ""
    partial: str = ""
    poor: str = ""
    anchors: tuple[Anchor, ...] = ()
    when: When = ALWAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    id: str
    title: str
    criteria: tuple[Criterion, ...]
    weight: float = 1.0
    rules: tuple[Rule, ...] = ()
    when: When = ALWAYS

    def not_applicable(self, facts: CallFacts) -> tuple[NotApplicable, ...]:
        """The criteria that the rubric's conditions leave out for this call, with the reason."""
        unmet = self.when.unmet(facts)
        reasons = ((c.id, unmet or c.when.unmet(facts)) for c in self.criteria)
        return tuple(NotApplicable(criterion_id=name, reason=why, by=RUBRIC) for name, why in reasons if why)


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


RUBRIC: Final = "rubric"
REVIEWER: Final = "reviewer"


@dataclass(frozen=True, kw_only=True, slots=True)
class NotApplicable:
    """A criterion that this call is not judged by: it lowers no score. `by` the rubric's condition or the reviewer."""

    criterion_id: str
    reason: str
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A claim about one criterion, or about a rule: YES where it was kept, NO where it was broken."""

    criterion_id: str
    score: Score
    claim: Claim


@dataclass(frozen=True, kw_only=True, slots=True)
class SectionReview:
    """One section's outcome, with all that its score can be computed again from (`scored_section` has the formula).

    `score` is 0 to 100; `base` what it was before rules, None where no criterion was assessed. `not_assessed` names the
    criteria for which the call holds no evidence either way: they lower no score. `weights` are those of the criteria
    that apply, in the rubric's order; `weight` is the section's own.
    """

    section_id: str
    title: str
    score: float
    confidence: float
    findings: tuple[Finding, ...]
    not_assessed: tuple[str, ...] = ()
    not_applicable: tuple[NotApplicable, ...] = ()
    rules: tuple[RuleOutcome, ...] = ()
    weight: float = 1.0
    weights: tuple[tuple[str, float], ...] = ()
    base: float | None = None

    @property
    def assessed(self) -> bool:
        """False where the score means nothing: no criterion could be assessed and no rule was broken.

        A rule that was kept makes a score only where the section has nothing else to be judged by.
        """
        rules = {rule.rule_id: rule.state for rule in self.rules}
        if any(f.criterion_id not in rules or rules[f.criterion_id] is RuleState.BROKEN for f in self.findings):
            return True
        return bool(self.findings) and not self.weights

    def weight_of(self, criterion_id: str) -> float | None:
        """The criterion's weight in the section; None for a rule."""
        return dict(self.weights).get(criterion_id)

    @property
    def broken(self) -> tuple[RuleOutcome, ...]:
        return tuple(rule for rule in self.rules if rule.state is RuleState.BROKEN)

    @property
    def call_effects(self) -> tuple[Effect, ...]:
        """What this section's broken rules do to the call's score."""
        return tuple(rule.effect for rule in self.broken if rule.effect.of is Reach.CALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class CoachingMoment:
    """A stretch worth replaying with the rep: what happened (the claim) and what to try next time.

    `why`: what it would have changed in the call. A judgement, as the advice is, and no claim about what was said.
    """

    title: str
    advice: str
    claim: Claim
    why: str = ""


POINTS: Final[Mapping[Score, float]] = MappingProxyType({Score.YES: 1.0, Score.PARTLY: 0.5, Score.NO: 0.0})


def scored_section(
    section: Section,
    findings: Sequence[Finding],
    not_applicable: Sequence[NotApplicable] = (),
    rules: Sequence[RuleOutcome] = (),
) -> SectionReview:
    """The section's review from its findings, at most one for each criterion and rule.

    base = 100 x sum(weight x points) / sum(weight), over the criteria with a finding; points: yes 1, partly 0.5,
    no 0. score = `after_effects` of the broken rules on the base, or on 100 where no criterion was assessed.
    confidence = sum(weight x the finding's confidence) / sum(weight), over *all* criteria that apply: what could not
    be assessed makes the section less sure, not worse. Without any criterion that applies it is the mean confidence of
    what was found about rules.
    """
    found = {f.criterion_id: f for f in findings}
    apart = {n.criterion_id for n in not_applicable}
    applying = [c for c in section.criteria if c.id not in apart]
    assessed = [c for c in applying if c.id in found]
    about_rules = [found[rule.rule_id] for rule in rules if rule.rule_id in found]
    weight = sum(c.weight for c in assessed)
    base = 100 * sum(c.weight * POINTS[found[c.id].score] for c in assessed) / weight if weight else None
    if applying:
        sure = sum(c.weight * found[c.id].claim.confidence for c in assessed) / sum(c.weight for c in applying)
    else:
        sure = sum(f.claim.confidence for f in about_rules) / max(1, len(about_rules))
    made = SectionReview(
        section_id=section.id,
        title=section.title,
        score=after_effects(100.0 if base is None else base, (r.effect for r in rules if r.state is RuleState.BROKEN)),
        confidence=min(1.0, sure),
        findings=(*(found[c.id] for c in assessed), *about_rules),
        not_assessed=tuple(c.id for c in applying if c.id not in found),
        not_applicable=tuple(not_applicable),
        rules=tuple(rules),
        weight=section.weight,
        weights=tuple((c.id, c.weight) for c in applying),
        base=base,
    )
    return made if made.assessed else replace(made, score=0.0)


def call_score(rubric: Rubric, scores: Mapping[str, float], effects: Iterable[Effect] = ()) -> float | None:
    """0 to 100: the mean of `scores` by the sections' weights, after what broken rules do to it; None without any.

    `scores` maps the id of each section that could be assessed to its score; `effects`: see
    `SectionReview.call_effects`.
    """
    assessed = [(section.weight, scores[section.id]) for section in rubric.sections if section.id in scores]
    if not assessed:
        return None
    mean = sum(weight * score for weight, score in assessed) / sum(weight for weight, _ in assessed)
    return after_effects(mean, effects)
