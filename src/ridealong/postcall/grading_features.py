"""What can be told of words and a criterion without understanding either: the numbers that a grade is made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.embedding import DIMENSIONS
from ridealong.postcall.likeness import unit
from ridealong.postcall.scoring import cued, cues_of, has_figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ridealong.core.rubric import Criterion
    from ridealong.embedding import Layered, Vectors
    from ridealong.postcall.likeness import Likeness
    from ridealong.postcall.scoring import Numbers

OF_WORDS: Final = (
    "nearest",  # likeness to the nearest example that shows it
    "three_nearest",
    "centre",  # to the mean of its examples
    "standing",  # `nearest` against what ordinary sentences reach
    "centre_standing",
    "partly",  # to the nearest example that shows it in part
    "look_alike",  # to the nearest example that looks alike and is not it
    "over_partly",
    "over_look_alike",
    "asked",  # cosine of the embeddings of the words and the criterion's question
    "asked_alike",  # the same as likeness
    "other_form",  # a question where the examples are statements, or the other way round
    "question",  # a question where the examples are questions
    "figure",  # words of number or date where the examples have them
    "no_figure",
    "length",
    "short",
    "cues",  # words that the examples share and other talk lacks
    "no_cue",
    "plain_nearest",  # cosine of the embeddings to the nearest example
    "own_nearest",  # `nearest` against how near the examples are to each other
    "own_centre",
    "between",  # 0: as near as what looks alike, 1: as near as the examples themselves
)
"""Of a sentence by itself."""
STANDING: Final = "call_standing"
"""How much nearer to the examples the whole utterance is than what else its side says in this call.

