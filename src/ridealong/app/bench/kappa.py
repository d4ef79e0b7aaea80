"""Agreement of two judges over graded answers: weighted kappa, and how far chance moves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

Pair = tuple[int, int]
"""The places of the two judges' answers among the answers that there are."""

RESAMPLES: Final = 2_000
INTERVAL: Final = (2.5, 97.5)


def linear(grades: int) -> Numbers:
    """Disagreement of each two of `grades` ordered grades, 0 to 1: |i - j| / (grades - 1) (Cicchetti, Allison 1971)."""
    at = np.arange(grades, dtype=np.float64)
    return np.abs(at[:, None] - at[None, :]) / max(1, grades - 1)


def with_apart(grades: int) -> Numbers:
    """`linear`, and one answer more that stands in no order with them: as far as can be from each grade."""
    found = np.ones((grades + 1, grades + 1))
    found[:grades, :grades] = linear(grades)
    found[grades, grades] = 0.0
    return found


def weighted_kappa(pairs: Sequence[Pair], disagreement: Numbers) -> float:
    """1 - sum(w o) / sum(w e): w the disagreement of two answers, o how often both were given together, e how often
    they would be by chance if each judge kept to their own shares (Cohen 1968). 1.0 is agreement, 0.0 chance; NaN where
    chance alone cannot disagree, as when all answers are the same.
    """
    seen = table(pairs, len(disagreement))
    if not seen.sum():
        return float("nan")
    seen = seen / seen.sum()
    chance = np.outer(seen.sum(axis=1), seen.sum(axis=0))
    expected = float((disagreement * chance).sum())
    return 1 - float((disagreement * seen).sum()) / expected if expected else float("nan")


def table(pairs: Sequence[Pair], answers: int) -> Numbers:
    """How often each two answers were given together, the first judge's in rows."""
    found = np.zeros((answers, answers))
    for one, other in pairs:
        found[one, other] += 1
    return found


def interval(by_call: Mapping[str, Sequence[Pair]], disagreement: Numbers) -> tuple[float, float]:
    """Where 95% of the kappas of resampled calls lie: answers about one call are not independent of each other, so
    whole calls are drawn with replacement (percentile bootstrap, Efron 1979; the same draws in every run). Draws
    that have no kappa say nothing and are left out; NaN where none has one, as when all answers are the same.
    """
    calls = list(by_call.values())
    draws = np.random.default_rng(0)
    found = [
        weighted_kappa([p for n in draws.integers(0, len(calls), len(calls)) for p in calls[n]], disagreement)
        for _ in range(RESAMPLES)
    ]
    known = [kappa for kappa in found if not np.isnan(kappa)]
    if not known:
        return float("nan"), float("nan")
    low, high = np.percentile(known, INTERVAL)
    return float(low), float(high)
