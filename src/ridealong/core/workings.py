"""How a section's score came about, as JSON: what the artifact shows and what is stored, and read back from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ridealong.core.rubric import NotApplicable, SectionReview
from ridealong.core.rules import Effect, Reach, RuleKind, RuleOutcome, RuleState, Severity


def rule_json(rule: RuleOutcome) -> dict[str, object]:
    return {
        "rule_id": rule.rule_id,
        "kind": rule.kind.value,
        "severity": rule.severity.value,
        "state": rule.state.value,
        "reason": rule.reason,
        "effect": effect_json(rule.effect),
    }


def effect_json(effect: Effect) -> dict[str, object]:
    return {"deduct": effect.deduct, "cap": effect.cap, "of": effect.of.value}


def effect_of(found: Mapping[str, Any]) -> Effect:
    return Effect(deduct=found["deduct"], cap=found["cap"], of=Reach(found["of"]))


def not_applicable_json(left_out: NotApplicable) -> dict[str, object]:
    return {"criterion_id": left_out.criterion_id, "reason": left_out.reason, "by": left_out.by}


def workings_json(section: SectionReview) -> dict[str, object]:
    return {
        "weight": section.weight,
        "weights": [[name, weight] for name, weight in section.weights],
        "base": section.base,
        "assessed": section.assessed,
        "not_applicable": [not_applicable_json(n) for n in section.not_applicable],
        "rules": [rule_json(r) for r in section.rules],
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Workings:
    """The parts of a `SectionReview` that explain its score."""

    weight: float
    weights: tuple[tuple[str, float], ...]
    base: float | None
    not_applicable: tuple[NotApplicable, ...]
    rules: tuple[RuleOutcome, ...]


def workings_of(found: Mapping[str, Any]) -> Workings:
    """What `workings_json` wrote; of a review that was made before there was any, nothing."""
    return Workings(
        weight=found.get("weight", 1.0),
        weights=tuple((name, weight) for name, weight in found.get("weights", ())),
        base=found.get("base"),
        not_applicable=tuple(
            NotApplicable(criterion_id=n["criterion_id"], reason=n["reason"], by=n["by"])
            for n in found.get("not_applicable", ())
        ),
        rules=tuple(
            RuleOutcome(
                rule_id=r["rule_id"],
                kind=RuleKind(r["kind"]),
                severity=Severity(r["severity"]),
                effect=effect_of(r["effect"]),
                state=RuleState(r["state"]),
                reason=r["reason"],
            )
            for r in found.get("rules", ())
        ),
    )
