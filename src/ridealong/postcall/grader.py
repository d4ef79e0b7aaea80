"""Grades a criterion from the words that retrieval found: yes, partly or no, each with its probability.

Three linear readings of each sentence (`grading_features`) say how probably it shows the criterion; a last one over the
surest of them, the call and the criterion says which grade a person would give. All were fitted on calls that a person
had answered (`app/bench/grading_fit.py`, which also tells how well they do on calls and rubrics left out). Nothing here
knows a criterion by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby, pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ridealong.core.errors import MissingPart
from ridealong.core.rubric import Criterion, Score
from ridealong.core.transcript import Unattributed
from ridealong.postcall.evidence import Shown, may_show, sentences
from ridealong.postcall.grading_features import (
    FEATURES,
    OF_CRITERION,
    OF_WORDS,
    Measure,
    Read,
    measure,
    of_criterion,
    of_words,
    standings,
)
from ridealong.postcall.likeness import Likeness, layers_of, load_likeness
from ridealong.postcall.scoring import ordinary_sentences

if TYPE_CHECKING:
    from ridealong.core.transcript import Utterance
    from ridealong.embedding import Layered, Vectors
    from ridealong.postcall.reviewer import ReviewContext
    from ridealong.postcall.scoring import Numbers

FILE: Final = "grader.json"
GRADES: Final = (Score.NO, Score.PARTLY, Score.YES)
READ: Final = 8
"""Utterances that are read: in judged calls the words that show a criterion are among the first eight in 95 of 100."""
WHOLE: Final = 40
"""Words. An utterance of several sentences is read as a whole too where it is no longer than this."""
BREATH_MS: Final = 2_000
"""Who goes on after a pause no longer than this may still be in the same sentence."""
MAX_MEASURES: Final = 512
_OVER_LOOK_ALIKE: Final = FEATURES.index("over_look_alike")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Linear:
    """Log odds: `bias` + features x `weights`."""

    weights: Numbers
    bias: Numbers

    def __call__(self, features: Numbers) -> Numbers:
        found: Numbers = features @ self.weights.T + self.bias
        return found


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Grading:
    """`by_examples` and `fully` read `OF_WORDS`, `shows` all `FEATURES`, `grade` [3, ...] reads `OF_CRITERION`."""

    by_examples: Linear
    fully: Linear
    shows: Linear
    grade: Linear
    no_from: float
    """From this probability of "no" on the grade is "no"."""
    yes_from: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Grade:
    """`score` with the probabilities of no, partly and yes; `evidence` surest first, at most one for an utterance.

    `read`: all that was read, in the same order, with what only looks alike. `fits`: of each utterance that was read,
    the log odds that it shows the criterion.
    """

    score: Score
    probabilities: tuple[float, float, float]
    evidence: tuple[Shown, ...]
    read: tuple[Shown, ...]
    fits: Mapping[int, float]

    @property
    def shown(self) -> float:
        """How probably the criterion is shown at least in part."""
        return 1 - self.probabilities[0]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Candidates:
    """The words read for one criterion: `texts` with their features, and the place in `shown` that each belongs to."""

    shown: Sequence[Shown]
    texts: Sequence[str]
    goes_on: Sequence[Utterance | None]
    """Where the same speaker goes on, for texts that are two utterances."""
    owners: Sequence[int]
    features: Numbers


@cache
def load_grading() -> Grading:
    """The shipped weights. Raises MissingPart when they were fitted for other features than these."""
    text = files("ridealong.postcall").joinpath("calibration", FILE).read_text(encoding="utf-8")
    stored: dict[str, Any] = json.loads(text)
    if (tuple(stored["features"]), tuple(stored["of_criterion"])) != (FEATURES, OF_CRITERION):
        raise MissingPart("the grader's weights are out of date: run `python -m ridealong.app.bench.grading_fit`")
    heads = {
        name: Linear(weights=np.array(stored[name]["weights"]), bias=np.array(stored[name]["bias"]))
        for name in ("by_examples", "fully", "shows", "grade")
    }
    return Grading(**heads, no_from=stored["no_from"], yes_from=stored["yes_from"])


class Grader:
    """Thread-safe; a criterion is measured on first use and kept."""

    def __init__(self, embedder: Layered, *, likeness: Likeness | None = None, grading: Grading | None = None) -> None:
        self._embedder = embedder
        self._likeness = likeness or load_likeness()
        self._grading = grading
        self._measures: dict[Criterion, Measure] = {}
        self._ordinary: Vectors | None = None
        self._lock = Lock()

    def warm(self, criteria: Sequence[Criterion]) -> None:
        """Measure `criteria` now (some 70 ms each), so that the first review does not wait for them."""
        for criterion in criteria:
            self._measure(criterion)

    def grade(self, criterion: Criterion, found: Sequence[Shown], context: ReviewContext) -> Grade | None:
        """The grade of `criterion` by `found`, what retrieval gave for it; None where there is nothing to read."""
        grading = self._grading or load_grading()
        candidates = self.candidates(criterion, found, context)
        if candidates is None:
            return None
        features, read, proof, fits = read_best(grading, candidates)
        numbers = of_criterion(criterion, features, called_for(criterion, context))
        probabilities = softmax(grading.grade(numbers))
        return Grade(
            score=decided(probabilities, grading.no_from, grading.yes_from),
            probabilities=(float(probabilities[0]), float(probabilities[1]), float(probabilities[2])),
            evidence=proof,
            read=read,
            fits=fits,
        )

    def candidates(self, criterion: Criterion, found: Sequence[Shown], context: ReviewContext) -> Candidates | None:
        """The words of the first `READ` of `found`, sentence by sentence, with their features."""
        shown = found[:READ]
        if not shown:
            return None
        texts: list[str] = []
        owners: list[int] = []
        goes_on: list[Utterance | None] = []
        following = _going_on(context)
        for owner, one in enumerate(shown):
            text = one.utterance.text
            parts = sentences(text)
            if not parts or len(text.split()) <= WHOLE:
                parts = [text, *parts]
            texts += parts
            goes_on += [None] * len(parts)
            after = following.get(one.utterance.no)
            if after is not None and len(text.split()) + len(after.text.split()) <= WHOLE:
                texts.append(f"{text} {after.text}")
                goes_on.append(after)
            owners += [owner] * (len(texts) - len(owners))
        of = self._measure(criterion)
        place = {u.no: row for row, u in enumerate(context.transcript)}
        own = standings(of, [place[one.utterance.no] for one in shown], role_rows(criterion, context), context.vectors)
        words = of_words(of, texts, layers_of(texts, context, self._embedder), self._likeness)
        return Candidates(
            shown=shown, texts=texts, goes_on=goes_on, owners=owners, features=np.hstack([words, own[owners]])
        )

    def _measure(self, criterion: Criterion) -> Measure:
        with self._lock:
            if criterion not in self._measures:
                if self._ordinary is None:
                    self._ordinary = self._likeness.of(self._embedder.layers(ordinary_sentences()))
                if len(self._measures) >= MAX_MEASURES:
                    self._measures.pop(next(iter(self._measures)))
                self._measures[criterion] = measure(criterion, self._embedder, self._likeness, self._ordinary)
            return self._measures[criterion]


def read_best(
    grading: Grading, candidates: Candidates
) -> tuple[Read, tuple[Shown, ...], tuple[Shown, ...], dict[int, float]]:
    """Of each utterance the words that show most, surest first, as numbers and as words; those of them that may be
    evidence; their log odds by utterance.
    """
    shows = grading.shows(candidates.features)
    words = candidates.features[:, : len(OF_WORDS)]
    best = [
        max(rows, key=lambda row: float(shows[row]))
        for _, rows in groupby(range(len(candidates.texts)), key=lambda row: candidates.owners[row])
    ]
    best.sort(key=lambda row: -float(shows[row]))
    fully = grading.fully(words)[best]
    read = Read(
        features=candidates.features[best],
        shows=shows[best],
        by_examples=grading.by_examples(words)[best],
        fully=fully,
        retrieved=np.array([candidates.shown[candidates.owners[row]].confidence for row in best]),
    )
    words_read: list[Shown] = []
    evidence: list[Shown] = []
    for row, odds, of_full in zip(best, read.shows, fully, strict=True):
        chance, share = 1 / (1 + float(np.exp(-odds))), 1 / (1 + float(np.exp(-of_full)))
        utterance, after = candidates.shown[candidates.owners[row]].utterance, candidates.goes_on[row]
        shown = Shown(
            utterance=utterance,
            quote=candidates.texts[row] if after is None else utterance.text,
            goes_on=after,
            partly=chance * (1 - share),
            fully=chance * share,
        )
        words_read.append(shown)
        # Nearer to what looks alike and is not it: nothing to cite beside better words.
        if not evidence or candidates.features[row, _OVER_LOOK_ALIKE] >= 0:
            evidence.append(shown)
    fits = {candidates.shown[candidates.owners[row]].utterance.no: float(shows[row]) for row in best}
    return read, tuple(words_read), tuple(evidence), fits


def _going_on(context: ReviewContext) -> dict[int, Utterance]:
    """Of each utterance the next one, where its speaker goes on after a breath: recognisers cut at pauses."""
    utterances = context.transcript.utterances
    return {
        one.no: after
        for one, after in pairwise(utterances)
        if one.speaker == after.speaker
        and not isinstance(one.speaker, Unattributed)
        and after.start_ts - one.end_ts <= BREATH_MS
    }


def decided(probabilities: Numbers, no_from: float, yes_from: float) -> Score:
    if probabilities[0] >= no_from:
        return Score.NO
    return Score.YES if probabilities[2] >= yes_from else Score.PARTLY


def softmax(odds: Numbers) -> Numbers:
    raised = np.exp(odds - odds.max())
    found: Numbers = raised / raised.sum()
    return found


def role_rows(criterion: Criterion, context: ReviewContext) -> list[int]:
    """The rows of `context.vectors` whose utterances may show `criterion`."""
    return [row for row, u in enumerate(context.transcript) if may_show(criterion, u, context)]


def called_for(criterion: Criterion, context: ReviewContext) -> float:
    """How sure the surest moment is that calls for `criterion`."""
    return max((m.moment.confidence for m in context.moments if m.moment.type in criterion.called_for_by), default=0.0)
