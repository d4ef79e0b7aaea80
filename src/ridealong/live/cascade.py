"""Which utterances a hosted model is asked about, and what its answer does to the local decision.

The local head decides at once what is surely nothing and what is surely something. In between lies the doubt: only
there, where an answer could change what happens, is the model asked (see docs/decisions/0013-the-cascade.md).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ridealong import telemetry
from ridealong.core.moments import Detection
from ridealong.core.transcript import Role, Roles, Utterance
from ridealong.live.classify import MOST_TYPES, end_of
from ridealong.live.nudge_check import Flaw, checked
from ridealong.live.taxonomy import nudge_texts
from ridealong.live.wording import Wording

if TYPE_CHECKING:
    from ridealong.live.classify import Classified
    from ridealong.live.second_opinion import Opinion
    from ridealong.live.taxonomy import MomentType, Taxonomy

DOUBT_BELOW: Final = 0.17
"""From so far under a type's `detect` on, a type is in doubt; under that it is surely nothing."""

DOUBT_ABOVE: Final = 0.03
"""Up to so far over a type's `floor` it is in doubt; over that it is surely something: from 0.85 on, by default."""

CONFIRMED: Final = 25.0
"""Likelihood ratio of the model naming a type: how much more often it does so where the type is there than where it is
not. A model that finds three of four and wrongly names any one type in three of a hundred has this ratio."""

DENIED: Final = 0.5
"""Likelihood ratio of the model not naming it: little, since a quick model misses moments and names one of two. With it
even a sloppy model leaves what is recorded no worse than the head alone (docs/decisions/0013-the-cascade.md)."""


OWN_TYPE_PRIOR: Final = 0.05
"""Probability before the answer of a type that the head does not know: a tenant's own. About as common as ours are."""


class ModelWording(StrEnum):
    """Whose words a nudge has."""

    NEVER = "never"
    """The taxonomy's, always."""
    ASKED = "asked"
    """The model's where it is asked about the moment anyway."""
    ALWAYS = "always"
    """The model is asked for words at every moment that may be shown, which makes the sure ones wait for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CascadeSettings:
    """How a call asks. `deadline_ms` counts from the finished utterance; `in_flight` is a call's open questions, beside
    which one that was given up may be heard out."""

    deadline_ms: int = 900
    in_flight: int = 2
    wording: ModelWording = ModelWording.ASKED


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """An utterance that is not decided yet. `held` is the local decision, which stands where no answer comes."""

    utterance: Utterance
    likelihoods: Mapping[str, float]
    held: tuple[Detection, ...]
    given: tuple[str, ...]
    """Types that were decided for this utterance at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sorted:
    """What one utterance gave: moments that stand, and a doubt where there is one."""

    sure: tuple[Detection, ...]
    doubt: Doubt | None


