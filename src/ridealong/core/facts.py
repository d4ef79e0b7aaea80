"""Numbers, dates and names that a text states, and whether other words hold them too.

Spoken forms count: "fifteen thousand" holds 15,000 and 15k, "the third quarter" holds Q3, "half an hour" holds 30
minutes. A text that is checked is read strictly, what it is checked against generously: "four twenty a month" may be
420, and holds 4 and 20 as well. English number words only; digits in any language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ridealong.core.dates import MONTHS, dates_in
from ridealong.core.numbers import CURRENCIES, ORDINALS, PERCENT, Number, half_spans, numbers_in, run_together
from ridealong.core.tokens import Token, bare, tokens_of, words_of


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
    amounts: frozenset[float] = field(default=frozenset())
    """Those of `values` that are not said of hundred."""


def facts_of(text: str) -> Facts:
    """Numbers and dates that `text` states."""
    tokens = tokens_of(text)
    dates = frozenset((name, place + 1) for name, place in dates_in(tokens))
    # "Q3" and "3 March" are dates: their number is looked for as part of them, and as a number too.
    numbers = tuple(numbers_in(tokens))
    quarters = {place for name, place in dates if name.startswith("q")}
    return Facts(numbers=tuple(n for n in numbers if n.place not in {p + 1 for p in quarters}), dates=dates)


def held_by(texts: Sequence[str]) -> Held:
    """What `texts` hold together. Numbers are read within one text, never across two."""
    values: set[float] = set()
    amounts: set[float] = set()
    percents: set[float] = set()
    spans: set[tuple[str, float]] = set()
    currencies: set[str] = set()
    dates: set[str] = set()
    words: set[str] = set()
    for text in texts:
        tokens = tokens_of(text)
        found = list(numbers_in(tokens))
        words |= {bare(t.text) for t in tokens} | {t.text for t in tokens}
        for number in found:
            values |= number.values
            spans |= number.span
            if number.percent:
                percents |= number.values
            else:
                amounts |= number.values
        values |= run_together(tokens)
        amounts |= run_together(tokens)
        values |= {ORDINALS[t.text] for t in tokens if t.text in ORDINALS}
        if any(t.text in PERCENT or t.text in ("per", "cent") for t in tokens):
            # "Fifteen, maybe twenty percent": the sign stands behind the last of them.
            percents |= values
        if "half" in words or "halve" in words:
            percents.add(50.0)
            values.add(0.5)
        spans |= half_spans(tokens)
        currencies |= {CURRENCIES[t.text] for t in tokens if t.text in CURRENCIES}
        dates |= {name for name, _ in dates_in(tokens, generous=True)}
    return Held(
        values=frozenset(values),
        percents=frozenset(percents),
        spans=frozenset(spans),
        currencies=frozenset(currencies),
        dates=frozenset(dates),
        words=frozenset(words),
        amounts=frozenset(amounts),
    )


_PARTS: Final = frozenset(words_of("third quarter fifth sixth seventh eighth ninth tenth twelfth"))


def missing_number(
    text: str, held: Held, *, cited: int, also: Held | None = None, call: Callable[[], frozenset[str]] = frozenset
) -> int:
    """The place (from 1) of the first number in `text` that `held` does not hold; 0 where it holds all.

    `cited`: how many pieces of evidence there are, which a statement may count. `also`: what else may be said freely
    (the rubric's own words). `call`: the currencies of the whole call, where the evidence names none.
    """
    tokens = tokens_of(text)
    for number in facts_of(text).numbers:
        if (
            max(number.values) == 1.0
            and {t.text for t in tokens[number.place : number.place + 1]} & _PARTS & held.words
        ):
            continue  # "one third" is "a third".
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
        if number.currency is not None and number.values & held.percents and not number.values & held.amounts:
            return number.place
        if number.currency is not None and not _same_currency(number.currency, held, call):
            return number.place
    return 0


def missing_date(text: str, held: Held, *, also: Held | None = None) -> int:
    """The place (from 1) of the first weekday, month, quarter or such that `held` does not hold; 0 for none."""
    known = held.dates | (also.dates if also is not None else frozenset())
    places = [place for name, place in facts_of(text).dates if name not in known]
    days = held.values | (also.values if also is not None else frozenset())
    return min([*places, *(place for day, place in _ordinal_days(tokens_of(text)) if day not in days)], default=0)


def _ordinal_days(tokens: Sequence[Token]) -> list[tuple[float, int]]:
    """Days in words beside their month ("the thirteenth of June"), each with its place (from 1)."""
    months = {place for name, place in dates_in(tokens) if name in MONTHS}
    return [
        (ORDINALS[token.text], at + 1)
        for at, token in enumerate(tokens)
        if token.text in ORDINALS
        and {at - 1, at + 1, at + 2} & months
        and not (at and tokens[at - 1].text in ("twenty", "thirty"))
    ]


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
    return frozenset(CURRENCIES[t.text] for text in texts for t in tokens_of(text) if t.text in CURRENCIES)
