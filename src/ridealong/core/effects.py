"""Did a nudge help? What became of each, and rates over many with intervals that say how little is known.

Interval of a rate: Wilson's score interval (E. B. Wilson, JASA 22, 1927). Interval of the difference of two rates:
Newcombe's hybrid score interval (R. G. Newcombe, "Interval estimation for the difference between independent
proportions", Statistics in Medicine 17, 1998, method 10), built from the Wilson limits of both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from ridealong.core.errors import Ungrounded
from ridealong.core.moments import Reason, Tier, Verdict
from ridealong.core.rubric import Criterion
from ridealong.core.transcript import Evidence

Z_95: Final = 1.959964
"""The normal quantile of a two-sided 95% interval."""

ACT_WITHIN_MS: Final = 60_000
"""A rep acts on a nudge within this time, or not at all."""

REPLY_WITHIN_MS: Final = 15_000
"""What the rep says next is an answer to the moment if it begins within this time of the nudge."""

ENOUGH: Final = 30
"""Judged nudges on each side below which an uplift is not told as one: its interval spans half of what is possible."""


class ActsWhen(StrEnum):
    """What the rep does that counts as acting, whatever the words.

    The reply is what the rep says next, begun within REPLY_WITHIN_MS of the nudge, until somebody else speaks.
    """

    QUESTION = "question"
    """Asks anything, within the time to act."""
    REPLY_ASKS = "reply_asks"
    """The reply holds a question: where the nudge says to ask."""
    REPLY_HAS_FIGURE = "reply_has_figure"
    """The reply holds a number, a date or a span of time: where the nudge says to name one."""
    REPLY_REPEATS = "reply_repeats"
    """The reply holds a number, a date or a span of time that the moment's words hold: where it says to confirm."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ActsOn:
    """What doing as a type's nudges ask looks like: words that show `criterion`, or what happens by `when`."""

    criterion: Criterion | None = None
    when: ActsWhen | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """Whether the rep did what a nudge asks for. `confidence` is that of the judgement, 0 to 1."""

    moment_id: UUID
    acted_on: bool
    confidence: float
    evidence: Evidence | None
    """The rep's words that show it; None where they did not act."""

    def __post_init__(self) -> None:
        if self.acted_on != (self.evidence is not None):
            raise Ungrounded("that a rep acted cites the words, and that none did cites nothing")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError("a confidence lies between 0 and 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class NudgeOutcome:
    """One nudge, or one that was held out, and all that is known of what became of it. Times in ms of call audio."""

    moment_id: UUID
    type: str
    tier: Tier
    reason: Reason
    nudge: str
    trigger_ts: int
    decided_ts: int | None
    sent_ts: int | None
    seen_ts: int | None
    verdicts: tuple[Verdict, ...]
    effect: Effect | None
    """None where it was not judged: the type says nothing of it, or the call ended too soon."""

    def felt_late(self, limit_ms: int) -> bool:
        """It reached the rep later than `limit_ms` after what it is about, or the rep said: not now."""
        arrived = self.sent_ts if self.sent_ts is not None else self.decided_ts
        return Verdict.NOT_NOW in self.verdicts or (arrived is not None and arrived - self.trigger_ts > limit_ms)


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectCounts:
    """Over the ended calls of a span, of one rep and one type."""

    rep_id: str
    type: str
    shown: int = 0
    sent: int = 0
    seen: int = 0
    late: int = 0
    judged: int = 0
    acted_on: int = 0
    held_out: int = 0
    held_out_judged: int = 0
    held_out_acted_on: int = 0

    def __add__(self, other: EffectCounts) -> EffectCounts:
        """Of both together, under the name of the first."""
        return EffectCounts(
            rep_id=self.rep_id,
            type=self.type,
            shown=self.shown + other.shown,
            sent=self.sent + other.sent,
            seen=self.seen + other.seen,
            late=self.late + other.late,
            judged=self.judged + other.judged,
            acted_on=self.acted_on + other.acted_on,
            held_out=self.held_out + other.held_out,
            held_out_judged=self.held_out_judged + other.held_out_judged,
            held_out_acted_on=self.held_out_acted_on + other.held_out_acted_on,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A rate or a difference of rates with its 95% interval; `n` is what it is counted over. All None where n is 0."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    def as_json(self) -> dict[str, object]:
        def short(number: float | None) -> float | None:
            return None if number is None else round(number, 4)

        return {"value": short(self.value), "low": short(self.low), "high": short(self.high), "n": self.n}


def rate(hits: int, n: int) -> Estimate:
    """`hits` of `n` with Wilson's interval."""
    if n == 0:
        return Estimate(value=None, low=None, high=None, n=0)
    low, high = wilson(hits, n)
    return Estimate(value=hits / n, low=low, high=high, n=n)


def wilson(hits: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """The Wilson score interval of a proportion, n > 0."""
    share = hits / n
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def uplift(acted: int, judged: int, acted_without: int, judged_without: int) -> Estimate:
    """Acted-on rate of what was shown minus that of what was held out, by Newcombe's method 10.

    `n` is the smaller side, which is what limits it; None throughout where either side is empty.
    """
    n = min(judged, judged_without)
    if n == 0:
        return Estimate(value=None, low=None, high=None, n=0)
    shown, without = acted / judged, acted_without / judged_without
    (low_1, high_1), (low_2, high_2) = wilson(acted, judged), wilson(acted_without, judged_without)
    difference = shown - without
    return Estimate(
        value=difference,
        low=difference - math.hypot(shown - low_1, high_2 - without),
        high=difference + math.hypot(high_1 - shown, without - low_2),
        n=n,
    )


def in_words(of: EffectCounts) -> str:
    """What can honestly be said of the uplift, in one sentence."""
    if of.held_out == 0:
        return "Nothing was held out, so what reps would have done without the nudge is not known."
    found = uplift(of.acted_on, of.judged, of.held_out_acted_on, of.held_out_judged)
    if found.low is None or found.high is None or found.n < ENOUGH:
        return (
            f"Too few to tell: {of.judged} shown and {of.held_out_judged} held out were judged, and {ENOUGH} of each"
            " are the least."
        )
    if found.low > 0:
        return "Reps act on it more often when it is shown than when it is held out."
    if found.high < 0:
        return "Reps act on it less often when it is shown than when it is held out."
    return "No difference can be told from chance: the interval holds zero."
