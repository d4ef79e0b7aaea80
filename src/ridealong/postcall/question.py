"""What a question over many calls restricts: when, who, about whom. What is found there is taken out of the question.

Days begin at midnight UTC and weeks on Monday, as in the team's figures. Where whoever asks states a restriction beside
the question, that holds and the words do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from ridealong.core.answer import Scope
from ridealong.core.transcript import Role
from ridealong.postcall.retrieval import question_terms

Span = tuple[datetime, datetime | None]
"""From, included, and to, not included; None: until now."""

_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
    *("november", "december"),
)
_NUMBERS: Final = {
    name: n for n, name in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 1)
}
_UNITS: Final = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}
_CUSTOMERS: Final = re.compile(r"\b(?:customers?|clients?|prospects?|buyers?|leads?)\b", re.IGNORECASE)
_REPS: Final = re.compile(
    r"\b(?:reps?|sellers?|salespeople|our (?:team|people|side)|did we|do we|have we)\b", re.IGNORECASE
)
_ASKS_WHO_SAID: Final = re.compile(
    r"\b(?:say|says|said|tell|told|mention\w*|complain\w*|ask\w*|think|thought|feel|felt|like\w*|want\w*|need\w*|rais\w*"
    r"|object\w*|prais\w*|promis\w*|describ\w*|worr\w*|explain\w*|offer\w*|answer\w*|respond\w*|react\w*|talk\w*"
    r"|spoke|speak\w*)\b",
    re.IGNORECASE,
)
_OF_A_MOMENT: Final[Mapping[str, str]] = {
    "objection_raised": r"objections?",
    "competitor_mentioned": r"competitors?|competition",
    "pain_stated": r"pain points?|pains?",
    "price_asked": r"price questions?|questions? about (?:the )?(?:price|pricing)",
    "buying_signal": r"buying signals?",
    "risky_promise": r"risky promises?",
    "commitment_offered": r"commitments?",
}
"""How a question names the types of moments that ship. A tenant's own type is named by its id, read as words."""
_LISTING: Final = re.compile(
    r"\b(?:came|come|comes|coming|arose|rais(?:ed?|es|ing)|named?|names|ma[dk]e|heard|hear|had|got|get|show(?:ed|s|n)?"
    r"|list(?:ed)?|happened|happen|been|many|much|often|frequent(?:ly)?|common(?:ly)?|usual(?:ly)?|typical(?:ly)?|main"
    r"|biggest|top|kinds?|types?|sorts?|us|me|ever|recent(?:ly)?|latest|all|each|every|against|face[ds]?|facing)\b",
    re.IGNORECASE,
)
"""What a question says that asks for all of a kind and for nothing about them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Understood:
    """`text`: the question without the words that became part of the scope, as it is compared with what was said.

    `all_of_them`: it asks for moments of a kind and says nothing more about them ("which objections came up?").
    """

    text: str
    scope: Scope
    all_of_them: bool = False


def understand(
    question: str,
    given: Scope,
    *,
    now: datetime,
    reps: Mapping[str, str],
    customers: Sequence[str],
    moment_types: Collection[str],
) -> Understood:
    """Read the scope out of `question`. `reps` are names by id, `customers` the names that the tenant's calls have."""
    text, scope = question, given
    if scope.started_from is None and scope.started_to is None:
        found = _when(text, now)
        if found is not None:
            (began, ended), span = found
            text = f"{text[: span[0]]} {text[span[1] :]}"
            scope = replace(scope, started_from=began, started_to=ended)
    if scope.customer is None:
        named = _named(text, {name: name for name in customers})
        scope = replace(scope, customer=named)
    if scope.rep_id is None:
        scope = replace(scope, rep_id=_named(text, reps))
    if not scope.moments:
        scope = replace(scope, moments=_moments(text, moment_types))
    if scope.role is Role.UNKNOWN:
        scope = replace(scope, role=_role(text, scope))
    text = " ".join(text.split())
    return Understood(text=text, scope=scope, all_of_them=_all_of_them(text, scope, reps))


