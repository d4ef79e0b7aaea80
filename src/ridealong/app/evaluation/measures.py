"""The numbers of an evaluation: what was found against what is true, call by call.

A moment is right when the utterance that it cites first is labelled with its type. Intervals are 95% percentile
bootstraps over whole calls: utterances of one call resemble each other, and an interval over utterances would be too
narrow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from ridealong.core.moments import TIMING_TYPES, Reason, Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.app.evaluation.budget import Budget
    from ridealong.app.evaluation.play import Decided, PlayedCall

    Counts = NDArray[np.float64]
    """[calls, types, 3]: right, wrong, missed."""

RESAMPLES: Final = 1000
SIMULATIONS: Final = 500
BINS: Final = 10
WORST: Final = 12
CONTEXT_TURNS: Final = 3
NOTHING: Final = float("nan")
"""The share of nothing. Never leaves this module: `Interval` and `TypeScore` say None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A figure with its 95% interval; low and high are the figure itself where one call alone was given.

    None where there is nothing to count: no labelled type, no nudge. A resample that leaves nothing to count says
    nothing, and is left out of the interval.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TypeScore:
    """Of one type: `support` is how often it is true, `found` how often it was said. None where nothing is counted:
    the precision of what was never found, the recall of what never occurs."""

    type: str
    precision: float | None
    recall: float | None
    f1: float | None
    f1_low: float | None
    f1_high: float | None
    support: int
    found: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """Judgements whose confidence lies in [low, high): how sure on average, how often right."""

    low: float
    high: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Reliability:
    """`ece`: the mean distance between confidence and share right over the bins, weighted by their counts.

    `by_chance`: what it would be of as many judgements with these confidences, were each right just as often as it says
    (mean, and 95% of SIMULATIONS): some tens of moments cannot show less.
    """

    bins: tuple[Bin, ...]
    ece: float
    by_chance: Interval
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """Percentiles of a list of milliseconds."""

    p50: float
    p95: float
    p99: float
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake:
    """One judgement that was wrong; `kind` says how. `before` are (speaker, text) of the turns that led to it."""

    kind: Literal["false nudge", "wrong moment", "missed"]
    call: str
    no: int
    speaker: str
    text: str
    type: str
    confidence: float
    truth: tuple[str, ...]
    before: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Nudged:
    """What reached the rep. `precision` and `recall` over all types together.

    `allowed` true moments are the most that the attention budget lets be shown in these calls, whatever is judged;
    `of_allowed` is the share of them that was shown. On calls with a moment every ten seconds `recall` cannot be high.
    """

    precision: Interval
    recall: Interval
    allowed: int
    of_allowed: Interval
    shown: int
    false: int
    false_per_10_min: Interval
    held_back: dict[str, int]
    """Right moments that were not shown, by the reason why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    calls: int
    utterances: int
    minutes: float
    moments: int
    """Labelled ones."""
    types: tuple[TypeScore, ...]
    macro_f1: Interval
    micro_f1: Interval
    nudged: Nudged
    recorded_reliability: Reliability
    """Of the moments recorded, by their confidence."""
    judgement_reliability: Reliability
    """Of every judgement, also "this is not it": of each utterance and type that its speaker's role allows."""
    lag: Spread
    classify: Spread
    worst: tuple[Mistake, ...]


def evaluate(played: Sequence[PlayedCall], types: Sequence[str], budget: Budget) -> Evaluation:
    """The numbers of `played` (at least one call), for the given types in that order, nudged under `budget`.

    Macro-F1 is the mean over the types that occur in the labels. A type that does not is listed, and counts among the
    false nudges where it was shown.
    """
    recorded = _counts(played, types, lambda d: True)  # noqa: ARG005
    nudged = _counts(played, types, _was_shown)
    minutes = np.array([p.call.minutes for p in played])
    counted = set(types)
    return Evaluation(
        calls=len(played),
        utterances=sum(len(p.call.session.utterances) for p in played),
        minutes=float(minutes.sum()),
        moments=sum(len(t & counted) for p in played for t in p.call.truth.values()),
        types=_scores(recorded, types),
        macro_f1=_interval(recorded, lambda c: _macro(c, recorded)),
        micro_f1=_interval(recorded, lambda c: _f1(c.sum(axis=(0, 1)))),
        nudged=_nudged(played, nudged, minutes, counted, budget),
        recorded_reliability=reliability(_recorded(played, counted)),
        judgement_reliability=reliability(_judgements(played, counted)),
        lag=_spread([d.lag_ms for p in played for d in p.decided if d.moment.type in counted]),
        classify=_spread([ms for p in played for ms in p.classify_ms]),
        worst=_worst(played, counted),
    )


def types_to_score(content: Sequence[str], played: Sequence[PlayedCall]) -> tuple[str, ...]:
    """The taxonomy's content types, and the timing types that somebody has labelled."""
    labelled = {name for p in played for truth in p.call.truth.values() for name in truth}
    return (*content, *(name for name in TIMING_TYPES if name in labelled))


