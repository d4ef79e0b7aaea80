"""Which stage of a call each utterance belongs to: by meaning, in an order that calls tend to have.

Three known parts. Where the talk turns: the cosine between the mean vectors of the utterances before and behind a gap,
and its depth below the hills beside it (TextTiling: Hearst 1997, "TextTiling: Segmenting Text into Multi-paragraph
Subtopic Passages", with sentence embeddings in place of word counts as in Solbiati et al. 2021, arXiv:2106.12978).
What it is about: the nearest example sentences of each stage (`outline/examples.jsonl`), smoothed over neighbours.
Which stage follows which: a hidden Markov chain whose best path Viterbi (1967) finds; changing costs less where
the talk turns, and less forwards than backwards.

Nothing here is fitted: there are no labelled calls to fit it on. So the confidence is a share of votes, and no
probability that was checked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.outline import STAGES
from ridealong.core.transcript import Role, Unattributed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.embedding import Embedder, Vectors
    from ridealong.postcall.reviewer import ReviewContext

    Numbers = NDArray[np.float64]

BLOCK: Final = 5
"""Utterances on each side of a gap whose vectors are compared."""
SMOOTH: Final = 2
"""Neighbours on each side that have a say in what an utterance is about."""
SHARPNESS: Final = 20.0
"""Of the softmax over stages: a cosine that is higher by 0.05 makes a stage 2.7 times as likely."""
CHANGE: Final = 3.5
"""Log-odds that a change of stage costs where the talk does not turn; nothing where it turns the most."""
BACKWARDS: Final = 1.5
"""On top, for a stage that tends to come earlier."""
PLACE: Final = 2.5
"""How much opening and closing cost away from the ends of the call."""
MIN_WORDS: Final = 3
HINT: Final = 1.0
"""What a moment of the live path adds to the stage that it belongs to, at its utterance."""
SHORTEST: Final = 2
"""Utterances: a stage with fewer belongs to the one before."""

_MOMENT_STAGES: Final = {
    "pain_stated": "discovery",
    "price_asked": "pricing",
    "objection_raised": "objections",
    "competitor_mentioned": "objections",
    "commitment_offered": "next_steps",
    "stall": "next_steps",
    "decision_process": "next_steps",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class StageSpan:
    """Rows `first` to `last` of the transcript. `confidence`: the stage's mean share. `best`: the rows that show it."""

    stage: str
    first: int
    last: int
    confidence: float
    best: tuple[int, ...]


