"""Fits the map of `likeness.py` on the examples of criteria, so that those of one lie together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.postcall.likeness import Likeness, unit, weighted
from ridealong.postcall.rubric import SHIPPED, load_rubric, shipped_rubric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.core.rubric import Criterion
    from ridealong.embedding import Vectors

    Rows = NDArray[np.float32]

WIDTH: Final = 128
"""Principal parts of the layers that are kept: as good held out as twice as many."""
STEPS: Final = 100
RATE: Final = 0.002
TEMPERATURE: Final = 0.1
HELD: Final = 0.15
"""How strongly the map is held to the plain embedding. At a third of it the examples are learnt by heart."""
QUERIES: Final = 6
"""Of each criterion and step, so that one with many examples weighs no more."""
SEED: Final = 0


def fitting_criteria() -> list[Criterion]:
    """Those of the shipped rubrics, each once, and what `calibration/acts.yaml` adds."""
    text = files("ridealong.postcall").joinpath("calibration", "acts.yaml").read_text(encoding="utf-8")
    rubrics = [*(shipped_rubric(name) for name in SHIPPED), load_rubric(text, "acts.yaml")]
    return list({c.shown_by: c for r in rubrics for section in r.sections for c in section.criteria}.values())


def examples_of(criteria: Sequence[Criterion]) -> list[str]:
    """Every example of `criteria`, once."""
    return list(dict.fromkeys(t for c in criteria for t in (*c.shown_by, *c.partly_shown_by, *c.not_shown_by)))


def fit_likeness(
    criteria: Sequence[Criterion], layers: Mapping[str, Vectors], leave_out: Collection[str] = ()
) -> Likeness:
    """The map fitted on `criteria` but those whose ids are in `leave_out`. `layers` has every example's.

    Each step halves every criterion's examples at random: the mean of one half stands for the criterion, and each
    sentence of the other must lie nearer to it than to all other criteria of its role and all look-alikes of any
    (cross-entropy of cosines over `TEMPERATURE`; Snell, Swersky and Zemel 2017, with Adam).
    """
    rows = weighted(np.stack(list(layers.values())))
    centre = rows.mean(axis=0)
    # What the sentences vary in is a matter of all of them, whichever criteria are left out.
    parts: Rows = np.linalg.svd(rows - centre, full_matrices=False)[2][:WIDTH].T.astype(np.float32)
    small = dict(zip(layers, ((rows - centre) @ parts).astype(np.float32), strict=True))
    kept = [c for c in criteria if c.id not in leave_out]
    sides = [[c for c in kept if c.role is role] for role in sorted({c.role for c in kept}, key=str)]
    turned = np.eye(WIDTH, dtype=np.float32)
    mean, square = np.zeros_like(turned), np.zeros_like(turned)
    chance = np.random.default_rng(SEED)
    for step in range(1, STEPS + 1):
        slope: Rows = HELD * (turned - np.eye(WIDTH, dtype=np.float32))
        for side in sides:
            slope += _slope(side, small, turned, chance)
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope * slope
        turned -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
    return Likeness(centre=centre.astype(np.float32), map=(parts @ turned).astype(np.float32))


def _slope(side: Sequence[Criterion], rows: Mapping[str, Rows], turned: Rows, chance: np.random.Generator) -> Rows:
    middles: list[Rows] = []
    asked: list[Rows] = []
    answers: list[int] = []
    for number, criterion in enumerate(side):
        own = chance.permutation(np.stack([rows[text] for text in criterion.shown_by]))
        half = max(1, len(own) // 2)
        queries = own[half : half + QUERIES]
        middles.append(own[:half].mean(axis=0))
        asked += list(queries)
        answers += [number] * len(queries)
    alike = [rows[text] for criterion in side for text in criterion.not_shown_by]
    near, query = np.stack([*middles, *alike]), np.stack(asked)
    near_turned, query_turned = near @ turned, query @ turned
    near_unit, query_unit = unit(near_turned), unit(query_turned)
    logits = query_unit @ near_unit.T / TEMPERATURE
    told = np.exp(logits - logits.max(axis=1, keepdims=True))
    told /= told.sum(axis=1, keepdims=True)
    told[np.arange(len(answers)), answers] -= 1
    told /= len(answers) * TEMPERATURE
    by_query = query.T @ _of_length(told @ near_unit, query_unit, query_turned)
    by_near = near.T @ _of_length(told.T @ query_unit, near_unit, near_turned)
    return (by_query + by_near).astype(np.float32)


def _of_length(slope: Rows, units: Rows, rows: Rows) -> Rows:
    """The slope by `rows` where `slope` is that by `units`, the same of length 1."""
    length = np.maximum(1e-9, np.linalg.norm(rows, axis=1, keepdims=True))
    found: Rows = (slope - (slope * units).sum(axis=1, keepdims=True) * units) / length
    return found