Nothing else of a call is looked at: what the other side says, however it is meant, must move no grade.
"""
FEATURES: Final = (*OF_WORDS, STANDING)

_LEAST_SCALE: Final = 0.03
_SHORT: Final = 6
_QUESTION = re.compile(
    r"(?:(?:and|so|but|or|okay|ok|well|right|good|then|now|great|sure|yes|no|hm|um|uh|ah|oh|also|sorry|just)[ ,.]+)*"
    r"(?:who|whom|whose|what|what's|who's|how's|how|when|where|where's|why|which|do|does|did|is|are|was|were|can|could"
    r"|would|will|have|has|had|shall|should|may|might|any|isn't|aren't|don't|doesn't|didn't|wouldn't|won't|couldn't"
    r"|apart from|tell me|walk me|talk me|take me|describe)\b",
    re.IGNORECASE,
)
_WHO = "you|we|they|he|she|it|that|this|these|those|there|the|your|our|their|his|her|anybody|anyone|somebody|someone"
_TURNED_ROUND = re.compile(
    r"\b(?:what|how|where|when|why|who|whom|which|whose|how (?:much|many|often|long|far|soon|big|happy|sure)"
    r"|(?:what|which|how many|how much) \w+)"
    rf" (?:do|does|did|would|could|can|should|will|are|is|were|was|have|has|had) (?:{_WHO})\b"
    r"|\b(?:do|did|would|could|are|have|were|don't|didn't|haven't|aren't|wouldn't) you\b",
    re.IGNORECASE,
)
"""A verb before who it is about, which in English asks wherever it stands: "and when that breaks what do you do"."""


def asks(text: str) -> bool:
    """Whether `text` asks something: by its mark; without one, since recognisers leave marks out, by its first words or
    by a verb that stands before who it is about.
    """
    return "?" in text or _QUESTION.match(text.strip()) is not None or _TURNED_ROUND.search(text) is not None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Measure:
    """A criterion made ready to be compared with. Vectors are `Likeness` rows unless they are called plain."""

    shown: Vectors
    partly: Vectors
    look_alike: Vectors
    centre: Vectors
    question: Vectors
    plain_shown: Vectors
    plain_question: Vectors
    ordinary_nearest: tuple[float, float]
    """Mean and spread of `nearest` over ordinary sentences."""
    ordinary_centre: float
    own_nearest: float
    """How near an example is to the nearest other one; with few examples near to what is usual."""
    own_centre: float
    look_alike_centre: float
    asks: float
    figures: float
    cues: Mapping[str, float]


_USUAL_NEAREST: Final = (0.5, 4)
_USUAL_CENTRE: Final = (0.6, 4)
_USUAL_LOOK_ALIKE: Final = (0.25, 2)
"""What is usual over criteria, and how many examples it counts as: few examples say little about themselves."""


def measure(criterion: Criterion, embedder: Layered, likeness: Likeness, ordinary: Vectors) -> Measure:
    """`ordinary`: the likeness rows of `ordinary_sentences`."""
    layers = embedder.layers(criterion.shown_by)
    shown = likeness.of(layers)
    plain = unit(layers[:, :DIMENSIONS])
    centre = unit(shown.mean(axis=0))
    question = embedder.layers([criterion.question])
    look_alike = _rows(criterion.not_shown_by, embedder, likeness)
    nearest = (ordinary @ shown.T).max(axis=1)
    return Measure(
        shown=shown,
        partly=_rows(criterion.partly_shown_by, embedder, likeness),
        look_alike=look_alike,
        centre=centre,
        question=likeness.of(question)[0],
        plain_shown=plain,
        plain_question=unit(question[0, :DIMENSIONS]),
        ordinary_nearest=(float(nearest.mean()), max(0.02, float(nearest.std()))),
        ordinary_centre=float((ordinary @ centre).mean()),
        own_nearest=_held_to(_USUAL_NEAREST, _nearest_others(shown)),
        own_centre=_held_to(_USUAL_CENTRE, _centres_of_others(shown)),
        look_alike_centre=_held_to(_USUAL_LOOK_ALIKE, look_alike @ centre),
        asks=float(np.mean([asks(text) for text in criterion.shown_by])),
        figures=float(np.mean([has_figure(text) for text in criterion.shown_by])),
        cues=cues_of(criterion.shown_by, but=criterion.shown_by),
    )


def _rows(texts: Sequence[str], embedder: Layered, likeness: Likeness) -> Vectors:
    return likeness.of(embedder.layers(texts)) if texts else np.zeros((0, likeness.width), np.float32)


def _nearest_others(rows: Vectors) -> Vectors:
    if len(rows) < 2:
        return rows[:0, 0]
    similar = rows @ rows.T
    np.fill_diagonal(similar, -1)
    return similar.max(axis=1)


def _centres_of_others(rows: Vectors) -> Vectors:
    if len(rows) < 2:
        return rows[:0, 0]
    return (rows * unit(rows.sum(axis=0) - rows)).sum(axis=1)


def _held_to(usual: tuple[float, int], seen: Vectors) -> float:
    value, count = usual
    return (float(seen.sum()) + value * count) / (len(seen) + count)


def of_words(of: Measure, texts: Sequence[str], layers: Vectors, likeness: Likeness) -> Numbers:
    """[len(texts), len(OF_WORDS)]. `layers` are those of `texts`."""
    rows, plain = likeness.of(layers), unit(layers[:, :DIMENSIONS])
    similar = rows @ of.shown.T
    nearest = similar.max(axis=1)
    three = np.sort(similar, axis=1)[:, -3:].mean(axis=1)
    centre = rows @ of.centre
    ordinary, spread = of.ordinary_nearest
    # A rubric need not give these examples: then nothing is nearer to them than an ordinary sentence is.
    usual = np.full(len(texts), ordinary)
    partly = (rows @ of.partly.T).max(axis=1) if len(of.partly) else usual
    look_alike = (rows @ of.look_alike.T).max(axis=1) if len(of.look_alike) else usual
    question = np.array([asks(text) for text in texts], np.float64)
    figure = np.array([has_figure(text) for text in texts], np.float64)
    cues = np.array([cued(of.cues, text) for text in texts], np.float64)
    words = np.array([max(1, len(text.split())) for text in texts], np.float64)
    reach = max(0.1, of.own_centre - of.look_alike_centre)
    columns = [
        nearest,
        three,
        centre,
        (nearest - ordinary) / spread,
        centre - of.ordinary_centre,
        partly,
        look_alike,
        nearest - partly,
        nearest - look_alike,
        plain @ of.plain_question,
        rows @ of.question,
        np.abs(of.asks - question),
        of.asks * question,
        of.figures * figure,
        of.figures * (1 - figure),
        np.log(words),
        (words < _SHORT).astype(np.float64),
        cues,
        ((cues == 0) & bool(of.cues)).astype(np.float64),
        (plain @ of.plain_shown.T).max(axis=1),
        nearest - of.own_nearest,
        centre - of.own_centre,
        np.clip((centre - of.look_alike_centre) / reach, -2, 2),
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def standings(of: Measure, places: Sequence[int], role_rows: Sequence[int], vectors: Vectors) -> Numbers:
    """[len(places), 1], see `STANDING`. `vectors` has a row for each utterance of the call; `places` and `role_rows`
    (all utterances that may show the criterion) are rows of it.
    """
    nearest = (vectors[role_rows] @ of.plain_shown.T).max(axis=1)
    own = (vectors[places] @ of.plain_shown.T).max(axis=1)
    found: Numbers = (own - nearest.mean()) / max(_LEAST_SCALE, float(nearest.std()))
    return found.astype(np.float64)[:, None]


OF_CRITERION: Final = (
    "first_odds",  # log odds that the surest words show it, then the second and third surest
    "second_odds",
    "third_odds",
    "any",  # log probability that some words show it, if they were independent
    "by_examples",  # as the surest words look by the examples alone
    "best_by_examples",
    "fully",  # log odds that the surest words show it fully, if at all
    "over_partly",  # of the surest words
    "retrieved",  # what retrieval gave the surest words
    "called_for",  # sureness of a moment that called for it
    "examples",  # log of how many there are: among many one is nearer by chance
)
"""Of a criterion in a call, from all that was read for it. How long the call is stands not among them: longer ones were
better calls among those that were judged, and what is learnt of that would find everything in a call of an hour.
"""
_OVER_PARTLY: Final = FEATURES.index("over_partly")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Read:
    """The words read for a criterion, one row for each utterance, surest first."""

    features: Numbers
    shows: Numbers
    """Log odds that it shows the criterion at least in part."""
    by_examples: Numbers
    fully: Numbers
    retrieved: Numbers


def of_criterion(criterion: Criterion, read: Read, called_for: float) -> Numbers:
    """[len(OF_CRITERION)]. `read` is not empty."""
    odds = [*read.shows[:3], *([float(read.shows[-1])] * (3 - len(read.shows[:3])))]
    shows = 1 / (1 + np.exp(-read.shows))
    return np.array(
        [
            *odds,
            np.log(1 - np.prod(1 - shows) + 1e-6),
            read.by_examples[0],
            read.by_examples.max(),
            read.fully[0],
            read.features[0, _OVER_PARTLY],
            read.retrieved[0],
            called_for,
            np.log(len(criterion.shown_by)),
        ],
        np.float64,
    )
