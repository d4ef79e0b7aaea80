"""Which utterances answer a question: by words and by meaning, read with what was said around them.

One turn seldom says what it is about: "Yeah, that took us three weeks" answers a question about onboarding only beside
the turn before it. So each utterance is judged by its own words, by its own meaning, and by those of the stretch around
it, twice: for the whole question, and for its subject alone, which comes before "when discussing …". Who the question
asks about counts too. Of the best ones those are chosen that do not all stand in one place.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ridealong.embedding import Embedder, Vectors

Numbers: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int64]

MIN_WORDS: Final = 4
"""Shorter utterances answer nothing by themselves; they count for those around them."""
WHOLE: Final = 0.6
SUBJECT: Final = 0.4
"""What the whole question weighs, and its subject alone."""
SAID: Final = 0.5
"""What words weigh beside meaning, in the utterance itself."""
AROUND: Final = ((3, 0.3, 0.1), (8, 0.5, 0.2), (20, 0.2, 0.1))
"""Stretches: utterances to each side, then what their meaning weighs and what their words weigh."""
SPEAKER: Final = 0.5
"""What it weighs that somebody whom the question names speaks."""
SPREAD: Final = 3.0
REACH: Final = 20.0
"""A chosen utterance lowers those at a distance of n beside it by SPREAD times exp(-n / REACH)."""

K1: Final = 1.2
B: Final = 0.75
"""BM25's usual constants (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009)."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ENDINGS: Final = ("ations", "ation", "ings", "ing", "ies", "ied", "ers", "er", "es", "ed", "ly", "s", "e")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOP: Final = _words(
    """a about am an and any are as at be been being but by can could did do does doing for from had has have having he
    her here him his how i if in into is it its just like me more most my no nor not now of oh okay on or our out over
    really she should so some such than that the their them then there these they this those through to too uh um up us
    very was we well were what when where which while who whom why will with would yeah yes you your"""
)
_ASKING: Final = _words(
    """according anybody anyone call calls concerning conclusion conversation describe details discuss discussed
    discussing discussion discussions everybody everyone explain find gave give giving group introduce introduced list
    mainly meeting meetings mention mentioned opinion opinions people prefer present presentation presented propose
    proposed put question reason regarding said say saying says somebody someone speak spoke suggest suggested
    suggestion summarise summarize talk talked talking team tell thing things think thinking thought thoughts told
    want"""
)
"""Words of questions that say nothing about what is looked for."""
_SETTING = re.compile(
    r"\b(?:when|while|during|in the (?:discussion|presentation|introduction|meeting|call)s?(?: of| about| on)?"
    r"|at the (?:discussion|presentation))\b",
    re.IGNORECASE,
)
_SUBJECT_FROM: Final = 15
"""Characters before a setting; with fewer the question begins with it ("When did they …")."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pool:
    """What is searched: utterances of one call or of many, each call's in its order, one row each.

    `calls` numbers the call of a row and `places` the utterance within it: rows with following places were said one
    after the other. `names` are those by which a question may mean the speaker, in lower case.
    """

    texts: Sequence[str]
    vectors: Vectors
    calls: Whole
    places: Whole
    names: Sequence[Sequence[str]]

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Asked:
    """A question, ready to be compared. `terms` without words that all questions have; `vector` [384]."""

    text: str
    terms: frozenset[str]
    vector: Vectors
    subject_terms: frozenset[str]
    subject_vector: Vectors


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Relevance:
    """How well each row answers. `score` orders the rows of one pool; `meaning` is the cosine to the question (the
    better of whole and subject), `words` the share of the question's terms that the row itself says, by their rarity.
    """

    score: Numbers
    meaning: Numbers
    words: Numbers


def asked(question: str, embedder: Embedder) -> Asked:
    """Read a question. Embeds one or two sentences."""
    subject = subject_of(question)
    vectors = embedder.embed(list(dict.fromkeys((question, subject))))
    return Asked(
        text=question,
        terms=frozenset(question_terms(question)),
        vector=vectors[0],
        subject_terms=frozenset(question_terms(subject)),
        subject_vector=vectors[-1],
    )


def subject_of(question: str) -> str:
    """The part before "when discussing …", which says what is looked for and not where; else the whole question."""
    setting = _SETTING.search(question)
    if setting is None or setting.start() < _SUBJECT_FROM:
        return question
    return question[: setting.start()].strip()


def terms(text: str) -> list[str]:
    """The words of `text` that carry meaning, each cut to its stem."""
    return [_stem(word) for word in _WORD.findall(text.casefold()) if word not in _STOP]


def question_terms(text: str) -> list[str]:
    """As `terms`, without the words in which questions are asked."""
    return [_stem(word) for word in _WORD.findall(text.casefold()) if word not in _STOP and word not in _ASKING]


def question_words(text: str) -> list[str]:
    """The words of `text` that carry meaning, as they stand there, without those in which questions are asked."""
    return list(dict.fromkeys(word for _, word in spoken_terms(text)))


def spoken_terms(text: str) -> list[tuple[str, str]]:
    """Each of `question_terms` with the word that it was cut from."""
    words = (word for word in _WORD.findall(text.casefold()) if word not in _STOP and word not in _ASKING)
    return [(_stem(word), word) for word in words]


def relevance(asked: Asked, pool: Pool) -> Relevance:
    """How well each row of `pool` answers. Rows with fewer than MIN_WORDS words have the score -inf."""
    said = [terms(text) for text in pool.texts]
    lengths = np.array([len(text.split()) for text in pool.texts], dtype=np.float64)
    runs = _Runs.of(pool)
    meaning, subject_meaning = pool.vectors @ asked.vector, pool.vectors @ asked.subject_vector
    words = _bm25(said, asked.terms)
    score = WHOLE * (_scaled(meaning) + SAID * _scaled(words))
    score += SUBJECT * (_scaled(subject_meaning) + SAID * _scaled(_bm25(said, asked.subject_terms)))
    weighted = pool.vectors * np.sqrt(lengths)[:, None]
    speaks = _named(asked.text, pool.names)
    for each_side, of_meaning, of_words in AROUND:
        stretch = runs.mean(weighted, each_side)
        stretch /= np.linalg.norm(stretch, axis=1, keepdims=True) + 1e-9
        score += of_meaning * _scaled(stretch @ asked.vector) + of_words * _scaled(runs.mean(words, each_side))
    score += SPEAKER * (speaks + _scaled(runs.mean(speaks, 4)))
    score[lengths < MIN_WORDS] = -np.inf
    return Relevance(
        score=score, meaning=np.maximum(meaning, subject_meaning).astype(np.float64), words=_shares(said, asked.terms)
    )


def chosen(score: Numbers, pool: Pool, most: int) -> list[int]:
    """The rows to show, best first: at most `most`, and rather from several places than all from one."""
    left = score.copy()
    rows: list[int] = []
    while len(rows) < most and len(left):
        best = int(np.argmax(left))
        if left[best] == -np.inf:
            break
        rows.append(best)
        beside = pool.calls == pool.calls[best]
        distance = np.abs(pool.places[beside] - pool.places[best])
        left[beside] -= SPREAD * np.exp(-distance / REACH)
        left[best] = -np.inf
    return rows


def _stem(word: str) -> str:
    """Good enough to bring the forms of a word together; it never leaves fewer than three letters."""
    word = word.replace("’", "'").removesuffix("'s")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _bm25(said: Sequence[Sequence[str]], wanted: frozenset[str]) -> Numbers:
    lengths = np.array([len(words) for words in said], dtype=np.float64)
    counts = [Counter(word for word in words if word in wanted) for words in said]
    usual = K1 * (1 - B + B * lengths / (lengths.mean() + 1e-9)) if len(said) else lengths
    score = np.zeros(len(said))
    for term in sorted(wanted):
        often = np.array([count[term] for count in counts], dtype=np.float64)
        if often.any():
            score += _rarity(often) * often * (K1 + 1) / (often + usual)
    return score


def _shares(said: Sequence[Sequence[str]], wanted: frozenset[str]) -> Numbers:
    """Of the question's terms, weighed by their rarity, the share that each row says. Terms that nobody says count."""
    held = {term: np.array([term in words for words in said], dtype=np.float64) for term in sorted(wanted)}
    weights = {term: _rarity(row) for term, row in held.items()}
    total = sum(weights.values())
    if not total:
        return np.zeros(len(said))
    return np.asarray(sum(weights[term] * row for term, row in held.items()) / total, dtype=np.float64)


