"""Train the head from the examples that lie beside this module.

Runs at build time, and only then are scipy and scikit-learn imported: a server that finds its head built needs neither.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import numpy as np

from ridealong.core.moments import CONTENT_TYPES
from ridealong.core.transcript import Role
from ridealong.embedding.cache import built, default_cache_dir, digest
from ridealong.embedding.minilm import VIEWS_WIDTH, Earlier, identity
from ridealong.live.cues import CUES, vocabulary
from ridealong.live.features import (
    BESIDE,
    DIMENSIONS,
    FACTS,
    FEATURES_VERSION,
    Reader,
    Surroundings,
    Turn,
    clauses,
    row,
)
from ridealong.live.head import Head

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.embedding import Vectors

TRAINING_VERSION: Final = 9
"""Part of the cache key: raise it whenever training changes."""

STRENGTH: Final = 0.3
"""Inverse of the regularisation (scikit-learn's C); chosen on `dev` and the calls that were looked at (0033)."""

VIEW_WEIGHT: Final = 1.5
CONTEXT_WEIGHT: Final = 1.0
CUE_WEIGHT: Final = 1.0
FACT_WEIGHT: Final = 2.0
"""How loud the blocks of features are against the regularisation; chosen on calls held out in folds."""

DEVIATION: Final = 0.2
"""How far a type's calibration may leave that of all types: the weight of its own column against C = 1.

Chosen by the likelihood of calls left out one by one: a type occurs in them some twenty times.
"""

ANSWER_WEIGHT: Final = 0.6
"""How much the margins of the turn read with those before it count beside the log-odds of the head. By calls of authors
whom neither had read anything from here to 0.9 is as good, and plain speech is found the better the less it is (0054).
"""

TURNS_BEFORE: Final = 3
"""Of a labelled call's example: the turn that it answers is among them."""

VIEWS: Final = VIEWS_WIDTH // DIMENSIONS
FOLDS: Final = 5
PLAIN_WEIGHT: Final = 0.5
UNKNOWN_WEIGHT: Final = 0.4
"""Each example is also shown as a recogniser without punctuation writes it, and with its role hidden."""


Part = Literal["training", "calibration"]
"""Calls of `calibration` are never fitted on: they set the probabilities right, and choices are made by them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A labelled utterance. `call` is the group that calibration never splits."""

    text: str
    role: Role
    types: tuple[str, ...]
    before: tuple[Turn, ...]
    call: str


def shipped_examples(part: Part = "training") -> list[Example]:
    """The examples of that part, in a fixed order: single ones first, then those of whole calls."""
    found: list[Example] = []
    for content in example_files(part):
        header, *lines = (json.loads(line) for line in content.decode().splitlines())
        if "rep_speaker" in header:
            found.extend(_of_call(header, lines))
        else:
            found.extend(_single(read) for read in (header, *lines))
    return found


def _single(read: Mapping[str, Any]) -> Example:
    return Example(
        text=read["text"],
        role=Role(read["role"]),
        types=tuple(read["types"]),
        before=tuple(Turn(text=t["text"], role=Role(t["role"])) for t in read["before"]),
        call=read["call"],
    )


def _of_call(header: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> list[Example]:
    """One example a line of a labelled transcript, with the turns before it."""
    turns = [
        Turn(text=line["text"], role=Role.REP if line["speaker"] == header["rep_speaker"] else Role.CUSTOMER)
        for line in lines
    ]
    return [
        Example(
            text=turn.text,
            role=turn.role,
            types=tuple(moment["type"] for moment in line["moments"]),
            before=tuple(turns[max(0, number - TURNS_BEFORE) : number]),
            call=header["call"],
        )
        for number, (turn, line) in enumerate(zip(turns, lines, strict=True))
    ]


def load_head(reader: Reader, cache_dir: Path | None = None, *, embedder_key: str | None = None) -> Head:
    """The shipped head, trained first where `cache_dir` does not hold it yet (some twenty seconds).

    `embedder_key` names the embedder, whose vectors no other embedder's head understands; by default MiniLM's.
    """
    vocabulary()  # now, and not within the first judgement of a call
    versions = f"{FEATURES_VERSION} {TRAINING_VERSION} {embedder_key or identity()}"
    name = f"head-{digest([*example_files(), *example_files('calibration'), versions.encode()])}.npz"
    path = built(
        cache_dir or default_cache_dir(),
        name,
        lambda to: train(shipped_examples(), reader, whole_calls=shipped_examples("calibration")).save(to),
    )
    return Head.load(path)


def example_files(part: Part = "training") -> list[bytes]:
    """The shipped example files of that part, as bytes. Of training: single examples, then labelled calls."""
    folder = files("ridealong.live") / "examples"
    return [
        entry.read_bytes()
        for place in ((folder, folder / "calls") if part == "training" else (folder / "dev",))
        for entry in sorted(place.iterdir(), key=lambda e: e.name)
        if entry.name.endswith(".jsonl")
    ]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prepared:
    """Examples as numbers. Rows of one example lie together: its whole text first, then its clauses."""

    rows: Vectors
    starts: NDArray[np.int64]
    """[examples + 1]: where each example's rows begin."""
    labels: NDArray[np.bool_]
    """[examples, types]."""
    weights: NDArray[np.float64]
    groups: NDArray[np.int64]
    centre: Vectors
    scale: Vectors
    """[WIDTH]: `rows` are the features minus `centre`, times `scale`."""


def prepare(examples: Sequence[Example], reader: Reader, types: Sequence[str] = CONTENT_TYPES) -> Prepared:
    """Embed and featurise `examples` with their plain and role-less doubles."""
    shown: list[tuple[Example, float]] = []
    for example in examples:
        shown.append((example, 1.0))
        if (bare := plain(example.text)) != example.text:
            shown.append((replace(example, text=bare), PLAIN_WEIGHT))
        if example.role is not Role.UNKNOWN:
            shown.append((replace(example, role=Role.UNKNOWN), UNKNOWN_WEIGHT))
    return _featurise([e for e, _ in shown], [w for _, w in shown], reader, types)


def _featurise(examples: Sequence[Example], weights: Sequence[float], reader: Reader, types: Sequence[str]) -> Prepared:
    pieces = [[(0, len(e.text)), *clauses(e.text)] for e in examples]
    around = [Surroundings.of(e.role, e.before) for e in examples]
    own = {e.text: reader.pieces(e.text, spans[1:]) for e, spans in zip(examples, pieces, strict=True)}
    answered = {s.answered.text for s in around if s.answered is not None}
    vectors = {text: own[text][0] if text in own else reader.views([text])[0] for text in answered}
    rows: list[Vectors] = []
    starts = [0]
    for example, spans, surroundings in zip(examples, pieces, around, strict=True):
        before = vectors[surroundings.answered.text] if surroundings.answered is not None else None
        views = own[example.text]
        rows.extend(row(example.text[a:b], v, surroundings, before) for (a, b), v in zip(spans, views, strict=True))
        starts.append(len(rows))
    calls = {name: number for number, name in enumerate(sorted({e.call for e in examples}))}
    plain_rows = np.array(rows)
    centre, scale = standard(plain_rows)
    return Prepared(
        centre=centre,
        scale=scale,
        rows=(plain_rows - centre) * scale,
        starts=np.array(starts, np.int64),
        labels=np.array([[t in e.types for t in types] for e in examples], np.bool_),
        weights=np.array(weights),
        groups=np.array([calls[e.call] for e in examples], np.int64),
    )


def standard(rows: Vectors) -> tuple[Vectors, Vectors]:
    """What makes each embedding's numbers comparable: all vectors of a layer share a large part, which is removed."""
    centre, scale = np.zeros(rows.shape[1], np.float32), np.ones(rows.shape[1], np.float32)
    for begin, loudness in enumerate((VIEW_WEIGHT,) * VIEWS + (CONTEXT_WEIGHT,)):
        block = slice(begin * DIMENSIONS, (begin + 1) * DIMENSIONS)
        if begin < VIEWS:
            centre[block] = rows[:, block].mean(axis=0)
        spread = rows[:, block].std(axis=0)
        # By the number of dimensions, so that a block's squared length is about `loudness` squared.
        scale[block] = loudness / (spread + 1e-6) / math.sqrt(DIMENSIONS)
    scale[-FACTS - CUES : -FACTS] = CUE_WEIGHT
    scale[-FACTS:] = FACT_WEIGHT
    return centre, scale


def train(
    examples: Sequence[Example],
    reader: Reader,
    types: Sequence[str] = CONTENT_TYPES,
    *,
    whole_calls: Sequence[Example] = (),
) -> Head:
    """Fit one head a type, then calibrate it on margins of calls that it was not fitted on.

    Examples are half moments, calls are mostly nothing: where `whole_calls` are given (which nothing was fitted on),
    the probabilities are set right on them.
    """
    data = prepare(examples, reader, types)
    margins = held_out_margins(data)
    slopes, offsets = zip(
        *(_platt(margins[:, t], data.labels[:, t], data.weights) for t in range(len(types))), strict=True
    )
    weights, bias = fit(data, np.ones(len(data.weights), np.bool_))
    bias = (bias - weights @ (data.centre * data.scale)).astype(np.float32)
    weights = weights * data.scale
    head = Head(
        types=tuple(types),
        weights=weights,
        bias=bias,
        slope=np.array(slopes, np.float32),
        offset=np.array(offsets, np.float32),
        share=np.zeros(len(types), np.float32),
    )
    return _at_the_rate_of_calls(head, whole_calls, reader) if whole_calls else head


def _at_the_rate_of_calls(head: Head, whole_calls: Sequence[Example], reader: Reader) -> Head:
    """`head` with its calibration moved to how often moments occur in whole calls.

    One slope for all types, one offset and a small deviation for each: a type occurs in these calls some dozen times,
    which is too little for a curve of its own.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    data = _featurise(whole_calls, [1.0] * len(whole_calls), reader, head.types)
    margins = head.margins(data.rows / data.scale + data.centre)
    best = np.maximum.reduceat(margins, data.starts[:-1], axis=0)
    allowed = np.array([[_may_be(e.role, t) for t in head.types] for e in whole_calls])
    kind = np.broadcast_to(np.arange(len(head.types)), best.shape)[allowed]

    def moved(log_odds: NDArray[np.floating]) -> tuple[float, NDArray[np.float64]]:
        columns = np.concatenate([log_odds[allowed][:, None], DEVIATION * np.eye(len(head.types))[kind]], axis=1)
        model = LogisticRegression(C=1.0, max_iter=500)
        model.fit(columns, data.labels[allowed])
        slope, *own = np.asarray(model.coef_, np.float64)[0]
        return slope, float(np.asarray(model.intercept_)[0]) + DEVIATION * np.array(own)

    alone = best * head.slope + head.offset
    slope, offset = moved(alone)
    found = replace(
        head,
        slope=(head.slope * slope).astype(np.float32),
        offset=(head.offset * slope + offset).astype(np.float32),
        share=data.labels.mean(axis=0).astype(np.float32),
    )
    if head.types != CONTENT_TYPES:
        return found
    features = data.rows[data.starts[:-1]] / data.scale + data.centre
    answers = [answer(reader, e.text, e.role, e.before, f) for e, f in zip(whole_calls, features, strict=True)]
    slope, offset = moved(alone + ANSWER_WEIGHT * np.array(answers, np.float32))
    curve = head.slope * slope, np.full(len(head.types), ANSWER_WEIGHT * slope), head.offset * slope + offset
    return replace(found, answered=np.array(curve, np.float32))


def answer(reader: Reader, text: str, role: Role, before: Sequence[Turn], features: Vectors) -> Vectors:
    """See `Reader.answer`, for an example: in a labelled call each role has one speaker. `features` is its row."""
    earlier = [Earlier(text=turn.text, same=turn.role is role) for turn in before]
    return reader.answer(text, role, earlier, features[-BESIDE:])


def _may_be(role: Role, type_id: str) -> bool:
    return role is (Role.REP if type_id == "risky_promise" else Role.CUSTOMER)


def held_out_margins(data: Prepared) -> Vectors:
    """[examples, types]: each example's margin from a fit that saw no example of its call."""
    found = np.zeros(data.labels.shape, np.float32)
    order = np.random.default_rng(7).permutation(int(data.groups.max()) + 1)
    fold_of = order[data.groups] % FOLDS
    for fold in range(FOLDS):
        weights, bias = fit(data, fold_of != fold)
        row_margins = data.rows @ weights.T + bias
        for example in np.flatnonzero(fold_of == fold):
            found[example] = row_margins[data.starts[example] : data.starts[example + 1]].max(axis=0)
    return found


def fit(data: Prepared, chosen: NDArray[np.bool_]) -> tuple[Vectors, Vectors]:
    """Weights [types, WIDTH] and bias [types] from the chosen examples.

    Two rounds: whole texts first; then again with the clauses of long texts. In a positive example the clause that
    scored highest is positive (somewhere in it the moment is) and the others count for nothing.
    """
    examples = np.flatnonzero(chosen)
    whole = data.starts[examples]
    labels, heft = data.labels[examples], np.repeat(data.weights[examples][:, None], data.labels.shape[1], axis=1)
    weights, bias = _logistic(data.rows[whole], labels, heft)
    rows, more_labels, more_heft = [whole], [labels], [heft]
    for example in examples[np.diff(data.starts)[examples] > 1]:
        own = np.arange(int(data.starts[example]) + 1, int(data.starts[example + 1]))
        best = (data.rows[own] @ weights.T).argmax(axis=0)
        is_best = np.arange(len(own))[:, None] == best[None, :]
        rows.append(own)
        more_labels.append(is_best & data.labels[example])
        counted = is_best | ~data.labels[example]
        more_heft.append(counted * data.weights[example] / counted.sum(axis=0))
    if len(rows) == 1:
        return weights, bias
    return _logistic(
        data.rows[np.concatenate(rows)], np.concatenate(more_labels), np.concatenate(more_heft), start=(weights, bias)
    )


def _logistic(
    rows: Vectors, labels: NDArray[np.bool_], heft: NDArray[np.float64], *, start: tuple[Vectors, Vectors] | None = None
) -> tuple[Vectors, Vectors]:
    """L2-regularised logistic regression, one output a type, all types in one go: weights [types, WIDTH], bias.

    What scikit-learn's LogisticRegression minimises, but with a weight for each example *and* type, and with one
    product for all types, which makes it nine times as fast.
    """
    from scipy.optimize import minimize  # noqa: PLC0415
    from scipy.special import expit  # noqa: PLC0415

    width, types = rows.shape[1], labels.shape[1]
    truth, cost = labels.astype(np.float32), (heft * STRENGTH).astype(np.float32)

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        bias, weights = point[:types].astype(np.float32), point[types:].astype(np.float32).reshape(width, types)
        margins = rows @ weights + bias
        slope = cost * (expit(margins) - truth)
        total = float((cost * (np.logaddexp(0, margins) - truth * margins)).sum() + 0.5 * (weights * weights).sum())
        return total, np.concatenate([slope.sum(axis=0), (rows.T @ slope + weights).ravel()]).astype(np.float64)

    begin = np.zeros(types * (width + 1))
    if start is not None:
        begin = np.concatenate([start[1], start[0].T.ravel()]).astype(np.float64)
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": 40})
    point = found.x.astype(np.float32)
    return np.ascontiguousarray(point[types:].reshape(width, types).T), point[:types]


def _platt(margins: Vectors, labels: NDArray[np.bool_], heft: NDArray[np.float64]) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    model = LogisticRegression(C=1e3)
    model.fit(margins[:, None], labels, sample_weight=heft)
    coefficients = cast("NDArray[np.float64]", model.coef_)
    intercepts = cast("NDArray[np.float64]", model.intercept_)
    return float(coefficients[0, 0]), float(intercepts[0])


_MARKS = re.compile(r"[^\w\s']+")


def plain(text: str) -> str:
    """As a recogniser without punctuation and capitals writes it."""
    return " ".join(_MARKS.sub(" ", text.lower()).split())