def reliability(judged: Sequence[tuple[float, bool]]) -> Reliability:
    """(confidence, whether it was right) in ten bins of equal width."""
    confidence = np.array([c for c, _ in judged], np.float64)
    right = np.array([r for _, r in judged], np.float64)
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    bins: list[Bin] = []
    for number in range(BINS):
        inside = place == number
        count = int(inside.sum())
        bins.append(
            Bin(
                low=number / BINS,
                high=(number + 1) / BINS,
                count=count,
                confidence=float(confidence[inside].mean()) if count else 0.0,
                right=float(right[inside].mean()) if count else 0.0,
            )
        )
    chance = np.random.default_rng(13)
    # One draw after the other: together those of a hundred thousand lines would take two gigabytes.
    drawn = ((chance.random(len(judged)) < confidence).astype(np.float64) for _ in range(SIMULATIONS))
    simulated = [_ece(confidence, of, place) for of in drawn]
    low, high = np.percentile(simulated, [2.5, 97.5])
    return Reliability(
        bins=tuple(bins),
        ece=_ece(confidence, right, place),
        by_chance=Interval(value=float(np.mean(simulated)), low=float(low), high=float(high)),
        count=len(judged),
    )


def _ece(confidence: NDArray[np.float64], right: NDArray[np.float64], place: NDArray[np.int64]) -> float:
    """Σ |Σ (confidence − right) of a bin| / n: the bins' distances weighted by their counts."""
    off = np.bincount(place, weights=confidence - right, minlength=BINS)
    return float(np.abs(off).sum()) / max(1, len(right))


def _was_shown(decided: Decided) -> bool:
    return decided.moment.tier is Tier.NUDGE


def _said(played: PlayedCall, counts: Callable[[Decided], bool]) -> set[tuple[int, str]]:
    return {(d.no, d.moment.type) for d in played.decided if counts(d)}


def _counts(played: Sequence[PlayedCall], types: Sequence[str], counts: Callable[[Decided], bool]) -> Counts:
    found = np.zeros((len(played), len(types), 3))
    place = {name: number for number, name in enumerate(types)}
    for number, call in enumerate(played):
        said = {(no, name) for no, name in _said(call, counts) if name in place}
        true = {(no, name) for no, names in call.call.truth.items() for name in names if name in place}
        for column, chosen in enumerate((said & true, said - true, true - said)):
            for name, count in Counter(name for _, name in chosen).items():
                found[number, place[name], column] = count
    return found


def _f1(counts: NDArray[np.float64]) -> float:
    right, wrong, missed = counts
    total = 2 * right + wrong + missed
    return float(2 * right / total) if total else NOTHING


def _macro(counts: Counts, whole: Counts) -> float:
    """Over the types that occur in `whole`; in a resample a type may be gone, and then says nothing."""
    occurs = whole[:, :, [0, 2]].sum(axis=(0, 2)) > 0
    summed = counts.sum(axis=0)
    there = occurs & (summed[:, [0, 2]].sum(axis=1) > 0)
    return float(np.mean([_f1(row) for row in summed[there]])) if there.any() else NOTHING


def _interval(counts: Counts, figure: Callable[[Counts], float]) -> Interval:
    chosen = np.random.default_rng(11).integers(0, len(counts), (RESAMPLES, len(counts)))
    value = figure(counts)
    if np.isnan(value):
        return Interval(value=None, low=None, high=None)
    # With the figure itself among them there is always one that counts something.
    low, high = np.nanpercentile([value, *(figure(counts[row]) for row in chosen)], [2.5, 97.5])
    return Interval(value=value, low=float(low), high=float(high))


def _scores(counts: Counts, types: Sequence[str]) -> tuple[TypeScore, ...]:
    found: list[TypeScore] = []
    for number, name in enumerate(types):
        right, wrong, missed = counts[:, number].sum(axis=0)
        f1 = _interval(counts, lambda c, n=number: _f1(c[:, n].sum(axis=0)))
        found.append(
            TypeScore(
                type=name,
                precision=float(right / (right + wrong)) if right + wrong else None,
                recall=float(right / (right + missed)) if right + missed else None,
                f1=f1.value,
                f1_low=f1.low,
                f1_high=f1.high,
                support=int(right + missed),
                found=int(right + wrong),
            )
        )
    return tuple(found)