class Cascade:
    """The rules for one call. No I/O, no clock."""

    def __init__(self, taxonomy: Taxonomy, *, language: str, wording: ModelWording = ModelWording.ASKED) -> None:
        self._types: dict[str, MomentType] = {t.id: t for t in taxonomy.content_types}
        self._names = tuple(tracker.name for tracker in taxonomy.trackers)
        self._max_lateness_ms = round(taxonomy.policy.max_lateness_s * 1000)
        self._language = language
        self._model_wording = wording
        self._wording = Wording()

    def stands(self, detection: Detection) -> bool:
        """Whether no model has to be asked about it, nor for its words."""
        return not self._is_doubtful(detection.type, detection.confidence) and not self._wants_words(detection)

    def sort(self, utterance: Utterance, classified: Classified, decided: Collection[str] = ()) -> Sorted:
        """Part what stands from what a model should be asked. `decided`: types that were told ahead of its end."""
        confidence = {**classified.likelihoods, **{d.type: d.confidence for d in classified.detections}}
        doubted = {name for name, sure in confidence.items() if self._is_doubtful(name, sure)}
        doubted |= {d.type for d in classified.detections if self._wants_words(d)}
        doubted.difference_update(decided)
        if not doubted:
            return Sorted(sure=classified.detections, doubt=None)
        sure = tuple(d for d in classified.detections if d.type not in doubted)
        if len(sure) >= MOST_TYPES:
            return Sorted(sure=sure, doubt=None)
        held = tuple(d for d in classified.detections if d.type in doubted)
        doubt = Doubt(
            utterance=utterance,
            likelihoods=classified.likelihoods,
            held=held,
            given=tuple(dict.fromkeys((*decided, *(d.type for d in sure)))),
        )
        return Sorted(sure=sure, doubt=doubt)

    def _is_doubtful(self, type_id: str, confidence: float) -> bool:
        moment_type = self._types.get(type_id)
        if moment_type is None:
            return False
        return moment_type.detect - DOUBT_BELOW <= confidence < _sure_from(moment_type)

    def _wants_words(self, detection: Detection) -> bool:
        return (
            self._model_wording is ModelWording.ALWAYS
            and self._may_be_shown(detection)
            and self._is_general(detection.nudge, self._types[detection.type])
        )

    def _may_be_shown(self, detection: Detection) -> bool:
        moment_type = self._types[detection.type]
        return moment_type.tier == "nudge" and detection.role_known and detection.confidence >= moment_type.floor

    def latest_ts(self, doubt: Doubt) -> int | None:
        """Until when (ms of call audio) the local decision can still be shown; None where it would not be anyway."""
        return min(
            (d.trigger_ts + self._max_lateness_ms for d in doubt.held if self._may_be_shown(d)),
            default=None,
        )

    def settle(self, doubt: Doubt, opinion: Opinion | None, roles: Roles) -> tuple[Detection, ...]:
        """The decision on a doubt, surest first. Without an opinion the local one stands."""
        held = [now for d in doubt.held if (now := self._by_role(d, roles)) is not None]
        if opinion is None:
            return tuple(held)
        if opinion.evidence is not None and opinion.evidence.utterance_no != doubt.utterance.no:
            return tuple(held)  # it named the one moment of a neighbour, and so said nothing about this one
        named = opinion.moment_type.id if opinion.moment_type is not None else None
        decided = [self._weighed(d, opinion, named=d.type == named) for d in held]
        if named is not None and named not in {d.type for d in held} and named not in doubt.given:
            decided += self._new(doubt, opinion, roles)
        found = [d for d in decided if d.confidence >= self._types[d.type].detect]
        found.sort(key=lambda d: (-d.confidence, d.type))
        return tuple(found[: MOST_TYPES - len(doubt.given)])

    def _weighed(self, detection: Detection, opinion: Opinion, *, named: bool) -> Detection:
        moment_type = self._types[detection.type]
        if named:
            general = self._is_general(detection.nudge, moment_type)
            return replace(
                detection,
                confidence=_weigh(detection.confidence, CONFIRMED),
                # A tenant's own answer to a tracked name is worth more than what a model makes up.
                nudge=self._nudge(opinion, moment_type, detection.nudge) if general else detection.nudge,
                decided_by=opinion.model,
            )
        if detection.confidence >= _sure_from(moment_type):
            return detection
        return replace(detection, confidence=_weigh(detection.confidence, DENIED), decided_by=opinion.model)

    def _new(self, doubt: Doubt, opinion: Opinion, roles: Roles) -> list[Detection]:
        """What the model alone has found, believed as far as the local head leaves room for it."""
        moment_type, evidence = opinion.moment_type, opinion.evidence
        if moment_type is None or evidence is None:
            return []
        role = roles.role_of(evidence.speaker_id)
        nudge = self._nudge(opinion, moment_type, None)
        return [
            Detection(
                type=moment_type.id,
                confidence=_weigh(doubt.likelihoods.get(moment_type.id, OWN_TYPE_PRIOR), CONFIRMED),
                evidence=(evidence,),
                trigger_ts=end_of(evidence.utterance, evidence.quote_end),
                nudge=nudge,
                role_known=role is not Role.UNKNOWN or moment_type.bound_role is Role.UNKNOWN,
                speaker_role=role,
                decided_by=opinion.model,
            )
        ]

    def _nudge(self, opinion: Opinion, moment_type: MomentType, otherwise: str | None) -> str:
        if self._model_wording is not ModelWording.NEVER:
            found = checked(opinion.nudge, said=opinion.window, language=self._language, allowed=self._names)
            if not isinstance(found, Flaw):
                return found
            telemetry.nudge_wordings_refused_total.labels(found.value).inc()
        return otherwise if otherwise is not None else self._wording.choose(moment_type)

    def _is_general(self, nudge: str, moment_type: MomentType) -> bool:
        return nudge in nudge_texts(moment_type, {})

    def _by_role(self, detection: Detection, roles: Roles) -> Detection | None:
        """The detection by what is known of the roles by now; None where they rule it out."""
        bound = self._types[detection.type].bound_role
        role = roles.role_of(detection.evidence[0].speaker_id)
        if bound is Role.UNKNOWN:
            return detection
        if role not in (Role.UNKNOWN, bound):
            return None
        return replace(detection, role_known=role is not Role.UNKNOWN, speaker_role=role)


def _sure_from(moment_type: MomentType) -> float:
    return min(moment_type.floor + DOUBT_ABOVE, 0.95)


def _weigh(probability: float, likelihood_ratio: float) -> float:
    """Bayes' rule in odds: posterior odds = prior odds × likelihood ratio. Priors are kept off 0 and 1."""
    prior = min(max(probability, 0.001), 0.999)
    return 1 / (1 + math.exp(-(math.log(prior / (1 - prior)) + math.log(likelihood_ratio))))
