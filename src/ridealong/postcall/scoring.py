"""How well words show a criterion: similarities to its examples, turned into probabilities by a fitted calibrator.

Nothing here knows a criterion by name, so a tenant's own rubric is scored like a shipped one. The calibrator is a
logistic model with a handful of coefficients (`calibration/calibrator.json`), fitted by `calibrate`.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ridealong.core.errors import MissingPart

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.core.rubric import Criterion
    from ridealong.embedding import Embedder, Vectors

    Numbers = NDArray[np.float64]

FEATURES: Final = (
    "nearest",  # cosine to the nearest example that shows it
    "three_nearest",  # mean over the three nearest
    "standing",  # `nearest` against what ordinary sentences of a call reach: broad criteria attract everything
    "partly",  # cosine to the nearest example that partly shows it
    "look_alike",  # cosine to the nearest example that looks alike and is not it
    "asked",  # cosine to the criterion's question
    "centre",  # cosine to the mean of its examples
    "over_partly",
    "over_look_alike",
    "other_form",  # a question where the examples are statements, or the other way round
    "figure",  # words of number or date where the examples have them
    "no_figure",  # none where the examples have them
    "length",
    "short",
    "cues",  # words that the examples share and other talk lacks
    "no_cue",
)

MOST_CUES: Final = 4
"""Of an utterance: a long one does not show more for repeating itself."""
LEAST_CUE: Final = 0.7
"""A word that is not twice as usual in the examples as elsewhere tells nothing."""

_FIGURE = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty"
    r"|eighty|hundred|thousand|million|half|third|quarter|percent|january|february|march|april|may|june|july|august"
    r"|september|october|november|december|monday|tuesday|wednesday|thursday|friday|tomorrow|week|month|year|spring"
    r"|summer|autumn|winter)s?\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def has_figure(text: str) -> bool:
    """Whether `text` holds a number, a date or a span of time."""
    return bool(_FIGURE.search(text))


_FIGURE_WORD = re.compile(
    r"\d+|\b(?:(?:twelve|twelfth|ten|tenth|eleven|eleventh|hundred|thousand|million|half|quarter|noon|percent|first|third"
    r"|(?:two|three|four|five|six|seven|eight|nine)(?:t?h|teen|teenth|ty|tieth)?|thir(?:teen|ty)\w*|fif(?:th|teen|ty)\w*"
    r"|forty|eighty|eighteen|eighth|ninth|twenty|twentieth|today|tonight|tomorrow|week|month|year"
    r"|january|february|march|april|june|july|august|september|october|november|december"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?)\b",
    re.IGNORECASE,
)
"""`one` and `second` are left out: they count nothing more often than something ("that one", "one second")."""


def figures_in(text: str) -> frozenset[str]:
    """The numbers, dates and spans of time in `text`, as words in lower case: weekdays and ordinals among them.

    Wider than `has_figure`, which the calibrator was fitted with and which therefore stays as it is.
    """
    return frozenset(found.casefold() for found in _FIGURE_WORD.findall(text))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Profile:
    """A criterion's examples as vectors, ready to be compared with."""

    shown: Vectors
    partly: Vectors
    look_alike: Vectors
    question: Vectors
    centre: Vectors
    ordinary_mean: float
    ordinary_scale: float
    asks: float
    """Share of the examples that are questions."""
    figures: float
    """Share of the examples that hold a figure."""
    cues: Mapping[str, float]
    """See `cues_of`."""


@cache
def ordinary_sentences() -> tuple[str, ...]:
    """Sentences of any call that show nothing: what a criterion's similarities are measured against."""
    text = files("ridealong.postcall").joinpath("calibration", "ordinary.jsonl").read_text(encoding="utf-8")
    return tuple(str(json.loads(line)["text"]) for line in text.splitlines())


def profile(criterion: Criterion, embedder: Embedder, ordinary: Vectors, *, leave_out: Collection[str] = ()) -> Profile:
    """The profile of `criterion`. `leave_out`: examples to do without, so that none is compared with itself."""
    shown = [text for text in criterion.shown_by if text not in leave_out]
    shown_vectors = embedder.embed(shown)
    ordinary_best = (ordinary @ shown_vectors.T).max(axis=1)
    centre = shown_vectors.mean(axis=0)
    return Profile(
        shown=shown_vectors,
        partly=embedder.embed([t for t in criterion.partly_shown_by if t not in leave_out]),
        look_alike=embedder.embed([t for t in criterion.not_shown_by if t not in leave_out]),
        question=embedder.embed([criterion.question])[0],
        centre=centre / max(1e-9, float(np.linalg.norm(centre))),
        ordinary_mean=float(ordinary_best.mean()),
        ordinary_scale=max(0.02, float(ordinary_best.std())),
        asks=float(np.mean(["?" in t for t in shown])),
        figures=float(np.mean([has_figure(t) for t in shown])),
        cues=cues_of(shown, but=criterion.shown_by),
    )


