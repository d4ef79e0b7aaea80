"""Numbers, dates and names that a text states, and whether other words hold them too.

Spoken forms count: "fifteen thousand" holds 15,000 and 15k, "the third quarter" holds Q3, "half an hour" holds 30
minutes. A text that is checked is read strictly, what it is checked against generously: "four twenty a month" may be
420, and holds 4 and 20 as well. English number words only; digits in any language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final


def _words(text: str) -> list[str]:
    """The words of a list that is written as one text."""
    return text.split()


_UNITS: Final = {
    word: float(value)
    for value, word in enumerate(
        _words(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
            " seventeen eighteen nineteen"
        )
    )
}
_TENS: Final = {
    word: 10.0 * value
    for value, word in enumerate(_words("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
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
_ORDINALS: Final = {
    word: float(value)
    for value, word in enumerate(
        _words(
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
            " fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
        ),
        start=1,
    )
} | {"thirtieth": 30.0}
_CURRENCIES: Final = {
    **dict.fromkeys(("$", "dollar", "dollars", "usd", "bucks", "buck"), "USD"),
    **dict.fromkeys(("€", "euro", "euros", "eur"), "EUR"),
    **dict.fromkeys(("£", "pound", "pounds", "gbp", "quid"), "GBP"),
    **dict.fromkeys(("¥", "yen", "jpy"), "JPY"),
    **dict.fromkeys(("chf", "francs"), "CHF"),
    **dict.fromkeys(("rupee", "rupees", "inr"), "INR"),
}
_PERCENT: Final = frozenset(("%", "percent", "pct", "percentage"))
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
    _words(
        "time times thing things question questions objection objections point points reason reasons example examples"
        " concern concerns issue issues option options side sides topic topics statement statements step steps"
    )
)
"""What a reviewer counts in a call: "raised two objections" counts what is cited, and quotes no number."""
_WEEKDAYS: Final = {
    **{name: name for name in _words("monday tuesday wednesday thursday friday saturday sunday")},
    **{f"{name}s": name for name in _words("monday tuesday wednesday thursday friday saturday sunday")},
    **{"tue": "tuesday", "tues": "tuesday", "thu": "thursday", "thurs": "thursday", "fri": "friday"},
}
_MONTHS: Final = {
    **{name: name for name in _words("january february april june july august september october november december")},
    **{"jan": "january", "feb": "february", "apr": "april", "jul": "july", "aug": "august", "sept": "september"},
    **{"sep": "september", "oct": "october", "nov": "november", "dec": "december"},
}
_OTHER_DAYS: Final = frozenset(
    _words("tomorrow yesterday tonight weekend spring summer autumn winter christmas easter midnight noon")
)
_RELATIVE: Final = frozenset(("next", "last", "this", "following"))
_PERIODS: Final = frozenset(("week", "month", "year", "quarter"))

_TOKEN: Final = re.compile(r"[$€£¥%]|\d+(?:[.,:'’]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    """Folded."""
    written: str
    start: int
    end: int


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a text states, each with the word (from 1) at which it stands."""

    numbers: tuple[Number, ...]
    dates: frozenset[tuple[str, int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What words hold, read generously."""

    values: frozenset[float]
    percents: frozenset[float]
    spans: frozenset[tuple[str, float]]
    currencies: frozenset[str]
    dates: frozenset[str]
    words: frozenset[str] = field(default=frozenset())


def facts_of(text: str) -> Facts:
    """Numbers and dates that `text` states."""
    tokens = _tokens(text)
    dates = frozenset((name, place + 1) for name, place in _dates(tokens))
    # "Q3" and "3 March" are dates: their number is looked for as part of them, and as a number too.
    numbers = tuple(_numbers(tokens))
    quarters = {place for name, place in dates if name.startswith("q")}
    return Facts(numbers=tuple(n for n in numbers if n.place not in {p + 1 for p in quarters}), dates=dates)


def held_by(texts: Sequence[str]) -> Held:
    """What `texts` hold together. Numbers are read within one text, never across two."""
    values: set[float] = set()
    percents: set[float] = set()
    spans: set[tuple[str, float]] = set()
    currencies: set[str] = set()
    dates: set[str] = set()
    words: set[str] = set()
    for text in texts:
        tokens = _tokens(text)
        found = list(_numbers(tokens))
        words |= {bare(t.text) for t in tokens} | {t.text for t in tokens}
        for number in found:
            values |= number.values
            spans |= number.span
            if number.percent:
                percents |= number.values
        values |= _run_together(tokens)
        values |= {_ORDINALS[t.text] for t in tokens if t.text in _ORDINALS}
        if any(t.text in _PERCENT or t.text in ("per", "cent") for t in tokens):
            # "Fifteen, maybe twenty percent": the sign stands behind the last of them.
            percents |= values
        if "half" in words or "halve" in words:
            percents.add(50.0)
            values.add(0.5)
        spans |= _half_spans(tokens)
        currencies |= {_CURRENCIES[t.text] for t in tokens if t.text in _CURRENCIES}
        dates |= {name for name, _ in _dates(tokens, generous=True)}
    return Held(
        values=frozenset(values),
        percents=frozenset(percents),
        spans=frozenset(spans),
        currencies=frozenset(currencies),
        dates=frozenset(dates),
        words=frozenset(words),
    )


def missing_number(
    text: str, held: Held, *, cited: int, also: Held | None = None, call: Callable[[], frozenset[str]] = frozenset
) -> int:
    """The place (from 1) of the first number in `text` that `held` does not hold; 0 where it holds all.

    `cited`: how many pieces of evidence there are, which a statement may count. `also`: what else may be said freely
    (the rubric's own words). `call`: the currencies of the whole call, where the evidence names none.
    """
    for number in facts_of(text).numbers:
        if number.counts and cited in number.values:
            continue
        if also is not None and number.values & also.values and not number.currency:
            continue
        if number.percent and not number.values & held.percents:
            return number.place
        if number.span and not _same_span(number, held):
            return number.place
        if not number.span and not number.values & (held.values | (held.percents if number.percent else frozenset())):
            return number.place
        if number.currency is not None and not _same_currency(number.currency, held, call):
            return number.place
    return 0


def missing_date(text: str, held: Held, *, also: Held | None = None) -> int:
    """The place (from 1) of the first weekday, month, quarter or such that `held` does not hold; 0 for none."""
    known = held.dates | (also.dates if also is not None else frozenset())
    return min((place for name, place in facts_of(text).dates if name not in known), default=0)


def _same_span(number: Number, held: Held) -> bool:
    return any(
        kind == k and abs(length - n) < 1e-6 * max(1.0, n) for kind, length in number.span for k, n in held.spans
    )


def _same_currency(currency: str, held: Held, call: Callable[[], frozenset[str]]) -> bool:
    if held.currencies:
        return currency in held.currencies
    return call() == frozenset((currency,))


def currencies_in(texts: Sequence[str]) -> frozenset[str]:
    """The currencies that are named anywhere in `texts`."""
    return frozenset(_CURRENCIES[t.text] for text in texts for t in _tokens(text) if t.text in _CURRENCIES)


def bare(word: str) -> str:
    """A folded word without its possessive or plural end."""
    word = word.replace("’", "'").removesuffix("'s").removesuffix("'")
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def folded(text: str) -> str:
    """`text` in compatibility form and without case, marks or characters that show nothing."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in decomposed if unicodedata.category(c)[0] != "C" and not unicodedata.combining(c))


def _tokens(text: str) -> list[_Token]:
    # Compatibility first: "１５" and "15" are the same number. Every step keeps what is one word one word.
    clean = unicodedata.normalize("NFKC", text)
    clean = "".join(c for c in clean if unicodedata.category(c)[0] != "C" or c.isspace())
    return [
        _Token(text=folded(m.group()), written=m.group(), start=m.start(), end=m.end()) for m in _TOKEN.finditer(clean)
    ]


def _numbers(tokens: Sequence[_Token]) -> Iterator[Number]:
    at = 0
    while at < len(tokens):
        found = _number_at(tokens, at)
        if found is None:
            at += 1
            continue
        values, end, spelled = found
        yield _in_context(tokens, at, end, values, spelled=spelled)
        at = end


def _number_at(tokens: Sequence[_Token], at: int) -> tuple[frozenset[float], int, bool] | None:
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


def _article(tokens: Sequence[_Token], at: int) -> bool:
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
    if len(set(marks[:-1])) <= 1 and (len(marks) == 1 or marks[-1] != marks[0]):
        values.add(float("".join(groups[:-1]) + "." + groups[-1]))
    return frozenset(values or {float("".join(groups))})


def _spelled(tokens: Sequence[_Token], at: int) -> tuple[float, int] | None:  # noqa: PLR0911, PLR0912 - a small grammar
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
        if word in _UNITS:
            if part < 0:
                part = _UNITS[word]
            elif (part % 100 == 0 and part >= 100) or (part % 10 == 0 and part % 100 >= 20 and 0 < _UNITS[word] < 10):
                part += _UNITS[word]
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
        elif word == "point" and part >= 0 and at + 1 < len(tokens) and tokens[at + 1].text in _UNITS:
            fraction, at = "", at + 1
            while at < len(tokens) and tokens[at].text in _UNITS and _UNITS[tokens[at].text] < 10:
                fraction += str(int(_UNITS[tokens[at].text]))
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


def _goes_on(tokens: Sequence[_Token], at: int, part: float, total: float) -> bool:
    """Whether the word "and" before `at` stands inside of a number: "four hundred and twenty", "two and a half"."""
    word = tokens[at].text
    if word == "half" or (word == "a" and at + 1 < len(tokens) and tokens[at + 1].text == "half"):
        return True
    inside = (part >= 100 and part % 100 == 0) or (part < 0 and total > 0)
    return inside and (word in _UNITS or word in _TENS)


def _in_context(tokens: Sequence[_Token], begin: int, end: int, values: frozenset[float], *, spelled: bool) -> Number:
    """The number with what stands around it."""
    behind = end
    while behind < len(tokens) and tokens[behind].text in _BETWEEN and behind < end + 2:
        behind += 1
    if tokens[begin].text == "half" and behind < len(tokens) and tokens[behind].text in ("a", "an"):
        behind += 1  # "half an hour"
    unit = tokens[behind].text if behind < len(tokens) else ""
    nearest = tokens[end].text if end < len(tokens) else ""
    percent = nearest in _PERCENT or (nearest == "per" and end + 1 < len(tokens) and tokens[end + 1].text == "cent")
    before = tokens[begin - 1].text if begin else ""
    currency = _CURRENCIES.get(nearest) or (_CURRENCIES.get(before) if before in "$€£¥" and before else None)
    if before in ("usd", "eur", "gbp", "chf", "inr", "jpy"):
        currency = _CURRENCIES[before]
    span: frozenset[tuple[str, float]] = frozenset()
    if unit in _SPANS and not percent:
        kind, length = _SPANS[unit]
        span = frozenset((kind, value * length) for value in values)
    counts = spelled and max(values) <= 10 and (nearest in _TALK or (unit in _TALK and behind == end))
    return Number(values=values, percent=percent, currency=currency, span=span, counts=counts, place=begin + 1)


def _run_together(tokens: Sequence[_Token]) -> set[float]:
    """Numbers said in a row that may be one: "four twenty" 420, "twenty twenty-six" 2026, "ten thirty" 1030."""
    runs: set[float] = set()
    numbers = list(_numbers(tokens))
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


def _half_spans(tokens: Sequence[_Token]) -> set[tuple[str, float]]:
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
        for number in _numbers(tokens[max(0, at - 6) : at]):
            spans |= {(kind, value * length) for value in number.values}
    return spans


def _dates(tokens: Sequence[_Token], *, generous: bool = False) -> Iterator[tuple[str, int]]:
    """(name, place from 0) of weekdays, months, quarters, seasons and spans like "next week"."""
    for at, token in enumerate(tokens):
        word = bare(token.text) if token.text.endswith(("'s", "’s")) else token.text
        follows = tokens[at + 1] if at + 1 < len(tokens) else None
        if word in _WEEKDAYS:
            yield _WEEKDAYS[word], at
        elif word in _MONTHS and (generous or len(word) > 3 or token.written[0].isupper()):
            yield _MONTHS[word], at
        elif (word in ("may", "march") and (generous or _is_month(tokens, at))) or (
            word in _OTHER_DAYS and (generous or word != "spring" or follows is None or follows.text != "to")
        ):
            yield word, at
        elif word == "q" and follows is not None and follows.text in "1234" and follows.start == token.end:
            yield f"q{follows.text}", at
        elif word in _ORDINALS and _ORDINALS[word] <= 4 and follows is not None and follows.text == "quarter":
            yield f"q{_ORDINALS[word]:.0f}", at
        elif word == "quarter" and follows is not None and follows.text in ("one", "two", "three", "four", *"1234"):
            yield f"q{_UNITS.get(follows.text, 0) or int(follows.text):.0f}", at
        elif word in _RELATIVE and follows is not None and follows.text in _PERIODS:
            yield f"{'next' if word == 'following' else word} {follows.text}", at


def _is_month(tokens: Sequence[_Token], at: int) -> bool:
    """ "may" and "march" are words too: a month has a capital, and stands behind "in", "by" or beside a number."""
    if not tokens[at].written[0].isupper():
        return False
    near = {t.text for t in (*tokens[max(0, at - 1) : at], *tokens[at + 1 : at + 2])}
    return at > 0 or any(word[0].isdigit() or word in _ORDINALS for word in near)


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
