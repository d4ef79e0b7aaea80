"""Text as a reader sees it: without the characters that show nothing, turn the writing around or end a line unseen."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_UNSEEN: Final = re.compile(
    # Printable by Python's word, and seen by nobody: joiners, fillers, Khmer vowels, Mongolian and other variation
    # selectors (256 of them can carry a byte each), an empty braille pattern.
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)

_TURNS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Unicode's overrides, embeddings and isolates of direction (UAX #9, 2). Right-to-left letters need none of them."""


def unturned(text: str) -> str:
    """`text` without the characters that turn the writing around: a name that holds one turns what stands behind it."""
    return _TURNS.sub("", text)


def is_unseen(character: str) -> bool:
    """Whether it is one of those that count as printable, and show nothing."""
    return _UNSEEN.match(character) is not None


def visible(text: str) -> str:
    """`text` without what nobody sees. What separates words without being a space (a line end, a tab) becomes one."""
    if text.isascii() and text.isprintable():
        return text
    found = _UNSEEN.sub("", text)
    if not found.isprintable():
        found = " ".join("".join(_shown(c) for c in found).split())
    return found


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    # Format characters stand inside of words; controls and separators stand between them.
    return "" if unicodedata.category(character) in ("Cf", "Cs", "Co", "Cn") else " "