def _all_of_them(text: str, scope: Scope, reps: Mapping[str, str]) -> bool:
    named = [scope.customer or "", scope.deal or "", reps.get(scope.rep_id or "", "")]
    words = [*map(_words_of, scope.moments), *(re.escape(name.strip()) for name in named if name.strip())]
    rest = re.sub(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", " ", text, flags=re.IGNORECASE) if scope.moments else text
    for known in (_CUSTOMERS, _REPS, _ASKS_WHO_SAID, _LISTING):
        rest = known.sub(" ", rest)
    return bool(scope.moments) and not question_terms(rest)


def _words_of(moment_type: str) -> str:
    return _OF_A_MOMENT.get(moment_type) or re.escape(moment_type.replace("_", " "))


def _role(text: str, scope: Scope) -> Role:
    """Whose words are asked for: of the side that stands before a word of saying, where only one side is named."""
    customer, rep = _CUSTOMERS.search(text), _REPS.search(text)
    if _ASKS_WHO_SAID.search(text) is None:
        return Role.UNKNOWN
    if customer and not rep:
        # "What did Anna tell customers" asks for Anna's words.
        says = _ASKS_WHO_SAID.search(text, customer.end())
        return Role.CUSTOMER if says else (Role.REP if scope.rep_id else Role.UNKNOWN)
    if rep and not customer:
        return Role.REP
    if rep and customer:
        return Role.CUSTOMER if customer.start() < rep.start() else Role.REP
    return Role.UNKNOWN


def _moments(text: str, types: Collection[str]) -> tuple[str, ...]:
    def named(type_: str) -> bool:
        return re.search(rf"\b(?:{_words_of(type_)})\b", text, re.IGNORECASE) is not None

    return tuple(sorted(type_ for type_ in types if named(type_)))


def _named(text: str, names: Mapping[str, str]) -> str | None:
    """The key whose name stands in `text` as whole words, the longest; None where none or two different ones do."""
    found = {
        key: len(name)
        for key, name in names.items()
        if len(name.strip()) >= 3 and re.search(rf"(?<!\w){re.escape(name.strip())}(?!\w)", text, re.IGNORECASE)
    }
    longest = [key for key, length in found.items() if length == max(found.values())]
    return longest[0] if len({key.casefold() for key in longest}) == 1 else None


def _when(text: str, now: datetime) -> tuple[Span, tuple[int, int]] | None:
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for pattern, read in _WHEN:
        match = re.search(pattern, text, re.IGNORECASE)
        if match is not None:
            try:
                return read(match, today), match.span()
            except (ValueError, OverflowError):  # "the last 99999 years": no such day
                continue
    return None


def _named_day(match: re.Match[str], today: datetime) -> Span:
    if match["day"].lower() == "today":
        return today, None
    return today - timedelta(days=1), today


def _named_unit(match: re.Match[str], today: datetime) -> Span:
    unit = match["unit"].lower()
    this = _begin(today, unit)
    if match["which"].lower() == "this":
        return this, None
    return _begin(this - timedelta(days=1), unit), this


def _begin(day: datetime, unit: str) -> datetime:
    match unit:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case _:
            return day.replace(month=1, day=1)


def _last_so_many(match: re.Match[str], today: datetime) -> Span:
    said = match["number"].lower()
    number = int(said) if said.isdigit() else _NUMBERS[said]
    return today - timedelta(days=number * _UNITS[match["unit"].lower()]), None


def _named_month(match: re.Match[str], today: datetime) -> Span:
    month = _MONTHS.index(match["month"].lower()) + 1
    # Without a year the latest one that has begun: nobody asks about calls that are still to come.
    year = int(match["year"]) if match["year"] else today.year - (month > today.month)
    began = today.replace(year=year, month=month, day=1)
    ended = began.replace(year=year + month // 12, month=month % 12 + 1)
    return began, None if match["how"].lower() == "since" else ended


_WHEN: Final[Sequence[tuple[str, Callable[[re.Match[str], datetime], Span]]]] = (
    (
        rf"\b(?:in |over |during |within )?(?:the )?(?:last|past) (?P<number>\d{{1,5}}|{'|'.join(_NUMBERS)})"
        rf" (?P<unit>{'|'.join(_UNITS)})s?\b",
        _last_so_many,
    ),
    (r"\b(?:in |over |during |from )?(?P<which>this|last) (?P<unit>week|month|quarter|year)(?:'s)?\b", _named_unit),
    (rf"\b(?P<how>in|during|since) (?P<month>{'|'.join(_MONTHS)})(?: (?P<year>20\d\d))?\b", _named_month),
    (r"\b(?P<day>today|yesterday)\b", _named_day),
)
