"""`python -m ridealong.postcall.calibrate`: fit the local reviewer's calibrator and say how good it is.

Run by whoever changes the examples, the features or the embedding; the result is committed, so that nothing is
fitted where Ridealong runs. `calibration/examples.jsonl` holds one labelled pair a line: a criterion, an utterance and
whether it shows it; `unsure` names the criteria for which the utterance is no clear "no" (`*`: all others).
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from ridealong.core.rubric import Criterion
from ridealong.embedding.minilm import load_embedder
from ridealong.postcall.rubric import shipped_rubric
from ridealong.postcall.scoring import FEATURES, features, ordinary_sentences, profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ridealong.embedding import Embedder, Vectors
    from ridealong.postcall.scoring import Numbers

FITTED_ON: Final = ("meddic", "bant", "spin", "discovery")
"""The rubrics whose criteria the labelled pairs name."""
LABELS: Final = ("no", "partly", "yes")

NEGATIVE_WEIGHT: Final = 2.0
"""The pairs hold more that shows something than a call does: one utterance in a hundred shows a given criterion."""


@dataclass(frozen=True, slots=True)
class Pair:
    criterion: str
    text: str
    label: int
    hard: bool
    """Written for this criterion, not taken from another one's examples."""


class _Remembering:
    """Every sentence is embedded once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        new = [t for t in dict.fromkeys(texts) if t not in self._known]
        if new:
            self._known.update(zip(new, self._embedder.embed(new), strict=True))
        return np.array([self._known[t] for t in texts], dtype=np.float32).reshape(len(texts), -1)


def shipped_criteria() -> dict[str, Criterion]:
    return {c.id: c for name in FITTED_ON for section in shipped_rubric(name).sections for c in section.criteria}


def read_pairs() -> list[Pair]:
    """The labelled pairs, and those that follow from them: what shows one criterion shows no unrelated one."""
    folder = files("ridealong.postcall").joinpath("calibration")
    criteria = shipped_criteria()
    pairs: list[Pair] = []
    for line in folder.joinpath("examples.jsonl").read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        pairs.append(Pair(row["criterion"], row["text"], LABELS.index(row["shows"]), hard=True))
        if row["unsure"] != "*":
            pairs += [
                Pair(other.id, row["text"], 0, hard=False)
                for other in criteria.values()
                if other.id != row["criterion"] and other.role.value == row["role"] and other.id not in row["unsure"]
            ]
    for line in folder.joinpath("ordinary.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        pairs += [Pair(c.id, row["text"], 0, hard=False) for c in criteria.values() if c.role.value == row["role"]]
    return pairs


def table(pairs: Sequence[Pair], embedder: Embedder) -> Numbers:
    """The features of each pair.

    A labelled sentence may be one of its criterion's examples too. So the labelled examples are halved, and each
    pair is scored by the half that does not hold it; pairs from elsewhere are scored by either half in turn.
    """
    known = _Remembering(embedder)
    ordinary = known.embed(ordinary_sentences())
    labelled: dict[str, list[str]] = {}
    for pair in pairs:
        if pair.hard:
            labelled.setdefault(pair.criterion, []).append(pair.text)
    rows = np.zeros((len(pairs), len(FEATURES)))
    for criterion in shipped_criteria().values():
        own = labelled.get(criterion.id, [])
        halves = (own[::2], own[1::2])
        without = [profile(criterion, known, ordinary, leave_out=half) for half in halves]
        for index, pair in enumerate(pairs):
            if pair.criterion == criterion.id:
                half = own.index(pair.text) % 2 if pair.hard else index % 2
                rows[index] = features(without[half], [pair.text], known.embed([pair.text]))[0]
    return rows


def fit(rows: Numbers, labels: Sequence[int]) -> tuple[Numbers, Numbers, LogisticRegression]:
    """(mean, scale, model) over standardised features."""
    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    weights = np.where(np.array(labels) == 0, NEGATIVE_WEIGHT, 1.0)
    model = LogisticRegression(C=1.0, max_iter=5000)
    model.fit((rows - mean) / scale, np.array(labels), sample_weight=weights)
    return mean, scale, model


def held_out(rows: Numbers, pairs: Sequence[Pair]) -> Numbers:
    """Probabilities [n, 3] of each pair by a model that has not seen its criterion."""
    found = np.zeros((len(pairs), len(LABELS)))
    names = np.array([p.criterion for p in pairs])
    labels = np.array([p.label for p in pairs])
    for name in sorted(set(names.tolist())):
        mean, scale, model = fit(rows[names != name], labels[names != name].tolist())
        found[names == name] = model.predict_proba((rows[names == name] - mean) / scale)
    return found


def quality(found: Numbers, pairs: Sequence[Pair]) -> dict[str, float]:
    """What the held-out probabilities are worth. `calibration_error`: expected, over ten bins of any-show."""
    labels = np.array([p.label for p in pairs])
    hard = np.array([p.hard for p in pairs])
    shows = found[:, 1] + found[:, 2]
    # The error is of the population that the weights describe.
    weights = np.where(labels == 0, NEGATIVE_WEIGHT, 1.0)
    bins = np.minimum((shows * 10).astype(int), 9)
    error = sum(
        abs(float(np.average(shows[bins == b] - (labels[bins == b] > 0), weights=weights[bins == b])))
        * float(weights[bins == b].sum())
        for b in set(bins.tolist())
    ) / float(weights.sum())
    return {
        "pairs": len(pairs),
        "auc": cast("float", roc_auc_score(labels > 0, shows)),
        "auc_hard": cast("float", roc_auc_score(labels[hard] > 0, shows[hard])),
        "log_loss": log_loss(labels, found),
        "calibration_error": error,
        "precision_at_half": float((labels[shows >= 0.5] > 0).mean()),
        "recall_at_half": float((shows[labels > 0] >= 0.5).mean()),
    }


def main() -> None:
    pairs = read_pairs()
    rows = table(pairs, load_embedder())
    report = {name: round(value, 4) for name, value in quality(held_out(rows, pairs), pairs).items()}
    mean, scale, model = fit(rows, [p.label for p in pairs])
    stored = {
        "features": list(FEATURES),
        "labels": list(LABELS),
        "mean": mean.round(6).tolist(),
        "scale": scale.round(6).tolist(),
        "coefficients": np.round(model.coef_, 6).tolist(),
        "intercept": np.round(model.intercept_, 6).tolist(),
        "held_out": report,
    }
    to = Path(str(files("ridealong.postcall").joinpath("calibration", "calibrator.json")))
    to.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
