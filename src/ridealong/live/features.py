"""What the classifier sees of an utterance: its meaning, its wording, and the turn that it answers.

A row of features is, in this order: the embedder's views of the words judged (a middle layer, and the one tuned on
sales talk); the middle layer's of the turn before, faded out with the number of words judged ("yes, do that" means what
it answers, a long sentence speaks for itself); cues (names and figures, see `live.cues`); and a few facts (role,
length, whether the turn before was a question).

Hashed words and word pairs were tried beside them and added nothing once the middle layers were there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from ridealong.core.transcript import Role
from ridealong.embedding import DIMENSIONS
from ridealong.embedding.minilm import VIEWS_WIDTH
from ridealong.live.cues import CUES, cues

if TYPE_CHECKING:
    from ridealong.embedding import Vectors
    from ridealong.embedding.minilm import Earlier

FEATURES_VERSION: Final = 7
"""Part of the trained head's cache key: raise it whenever a row of features changes."""

FACTS: Final = 9
BESIDE: Final = CUES + FACTS
"""The last so many numbers of a row: what is not read out of the model."""

WIDTH: Final = VIEWS_WIDTH + DIMENSIONS + CUES + FACTS

FADE: Final = 12.0
"""The turn before counts 1/e as much for each so many words more. Chosen on calls that nothing is fitted on."""

SHORT_FADE: Final = 6.0
"""The same of the facts that say how short a turn is."""

LONG: Final = 14
"""Words from which on an utterance is also judged clause by clause."""

MAX_CLAUSES: Final = 4
"""A turn is cut at about 12 s, some 40 words: more clauses would be fragments."""

MIN_CLAUSE: Final = 4

LONGEST: Final = 60
"""Words that are judged in one go: a turn of the live path hardly has more. The models have learned no longer ones."""

SENTENCE_END = re.compile(r"(?<=[.?!;])\s+")
JOINT = re.compile(
    r",\s+|\s+(?=(?:but|because|so|which|although|then"
    r"|and (?:then|i|we|he|she|they|it|the|our|my|what|how|when))\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """Something said earlier, with the role of who said it."""

    text: str
    role: Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What stands around the words judged: who says them, and the last turn of somebody else (None at the start)."""

    role: Role
    answered: Turn | None

    @classmethod
    def of(cls, role: Role, before: Sequence[Turn]) -> Surroundings:
        """`before` is oldest first. Short acknowledgements ("okay", "mhm") are looked past: they ask nothing."""
        for turn in reversed(before):
            if turn.role is not role or role is Role.UNKNOWN:
                return cls(role=role, answered=turn)
        return cls(role=role, answered=None)


def clauses(text: str) -> tuple[tuple[int, int], ...]:
    """(start, end) of the clauses of a long text; nothing where `text` is short or has one clause only.

    Sentences first; sentences that are long themselves are cut at commas and conjunctions. Pieces of fewer than four
    words join what stands before them, because alone they mean little.
    """
    if len(text.split()) < LONG:
        return ()
    pieces: list[tuple[int, int]] = []
    for start, end in _cut(text, 0, len(text), SENTENCE_END):
        if len(text[start:end].split()) < LONG:
            pieces.append((start, end))
        else:
            pieces.extend(_joined(text, _cut(text, start, end, JOINT), MIN_CLAUSE))
    pieces = _joined(text, pieces, 3)
    while len(pieces) > MAX_CLAUSES:
        shortest = min(range(len(pieces) - 1), key=lambda i: pieces[i + 1][1] - pieces[i][0])
        pieces[shortest : shortest + 2] = [(pieces[shortest][0], pieces[shortest + 1][1])]
    return tuple(pieces) if len(pieces) > 1 else ()


def stretches(text: str) -> tuple[tuple[int, int], ...]:
    """(start, end) of what is judged in one go: all of a text as long as a turn may grow, else its parts.

    A transcript from elsewhere may give a minute of talk in one line. The parts are as equal as its sentences allow, or
    its clauses where a sentence is too long.
    """
    words = len(text.split())
    if words <= LONGEST:
        return ((0, len(text)),)
    pieces: list[tuple[int, int]] = []
    for start, end in _cut(text, 0, len(text), SENTENCE_END):
        fits = len(text[start:end].split()) <= LONGEST
        pieces.extend([(start, end)] if fits else _cut(text, start, end, JOINT))
    share = words / math.ceil(words / LONGEST)
    found: list[tuple[int, int]] = []
    for start, end in pieces:
        if found and len(text[found[-1][0] : end].split()) <= share + MIN_CLAUSE:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return tuple(found)


def _cut(text: str, start: int, end: int, at: re.Pattern[str]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for gap in at.finditer(text, start, end):
        found.append((start, gap.start()))
        start = gap.end()
    found.append((start, end))
    return [(a, b) for a, b in found if any(c.isalnum() for c in text[a:b])]


def _joined(text: str, pieces: Sequence[tuple[int, int]], words: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in pieces:
        short = len(text[start:end].split()) < words
        previous_short = bool(found) and len(text[found[-1][0] : found[-1][1]].split()) < words
        if found and (short or previous_short):
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


class Reader(Protocol):
    """What shows how a text is meant, and its pieces within it. MiniLM is one."""

    def views(self, texts: Sequence[str]) -> Vectors:
        """[len(texts), VIEWS_WIDTH]; the first DIMENSIONS columns are the middle layer's."""
        ...

    def pieces(self, text: str, spans: Sequence[tuple[int, int]]) -> Vectors:
        """[1 + len(spans), VIEWS_WIDTH]: the views of the text, then those of text[start:end] within it."""
        ...

    def answer(self, text: str, role: Role, before: Sequence[Earlier], facts: Vectors) -> Vectors:
        """[len(CONTENT_TYPES)]: margins of the text, read together with the turns before it, the last one last.

        `facts` are the last BESIDE numbers of the text's row. Asked for by heads that were calibrated with it only.
        """
        ...


def row(text: str, views: Vectors, surroundings: Surroundings, answered: Vectors | None) -> Vectors:
    """The features of `text` (float32 [WIDTH]), whose views are `views`; `answered` are those of the turn before."""
    words = len(text.split())
    found = np.zeros(WIDTH, np.float32)
    found[:VIEWS_WIDTH] = views
    if answered is not None:
        found[VIEWS_WIDTH : VIEWS_WIDTH + DIMENSIONS] = answered[:DIMENSIONS] * math.exp(-max(words - 2, 0) / FADE)
    said_before = surroundings.answered.text if surroundings.answered is not None else None
    asked = said_before is not None and said_before.rstrip().endswith("?")
    found[-FACTS - CUES : -FACTS] = cues(text, said_before)
    fade = math.exp(-max(words - 2, 0) / SHORT_FADE)
    found[-FACTS:] = (
        surroundings.role is Role.REP,
        surroundings.role is Role.CUSTOMER,
        surroundings.role is Role.UNKNOWN,
        fade,
        asked,
        asked * fade,
        "?" in text,
        min(words, 40) / 40,
        surroundings.answered is not None,
    )
    return found
