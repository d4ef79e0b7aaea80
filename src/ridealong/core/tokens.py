"""Words as they are compared: folded, without their ends, and each with its place in the text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(r"[$€£¥%]|\d+(?:[.,:'’]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or sign of a text; `start` and `end` count characters."""

    text: str
    """Folded."""
    written: str
    start: int
    end: int


def bare(word: str) -> str:
    """A folded word without its possessive or plural end."""
    word = word.replace("’", "'").removesuffix("'s").removesuffix("'")
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def folded(text: str) -> str:
    """`text` in compatibility form and without case, marks or characters that show nothing."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in decomposed if unicodedata.category(c)[0] != "C" and not unicodedata.combining(c))


def tokens_of(text: str) -> list[Token]:
    """The words, numbers and signs of `text`, in order."""
    # Compatibility first: "１５" and "15" are the same number. Every step keeps what is one word one word.
    clean = unicodedata.normalize("NFKC", text)
    clean = "".join(c for c in clean if unicodedata.category(c)[0] != "C" or c.isspace())
    return [
        Token(text=folded(m.group()), written=m.group(), start=m.start(), end=m.end()) for m in _TOKEN.finditer(clean)
    ]


def words_of(text: str) -> list[str]:
    """The words of a list that is written as one text."""
    return text.split()
