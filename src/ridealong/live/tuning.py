"""Fit a tenant's own head: the shipped one, moved by what the tenant teaches, and new types learned from few examples.

A type that nobody taught anything keeps the shipped weights to the bit. One that was taught starts from them (a
Gaussian prior around the shipped weights, as Chelba and Acero 2004 adapt a classifier) with shipped examples beside the
new ones. A new type starts from the difference between its examples (and its description) and everything else, whitened
(Fisher's discriminant, shrunk), and is fitted against the shipped examples as what it is not. Nothing here knows
another tenant: what goes in is the base, one document and that tenant's statements.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from ridealong.core.moments import CONTENT_TYPES
from ridealong.core.transcript import Role
from ridealong.embedding.minilm import VIEWS_WIDTH
from ridealong.live.head import Head
from ridealong.live.train import Example, plain
from ridealong.live.tuning_base import Rows, may_say, rows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.embedding import Vectors
    from ridealong.live.features import Reader
    from ridealong.live.teaching import Statement
    from ridealong.live.tuning_base import Base

FEWEST_EXAMPLES: Final = 8
DOUBLED: Final = 300
"""So many examples of a document are also shown as a recogniser writes them, without punctuation; more need it less."""

RIDGE: Final = 5.0
NEGATIVE_MASS: Final = 400.0
POSITIVE_MASS: Final = 20.0
"""Of eight examples; it grows with the root of their number."""

PRIOR_LENGTH: Final = 9.0
SHRINKAGE: Final = 3.0
AMBIGUOUS: Final = 0.2
"""Shipped examples that are as near to a new type's examples as those are to each other may well be of that type,
which nobody has looked for in them: they count this much as what it is not."""

RANDOM_ROWS: Final = 700
NEAR_ROWS: Final = 300
"""Of the shipped rows these are fitted on: some at random, and the nearest to each taught type."""

QUIET_SHARE: Final = 0.94
"""A new type is recorded from the margin on that 94 of 100 utterances of the shipped calls stay below. Some of the
others are of that type: nobody has looked for it in them."""

RATE: Final = 0.04
"""How often a type is taken to occur where its calibration needs it: one utterance in 25."""

AT_THRESHOLD: Final = 0.42
"""The probability that this margin is given: what `detect` is in a document that says nothing else."""

STEPS: Final = 40
MOST_LOWERED: Final = 8.0
HALVINGS: Final = 20
"""How far a shipped type's calibration is looked for: log-odds, halved so often."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TunedType:
    """A content type of the tenant's document, as training needs it."""

    id: str
    role: Literal["customer", "rep", "any"]
    description: str
    detect: float

    @property
    def shipped(self) -> bool:
        return self.id in CONTENT_TYPES

    @property
    def speaker(self) -> Role:
        """Who an example without a speaker is by."""
        return Role.UNKNOWN if self.role == "any" else Role(self.role)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Fitted:
    """`held_out` [statements, types]: the margin of each statement's utterance from a fit that saw none of its call."""

    head: Head
    types: tuple[TunedType, ...]
    tuned: tuple[str, ...]
    """Of the head's types those that were taught something."""
    held_out: Vectors
    margins: Vectors
    """[statements, types], from the head itself."""


def taught_types(types: Sequence[TunedType], statements: Sequence[Statement]) -> list[TunedType]:
    """Those of `types` that can be trained: a shipped one with any statement, a new one with enough examples."""
    found: list[TunedType] = []
    for one in types:
        positives = sum(s.type == one.id and s.holds for s in statements)
        said = any(s.type == one.id for s in statements)
        if said if one.shipped else positives >= FEWEST_EXAMPLES:
            found.append(one)
    return found