def _rarity(often: Numbers) -> float:
    holding = int((often > 0).sum())
    return math.log(1 + (len(often) - holding + 0.5) / (holding + 0.5))


def _named(question: str, names: Sequence[Sequence[str]]) -> Numbers:
    """1 for the rows whose speaker the question names."""
    folded = f" {' '.join(_WORD.findall(question.casefold()))} "
    every = {name for row in names for name in row if name}
    known = {name: f" {' '.join(_WORD.findall(name))} " in folded for name in every}
    return np.array([any(known.get(name, False) for name in row) for row in names], dtype=np.float64)


def _scaled(values: Numbers | Vectors) -> Numbers:
    """Mean 0 and deviation 1 over the pool, so that what is measured in different units can be added."""
    if not len(values):
        return np.zeros(0)
    return np.asarray((values - values.mean()) / (values.std() + 1e-9), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Runs:
    """For each row the first and the one-past-last row of the unbroken stretch of one call that it stands in."""

    first: Whole
    past: Whole

    @classmethod
    def of(cls, pool: Pool) -> _Runs:
        rows = len(pool)
        if not rows:
            return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))
        breaks = (pool.calls[1:] != pool.calls[:-1]) | (pool.places[1:] != pool.places[:-1] + 1)
        starts = np.concatenate(([0], np.flatnonzero(breaks) + 1))
        which = np.concatenate(([0], np.cumsum(breaks))).astype(np.int64)
        ends = np.concatenate((starts[1:], [rows]))
        return cls(starts[which].astype(np.int64), ends[which].astype(np.int64))

    def mean(self, values: Numbers | Vectors, each_side: int) -> Numbers:
        """The mean of each row's stretch of up to `each_side` rows before and after it."""
        rows = np.arange(len(values))
        begin = np.maximum(self.first, rows - each_side)
        end = np.minimum(self.past, rows + each_side + 1)
        total = np.concatenate((np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0, dtype=np.float64)))
        count = (end - begin).astype(np.float64).reshape(-1, *([1] * (values.ndim - 1)))
        return (total[end] - total[begin]) / count
