"""Fits the local reviewer's grader and says how good it is on calls and rubrics that it was not fitted on.

    python -m ridealong.app.bench.grading_fit              # the figures alone (some minutes of one core)
    python -m ridealong.app.bench.grading_fit --write      # and the files that ship

It stands on the examples of criteria (`likeness_fit.fitting_criteria`) and on the judged calls of `dev`; those of
`test` are not read. The figures are of answers by graders that were fitted without the call (`call_out`), or without
the call and without every criterion of its rubric, their examples included (`call_and_rubric_out`).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
import typer
from sklearn.linear_model import LogisticRegression

from ridealong.app.bench.agreement import FOLDER, GRADES, Answered, agreement
from ridealong.app.bench.grading_data import FOLDS, Examples, Item, Remembering, read_examples, read_items
from ridealong.app.bench.judged import judged_calls
from ridealong.app.bench.kappa import linear, weighted_kappa
from ridealong.embedding.minilm import load_embedder
from ridealong.postcall.grader import FILE, Grading, Linear, decided, read_best, softmax
from ridealong.postcall.grading_features import FEATURES, OF_CRITERION, OF_WORDS, STANDING, of_criterion
from ridealong.postcall.likeness import FILE as LIKENESS_FILE
from ridealong.postcall.likeness_fit import examples_of, fit_likeness, fitting_criteria
from ridealong.postcall.rubric import SHIPPED, shipped_rubric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.app.bench.judged import JudgedCall
    from ridealong.postcall.likeness import Likeness
    from ridealong.postcall.scoring import Numbers

WEIGHED_ANEW: Final = ("asked", "other_form", "length", "own_centre", "between", STANDING)
"""What judged calls weigh beside what the examples say of the words: they are too few for every feature."""
EXAMPLES_C: Final = 0.3
SHOWS_C: Final = 0.1
GRADE_C: Final = 0.05
"""Inverse strengths of the penalties, scikit-learn's C."""
ROUNDS: Final = 2
INNER: Final = 4
CUTS: Final = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
NOTHING: Final = ""
"""The rubric that is left out where none is."""


def fit_examples(examples: Examples) -> tuple[Linear, Linear]:
    """(whether a sentence shows its criterion, whether fully if at all) by the examples alone."""
    shows = examples.labels > 0
    return (
        _logistic(examples.features, shows, EXAMPLES_C),
        _logistic(examples.features[shows], examples.labels[shows] > 1, EXAMPLES_C),
    )


def fit_shows(items: Sequence[Item], left_out: Callable[[Item], str], heads: tuple[Linear, Linear]) -> Linear:
    """Whether words show their criterion, by what a person pointed at.

    A person points at utterances: which of their sentences is meant is chosen anew by what was fitted before.
    """
    by_examples, fully = heads
    anew = [FEATURES.index(name) for name in WEIGHED_ANEW]
    rows: list[Numbers] = []
    labels: list[bool] = []
    groups: list[tuple[int, int]] = []
    for number, item in enumerate(items):
        candidates = item.candidates[left_out(item)]
        words = candidates.features[:, : len(OF_WORDS)]
        rows.append(np.column_stack([by_examples(words), fully(words), candidates.features[:, anew]]))
        for owner in candidates.owners:
            labels.append(item.answer > 0 and candidates.shown[owner].utterance.no in item.at)
            groups.append((number, owner))
    features, shows = np.concatenate(rows), np.array(labels)
    model = _logistic(features, shows, SHOWS_C)
    for _ in range(ROUNDS):
        odds = model(features)
        best: dict[tuple[int, int], int] = {}
        for row, group in enumerate(groups):
            if group not in best or odds[row] > odds[best[group]]:
                best[group] = row
        kept = list(best.values())
        model = _logistic(features[kept], shows[kept], SHOWS_C)
    return folded(model, heads, anew)