def tune(
    types: Sequence[TunedType], statements: Sequence[Statement], base: Base, shipped: Head, reader: Reader
) -> Fitted:
    """The head of a tenant whose document has `types`, which was taught `statements` (sifted: see `live.teaching`)."""
    taught = taught_types(types, statements)
    said, starts = rows_of([s.example for s in statements], reader, within_a_call=True)
    fitting = _Fitting(taught, statements, base, shipped=shipped, reader=reader, said=said, starts=starts)
    weights, bias, held = fitting.fit()
    known = [t for t in types if t.shipped or t in taught]
    place = {t.id: n for n, t in enumerate(taught)}
    columns = [_column(shipped, t.id) if t.id not in place else None for t in known]
    calibrated = [
        fitting.calibration(place[t.id], weights, bias, held) if t.id in place and not t.shipped else None
        for t in known
    ]
    lowered = {t.id: fitting.lowered(place[t.id], weights, bias) for t in known if t.id in place and t.shipped}
    head = Head(
        types=tuple(t.id for t in known),
        weights=np.array(
            [weights[place[t.id]] if c is None else shipped.weights[c] for t, c in zip(known, columns, strict=True)],
            np.float32,
        ),
        bias=np.array(
            [bias[place[t.id]] if c is None else shipped.bias[c] for t, c in zip(known, columns, strict=True)],
            np.float32,
        ),
        slope=np.array(
            [
                c[0] if c is not None else shipped.slope[_column(shipped, t.id)]
                for t, c in zip(known, calibrated, strict=True)
            ],
            np.float32,
        ),
        offset=np.array(
            [
                c[1] if c is not None else shipped.offset[_column(shipped, t.id)] - lowered.get(t.id, 0.0)
                for t, c in zip(known, calibrated, strict=True)
            ],
            np.float32,
        ),
        share=np.array([shipped.share[_column(shipped, t.id)] if t.shipped else 0.0 for t in known], np.float32),
    )
    head = replace(head, answered=_answered(head, shipped, untaught={t.id for t in known} - set(place)))
    # All that people say may have been left out: then there is nothing, of as many types.
    margins = np.zeros((0, len(known)), np.float32)
    if len(statements):
        margins = np.maximum.reduceat(head.margins(said), starts[:-1], axis=0)
    held_out = margins.copy()
    for number, one in enumerate(known):
        if one.id in place:
            held_out[:, number] = held[:, place[one.id]]
    return Fitted(head=head, types=tuple(known), tuned=tuple(place), held_out=held_out, margins=margins)


def _answered(head: Head, shipped: Head, *, untaught: Collection[str]) -> Vectors | None:
    """How far the turns before count: for the types that nothing was said of as in the shipped head; not at all for the
    others, since what was taught says nothing of them, and should count in full.
    """
    if shipped.answered is None:
        return None
    alone = np.stack([head.slope, np.zeros_like(head.slope), head.offset])
    for number, type_id in enumerate(head.types):
        if type_id in untaught:
            alone[:, number] = shipped.answered[:, _column(shipped, type_id)]
    return alone


def _column(head: Head, type_id: str) -> int:
    return head.types.index(type_id)


