"""Two things that a text model reads over: a name that it has never met, and a figure set against another.

"We're with Brindlow" and "the last lot were eight fifty" are plain to a person who knows neither the firm nor the
price: something is called by a name where one says what one uses, and a figure answers a figure. The views of such a
text are mostly the views of its odd pieces; these facts say what the text does.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from ridealong.embedding.minilm import common_pieces

if TYPE_CHECKING:
    from collections.abc import Collection

CUES: Final = 6
"""How many facts `cues` gives."""

_FIGURE: Final = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|grand|million|half|double|twice)\b",
    re.IGNORECASE,
)
"""Not "one", which is mostly no number."""

_WORD: Final = re.compile(r"[^\W\d_][\w'’&-]*")
_GOES_ON: Final = re.compile(r"[\w,;:—-]\s*$")
"""What stands before a word that begins no sentence."""

_INTRODUCES: Final = re.compile(
    r"\b(?:uses?|using|used|with|from|by|has|have|had|got|get|on|called|at|through|via|like|than|of|versus|vs|against"
    r"|and|or|it's|is|there's|that's|says|said|to|tried|over)(?: (?:the|a|an|this|that|these|those|our|some|one))?\s+$",
    re.IGNORECASE,
)
"""What stands before the name of what somebody uses, is with, came from or compares with."""

_CALENDAR: Final = (
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august"
    " september october november december christmas easter"
)
_CAPITALS_OF_NO_NAME: Final = frozenset(
    ("i", "i'm", "i've", "i'd", "i'll", "god", "english", "german", "french", *_CALENDAR.split())
)
_CLITIC: Final = re.compile(r"['’](?:s|re|ve|ll|d|t|m)$")
_ENDS: Final = ("s", "es", "ed", "d", "ing", "er", "ly", "y", "able", "n")
_SHORT: Final = 3
"""Shorter words are no names that a recogniser would write."""


def cues(text: str, answered: str | None) -> tuple[bool, ...]:
    """What `text` has, said in answer to `answered`: a figure; whether what it answers has one; both; a name; a name
    where one says what one uses or compares with; a word that is not in the model's vocabulary."""
    named = introduced = unknown = False
    for match in _WORD.finditer(text):
        word, before = match.group(), text[: match.start()]
        rare = is_rare(word)
        unknown = unknown or rare
        capital = word[0].isupper() and _GOES_ON.search(before) and word.casefold() not in _CAPITALS_OF_NO_NAME
        if rare or capital:
            named = True
            introduced = introduced or _INTRODUCES.search(before) is not None
    figure = _FIGURE.search(text) is not None
    answers_figure = answered is not None and _FIGURE.search(answered) is not None
    return figure, answers_figure, figure and answers_figure, named, introduced, unknown


def is_rare(word: str) -> bool:
    """Whether the text model has no piece for the whole of `word`, nor for its stem or its parts: mostly a name that it
    has not met. A transcript in small letters shows a name in no other way."""
    return _is_rare(word.casefold())


@cache
def vocabulary() -> Collection[str]:
    """The words that are not rare. Read once, in some 40 ms; raises MissingPart."""
    return common_pieces()


def _is_rare(folded: str) -> bool:
    word, known = _CLITIC.sub("", folded.strip("'’")), vocabulary()
    if len(word) < _SHORT or word in known:
        return False
    if all(part in known or len(part) < _SHORT for part in re.split(r"[-&'’]", word)):
        return False
    return not any(_is_form(word, end, known) for end in _ENDS)


def _is_form(word: str, end: str, known: Collection[str]) -> bool:
    """Whether `word` is a known one with `end` behind it: pumped, hired (hire), stopped (stop)."""
    if not word.endswith(end):
        return False
    stem = word[: -len(end)]
    doubled = len(stem) > 2 and stem[-1] == stem[-2] and stem[:-1] in known
    return stem in known or f"{stem}e" in known or doubled