def folded(model: Linear, heads: tuple[Linear, Linear], anew: Sequence[int]) -> Linear:
    """`model`, which reads two heads and some features, as one that reads the features."""
    weights = np.zeros(len(FEATURES))
    bias = model.bias.copy()
    for weight, head in zip(model.weights[:2], heads, strict=True):
        weights[: len(OF_WORDS)] += weight * head.weights
        bias += weight * head.bias
    np.add.at(weights, list(anew), model.weights[2:])
    return Linear(weights=weights, bias=bias)


def fit_grading(items: Sequence[Item], left_out: Callable[[Item], str], heads: tuple[Linear, Linear]) -> Grading:
    """The whole grader. What the last reading sees of an item comes of a `shows` fitted without its call."""
    by_examples, fully = heads
    grading = Grading(
        by_examples=by_examples,
        fully=fully,
        shows=fit_shows(items, left_out, heads),
        grade=Linear(weights=np.zeros((3, len(OF_CRITERION))), bias=np.zeros(3)),
        no_from=0.5,
        yes_from=0.5,
    )
    calls = sorted({item.call for item in items})
    rows = np.zeros((len(items), len(OF_CRITERION)))
    for fold in range(INNER):
        out = {*calls[fold::INNER]}
        without = replace(grading, shows=fit_shows([i for i in items if i.call not in out], left_out, heads))
        for row, item in enumerate(items):
            if item.call in out:
                rows[row] = numbers_of(item, without, left_out(item))
    answers = np.array([item.answer for item in items])
    told = np.zeros((len(items), len(GRADES)))
    for fold in range(INNER):
        out = np.array([item.call in {*calls[fold::INNER]} for item in items])
        grade = _logistic(rows[~out], answers[~out], GRADE_C)
        told[out] = [softmax(grade(row)) for row in rows[out]]
    no_from, yes_from = cuts(told, answers.tolist())
    return replace(grading, grade=_logistic(rows, answers, GRADE_C), no_from=no_from, yes_from=yes_from)


def cuts(told: Numbers, answers: Sequence[int]) -> tuple[float, float]:
    """Where "no" and "yes" begin so that weighted kappa is best: the middle of the best five."""
    tried: list[tuple[float, float, float]] = []
    for no_from in CUTS:
        for yes_from in CUTS:
            grades = [GRADES.index(decided(row, no_from, yes_from)) for row in told]
            pairs = list(zip(answers, grades, strict=True))
            tried.append((weighted_kappa(pairs, linear(len(GRADES))), no_from, yes_from))
    best = sorted(tried, reverse=True)[:5]
    return float(np.median([b[1] for b in best])), float(np.median([b[2] for b in best]))


def numbers_of(item: Item, grading: Grading, left_out: str) -> Numbers:
    read, _, _, _ = read_best(grading, item.candidates[left_out])
    return of_criterion(item.criterion, read, item.called_for)


def answered(item: Item, grading: Grading, left_out: str) -> Answered:
    told = softmax(grading.grade(numbers_of(item, grading, left_out)))
    score = decided(told, grading.no_from, grading.yes_from)
    return Answered(
        call=item.call,
        rubric=item.rubric,
        criterion=item.criterion.id,
        person=GRADES[item.answer],
        reviewer=score.value,
        confidence=round(float(told[GRADES.index(score.value)]), 3),
    )


def call_out(items: Sequence[Item], heads: tuple[Linear, Linear]) -> list[Answered]:
    found: list[Answered] = []
    for call in sorted({item.call for item in items}):
        grading = fit_grading([i for i in items if i.call != call], lambda _: NOTHING, heads)
        found += [answered(i, grading, NOTHING) for i in items if i.call == call]
    return found


def call_and_rubric_out(
    items: Sequence[Item], heads_without: Callable[[frozenset[str]], tuple[Linear, Linear]]
) -> list[Answered]:
    found: list[Answered] = []
    for call, rubric in sorted({(item.call, item.rubric) for item in items}):
        asked = frozenset(i.criterion.id for i in items if i.rubric == rubric)
        kept = [i for i in items if i.call != call and i.criterion.id not in asked]
        grading = fit_grading(kept, left_out_of, heads_without(asked))
        found += [answered(i, grading, left_out_of(i)) for i in items if (i.call, i.rubric) == (call, rubric)]
    return found


