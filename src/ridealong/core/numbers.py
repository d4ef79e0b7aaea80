"""Numbers in a text, in digits and in English words, with the unit that stands beside them: a small grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ridealong.core.tokens import Token, words_of

UNITS: Final = {
    word: float(value)
    for value, word in enumerate(
        words_of(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
            " seventeen eighteen nineteen"
        )
    )
}
_TENS: Final = {
    word: 10.0 * value
    for value, word in enumerate(words_of("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
}
_SCALES: Final = {
    "thousand": 1e3,
    "thousands": 1e3,
    "grand": 1e3,
    "million": 1e6,
    "millions": 1e6,
    "billion": 1e9,
    "billions": 1e9,
}
_SUFFIXES: Final = {"k": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "bn": 1e9}
"""Scales written right behind digits."""
ORDINALS: Final = {
    word: float(value)
    for value, word in enumerate(
        words_of(
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
            " fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
        ),
        start=1,
    )
} | {"thirtieth": 30.0}
CURRENCIES: Final = {
    **dict.fromkeys(("$", "dollar", "dollars", "usd", "bucks", "buck"), "USD"),
    **dict.fromkeys(("€", "euro", "euros", "eur"), "EUR"),
    **dict.fromkeys(("£", "pound", "pounds", "gbp", "quid"), "GBP"),
    **dict.fromkeys(("¥", "yen", "jpy"), "JPY"),
    **dict.fromkeys(("chf", "francs"), "CHF"),
    **dict.fromkeys(("rupee", "rupees", "inr"), "INR"),
}
PERCENT: Final = frozenset(("%", "percent", "pct", "percentage"))
_SPANS: Final = {
    **dict.fromkeys(("second", "seconds", "sec", "secs"), ("s", 1.0)),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), ("s", 60.0)),
    **dict.fromkeys(("hour", "hours", "hr", "hrs"), ("s", 3600.0)),
    **dict.fromkeys(("day", "days"), ("s", 86_400.0)),
    **dict.fromkeys(("week", "weeks"), ("s", 604_800.0)),
    **dict.fromkeys(("month", "months"), ("m", 1.0)),
    **dict.fromkeys(("quarter", "quarters"), ("m", 3.0)),
    **dict.fromkeys(("year", "years"), ("m", 12.0)),
}
"""Spans of time: seconds for those that have a fixed length, months for the others."""
_BETWEEN: Final = frozenset(("business", "working", "full", "more", "whole", "calendar", "of"))
"""Words that may stand between a number and its unit."""
_TALK: Final = frozenset(
    words_of(
        "time times thing things question questions objection objections point points reason reasons example examples"
        " concern concerns issue issues option options side sides topic topics statement statements step steps"
    )
)
"""What a reviewer counts in a call: "raised two objections" counts what is cited, and quotes no number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """One number in a text. `values`: what it may mean; several where the writing leaves it open ("1.500")."""

    values: frozenset[float]
    percent: bool = False
    currency: str | None = None
    span: frozenset[tuple[str, float]] = frozenset()
    """As a span of time, where a unit of time follows."""
    counts: bool = False
    """A small number in words before something that a call has: it may count what is cited."""
    place: int = 0
    """Which word of the text it is, from 1."""


def numbers_in(tokens: Sequence[Token]) -> Iterator[Number]:
    at = 0
    while at < len(tokens):
        found = _number_at(tokens, at)
        if found is None:
            at += 1
            continue
        values, end, spelled = found
        yield _in_context(tokens, at, end, values, spelled=spelled)
        at = end


