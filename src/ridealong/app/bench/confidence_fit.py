"""`python -m ridealong.app.bench.confidence_fit`: fit the shipped weights of a claim's signals.

They stand on two things, and the file that is written says so:

- claims of the local reviewer about the judged calls of `dev`, each by a grader fitted without the call. Whether a
  claim holds is what the person who judged the call said (`judged_claims.holds`);
- claims of hosted models: drawn from labelled pairs, with stated assumptions about what no pair can tell (`Assumed`).
  Nobody's real reviews are among them. A tenant's own votes take their place.

Some minutes of one core. Without `--write` it tells the figures alone: of weights that were fitted without the call,
and of the shipped ones on the calls of `test`, which nothing was fitted on.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
import typer

from ridealong.app.bench.agreement import FOLDER
from ridealong.app.bench.grading_data import FOLDS, Remembering, read_examples, read_items
from ridealong.app.bench.grading_fit import NOTHING, fit_examples, fit_grading, left_out_of, likenesses_of
from ridealong.app.bench.judged import judged_calls
from ridealong.app.bench.judged_claims import JudgedClaim, judged_claims
from ridealong.core.confidence import FEATURES, PARTLY, SUPPORTED, Signals, features, in_words
from ridealong.embedding.minilm import load_embedder
from ridealong.postcall.calibrate import Pair, held_out, read_pairs, shipped_criteria, table
from ridealong.postcall.certainty import shared_words
from ridealong.postcall.confidence import INTERCEPT, calibration_error, logistic, probabilities, shipped_confidence
from ridealong.postcall.grader import Grader
from ridealong.postcall.likeness_fit import examples_of, fit_likeness, fitting_criteria

if TYPE_CHECKING:
    from ridealong.app.bench.judged import JudgedCall
    from ridealong.embedding import Embedder
    from ridealong.postcall.grader import Grading
    from ridealong.postcall.scoring import Numbers

VERSION: Final = "shipped-2"
SEED: Final = 11
HOSTED: Final = 1500
RIDGE: Final = 2.0
LEAST: Final = 0.1
"""Pairs less probable than this are drawn from by no claim."""


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


def paired_claims(pairs: Sequence[Pair], told: Numbers, embedder: Embedder) -> tuple[list[Signals], list[bool]]:
    """The labelled pairs as claims that hosted ones are drawn from, and whether each holds. `told`: see `held_out`."""
    criteria = shipped_criteria()
    own = told[:, 1] + told[:, 2]
    rows = [n for n in range(len(pairs)) if own[n] >= LEAST and criteria[pairs[n].criterion].shown_as]
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


async def claims_of_dev(calls: Sequence[JudgedCall], embedder: Remembering) -> list[JudgedClaim]:
    """The local reviewer's claims about `calls`, each call graded by what was fitted on the others."""
    criteria = fitting_criteria()
    texts = examples_of(criteria)
    layers = dict(zip(texts, embedder.layers(texts), strict=True))
    likenesses = likenesses_of(calls, lambda out: fit_likeness(criteria, layers, out))
    ids = sorted({c.id for c in criteria})
    folds = [frozenset(ids[n::FOLDS]) for n in range(FOLDS)]
    heads = fit_examples(
        read_examples(criteria, embedder, [(out, fit_likeness(criteria, layers, out)) for out in folds])
    )
    items = await read_items(calls, embedder, likenesses, NOTHING)

    def grader_of(call: JudgedCall) -> Grader:
        grading: Grading = fit_grading([i for i in items if i.call != call.name], left_out_of, heads)
        return Grader(embedder, likeness=likenesses[NOTHING], grading=grading)

    return await judged_claims(calls, embedder, grader_of)


def by_word(told: Numbers, holds: Numbers) -> dict[str, dict[str, float]]:
    """For each word that a probability is shown as: how many claims have it, the mean told, the share that holds."""
    words = np.array([in_words(float(p)) for p in told])
    return {
        str(word): {
            "claims": int((words == word).sum()),
            "told": round(float(told[words == word].mean()), 3),
            "hold": round(float(holds[words == word].mean()), 3),
        }
        for word in dict.fromkeys(words[np.argsort(-told)])
    }