def left_out_of(item: Item) -> str:
    """The likeness that does not know the item's rubric."""
    return item.rubric if item.rubric in item.candidates else NOTHING


def _logistic(features: Numbers, labels: NDArray[Any], strength: float) -> Linear:
    """Fitted on standardised features; the weights are those of the features as they are."""
    mean, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    model = LogisticRegression(C=strength, max_iter=5000).fit((features - mean) / scale, labels)
    weights: Numbers = model.coef_ / scale
    bias: Numbers = model.intercept_ - weights @ mean
    return Linear(weights=weights[0], bias=bias[0]) if len(weights) == 1 else Linear(weights=weights, bias=bias)


def main(
    folder: Annotated[Path, typer.Argument(help="Folder with judged calls.")] = FOLDER / "dev",
    write: Annotated[bool, typer.Option(help="Also write the files that ship.")] = False,
) -> None:
    """Print the figures as JSON."""
    criteria = fitting_criteria()
    embedder = Remembering(load_embedder())
    texts = examples_of(criteria)
    layers = dict(zip(texts, embedder.layers(texts), strict=True))
    calls = judged_calls(folder)
    likenesses = likenesses_of(calls, lambda out: fit_likeness(criteria, layers, out))
    ids = sorted({c.id for c in criteria})
    folds = [frozenset(ids[n::FOLDS]) for n in range(FOLDS)]
    examples = read_examples(criteria, embedder, [(out, fit_likeness(criteria, layers, out)) for out in folds])
    items = asyncio.run(read_items(calls, embedder, likenesses, NOTHING))

    def heads_without(out: frozenset[str]) -> tuple[Linear, Linear]:
        kept = np.array([name not in out for name in examples.criteria])
        return fit_examples(
            Examples(
                features=examples.features[kept],
                labels=examples.labels[kept],
                criteria=[name for name in examples.criteria if name not in out],
            )
        )

    heads = fit_examples(examples)
    report = {
        "calls": len(calls),
        "criteria": len(items),
        "call_out": _figures(call_out(items, heads)),
        "call_and_rubric_out": _figures(call_and_rubric_out(items, heads_without)),
    }
    if write:
        # A rubric that nobody has seen yet is the harder case: what it will be asked about is fitted as such.
        _write(fit_grading(items, left_out_of, heads), likenesses[NOTHING], report)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


def likenesses_of(calls: Sequence[JudgedCall], fit: Callable[[frozenset[str]], Likeness]) -> dict[str, Likeness]:
    """By the rubric whose criteria are left out."""
    found = {NOTHING: fit(frozenset())}
    for name in sorted({name for call in calls for name in call.answers} & {*SHIPPED}):
        found[name] = fit(frozenset(c.id for section in shipped_rubric(name).sections for c in section.criteria))
    return found


def _figures(answers: Sequence[Answered]) -> dict[str, Any]:
    found = agreement(answers)
    return {"kappa": {k: round(v, 3) for k, v in asdict(found.kappa).items()}, "confusion": found.confusion}


def _write(grading: Grading, likeness: Likeness, report: dict[str, Any]) -> None:
    folder = Path(str(files("ridealong.postcall").joinpath("calibration")))
    np.savez_compressed(
        folder / LIKENESS_FILE, centre=likeness.centre.astype(np.float16), map=likeness.map.astype(np.float16)
    )
    stored: dict[str, Any] = {"features": FEATURES, "of_criterion": OF_CRITERION}
    for name in ("by_examples", "fully", "shows", "grade"):
        head: Linear = getattr(grading, name)
        stored[name] = {"weights": np.round(head.weights, 6).tolist(), "bias": np.round(head.bias, 6).tolist()}
    stored |= {"no_from": grading.no_from, "yes_from": grading.yes_from, "held_out": report}
    (folder / FILE).write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
