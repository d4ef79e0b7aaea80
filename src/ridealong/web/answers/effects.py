"""Whether nudges helped."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from ridealong.core.moments import Verdict
from ridealong.web.answers import Answer
from ridealong.web.answers.artifact import EvidenceShown


class Rate(Answer):
    """A rate, or a difference of two, with its 95% interval (Wilson; Newcombe); null where `n` is 0."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class EffectFigures(Answer):
    """`sent`, `seen`, `felt_late` of what was shown; `acted_on` of what could be judged, shown and held out.

    `uplift`: the one minus the other; its `n` is the smaller side. `in_words` says what can be said of it.
    """

    shown: int
    held_out: int
    sent: Rate
    seen: Rate
    felt_late: Rate
    acted_on: Rate
    acted_on_held_out: Rate
    uplift: Rate
    in_words: str


class TypeEffects(EffectFigures):
    type: str
    label: str


class RepEffects(EffectFigures):
    rep_id: str


class EffectsAnswer(Answer):
    """`hold_out`: the share of nudges that the policy keeps back now."""

    hold_out: float
    all: EffectFigures
    types: list[TypeEffects]
    reps: list[RepEffects]


class ActingCited(EvidenceShown):
    revision: int


class NudgeEffect(Answer):
    """A nudge, or one that was held out. Times in ms of call audio, null where it did not happen or is not known.

    `acted_on`: null where it was not judged; `evidence` are the rep's words. `next_step_after`: one was offered
    """

    moment_id: UUID
    type: str
    tier: Literal["nudge", "noted"]
    reason: str
    nudge: str
    trigger_ts: int
    decided_ts: int | None
    sent_ts: int | None
    seen_ts: int | None
    felt_late: bool
    verdicts: list[Verdict]
    acted_on: bool | None
    confidence: float | None = Field(description="Of the judgement whether the rep acted")
    evidence: ActingCited | None
    next_step_after: bool


class CallEffects(Answer):
    """`score`: of the call's review, null where there is none."""

    score: float | None
    nudges: list[NudgeEffect]
