"""Finding a rule's phrases in what was said: word by word, whatever the punctuation, and never behind a "not"."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ridealong.core.quote import find_quote

GAP_WORDS: Final = 3
"""Words that a `*` stands for at most."""
NEGATED_WITHIN: Final = 3
"""A negation so many words before a phrase turns it around."""

_WORD: Final = re.compile(r"\w+(?:['’]\w+)*")
_SENTENCE: Final = re.compile(r"[^.?!。？！]+[.?!。？！]*")
_NEGATIONS: Final = frozenset(
    {"not", "no", "never", "cannot", "without", "nobody", "nothing", "none", "neither", "nor", "hardly", "dont", "cant"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """`quote` is the sentence that holds the phrase, `start` where it begins in the text (code points)."""

    start: int
    quote: str


def matches(text: str, phrases: Sequence[str], unless: Sequence[str] = ()) -> list[Match]:
    """Every sentence of `text` that holds one of `phrases` and none of `unless`, in order."""
    found: list[Match] = []
    for start, sentence in _sentences(text):
        if any(holds(sentence, phrase) for phrase in phrases) and not any(holds(sentence, u) for u in unless):
            quote = sentence.strip()
            # A sentence that is no words of its own, for example the end of "3.5": the whole is quoted.
            at = text.index(quote, start)
            found.append(Match(start=at, quote=quote) if find_quote(text, quote) else Match(start=0, quote=text))
    return found


def holds(sentence: str, phrase: str) -> bool:
    """Whether the words of `phrase` stand in `sentence`, and no negation turns them around."""
    words = _words(sentence)
    line = f" {' '.join(words)} "
    ends = [0]
    for word in words:
        ends.append(ends[-1] + len(word) + 1)
    pattern, negative = _compiled(phrase)
    for match in pattern.finditer(line):
        if negative:
            return True
        first = bisect_right(ends, match.start()) - 1
        last = bisect_right(ends, match.end() - 2) - 1
        if not any(negates(word) for word in words[max(0, first - NEGATED_WITHIN) : last + 1]):
            return True
    return False


def negated(sentence: str) -> bool:
    """Whether the sentence says anywhere that something is not so."""
    return any(negates(word) for word in _words(sentence))


def negates(word: str) -> bool:
    return word in _NEGATIONS or word.endswith("n't")


def _words(text: str) -> list[str]:
    return [word.replace("’", "'") for word in _WORD.findall(text.casefold())]


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    for match in _SENTENCE.finditer(text):
        if match.group().strip():
            yield match.start(), match.group()


@lru_cache(maxsize=4096)
def _compiled(phrase: str) -> tuple[re.Pattern[str], bool]:
    """The phrase as a pattern over words parted and surrounded by blanks, and whether it holds a negation itself."""
    parts: list[str] = []
    negative = False
    for piece in phrase.split():
        if piece == "*":
            parts.append(rf"(?:\S+ ){{0,{GAP_WORDS}}}")
            continue
        words = _words(piece)
        negative = negative or any(negates(word) for word in words)
        parts += [re.escape(word) + " " for word in words]
        if piece.endswith("*") and words:
            parts[-1] = re.escape(words[-1]) + r"\S* "
    return re.compile("(?<= )" + "".join(parts)), negative
