"""Risk rules: what must be said, must not be said, or must be said before something else; and what breaking costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ridealong.core.conditions import ALWAYS, When
from ridealong.core.transcript import Role


class RuleKind(StrEnum):
    MUST_SAY = "must_say"
    MUST_NOT_SAY = "must_not_say"
    MUST_SAY_BEFORE = "must_say_before"


class Severity(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Reach(StrEnum):
    SECTION = "section"
    CALL = "call"
    """The section's score, and the call's as well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What a broken rule does: `deduct` points of 100, and no score above `cap`."""

    deduct: float = 0.0
    cap: float = 100.0
    of: Reach = Reach.SECTION


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """How something sounds on a call. `phrases` are matched word by word (`*`: up to three words, `guarantee*`: any
    ending), unless the sentence also holds one of `unless`; `shown_by` and `not_shown_by` are compared by meaning.
    `shown_as` completes "the rep …" or "the customer …".
    """

    role: Role
    shown_as: str
    phrases: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    shown_by: tuple[str, ...] = ()
    not_shown_by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """What a thing has to be said before: the first of these words, moments, or seconds of the call."""

    words: Words | None = None
    moments: tuple[str, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """`before` belongs to MUST_SAY_BEFORE and is None on the others."""

    id: str
    kind: RuleKind
    said: Words
    severity: Severity
    effect: Effect
    before: Before | None = None
    when: When = ALWAYS
    advice: str = ""


class RuleState(StrEnum):
    KEPT = "kept"
    """Of MUST_NOT_SAY: nothing was found that breaks it."""
    BROKEN = "broken"
    NOT_ASSESSED = "not_assessed"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleOutcome:
    """What became of a rule. Its proof is the finding whose `criterion_id` is `rule_id`; `reason` says why there is
    none where it was not assessed or does not apply.
    """

    rule_id: str
    kind: RuleKind
    severity: Severity
    effect: Effect
    state: RuleState
    reason: str = ""


def after_effects(score: float, effects: Iterable[Effect]) -> float:
    """min(every cap, max(0, score - sum of deductions)): the order in which rules are broken makes no difference."""
    broken = list(effects)
    left = max(0.0, score - sum(effect.deduct for effect in broken))
    return min([left, *(effect.cap for effect in broken)])
