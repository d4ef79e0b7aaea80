"""Bringing sayings together that are about the same thing, and naming it. Deterministic, and cheap for thousands."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.postcall.retrieval import question_terms, spoken_terms

if TYPE_CHECKING:
    from ridealong.embedding import Vectors

MOST: Final = 5_000
"""Sayings that are grouped at once; a pass over them costs their number times that of the groups."""
PASSES: Final = 4
KEYWORDS: Final = 3


def groups(vectors: Vectors, near: float) -> list[list[int]]:
    """The rows of `vectors` [n, 384] (each of length 1) in groups, the largest first, each with its most central row
    first. Rows whose cosine is above `near` tend to stand together.

    The first row opens a group, each next one joins the nearest or opens another; then rows move to the nearest middle
    and groups whose middles have come together join, PASSES times over. The order of the rows decides between equals.
    """
    if len(vectors) > MOST:
        raise ValueError(f"at most {MOST} sayings are grouped at once")
    middles = _apart(vectors, near)
    found: dict[int, list[int]] = {}
    for _ in range(PASSES if len(vectors) else 0):
        found = defaultdict(list)
        for row, nearest in enumerate(np.argmax(vectors @ middles.T, axis=1)):
            found[int(nearest)].append(row)
        middles = _apart(np.stack([_middle(vectors[rows]) for _, rows in sorted(found.items())]), near)
    central = [
        sorted(rows, key=lambda row: (-float(vectors[row] @ _middle(vectors[rows])), row)) for rows in found.values()
    ]
    return sorted(central, key=lambda rows: (-len(rows), rows[0]))


def keywords(texts: Sequence[str], among: Sequence[str]) -> list[str]:
    """Up to KEYWORDS words that many of `texts` say and few others of `among` do, as they were said most often."""
    everywhere = Counter(term for text in among for term in set(question_terms(text)))
    here = Counter(term for text in texts for term in set(question_terms(text)))
    spoken: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for term, word in spoken_terms(text):
            spoken[term][word] += 1

    def weight(term: str) -> float:
        return here[term] / len(texts) * float(np.log(1 + len(among) / everywhere[term]))

    best = sorted(
        (term for term in here if len(term) > 2 and not term.isdigit() and not _tells_nothing(spoken[term])),
        key=lambda term: (-weight(term), term),
    )
    shared = [term for term in best if here[term] > 1] or best
    return [min(spoken[term], key=lambda word: (-spoken[term][word], word)) for term in shared[:KEYWORDS]]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NO_THEME: Final = _words(
    """
    bit come comes coming every get gets getting give gives go goes going got happen happens keep keeps kind look
    looks lot made make makes making much nobody per quite take takes taking took way went one two three four five
    six seven eight nine ten eleven twelve fifteen twenty thirty fifty hundred thousand
    """
)
"""Words that many say, whatever they speak of: they find passages, and name no theme."""


def _tells_nothing(words: Collection[str]) -> bool:
    """Whether a term was only said as "I've" or "we'll", or as what names no theme."""
    return all(re.search(r"['’](?:ve|ll|d|re|m|t)$", word) or word in _NO_THEME for word in words)


def _middle(vectors: Vectors) -> Vectors:
    middle = vectors.mean(axis=0)
    return np.asarray(middle / (np.linalg.norm(middle) + 1e-9), dtype=np.float32)


def _apart(vectors: Vectors, near: float) -> Vectors:
    """Those of `vectors`, in their order, that are not nearer than `near` to one before them."""
    kept = np.empty_like(vectors)
    count = 0
    for vector in vectors:
        if count == 0 or float(np.max(kept[:count] @ vector)) < near:
            kept[count] = vector
            count += 1
    return kept[:count]