def _nudged(
    played: Sequence[PlayedCall],
    counts: Counts,
    minutes: NDArray[np.float64],
    counted: set[str],
    budget: Budget,
) -> Nudged:
    def share(part: Sequence[int]) -> Callable[[Counts], float]:
        def figure(c: Counts) -> float:
            right, *others = (float(c[:, :, column].sum()) for column in (0, *part))
            return right / (right + sum(others)) if right + sum(others) else NOTHING

        return figure

    # Two more columns, in the rows of the first type, so that a resample carries its own minutes and its own budget.
    more = np.zeros((*counts.shape[:2], 5))
    more[:, :, :3] = counts
    more[:, 0, 3] = minutes
    more[:, 0, 4] = [budget.most_of(_true_ts(p, counted)) for p in played]

    def false_rate(c: Counts) -> float:
        return float(c[:, :, 1].sum()) / max(1e-9, float(c[:, 0, 3].sum())) * 10

    def of_allowed(c: Counts) -> float:
        allowed = float(c[:, 0, 4].sum())
        return float(c[:, :, 0].sum()) / allowed if allowed else NOTHING

    held: Counter[str] = Counter()
    for p in played:
        held.update(
            d.moment.reason.value
            for d in p.decided
            if d.moment.type in counted and d.moment.reason is not Reason.DELIVERED and _is_right(p, d)
        )
    return Nudged(
        precision=_interval(counts, share((1,))),
        recall=_interval(counts, share((2,))),
        allowed=int(more[:, 0, 4].sum()),
        of_allowed=_interval(more, of_allowed),
        shown=int(counts[:, :, :2].sum()),
        false=int(counts[:, :, 1].sum()),
        false_per_10_min=_interval(more, false_rate),
        held_back=dict(sorted(held.items())),
    )


def _true_ts(played: PlayedCall, counted: set[str]) -> list[int]:
    """When each true moment was said, one entry a type; the end of its utterance stands for it."""
    truth = played.call.truth
    return [u.end_ts for u in played.call.session.utterances for _ in truth.get(u.no, frozenset()) & counted]


def _is_right(played: PlayedCall, decided: Decided) -> bool:
    return decided.moment.type in played.call.truth.get(decided.no, frozenset())


def _recorded(played: Sequence[PlayedCall], counted: set[str]) -> list[tuple[float, bool]]:
    timing = set(TIMING_TYPES)
    return [
        (d.moment.confidence, _is_right(p, d))
        for p in played
        for d in p.decided
        if d.moment.type in counted and d.moment.type not in timing
    ]


def _judgements(played: Sequence[PlayedCall], counted: set[str]) -> list[tuple[float, bool]]:
    return [
        (sure, name in p.call.truth.get(no, frozenset()))
        for p in played
        for no, likelihoods in p.likelihoods.items()
        for name, sure in likelihoods.items()
        if name in counted
    ]


def _spread(milliseconds: Sequence[float]) -> Spread:
    if not milliseconds:
        return Spread(p50=0.0, p95=0.0, p99=0.0, count=0)
    p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99])
    return Spread(p50=float(p50), p95=float(p95), p99=float(p99), count=len(milliseconds))


def _worst(played: Sequence[PlayedCall], counted: set[str]) -> tuple[Mistake, ...]:
    """False nudges first, the surest first; then moments that were wrong; then true ones that looked least likely."""
    false: list[Mistake] = []
    wrong: list[Mistake] = []
    missed: list[Mistake] = []
    for p in played:
        for d in p.decided:
            if d.moment.type in counted and not _is_right(p, d):
                shown = _was_shown(d)
                mistake = _mistake(
                    p, d.no, d.moment.type, d.moment.confidence, "false nudge" if shown else "wrong moment"
                )
                (false if shown else wrong).append(mistake)
        said = _said(p, lambda d: True)  # noqa: ARG005
        for no, truth in p.call.truth.items():
            for name in sorted(truth & counted):
                if (no, name) not in said:
                    sure = _likelihood(p.likelihoods, no, name)
                    missed.append(_mistake(p, no, name, sure, "missed"))
    for mistakes in (false, wrong):
        mistakes.sort(key=lambda m: (-m.confidence, m.call, m.no))
    missed.sort(key=lambda m: (m.confidence, m.call, m.no))
    return (*false[:WORST], *wrong[:WORST], *missed[:WORST])


def _likelihood(likelihoods: Mapping[int, Mapping[str, float]], no: int, name: str) -> float:
    return likelihoods.get(no, {}).get(name, 0.0)


def _mistake(
    played: PlayedCall, no: int, name: str, confidence: float, kind: Literal["false nudge", "wrong moment", "missed"]
) -> Mistake:
    session = played.call.session
    place = next(n for n, u in enumerate(session.utterances) if u.no == no)

    def who(index: int) -> str:
        speaker = session.utterances[index].speaker
        if not isinstance(speaker, int):
            return "nobody known"
        return "rep" if speaker in session.rep_speakers else f"speaker {speaker}"

    return Mistake(
        kind=kind,
        call=played.call.name,
        no=no,
        speaker=who(place),
        text=session.utterances[place].text,
        type=name,
        confidence=confidence,
        truth=tuple(sorted(played.call.truth.get(no, frozenset()))),
        before=tuple((who(n), session.utterances[n].text) for n in range(max(0, place - CONTEXT_TURNS), place)),
    )
