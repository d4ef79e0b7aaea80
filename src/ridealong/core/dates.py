"""Weekdays, months, quarters and the like in a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ridealong.core.numbers import ORDINALS, UNITS
from ridealong.core.tokens import Token, bare, words_of

_WEEKDAYS: Final = {
    **{name: name for name in words_of("monday tuesday wednesday thursday friday saturday sunday")},
    **{f"{name}s": name for name in words_of("monday tuesday wednesday thursday friday saturday sunday")},
    **{"tue": "tuesday", "tues": "tuesday", "thu": "thursday", "thurs": "thursday", "fri": "friday"},
}
_MONTHS: Final = {
    **{name: name for name in words_of("january february april june july august september october november december")},
    **{"jan": "january", "feb": "february", "apr": "april", "jul": "july", "aug": "august", "sept": "september"},
    **{"sep": "september", "oct": "october", "nov": "november", "dec": "december"},
}
_OTHER_DAYS: Final = frozenset(
    words_of("tomorrow yesterday tonight weekend spring summer autumn winter christmas easter midnight noon")
)
_RELATIVE: Final = frozenset(("next", "last", "this", "following"))
_PERIODS: Final = frozenset(("week", "month", "year", "quarter"))


MONTHS: Final = frozenset(_MONTHS.values())


def dates_in(tokens: Sequence[Token], *, generous: bool = False) -> Iterator[tuple[str, int]]:
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
        elif word in ORDINALS and ORDINALS[word] <= 4 and follows is not None and follows.text == "quarter":
            yield f"q{ORDINALS[word]:.0f}", at
        elif word == "quarter" and follows is not None and follows.text in ("one", "two", "three", "four", *"1234"):
            yield f"q{UNITS.get(follows.text, 0) or int(follows.text):.0f}", at
        elif word in _RELATIVE and follows is not None and follows.text in _PERIODS:
            yield f"{'next' if word == 'following' else word} {follows.text}", at


def _is_month(tokens: Sequence[Token], at: int) -> bool:
    """ "may" and "march" are words too: a month has a capital, and stands behind "in", "by" or beside a number."""
    if not tokens[at].written[0].isupper():
        return False
    near = {t.text for t in (*tokens[max(0, at - 1) : at], *tokens[at + 1 : at + 2])}
    return at > 0 or any(word[0].isdigit() or word in ORDINALS for word in near)