def _number_at(tokens: Sequence[Token], at: int) -> tuple[frozenset[float], int, bool] | None:
    token = tokens[at]
    if token.text[0].isdigit():
        values = _digits(token.text)
        end = at + 1
        if end < len(tokens):
            follows = tokens[end]
            scale = _SCALES.get(follows.text) or (_SUFFIXES.get(follows.text) if follows.start == token.end else None)
            if scale is not None:
                return frozenset(v * scale for v in values), end + 1, False
        return values, end, False
    if token.text in ("hundred", *_SCALES) and not _article(tokens, at):
        return None
    if token.text == "half" and at and tokens[at - 1].text in ("first", "second", "other"):
        return None  # of a call
    spelled = _spelled(tokens, at)
    return None if spelled is None else (frozenset((spelled[0],)), spelled[1], True)


def _article(tokens: Sequence[Token], at: int) -> bool:
    return at > 0 and tokens[at - 1].text in ("a", "an", "half", "few", "several")


def _digits(text: str) -> frozenset[float]:
    """What digits with their separators may mean."""
    if ":" in text:
        return frozenset(float(part) for part in re.split(r"\D", text) if part)
    plain = text.replace("'", "").replace("’", "")
    groups = re.split(r"[.,]", plain)
    if len(groups) == 1:
        return frozenset((float(plain),))
    values: set[float] = set()
    if all(len(group) == 3 for group in groups[1:]) and len(groups[0]) <= 3:
        values.add(float("".join(groups)))
    marks = [c for c in plain if c in ".,"]
    # Nobody says more than three decimals: "48,5000" is no 48.5, which "48,500" may be.
    if len(groups[-1]) <= 3 and len(set(marks[:-1])) <= 1 and (len(marks) == 1 or marks[-1] != marks[0]):
        values.add(float("".join(groups[:-1]) + "." + groups[-1]))
    return frozenset(values or {float("".join(groups))})


def _spelled(tokens: Sequence[Token], at: int) -> tuple[float, int] | None:  # noqa: PLR0911, PLR0912 - a small grammar
    """(value, end) of the number in words that begins at `at`."""
    total, part = 0.0, -1.0
    scale = 1.0
    begin = at
    if tokens[at].text == "half":
        # "half a million", "half a dozen"; half of anything else is 0.5.
        if at + 2 < len(tokens) and tokens[at + 1].text == "a" and tokens[at + 2].text in _SCALES:
            return 0.5 * _SCALES[tokens[at + 2].text], at + 3
        return 0.5, at + 1
    while at < len(tokens):
        word = tokens[at].text
        if word in UNITS:
            if part < 0:
                part = UNITS[word]
            elif (part % 100 == 0 and part >= 100) or (part % 10 == 0 and part % 100 >= 20 and 0 < UNITS[word] < 10):
                part += UNITS[word]
            else:
                break
        elif word in _TENS:
            if part < 0:
                part = _TENS[word]
            elif part % 100 == 0 and part >= 100:
                part += _TENS[word]
            else:
                break
        elif word == "hundred" and part < 100:
            part = (part if part > 0 else 1.0) * 100
        elif word == "dozen" and part < 20:
            part = (part if part > 0 else 1.0) * 12
        elif word in _SCALES and (part >= 0 or at == begin):
            scale = _SCALES[word]
            total += (part if part > 0 else 1.0) * scale
            part = -1.0
        elif word == "and" and at > begin and at + 1 < len(tokens) and _goes_on(tokens, at + 1, part, total):
            if tokens[at + 1].text in ("a", "half"):
                half = at + (2 if tokens[at + 1].text == "a" else 1)
                if part >= 0 and half + 1 < len(tokens) and tokens[half + 1].text in _SCALES:
                    return total + (part + 0.5) * _SCALES[tokens[half + 1].text], half + 2
                unit = scale if part < 0 else 1.0
                return total + max(part, 0.0) + 0.5 * unit, half + 1
        elif word == "point" and part >= 0 and at + 1 < len(tokens) and tokens[at + 1].text in UNITS:
            fraction, at = "", at + 1
            while at < len(tokens) and tokens[at].text in UNITS and UNITS[tokens[at].text] < 10:
                fraction += str(int(UNITS[tokens[at].text]))
                at += 1
            value = part + float(f"0.{fraction}")
            if at < len(tokens) and tokens[at].text in _SCALES:
                return total + value * _SCALES[tokens[at].text], at + 1
            return total + value, at
        else:
            break
        at += 1
    if at == begin:
        return None
    return total + max(part, 0.0), at