@cache
def _examples() -> tuple[tuple[str, str], ...]:
    text = files("ridealong.postcall").joinpath("outline", "examples.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    return tuple((str(line["stage"]), str(line["text"])) for line in lines)


class Stager:
    """Finds the stages of calls. Thread-safe; the examples are embedded on first use (about a second) and kept."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: Vectors | None = None
        self._lock = Lock()

    def warm(self) -> None:
        """Embed the examples now."""
        with self._lock:
            if self._known is None:
                self._known = self._embedder.embed([text for _, text in _examples()])

    def spans(self, context: ReviewContext) -> list[StageSpan]:
        """The stages of the call in order, which together hold all of its utterances. Empty for a silent call."""
        utterances = context.transcript.utterances
        if not utterances:
            return []
        self.warm()
        own = self._similar(context)
        smooth = _smoothed(own, np.array([len(u.text.split()) for u in utterances], dtype=np.float64))
        share = np.exp(SHARPNESS * (smooth - smooth.max(axis=1, keepdims=True)))
        share /= share.sum(axis=1, keepdims=True)
        score = np.log(share + 1e-9) + _hints(context) + _places(len(utterances))
        path = _best_path(score, _turns(context.vectors))
        return [
            StageSpan(
                stage=STAGES[path[first]],
                first=first,
                last=last,
                confidence=float(share[first : last + 1, path[first]].mean()),
                best=_shown_best(context, own[:, path[first]], first, last),
            )
            for first, last in _runs(path)
        ]

    def _similar(self, context: ReviewContext) -> Numbers:
        """[utterances, stages]: the mean cosine to the two nearest examples of each stage."""
        if self._known is None:
            raise RuntimeError("warm() comes first")
        similar = context.vectors @ self._known.T
        of = np.array([STAGES.index(stage) for stage, _ in _examples()])
        columns = [np.sort(similar[:, of == n], axis=1)[:, -2:].mean(axis=1) for n in range(len(STAGES))]
        return np.stack(columns, axis=1).astype(np.float64)


def _smoothed(similar: Numbers, words: Numbers) -> Numbers:
    """Each row's mean with its neighbours, near ones and long ones first: "okay" has no say."""
    weight = np.minimum(words, 12.0) * (words >= MIN_WORDS) + 0.1
    total, sum_of_weights = np.zeros_like(similar), np.zeros(len(similar))
    for step in range(-SMOOTH, SMOOTH + 1):
        near = 1.0 - abs(step) / (SMOOTH + 1)
        rows = np.arange(max(0, step), min(len(similar), len(similar) + step))
        total[rows - step] += similar[rows] * (weight[rows] * near)[:, None]
        sum_of_weights[rows - step] += weight[rows] * near
    return total / sum_of_weights[:, None]


def _turns(vectors: Vectors) -> Numbers:
    """For each row but the first, 0 to 1: how deep the likeness falls between what is before it and from it on."""
    count = len(vectors)
    sums = np.concatenate([np.zeros((1, vectors.shape[1])), np.cumsum(vectors, axis=0, dtype=np.float64)])
    at = np.arange(1, count)
    before = sums[at] - sums[np.maximum(0, at - BLOCK)]
    behind = sums[np.minimum(count, at + BLOCK)] - sums[at]
    norm = np.linalg.norm(before, axis=1) * np.linalg.norm(behind, axis=1)
    likeness = (before * behind).sum(axis=1) / np.maximum(norm, 1e-9)
    depth = np.zeros(len(likeness))
    for n in range(len(likeness)):
        left = right = n
        while left > 0 and likeness[left - 1] >= likeness[left]:
            left -= 1
        while right + 1 < len(likeness) and likeness[right + 1] >= likeness[right]:
            right += 1
        depth[n] = likeness[left] + likeness[right] - 2 * likeness[n]
    deepest = np.quantile(depth, 0.95) if len(depth) else 0.0
    return np.clip(depth / max(float(deepest), 1e-6), 0.0, 1.0)


def _hints(context: ReviewContext) -> Numbers:
    row = {u.no: n for n, u in enumerate(context.transcript)}
    found = np.zeros((len(row), len(STAGES)))
    for stored in context.moments:
        stage = _MOMENT_STAGES.get(stored.moment.type)
        if stage is not None:
            found[row[stored.moment.evidence[0].utterance_no], STAGES.index(stage)] += HINT * stored.moment.confidence
    return found


def _places(count: int) -> Numbers:
    """What the place in the call says: nobody opens it at its end. Less than nothing where a stage is out of place."""
    at = (np.arange(count) + 0.5) / count
    found = np.zeros((count, len(STAGES)))
    found[:, STAGES.index("opening")] = -PLACE * np.minimum(1.0, at / 0.25)
    found[:, STAGES.index("rapport")] = -PLACE * np.minimum(1.0, at / 0.4)
    found[:, STAGES.index("closing")] = -PLACE * np.minimum(1.0, (1 - at) / 0.15)
    return found


def _best_path(score: Numbers, turns: Numbers) -> list[int]:
    """The likeliest stage of each row (Viterbi)."""
    stages = len(STAGES)
    order = np.arange(stages)
    backwards = np.where(order[None, :] < order[:, None], BACKWARDS, 0.0)
    changes = 1.0 - np.eye(stages)
    best, came_from = score[0] - PLACE * order / stages, np.zeros((len(score), stages), dtype=np.int64)
    for n in range(1, len(score)):
        cost = changes * (CHANGE * (1.0 - 0.8 * turns[n - 1])) + backwards
        options = best[:, None] - cost
        came_from[n] = options.argmax(axis=0)
        best = options.max(axis=0) + score[n]
    path = [int(best.argmax())]
    for n in range(len(score) - 1, 0, -1):
        path.append(int(came_from[n, path[-1]]))
    return path[::-1]


def _runs(path: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for row, stage in enumerate(path):
        if runs and path[runs[-1][0]] == stage:
            runs[-1] = (runs[-1][0], row)
        elif runs and runs[-1][1] - runs[-1][0] + 1 < SHORTEST and len(runs) > 1:
            # Too short to be one: it goes on as what was before it, and this begins anew.
            short = runs.pop()
            runs[-1] = (runs[-1][0], short[1])
            runs = [*runs[:-1], (runs[-1][0], row)] if path[runs[-1][0]] == stage else [*runs, (row, row)]
        else:
            runs.append((row, row))
    return runs


def _shown_best(context: ReviewContext, similar: Numbers, first: int, last: int) -> tuple[int, ...]:
    """Up to two rows of the stretch that are nearest to the stage and can be cited, in their order."""
    utterances = context.transcript.utterances
    rows = [
        n
        for n in range(first, last + 1)
        if not isinstance(utterances[n].speaker, Unattributed) and len(utterances[n].text.split()) >= MIN_WORDS
    ]
    sure = [n for n in rows if context.side_of(utterances[n].speaker) is not Role.UNKNOWN] or rows
    return tuple(sorted(sorted(sure, key=lambda n: -similar[n])[:2]))