def cues_of(shown: Sequence[str], *, but: Collection[str] = ()) -> dict[str, float]:
    """The words and pairs of words that at least two of `shown` hold, with how much more usual they are there than in
    other talk: log((k + 0.2) / (n + 1)) - log((b + 1) / (m + 2)), with k of n examples and b of m other sentences that
    hold it. The vectors tell what a sentence is about, these whether it asks *who* or *when*. `but` is no other talk.
    """
    held = Counter(word for text in shown for word in _words(text))
    usual, sentences = _usual()
    own = Counter(word for text in but if text in sentences for word in _words(text))
    count = len(sentences) - sum(text in sentences for text in but)
    found = {
        word: math.log((k + 0.2) / (len(shown) + 1)) - math.log((usual[word] - own[word] + 1) / (count + 2))
        for word, k in held.items()
        if k > 1
    }
    return {word: weight for word, weight in found.items() if weight >= LEAST_CUE}


def _words(text: str) -> frozenset[str]:
    """The words of `text` and its pairs of neighbours."""
    words = _WORD.findall(text.casefold())
    return frozenset([*words, *(f"{one} {other}" for one, other in pairwise(words))])


def usual_words() -> Counter[str]:
    """How many of the sentences that the calibrator stands on hold each word and each pair of neighbours."""
    return _usual()[0]


@cache
def _usual() -> tuple[Counter[str], frozenset[str]]:
    """How many of the sentences that the calibrator stands on hold each word, and these sentences."""
    folder = files("ridealong.postcall").joinpath("calibration")
    sentences = frozenset(
        str(json.loads(line)["text"])
        for name in ("ordinary.jsonl", "examples.jsonl")
        for line in folder.joinpath(name).read_text(encoding="utf-8").splitlines()
    )
    return Counter(word for text in sentences for word in _words(text)), sentences


def cued(cues: Mapping[str, float], text: str) -> float:
    """How much of `text` are words of `cues`."""
    return sum(sorted((cues[word] for word in _words(text) if word in cues), reverse=True)[:MOST_CUES])


def features(of: Profile, texts: Sequence[str], vectors: Vectors) -> Numbers:
    """Shape [len(texts), len(FEATURES)]. `vectors` are those of `texts`."""
    similar = vectors @ of.shown.T
    nearest = similar.max(axis=1)
    three = np.sort(similar, axis=1)[:, -3:].mean(axis=1)
    usual = np.full(len(texts), of.ordinary_mean)
    # A rubric need not give these examples: then nothing is nearer to them than an ordinary sentence is.
    partly = (vectors @ of.partly.T).max(axis=1) if len(of.partly) else usual
    look_alike = (vectors @ of.look_alike.T).max(axis=1) if len(of.look_alike) else usual
    asks = np.array(["?" in text for text in texts], dtype=np.float64)
    figure = np.array([has_figure(text) for text in texts], dtype=np.float64)
    cues = np.array([cued(of.cues, text) for text in texts], dtype=np.float64)
    length = np.log(np.array([max(1, len(text.split())) for text in texts], dtype=np.float64))
    return np.stack(
        [
            nearest,
            three,
            (nearest - of.ordinary_mean) / of.ordinary_scale,
            partly,
            look_alike,
            vectors @ of.question,
            vectors @ of.centre,
            nearest - partly,
            nearest - look_alike,
            np.abs(of.asks - asks),
            of.figures * figure,
            of.figures * (1 - figure),
            # Longer than the longest example says no more: an utterance of 40 words is not four times as likely.
            np.minimum(length, np.log(12)),
            np.minimum(length, np.log(6)),
            cues,
            (cues == 0).astype(np.float64),
        ],
        axis=1,
    ).astype(np.float64)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Calibrator:
    """Features to probabilities. Arrays: `mean`, `scale` [features]; `coefficients` [3, features]; `intercept` [3]."""

    mean: Numbers
    scale: Numbers
    coefficients: Numbers
    intercept: Numbers

    def probabilities(self, found: Numbers) -> Numbers:
        """Shape [n, 3]: how probably the words show it not, partly, fully. Rows add up to 1."""
        logits = ((found - self.mean) / self.scale) @ self.coefficients.T + self.intercept
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return raised / raised.sum(axis=1, keepdims=True)


def load_calibrator() -> Calibrator:
    """The shipped calibrator. Raises MissingPart when it was fitted for other features than these."""
    path = files("ridealong.postcall").joinpath("calibration", "calibrator.json")
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if tuple(stored["features"]) != FEATURES:
        raise MissingPart("the reviewer's calibrator is out of date: run `python -m ridealong.postcall.calibrate`")
    return Calibrator(**{key: np.array(stored[key]) for key in ("mean", "scale", "coefficients", "intercept")})
