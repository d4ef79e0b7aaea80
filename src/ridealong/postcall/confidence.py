"""Weights that turn a claim's signals into a probability: the shipped ones, and a tenant's own fitted from votes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ridealong.core.confidence import FEATURES, ConfidenceModel, Signals, features
from ridealong.core.errors import MissingPart, Refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.store.confidence_models import StoredConfidence

    Numbers = NDArray[np.float64]

LEAST_VOTES: Final = 40
LEAST_OF_A_KIND: Final = 5
"""With fewer voted claims, or fewer of one kind, there is nothing to learn that chance did not make."""
TOWARDS_SHIPPED: Final = 4.0
"""How strongly a tenant's weights are held to the shipped ones: what few votes speak of stays where it was."""
FOLDS: Final = 5
BINS: Final = 10
INTERCEPT: Final = "intercept"


@cache
def shipped_confidence() -> ConfidenceModel:
    """What holds until a tenant's votes say otherwise. Raises MissingPart when it was fitted for other signals."""
    text = files("ridealong.postcall").joinpath("calibration", "confidence.json").read_text(encoding="utf-8")
    stored: dict[str, Any] = json.loads(text)
    if set(stored["weights"]) != set(FEATURES):
        raise MissingPart("the weights are out of date: run `python -m ridealong.app.bench.confidence_fit`")
    return ConfidenceModel(version=stored["version"], intercept=stored[INTERCEPT], weights=stored["weights"])


def confidence_of(stored: StoredConfidence | None) -> ConfidenceModel:
    """The tenant's own model, or the shipped one. What a later version added weighs as it is shipped."""
    shipped = shipped_confidence()
    if stored is None:
        return shipped
    weights = {name: float(stored.weights.get(name, shipped.weights[name])) for name in FEATURES}
    return ConfidenceModel(
        version=f"tenant-{stored.version}",
        intercept=float(stored.weights.get(INTERCEPT, shipped.intercept)),
        weights=weights,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """New weights with what they are worth. Errors: `calibration_error`, of the weights before, and of weights fitted
    without the claims they are measured on.
    """

    weights: Mapping[str, float]
    agreed: int
    disagreed: int
    error_before: float
    error_after: float


def fit_votes(claims: Sequence[tuple[Signals, bool]], before: ConfidenceModel) -> Fit:
    """Weights from claims and whether people agree with them. `before`: what holds now, for the comparison alone.

    Raises Refused('too_few_votes').
    """
    agreed = sum(agrees for _, agrees in claims)
    disagreed = len(claims) - agreed
    if len(claims) < LEAST_VOTES or min(agreed, disagreed) < LEAST_OF_A_KIND:
        raise Refused(
            "too_few_votes",
            f"{agreed} claims are agreed with and {disagreed} are not: at least {LEAST_VOTES} are needed together, and "
            f"{LEAST_OF_A_KIND} of each kind",
        )
    rows = np.array([features(signals) for signals, _ in claims])
    holds = np.array([float(agrees) for _, agrees in claims])
    shipped = shipped_confidence()
    prior = np.array([shipped.intercept, *(shipped.weights[name] for name in FEATURES)])
    told = np.zeros(len(claims))
    for fold in range(FOLDS):
        # By turns within each kind, so that every fold has both.
        order = np.argsort(holds, kind="stable")
        out = order[fold::FOLDS]
        kept = np.setdiff1d(np.arange(len(claims)), out)
        told[out] = probabilities(logistic(rows[kept], holds[kept], prior, TOWARDS_SHIPPED), rows[out])
    weights = logistic(rows, holds, prior, TOWARDS_SHIPPED)
    old = np.array([before.probability(signals) for signals, _ in claims])
    return Fit(
        weights={name: round(float(w), 6) for name, w in zip((INTERCEPT, *FEATURES), weights, strict=True)},
        agreed=agreed,
        disagreed=disagreed,
        error_before=calibration_error(old, holds),
        error_after=calibration_error(told, holds),
    )


def logistic(rows: Numbers, holds: Numbers, prior: Numbers, strength: float) -> Numbers:
    """Weights [1 + features] that minimise log loss + strength / 2 x |weights - prior|^2, by Newton's method.

    The intercept is held as loosely as the rest: with few votes a tenant's share of agreement is chance too.
    """
    full = np.column_stack([np.ones(len(rows)), rows])
    weights = prior.astype(np.float64).copy()
    for _ in range(50):
        told = probabilities(weights, rows)
        slope = full.T @ (told - holds) + strength * (weights - prior)
        curve = (full * (told * (1 - told))[:, None]).T @ full + strength * np.eye(full.shape[1])
        step = np.linalg.solve(curve, slope)
        weights -= step
        if float(np.abs(step).max()) < 1e-8:
            break
    return weights


def probabilities(weights: Numbers, rows: Numbers) -> Numbers:
    found: Numbers = 1 / (1 + np.exp(-np.clip(weights[0] + rows @ weights[1:], -40, 40)))
    return found


def calibration_error(told: Numbers, holds: Numbers, bins: int = BINS) -> float:
    """Expected calibration error: the mean, by how many fall into each of `bins` equal ranges of probability, of the
    distance between the mean probability told and the share that holds (Naeini, Cooper and Hauskrecht 2015).
    """
    if not len(told):
        return 0.0
    place = np.minimum((told * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(float(told[place == b].mean() - holds[place == b].mean())) * float((place == b).mean())
            for b in set(place.tolist())
        )
    )
