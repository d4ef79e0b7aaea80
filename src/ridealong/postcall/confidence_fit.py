"""`python -m ridealong.postcall.confidence_fit`: fit the shipped weights of a claim's signals.

They stand on two things, and the file that is written says so:

- claims of the local reviewer: the labelled pairs of `calibration/examples.jsonl`, with the probability of a calibrator
  that has not seen their criterion, where it would have made a finding of them. Whether the claim holds is the label;
- claims of hosted models: drawn from those same pairs, with stated assumptions about what no pair can tell (see
  `Assumed`). Nobody's real reviews are among them. A tenant's own votes take their place.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.confidence import FEATURES, PARTLY, SUPPORTED, Signals, features
from ridealong.embedding.minilm import load_embedder
from ridealong.postcall.calibrate import Pair, held_out, read_pairs, shipped_criteria, table
from ridealong.postcall.certainty import shared_words
from ridealong.postcall.confidence import INTERCEPT, calibration_error, logistic, probabilities
from ridealong.postcall.local import FOUND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ridealong.embedding import Embedder
    from ridealong.postcall.scoring import Numbers

VERSION: Final = "shipped-1"
SEED: Final = 11
HOSTED: Final = 1500
RIDGE: Final = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Assumed:
    """What is assumed of hosted claims, and measured nowhere yet."""

    holds: float = 0.8
    """Share of a model's drafts, once they are proved and their numbers, names and speakers checked, that hold."""
    own_if_true: tuple[float, float] = (9.0, 1.8)
    own_if_false: tuple[float, float] = (6.0, 2.5)
    """Beta distributions of the model's own probability: sure of itself either way."""
    read: float = 0.9
    """Share that a second reading reaches."""
    supported_if_true: float = 0.90
    partly_if_true: float = 0.07
    supported_if_false: float = 0.35
    partly_if_false: float = 0.25
    shaky: float = 0.4
    """Share of claims whose speaker, or whose side, is less than certain: then between 0.5 and 1, evenly."""
    overlapped: float = 0.1
    wrong_if_overlapped: float = 0.15
    """How often words that two people speak at once are heard wrong in a way that matters."""
    estimated: float = 0.1
    wrong_if_estimated: float = 0.10
    repaired: float = 0.1
    wrong_if_repaired: float = 0.12
    contradicted: float = 0.03
    wrong_if_contradicted: float = 0.6
    absence: float = 0.12


def local_claims(pairs: Sequence[Pair], told: Numbers, embedder: Embedder) -> tuple[list[Signals], list[bool]]:
    """The pairs of which the local reviewer would make a finding, as claims, and whether each holds."""
    return _claims(pairs, told[:, 1] + told[:, 2], embedder, least=FOUND)


def _claims(
    pairs: Sequence[Pair], own: Numbers, embedder: Embedder, *, least: float
) -> tuple[list[Signals], list[bool]]:
    criteria = shipped_criteria()
    rows = [n for n in range(len(pairs)) if own[n] >= least and criteria[pairs[n].criterion].shown_as]
    said = {c.id: f"The {c.role.value} {c.shown_as}." for c in criteria.values()}
    texts = sorted({pairs[n].text for n in rows} | set(said.values()))
    vectors = dict(zip(texts, embedder.embed(texts), strict=True))
    signals = [
        Signals(
            own=float(own[n]),
            likeness=float(vectors[pairs[n].text] @ vectors[said[pairs[n].criterion]]),
            shared=shared_words(said[pairs[n].criterion], [pairs[n].text]),
        )
        for n in rows
    ]
    return signals, [pairs[n].label > 0 for n in rows]


