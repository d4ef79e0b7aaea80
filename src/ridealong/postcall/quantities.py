"""Numbers in what was said, in digits and in words, with what they count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

MONEY: Final = re.compile(r"[£$€]|\b(?:pounds?|dollars?|euros?|quid|grand)\b", re.IGNORECASE)

_ONES: Final = {
    word: n
    for n, word in enumerate(
        (
            *(
                "zero",
                "one",
                "two",
                "three",
                "four",
                "five",
                "six",
                "seven",
                "eight",
                "nine",
                "ten",
                "eleven",
                "twelve",
            ),
            *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
        )
    )
}
_TENS: Final = {
    word: 10 * n
    for n, word in enumerate(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), start=2)
}
_SCALES: Final = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|[a-z]+(?:'[a-z]+)?|[£$€%]", re.IGNORECASE)
_LOOSE: Final = frozenset(
    {*("a", "an", "the", "of", "at", "in", "on", "to", "per", "and", "or", "so"), "about", "around"}
)
_NO_UNIT: Final = frozenset(
    {*("one", "or", "to", "and", "of", "that", "this", "it", "is", "are", "more", "less", "way")}
)


def quantities(text: str) -> list[tuple[str, float]]:
    """(what is counted, how many) for each number in `text`; money counts as one unit for all currencies."""
    tokens = [t.casefold() for t in _TOKEN.findall(text)]
    found: list[tuple[str, float]] = []
    at = 0
    while at < len(tokens):
        value, after = _number(tokens, at)
        if value is None:
            at += 1
            continue
        unit = next((t for t in tokens[after : after + 2] if t not in _LOOSE), "")
        if (at and tokens[at - 1] in "£$€") or MONEY.fullmatch(unit):
            unit = "money"
        elif unit in _NO_UNIT or not unit.isalpha():
            unit = ""
        found.append((unit.removesuffix("s"), value))
        at = after
    return found


def _number(tokens: Sequence[str], at: int) -> tuple[float | None, int]:
    """The number that begins at `at`, in digits or words, and where it ends."""
    if tokens[at][0].isdigit():
        value = float(tokens[at].replace(",", ""))
        at += 1
        while at < len(tokens) and tokens[at] in _SCALES:
            value *= _SCALES[tokens[at]]
            at += 1
        return value, at
    total, current, begun = 0.0, 0.0, False
    while at < len(tokens):
        word = tokens[at]
        if word in _ONES or word in _TENS:
            current += _ONES.get(word, _TENS.get(word, 0))
        elif word in _SCALES and begun:
            current *= _SCALES[word]
            if _SCALES[word] >= 1_000:
                total, current = total + current, 0.0
        elif word == "and" and begun and at + 1 < len(tokens) and tokens[at + 1] in {**_ONES, **_TENS}:
            if tokens[at - 1] not in _SCALES:
                break
        else:
            break
        begun = True
        at += 1
    return (total + current, at) if begun else (None, at)