def _goes_on(tokens: Sequence[Token], at: int, part: float, total: float) -> bool:
    """Whether the word "and" before `at` stands inside of a number: "four hundred and twenty", "two and a half"."""
    word = tokens[at].text
    if word == "half" or (word == "a" and at + 1 < len(tokens) and tokens[at + 1].text == "half"):
        return True
    inside = (part >= 100 and part % 100 == 0) or (part < 0 and total > 0)
    return inside and (word in UNITS or word in _TENS)


def _in_context(tokens: Sequence[Token], begin: int, end: int, values: frozenset[float], *, spelled: bool) -> Number:
    """The number with what stands around it."""
    behind = end
    while behind < len(tokens) and tokens[behind].text in _BETWEEN and behind < end + 2:
        behind += 1
    if tokens[begin].text == "half" and behind < len(tokens) and tokens[behind].text in ("a", "an"):
        behind += 1  # "half an hour"
    unit = tokens[behind].text if behind < len(tokens) else ""
    nearest = tokens[end].text if end < len(tokens) else ""
    percent = nearest in PERCENT or (nearest == "per" and end + 1 < len(tokens) and tokens[end + 1].text == "cent")
    before = tokens[begin - 1].text if begin else ""
    currency = CURRENCIES.get(nearest) or (CURRENCIES.get(before) if before in "$€£¥" and before else None)
    if before in ("usd", "eur", "gbp", "chf", "inr", "jpy"):
        currency = CURRENCIES[before]
    span: frozenset[tuple[str, float]] = frozenset()
    if unit in _SPANS and not percent:
        kind, length = _SPANS[unit]
        span = frozenset((kind, value * length) for value in values)
    counts = spelled and max(values) <= 10 and (nearest in _TALK or (unit in _TALK and behind == end))
    return Number(values=values, percent=percent, currency=currency, span=span, counts=counts, place=begin + 1)


def run_together(tokens: Sequence[Token]) -> set[float]:
    """Numbers said in a row that may be one: "four twenty" 420, "twenty twenty-six" 2026, "ten thirty" 1030."""
    runs: set[float] = set()
    numbers = list(numbers_in(tokens))
    for first, second in pairwise(numbers):
        if second.place - first.place > 3:
            continue
        runs |= {
            a * 100 + b for a in first.values for b in second.values if a == int(a) and 1 <= a < 100 and 10 <= b < 100
        }
        # "One hundred twenty three" is one number already; "fifteen or twenty thousand" is fifteen thousand too.
        for scale in (1e3, 1e6):
            if any(b >= scale and b % scale == 0 for b in second.values):
                runs |= {a * scale for a in first.values if a < 1000}
    for token, follows in pairwise(tokens):
        if token.text == "couple" or (token.text == "both" and follows.text):
            runs.add(2.0)
    return runs


def half_spans(tokens: Sequence[Token]) -> set[tuple[str, float]]:
    """Spans of time without a plain number before the unit, and numbers whose unit stands further on."""
    spans: set[tuple[str, float]] = set()
    for at, token in enumerate(tokens):
        if token.text not in _SPANS or token.text in ("second", "min"):
            continue
        kind, length = _SPANS[token.text]
        before = [t.text for t in tokens[max(0, at - 3) : at]]
        if "half" in before:
            spans.add((kind, length / 2))
        if "quarter" in before:
            spans.add((kind, length / 4))
        if "couple" in before:
            spans.add((kind, length * 2))
        if before and before[-1] in ("a", "an", "one", "per", "each", "every"):
            spans.add((kind, length))
        # "Six to eight weeks", "thirty, maybe forty days".
        for number in numbers_in(tokens[max(0, at - 6) : at]):
            spans |= {(kind, value * length) for value in number.values}
    return spans
