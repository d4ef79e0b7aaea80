"""What the local reviewer's grader is fitted on: judged calls as retrieval sees them, and the examples of criteria."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.app.bench.agreement import GRADES, rubric_of
from ridealong.app.rubric_commands import Trials
from ridealong.config import Settings
from ridealong.embedding import DIMENSIONS
from ridealong.postcall.evidence import EvidenceFinder
from ridealong.postcall.grader import Candidates, Grader, called_for
from ridealong.postcall.grading_features import measure, of_words
from ridealong.postcall.scoring import ordinary_sentences

if TYPE_CHECKING:
    from ridealong.app.bench.judged import JudgedCall
    from ridealong.core.rubric import Criterion
    from ridealong.embedding import Layered, Vectors
    from ridealong.postcall.likeness import Likeness
    from ridealong.postcall.scoring import Numbers

FOLDS: Final = 5
OTHERS: Final = 30
"""Sentences of other criteria of the role that each half of a criterion's examples is held against."""
ORDINARY: Final = 6
FEW: Final = (3, 9)
"""Half of the criteria's halves are cut to so many examples: a tenant's first rubric has no more."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Item:
    """One graded criterion of one judged call. `candidates` by the rubric whose criteria the likeness left out."""

    call: str
    rubric: str
    criterion: Criterion
    answer: int
    at: frozenset[int]
    called_for: float
    candidates: Mapping[str, Candidates]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Examples:
    """Examples of criteria as features, each by a likeness that was fitted without its criterion."""

    features: Numbers
    labels: Numbers
    """0 no, 1 partly, 2 yes."""
    criteria: Sequence[str]


class Remembering:
    """Every sentence is read once."""

    def __init__(self, embedder: Layered) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self.layers(texts)[:, :DIMENSIONS] if texts else self._embedder.embed(texts)

    def layers(self, texts: Sequence[str]) -> Vectors:
        new = [t for t in dict.fromkeys(texts) if t not in self._known]
        if new:
            self._known.update(zip(new, self._embedder.layers(new), strict=True))
        return np.stack([self._known[t] for t in texts])


async def read_items(
    calls: Sequence[JudgedCall], embedder: Layered, likenesses: Mapping[str, Likeness], everywhere: str
) -> list[Item]:
    """The graded criteria of `calls`. `likenesses` by the rubric that was left out; `everywhere`: the one for all."""
    finder = EvidenceFinder(embedder)
    graders = {name: Grader(embedder, likeness=one) for name, one in likenesses.items()}
    trials = Trials(Settings(), "")
    found: list[Item] = []
    for call in calls:
        context = (await trials.call(str(call.transcript))).context
        for name, answers in call.answers.items():
            rubric = await rubric_of(call, name, trials)
            criteria = {c.id: c for section in rubric.sections for c in section.criteria}
            for key, judged in answers.items():
                if judged.answer not in GRADES:
                    continue
                criterion = criteria[key]
                shown = finder.find(criterion, context)
                read = {
                    left_out: graders[left_out].candidates(criterion, shown, context)
                    for left_out in {everywhere, name if name in graders else everywhere}
                }
                found.append(
                    Item(
                        call=call.name,
                        rubric=name,
                        criterion=criterion,
                        answer=GRADES.index(judged.answer),
                        at=frozenset(judged.at),
                        called_for=called_for(criterion, context),
                        candidates={k: v for k, v in read.items() if v is not None},
                    )
                )
    return [item for item in found if item.candidates]


def read_examples(
    criteria: Sequence[Criterion], embedder: Layered, likenesses: Sequence[tuple[Collection[str], Likeness]]
) -> Examples:
    """Each of `likenesses` with the ids of the criteria that it was fitted without: those are told by it.

    A criterion's examples are halved; each half is told by the other, beside sentences of other criteria of its role.
    """
    chance = np.random.default_rng(0)
    rows: list[Numbers] = []
    labels: list[int] = []
    names: list[str] = []
    for left_out, likeness in likenesses:
        ordinary = likeness.of(embedder.layers(ordinary_sentences()))
        for criterion in (c for c in criteria if c.id in left_out):
            shown = [str(text) for text in chance.permutation(list(criterion.shown_by))]
            others = sorted(
                {t for c in criteria if c.role is criterion.role and c.id != criterion.id for t in c.shown_by}
                - {*shown}
            )
            for half in range(2):
                by = shown[half::2]
                if half:
                    by = by[: int(chance.integers(*FEW))]
                told_by = replace(
                    criterion,
                    shown_by=tuple(by),
                    partly_shown_by=criterion.partly_shown_by[half::2],
                    not_shown_by=criterion.not_shown_by[half::2],
                )
                yes, partly = shown[1 - half :: 2], criterion.partly_shown_by[1 - half :: 2]
                no = [
                    *criterion.not_shown_by[1 - half :: 2],
                    *(str(t) for t in chance.choice(others, OTHERS, replace=False)),
                    *(str(t) for t in chance.choice(ordinary_sentences(), ORDINARY, replace=False)),
                ]
                texts = [*yes, *partly, *no]
                of = measure(told_by, embedder, likeness, ordinary)
                rows.append(of_words(of, texts, embedder.layers(texts), likeness))
                labels += [2] * len(yes) + [1] * len(partly) + [0] * len(no)
                names += [criterion.id] * len(texts)
    return Examples(features=np.concatenate(rows), labels=np.array(labels, np.float64), criteria=names)