def hosted_claims(
    found: Sequence[Signals], holds: Sequence[bool], assumed: Assumed, count: int, seed: int
) -> tuple[list[Signals], list[bool]]:
    """`count` claims as models may write them. A second reading has taken out what it did not find supported."""
    chance = np.random.default_rng(seed)
    true = [s for s, h in zip(found, holds, strict=True) if h]
    false = [s for s, h in zip(found, holds, strict=True) if not h]
    signals: list[Signals] = []
    labels: list[bool] = []
    while len(signals) < count:
        right = bool(chance.random() < assumed.holds)
        pool = true if right else false
        like = pool[int(chance.integers(len(pool)))]
        own = float(chance.beta(*(assumed.own_if_true if right else assumed.own_if_false)))
        speaker, role = (float(chance.uniform(0.5, 1.0)) if chance.random() < assumed.shaky else 1.0 for _ in range(2))
        flags = {
            "overlapped": bool(chance.random() < assumed.overlapped),
            "repaired": bool(chance.random() < assumed.repaired),
            "contradicted": bool(chance.random() < assumed.contradicted),
        }
        estimated = float(chance.random() < assumed.estimated)
        absence = bool(chance.random() < assumed.absence)
        nearest = float(chance.uniform(0.0, 0.3)) if absence else 0.0
        second: str | None = None
        if chance.random() < assumed.read:
            draw = chance.random()
            supported = assumed.supported_if_true if right else assumed.supported_if_false
            partly = assumed.partly_if_true if right else assumed.partly_if_false
            if draw >= supported + partly:
                continue
            second = SUPPORTED if draw < supported else PARTLY
        # A second reader sees the same transcript: what was heard wrong, or put into the wrong mouth, it cannot find.
        right = right and bool(
            chance.random() < speaker * role * (1 - nearest)
            and chance.random() >= assumed.wrong_if_overlapped * flags["overlapped"]
            and chance.random() >= assumed.wrong_if_estimated * estimated
            and chance.random() >= assumed.wrong_if_repaired * flags["repaired"]
            and chance.random() >= assumed.wrong_if_contradicted * flags["contradicted"]
        )
        signals.append(
            Signals(
                own=own,
                hosted=True,
                second=second,
                likeness=like.likeness,
                shared=like.shared,
                speaker=speaker,
                role=role,
                estimated=estimated,
                nearest=nearest,
                absence=absence,
                **flags,
            )
        )
        labels.append(right)
    return signals, labels


def main() -> None:
    embedder = load_embedder()
    pairs = read_pairs()
    told = held_out(table(pairs, embedder), pairs)
    local, local_holds = local_claims(pairs, told, embedder)
    near, near_holds = _claims(pairs, told[:, 1] + told[:, 2], embedder, least=0.1)
    assumed = Assumed()
    hosted, hosted_holds = hosted_claims(near, near_holds, assumed, HOSTED, SEED)
    rows = np.array([features(s) for s in (*local, *hosted)])
    holds = np.array([*local_holds, *hosted_holds], dtype=np.float64)
    prior = np.zeros(1 + len(FEATURES))
    weights = logistic(rows, holds, prior, RIDGE)
    # Of claims that the weights have not seen: ten parts by turns; the hosted ones are drawn anew.
    told_local = np.zeros(len(local))
    for part in range(10):
        out = np.zeros(len(rows), dtype=bool)
        out[part : len(local) : 10] = True
        told_local[part::10] = probabilities(logistic(rows[~out], holds[~out], prior, RIDGE), rows[out])
    fresh, fresh_holds = hosted_claims(near, near_holds, assumed, HOSTED, SEED + 1)
    fresh_rows = np.array([features(s) for s in fresh])
    report = {
        "local_claims": len(local),
        "local_hold": round(float(np.mean(local_holds)), 4),
        "local_error_own": round(calibration_error(np.array([s.own for s in local]), holds[: len(local)]), 4),
        "local_error": round(calibration_error(told_local, holds[: len(local)]), 4),
        "hosted_claims_assumed": len(hosted),
        "hosted_error_own": round(
            calibration_error(np.array([s.own for s in fresh]), np.array(fresh_holds, dtype=np.float64)), 4
        ),
        "hosted_error": round(
            calibration_error(probabilities(weights, fresh_rows), np.array(fresh_holds, dtype=np.float64)), 4
        ),
    }
    stored = {
        "version": VERSION,
        "stands_on": (
            "local claims: the labelled pairs of examples.jsonl and ordinary.jsonl, held out by criterion; hosted "
            "claims: drawn from the same pairs with the assumptions below, of which none is measured"
        ),
        "assumed": asdict(assumed),
        INTERCEPT: round(float(weights[0]), 6),
        "weights": {name: round(float(w), 6) for name, w in zip(FEATURES, weights[1:], strict=True)},
        "held_out": report,
    }
    to = Path(str(files("ridealong.postcall").joinpath("calibration", "confidence.json")))
    to.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps({"weights": stored["weights"], **report}, indent=1) + "\n")


if __name__ == "__main__":
    main()
