"""Calls that run now, and how reps and the team do over weeks."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from ridealong.web.answers import Answer
from ridealong.web.answers.artifact import MomentCited


class LiveMoment(MomentCited):
    """A moment of a running call. `decided_by` is `local`, or a hosted model as `vendor:model`."""

    decided_by: str


class LiveCallShown(Answer):
    """A running call; `last_moments` are the last three at most, the newest last."""

    call_id: UUID
    title: str
    rep_id: str
    rep_name: str
    started_at: datetime
    audio_ms: int
    last_moments: list[LiveMoment]


class LiveAnswer(Answer):
    calls: list[LiveCallShown]


class Figure(Answer):
    """A number over `n` calls, null where there is none, and the query of the calls behind it (`/v1/calls…`)."""

    value: float | None
    n: int
    calls_query: str


class Figures(Answer):
    """Of one rep, or of one week.

    `talk_ratio`: mean of the calls' `talk_ratio_of_speech`; `questions_per_call`: mean; `score`: mean, 0 to 100;
    `moments`: how many of each type; `nudges` and what reps said of them: counts.
    """

    calls: Figure
    talk_ratio: Figure
    questions_per_call: Figure
    score: Figure
    moments: dict[str, Figure]
    nudges: Figure
    nudges_helpful: Figure
    nudges_wrong: Figure


class RepFigures(Figures):
    rep_id: str
    name: str


class WeekFigures(Figures):
    """`week`: the ISO week, for example `2026-W47`, by UTC."""

    week: str


class TeamAnswer(Answer):
    reps: list[RepFigures]
    weeks: list[WeekFigures]
