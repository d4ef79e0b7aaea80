"""Names in a text: words that are written as one, and words that the call has as one."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from ridealong.core.tokens import bare, folded

_WORD: Final = re.compile(r"[^\W\d_](?:[\w'’&-]|\.(?=\w))*")
_SENTENCE_END: Final = ".!?:;\n"
_OWN_CAPITALS: Final = frozenset(("i", "i'm", "i'll", "i'd", "i've", "ok"))


def names_in(
    text: str, *, known: Collection[str], ordinary: Collection[str], title: bool = False
) -> list[tuple[str, int]]:
    """(folded name, place from 1) of each word of `text` that is written as a name, or is one of the `known` names.

    `ordinary` words are none at the begin of a sentence, nor anywhere in a `title`, whose words may all have capitals.
    """
    found: list[tuple[str, int]] = []
    for place, match in enumerate(_WORD.finditer(text), start=1):
        written = match.group().rstrip("-.&'’")
        word = folded(written)
        plain = bare(word)
        if word in _OWN_CAPITALS or not plain:
            continue
        common = word in ordinary or plain in ordinary or any(part in ordinary for part in (_stem(word), _stem(plain)))
        if not any(c.isupper() for c in written):
            if not common and (word in known or plain in known):
                found.append((word, place))
            continue
        before = text[: match.start()].rstrip(" \"'“”‘’(")
        quoted = text[match.start() - 1 : match.start()] in tuple('"“‘(')
        begins = not before or before[-1] in _SENTENCE_END or quoted
        if begins and word not in known and word.endswith(_ORDINARY_ENDS):
            continue
        # "Karen" at the begin of a sentence is a name where the call has it as one; "Pricing" is not.
        if (begins or title) and common and word not in known:
            continue
        found.append((word, place))
    return found


_ORDINARY_ENDS: Final = ("tion", "sion", "ment", "ity", "ness", "ance", "ence", "ally", "ship")
"""Ends of words that are hardly ever names, at the begin of a sentence."""


def known_names(texts: Sequence[str], ordinary: Collection[str]) -> frozenset[str]:
    """Words that stand with a capital inside of a sentence, and are no ordinary words."""
    found: set[str] = set()
    for text in texts:
        if text.isupper():
            continue
        for match in _WORD.finditer(text):
            written = match.group().rstrip("-.&'’")
            word = folded(written)
            if not written[:1].isupper() or word in _OWN_CAPITALS or "'" in word or "’" in word:
                continue
            before = text[: match.start()].rstrip(" \"'“”‘’(")
            if before and before[-1] not in _SENTENCE_END and word not in ordinary:
                found.add(word)
    return frozenset(found)


def _stem(word: str) -> str:
    for end in ("ing", "ed", "ly", "es", "er"):
        if len(word) > len(end) + 3 and word.endswith(end):
            return word[: -len(end)]
    return word