class _Fitting:
    """One training: all types and all folds are columns of one problem, so that each step is one product."""

    def __init__(
        self,
        taught: Sequence[TunedType],
        statements: Sequence[Statement],
        base: Base,
        *,
        shipped: Head,
        reader: Reader,
        said: Vectors,
        starts: NDArray[np.int64],
    ) -> None:
        self.taught, self.statements, self.base, self.shipped = taught, statements, base, shipped
        self._said = base.standardised(said) if len(statements) else np.zeros((0, base.centre.size), np.float32)
        self._starts = starts
        groups = {name: number for number, name in enumerate(dict.fromkeys(s.example.call for s in statements))}
        self._folds = 4 if len(statements) <= 2 * DOUBLED else 3
        self._fold_of = np.array([groups[s.example.call] % self._folds for s in statements], np.int64)
        # The best piece of a positive is not known yet: its whole text stands for it.
        own = self._said[starts[:-1]]
        doubles, double_of = self._doubles(reader)
        descriptions = rows_of(
            [Example(text=t.description, role=t.speaker, types=(), before=(), call="") for t in taught],
            reader,
            within_a_call=True,
        )
        self._own = np.concatenate([own, doubles])
        self._of = np.concatenate([np.arange(len(own)), double_of]).astype(np.int64)
        self._heft = np.array([s.weight for s in statements], np.float64)[self._of]
        self._heft[len(own) :] *= 0.5
        self._described = base.standardised(descriptions[0])[descriptions[1][:-1]] if taught else own[:0]
        training = base.training
        rows = base.standardised(training.rows)
        whole = np.zeros(len(rows), np.bool_)
        whole[training.starts[:-1]] = True
        owner = np.repeat(np.arange(len(training.roles)), np.diff(training.starts))
        chosen = self._chosen(rows, training.labels[owner])
        self._rows = rows[chosen]
        self._near = _unit(self._rows[:, :VIEWS_WIDTH])
        self._roles = training.roles[owner[chosen]]
        self._whole = np.where(whole[chosen], 1.0, 0.5)
        self._white: Vectors | None = None

    def _doubles(self, reader: Reader) -> tuple[Vectors, NDArray[np.int64]]:
        """The document's examples as a recogniser without punctuation writes them."""
        written = [n for n, s in enumerate(self.statements) if s.place is None]
        shown = [n for n in written[:DOUBLED] if plain(self.statements[n].example.text)]
        examples = [
            Example(
                text=plain(self.statements[n].example.text),
                role=self.statements[n].example.role,
                types=(),
                before=self.statements[n].example.before,
                call="",
            )
            for n in shown
        ]
        if not examples:
            return self._said[:0], np.zeros(0, np.int64)
        rows, starts = rows_of(examples, reader, within_a_call=True)
        return self.base.standardised(rows)[starts[:-1]], np.array(shown, np.int64)

    def _chosen(self, rows: Vectors, labels: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Which of the shipped rows are fitted on."""
        chance = np.random.default_rng(3)
        found = set(chance.permutation(len(rows))[:RANDOM_ROWS].tolist())
        near = _unit(rows[:, :VIEWS_WIDTH])
        for one in self.taught:
            mine = [n for n, s in enumerate(self.statements) if s.type == one.id and s.holds][:DOUBLED]
            if mine:
                likeness = (near @ _unit(self._own[mine][:, :VIEWS_WIDTH]).T).max(axis=1)
                found.update(np.argsort(-likeness, kind="stable")[:NEAR_ROWS].tolist())
            if one.shipped:
                found.update(np.flatnonzero(labels[:, CONTENT_TYPES.index(one.id)]).tolist())
        return np.array(sorted(found), np.int64)

    def fit(self) -> tuple[Vectors, Vectors, Vectors]:
        """(weights [types, WIDTH], bias [types], held-out margins [statements, types]) of unstandardised rows."""
        width, columns = self.base.centre.size, [(t, f) for f in (None, *range(self._folds)) for t in self.taught]
        count = len(self.taught)
        held = np.zeros((len(self.statements), count), np.float32)
        if not count:
            return np.zeros((0, width), np.float32), np.zeros(0, np.float32), held
        rows = np.concatenate([self._rows, self._own, self._described]).astype(np.float32)
        truth = np.zeros((len(rows), len(columns)), np.float32)
        heft = np.zeros_like(truth)
        prior = np.zeros((width, len(columns)), np.float32)
        middle = np.full(len(columns), -2.0, np.float32)
        for number, (one, fold) in enumerate(columns):
            seen = np.ones(len(self._of), np.bool_) if fold is None else self._fold_of[self._of] != fold
            put = self._put_shipped if one.shipped else self._put_new
            middle[number] = put(one, seen, truth[:, number], heft[:, number], prior[:, number])
        weights, bias = _logistic(rows, truth, heft, prior, middle)
        for fold in range(self._folds):
            mine = self._fold_of == fold
            own = slice((1 + fold) * count, (2 + fold) * count)
            scored = np.maximum.reduceat(self._said @ weights[:, own] + bias[own], self._starts[:-1], axis=0)
            held[mine] = scored[mine]
        plain_weights = (weights[:, :count] * self.base.scale[:, None]).T.astype(np.float32)
        plain_bias = (bias[:count] - plain_weights @ self.base.centre).astype(np.float32)
        return np.ascontiguousarray(plain_weights), plain_bias, held

    def _put_shipped(
        self, one: TunedType, seen: NDArray[np.bool_], truth: Vectors, heft: Vectors, prior: Vectors
    ) -> float:
        column, base = _column(self.shipped, one.id), len(self._rows)
        prior[:] = self.shipped.weights[column] / self.base.scale
        middle = float(self.shipped.bias[column] + self.shipped.weights[column] @ self.base.centre)
        # What the shipped head says of the shipped examples, not their labels (Li and Hoiem 2016, "Learning without
        # forgetting"): they hold the head where it is, and the statements alone move it. By their labels a few hundred
        # of them would fit the type anew, whatever was taught.
        truth[:base] = 1 / (1 + np.exp(-(self._rows @ prior + middle)))
        heft[:base] = self._whole
        says = np.array([s.type == one.id for s in self.statements], np.bool_)[self._of]
        truth[base : base + len(says)] = np.array([s.holds for s in self.statements], np.bool_)[self._of]
        heft[base : base + len(says)] = 2.0 * self._heft * says * seen
        return middle

    def _put_new(self, one: TunedType, seen: NDArray[np.bool_], truth: Vectors, heft: Vectors, prior: Vectors) -> float:
        base, own = len(self._rows), len(self._own)
        says = np.array([s.type == one.id for s in self.statements], np.bool_)[self._of]
        holds = np.array([s.holds for s in self.statements], np.bool_)[self._of]
        yes, no, other = says & holds & seen, says & ~holds & seen, ~says & holds & seen
        # Said of this type as well: no example of what it is not.
        texts = {s.example.text for s in self.statements if s.type == one.id and s.holds}
        other &= ~np.array([s.example.text in texts for s in self.statements], np.bool_)[self._of]
        if not yes.any():
            return -2.0
        weight = self._whole * np.where(may_say(self._roles, one.role) | (self._roles == Role.UNKNOWN.value), 1.0, 0.3)
        mine = _unit(self._own[yes][:, :VIEWS_WIDTH])
        alike = mine @ mine.T
        alike[self._of[yes][:, None] == self._of[yes][None, :]] = -1.0
        near = (self._near @ mine.T).max(axis=1) > np.median(alike.max(axis=1))
        counted = weight * np.where(near, AMBIGUOUS, 1.0)
        heft[:base] = NEGATIVE_MASS * counted / counted.sum()
        section = heft[base : base + own]
        examples = max(1, len(set(self._of[yes].tolist())))
        mass = POSITIVE_MASS * np.sqrt(examples / FEWEST_EXAMPLES)
        section[yes] = mass * self._heft[yes] / self._heft[yes].sum()
        section[other] = self._heft[other] * min(1.0, 100.0 / max(1e-9, float(self._heft[other].sum())))
        section[no] = 2.0 * self._heft[no] * min(1.0, 100.0 / max(1e-9, float(self._heft[no].sum())))
        truth[base : base + own] = yes
        away = (weight.astype(np.float32) @ self._rows[:, :VIEWS_WIDTH]) / weight.sum()
        described = self._described[self.taught.index(one)]
        towards = np.concatenate([self._own[yes], described[None]])[:, :VIEWS_WIDTH].mean(axis=0)
        direction = self._whitened(towards - away)
        prior[:VIEWS_WIDTH] = PRIOR_LENGTH * direction / (np.linalg.norm(direction) + 1e-9)
        return -2.0

    def _whitened(self, direction: Vectors) -> Vectors:
        """The direction that separates best where all types spread as the shipped examples do, shrunk (Fisher 1936)."""
        if self._white is None:
            spread = np.cov(self._rows[:, :VIEWS_WIDTH].T)
            spread[np.diag_indices_from(spread)] += SHRINKAGE * np.trace(spread) / len(spread)
            self._white = np.linalg.inv(spread).astype(np.float32)
        return self._white @ direction.astype(np.float32)

    def calibration(self, number: int, weights: Vectors, bias: Vectors, held: Vectors) -> tuple[float, float]:
        """(slope, offset) of a new type.

        Its threshold comes of whole calls that nothing was fitted on, since eight examples say little about how often
        something else looks like them; how fast it grows sure comes of its own examples, each judged by a fit that had
        not seen it.
        """
        one = self.taught[number]
        calls = self.base.calibration
        quiet = calls.best(calls.rows @ weights[number][:, None] + bias[number])[:, 0][may_say(calls.roles, one.role)]
        yes = np.array([s.type == one.id and s.holds for s in self.statements], np.bool_)
        heard = held[yes, number]
        threshold = float(np.quantile(quiet, QUIET_SHARE))
        slope = _slope(quiet, heard)
        return slope, float(np.log(AT_THRESHOLD / (1 - AT_THRESHOLD))) - slope * threshold

    def lowered(self, number: int, weights: Vectors, bias: Vectors) -> float:
        """By how many log-odds a shipped type must be less sure, so that it is found no more often than before in the
        shipped calls that nothing is fitted on.

        What people say of moments that were found is mostly that they are right: it teaches what one looks like, and
        says nothing about how often there is one. Never below zero: what is said to be none may well be rarer.
        """
        one, calls = self.taught[number], self.base.calibration
        column = _column(self.shipped, one.id)
        allowed = may_say(calls.roles, one.role)
        slope, offset = float(self.shipped.slope[column]), float(self.shipped.offset[column])

        def expected(weights: Vectors, bias: float, less: float) -> float:
            margins = calls.best(calls.rows @ weights[:, None] + bias)[allowed, 0]
            return float((1 / (1 + np.exp(-(slope * margins + offset - less)))).sum())

        before = expected(self.shipped.weights[column], float(self.shipped.bias[column]), 0.0)
        low, high = 0.0, MOST_LOWERED
        if expected(weights[number], float(bias[number]), low) <= before:
            return 0.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if expected(weights[number], float(bias[number]), middle) > before:
                low = middle
            else:
                high = middle
        return high


def _unit(rows: Vectors) -> Vectors:
    return rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9)


def _slope(quiet: Vectors, heard: Vectors) -> float:
    """Platt's slope of margins that are moments at RATE, by a few of Newton's steps; within what a margin can mean."""
    margins = np.concatenate([quiet, heard]).astype(np.float64)
    truth = np.concatenate([np.zeros(len(quiet)), np.ones(len(heard))])
    heft = np.concatenate(
        [np.full(len(quiet), (1 - RATE) / len(quiet)), np.full(len(heard), RATE / max(1, len(heard)))]
    ) * len(quiet)
    columns = np.stack([margins, np.ones_like(margins)], axis=1)
    point = np.array([1.0, -2.0])
    for _ in range(25):
        sure = 1 / (1 + np.exp(-np.clip(columns @ point, -30, 30)))
        slope = columns.T @ (heft * (sure - truth)) + 0.1 * (point - np.array([1.0, -2.0]))
        curve = (columns * (heft * sure * (1 - sure))[:, None]).T @ columns + 0.1 * np.eye(2)
        point = point - np.linalg.solve(curve, slope)
    return float(np.clip(point[0], 0.4, 3.0))


def _logistic(rows: Vectors, truth: Vectors, heft: Vectors, prior: Vectors, middle: Vectors) -> tuple[Vectors, Vectors]:
    """Logistic regression around `prior` [WIDTH, columns], all columns in one go: weights [WIDTH, columns], bias."""
    from scipy.optimize import minimize  # noqa: PLC0415 - in the training process alone
    from scipy.special import expit  # noqa: PLC0415

    width, count = prior.shape

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        bias, weights = point[:count].astype(np.float32), point[count:].astype(np.float32).reshape(width, count)
        margins = rows @ weights + bias
        slope = heft * (expit(margins) - truth)
        away = weights - prior
        total = float((heft * (np.logaddexp(0, margins) - truth * margins)).sum() + 0.5 * RIDGE * (away * away).sum())
        return total, np.concatenate([slope.sum(axis=0), (rows.T @ slope + RIDGE * away).ravel()]).astype(np.float64)

    begin = np.concatenate([middle, prior.ravel()]).astype(np.float64)
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    point = found.x.astype(np.float32)
    return point[count:].reshape(width, count), point[:count]


def probabilities(head: Head, rows: Rows) -> Vectors:
    """[examples, types] of the head, an utterance as its best piece."""
    return head.probabilities(rows.best(head.margins(rows.rows)))