def figures(told: Numbers, holds: Numbers) -> dict[str, Any]:
    """`error`: see `calibration_error`. `brier`: mean squared distance of what was told from what is."""
    return {
        "error": round(calibration_error(told, holds), 4),
        "brier": round(float(((told - holds) ** 2).mean()), 4),
        "by_word": by_word(told, holds),
    }


def fit(rows: Numbers, holds: Numbers) -> Numbers:
    return logistic(rows, holds, np.zeros(1 + len(FEATURES)), RIDGE)


def main(
    write: Annotated[bool, typer.Option(help="Also write the file that ships.")] = False,
) -> None:
    """Print the figures as JSON."""
    embedder = Remembering(load_embedder())
    pairs = read_pairs()
    near, near_holds = paired_claims(pairs, held_out(table(pairs, embedder), pairs), embedder)
    assumed = Assumed()
    hosted, hosted_holds = hosted_claims(near, near_holds, assumed, HOSTED, SEED)
    local = asyncio.run(claims_of_dev(judged_calls(FOLDER / "dev"), embedder))
    rows = np.array([features(s) for s in (*(c.signals for c in local), *hosted)])
    holds = np.array([*(c.holds for c in local), *hosted_holds], dtype=np.float64)
    weights = fit(rows, holds)
    own, of_local = np.array([c.signals.own for c in local]), holds[: len(local)]
    # Of claims that the weights have not seen: call by call; the hosted ones are drawn anew.
    calls = np.array([c.call for c in local] + [""] * len(hosted))
    told = np.zeros(len(local))
    for call in {c.call for c in local}:
        out = calls == call
        told[out[: len(local)]] = probabilities(fit(rows[~out], holds[~out]), rows[out])
    fresh, fresh_holds = hosted_claims(near, near_holds, assumed, HOSTED, SEED + 1)
    fresh_rows, of_fresh = np.array([features(s) for s in fresh]), np.array(fresh_holds, dtype=np.float64)
    report = {
        "local_claims": len(local),
        "local_hold": round(float(of_local.mean()), 4),
        "local_error_own": round(calibration_error(own, of_local), 4),
        "local": figures(told, of_local),
        "hosted_claims_assumed": len(hosted),
        "hosted_error_own": round(calibration_error(np.array([s.own for s in fresh]), of_fresh), 4),
        "hosted_error": round(calibration_error(probabilities(weights, fresh_rows), of_fresh), 4),
    }
    test = asyncio.run(judged_claims(judged_calls(FOLDER / "test"), embedder, lambda _: None))
    of_test = np.array([float(c.holds) for c in test])
    before = np.array([shipped_confidence().probability(c.signals) for c in test])
    after = probabilities(weights, np.array([features(c.signals) for c in test]))
    report |= {
        "test_claims": len(test),
        "test_hold": round(float(of_test.mean()), 4),
        "test_error_own": round(calibration_error(np.array([c.signals.own for c in test]), of_test), 4),
        "test_shipped": figures(before, of_test),
        "test": figures(after, of_test),
    }
    stored = {
        "version": VERSION,
        "stands_on": (
            "local claims: those about judged calls, each graded without its call; hosted claims: drawn from labelled"
            " pairs with the assumptions below, of which none is measured"
        ),
        "assumed": asdict(assumed),
        INTERCEPT: round(float(weights[0]), 6),
        "weights": {name: round(float(w), 6) for name, w in zip(FEATURES, weights[1:], strict=True)},
        "held_out": {name: value for name, value in report.items() if not name.startswith("test")},
    }
    if write:
        to = Path(str(files("ridealong.postcall").joinpath("calibration", "confidence.json")))
        to.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(
        json.dumps({INTERCEPT: stored[INTERCEPT], "weights": stored["weights"], **report}, indent=1) + "\n"
    )


if __name__ == "__main__":
    typer.run(main)
