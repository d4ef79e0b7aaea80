"""What a tenant teaches its classifier, and which of it is believed.

A statement says of one utterance that it is a moment of a type, or is not. Those of the tenant's document are taken as
they stand. Those that come of feedback are believed within limits: whoever marks everything wrong would otherwise teach
the classifier to be silent, and nobody would see why.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ridealong.live.train import Example


class Source(StrEnum):
    """Where a statement comes from."""

    DOCUMENT = "document"
    HELPFUL = "helpful"
    NOT_NOW = "not_now"
    WRONG = "wrong"
    AGREED = "agreed"
    CORRECTED = "corrected"
    ADDED = "added"
    QUEUE = "queue"


WEIGHTS: Final[Mapping[Source, float]] = {
    Source.DOCUMENT: 1.0,
    # A rep taps in the middle of a call. "Not now" says that the moment was one, and that the nudge was in the way.
    Source.HELPFUL: 0.5,
    Source.NOT_NOW: 0.25,
    Source.WRONG: 0.5,
    # A manager has the words in view.
    Source.AGREED: 1.0,
    Source.CORRECTED: 1.0,
    Source.ADDED: 1.0,
    Source.QUEUE: 1.0,
}

MOST_OF_A_MEMBER: Final = 25.0
"""The weight that all of one person's statements about one type have together, at most."""

SURE: Final = 0.8
SURE_NOT: Final = 0.05
"""The shipped classifier is sure of what it holds more, or less, probable than this."""

FEWEST: Final = 5
MOST_CONTRADICTED: Final = 0.4
"""Somebody who contradicts the shipped classifier in more than this share of what it is sure of, and at least
FEWEST times, is left out: among its sure judgements on unseen calls fewer than one in five is wrong. Whoever marks by
turns, right and wrong, contradicts half."""

FEWEST_OF_A_TYPE: Final = 8
MOST_CONTRADICTED_OF_A_TYPE: Final = 0.9
"""What somebody says of one type is left out where it contradicts nearly all that the classifier is sure of there:
who is right about eight types could else teach it to be silent about the ninth. Less of it may well be a type that
the tenant means otherwise, which is what feedback is for."""

FEWEST_VERDICTS: Final = 8
MOST_WRONG: Final = 0.9
"""So is somebody who calls at least this share of moments wrong: six in ten of those recorded are right."""


FEWEST_IN_DOUBT: Final = 12
MOST_TAKEN: Final = 0.9
UNLIKELY: Final = 4.0
"""Somebody who answers yes to at least this share of the review queue, and this many standard deviations more often
than the classifier's own probabilities say, says yes without looking: the queue asks about what is in doubt. Each yes
makes the coach speak up more often. No to all may well be true where a type hardly occurs, and makes it quieter."""


FEWEST_ADDED: Final = 8
LEAST_GAINED: Final = 0.2
"""So many moments of one type that somebody added, or corrected to it, are believed if a fit that has not seen their
call grows surer of each by what the others teach: by so much log-odds in the mean. What has nothing in common teaches
nothing that would be found again, and moves the type all the same. Where a tenant says it in its own way, each gains
0.4 or more; false moments near the threshold gain 0.16 at most (0044)."""

_ADDING: Final = frozenset({Source.ADDED, Source.CORRECTED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where in the tenant's calls something was said."""

    call_id: str
    revision: int
    utterance_no: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One thing that is taught. `example.call` is the group that cross-validation never splits.

    `by` tells one person from another ('' for the document); `place` is None for what stands in the document, whose
    words may be shown; the words of a call are shown from the call alone.
    """

    example: Example
    type: str
    holds: bool
    source: Source
    by: str = ""
    by_name: str = ""
    place: Place | None = None
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """Whose statements are not believed, and why. `by_name` is '' where it is all of the tenant's feedback."""

    by: str
    by_name: str
    statements: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Believed:
    statements: tuple[Statement, ...]
    """With the weights that they count with."""
    left_out: tuple[LeftOut, ...]
    trusted: tuple[LeftOut, ...]
    """What would have been left out, and counts because an admin said so."""


def sift(statements: Sequence[Statement], shipped: Sequence[float | None], *, trust: bool) -> Believed:
    """Which statements count, and how much.

    `shipped`: how probable the shipped classifier holds each statement's type in its utterance, None where it does not
    know the type. `trust`: an admin has looked, and all feedback counts.
    """
    feedback = [n for n, s in enumerate(statements) if s.source is not Source.DOCUMENT]
    people: dict[str, list[int]] = defaultdict(list)
    for number in feedback:
        people[statements[number].by].append(number)
    doubted: list[LeftOut] = []
    out: set[int] = set()
    for by, numbers in sorted(people.items()):
        reason = _reason(statements, shipped, numbers)
        if reason is not None:
            name = statements[numbers[0]].by_name
            doubted.append(LeftOut(by=by, by_name=name, statements=len(numbers), reason=reason))
            out.update(numbers)
    for by, numbers in sorted(people.items()):
        for type_id in sorted({statements[n].type for n in numbers if n not in out}):
            of_type = [n for n in numbers if statements[n].type == type_id]
            reason = _reason_of_a_type(statements, shipped, of_type)
            if reason is not None:
                name = statements[numbers[0]].by_name
                doubted.append(LeftOut(by=by, by_name=name, statements=len(of_type), reason=f"{type_id}: {reason}"))
                out.update(of_type)
    rest = [n for n in feedback if n not in out]
    # Many who contradict a little each are one that contradicts much.
    reason = _reason(statements, shipped, rest)
    if reason is not None:
        doubted.append(LeftOut(by="", by_name="", statements=len(rest), reason=reason))
        out.update(rest)
    kept = [s for n, s in enumerate(statements) if trust or n not in out]
    return Believed(
        statements=tuple(_capped(kept)),
        left_out=() if trust else tuple(doubted),
        trusted=tuple(doubted) if trust else (),
    )


def sift_added(
    believed: Believed, shipped: Sequence[float | None], held_out: Sequence[float], *, trust: bool
) -> Believed:
    """`believed` without the added moments that teach nothing; the same where all of them do.

    Of each statement: how probable its type is by the shipped classifier (None where it does not know the type), and by
    a fit of the believed statements that saw nothing of its call.
    """
    by_person: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, statement in enumerate(believed.statements):
        probable = shipped[number]
        if statement.source in _ADDING and statement.holds and probable is not None and probable < SURE:
            by_person[statement.type, statement.by].append(number)
    # Many who add a few each are one that adds much.
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for (type_id, by), numbers in by_person.items():
        groups[type_id, by if len(numbers) >= FEWEST_ADDED else ""].extend(numbers)
    doubted: list[LeftOut] = []
    out: set[int] = set()
    for (type_id, by), numbers in sorted(groups.items()):
        gained = sum(_log_odds(held_out[n]) - _log_odds(shipped[n] or 0.0) for n in numbers) / len(numbers)
        if len(numbers) < FEWEST_ADDED or gained >= LEAST_GAINED:
            continue
        reason = f"{type_id}: do not help to find each other in other calls, as moments of one kind do"
        name = believed.statements[numbers[0]].by_name if by else ""
        doubted.append(LeftOut(by=by, by_name=name, statements=len(numbers), reason=reason))
        out.update(numbers)
    if not doubted:
        return believed
    if trust:
        return replace(believed, trusted=(*believed.trusted, *doubted))
    kept = [s for n, s in enumerate(believed.statements) if n not in out]
    return replace(believed, statements=tuple(_capped(kept)), left_out=(*believed.left_out, *doubted))


def _log_odds(probable: float) -> float:
    probable = min(0.999, max(0.001, probable))
    return math.log(probable / (1 - probable))


_CONTRADICTS: Final = "contradicts the shipped classifier in {} of the {} cases that it is sure of"


def _reason(statements: Sequence[Statement], shipped: Sequence[float | None], numbers: Sequence[int]) -> str | None:
    """Why these are not believed, None where they are."""
    sure, against = _contradicted(statements, shipped, numbers)
    if against >= FEWEST and against > MOST_CONTRADICTED * sure:
        return _CONTRADICTS.format(against, sure)
    verdicts = [statements[n] for n in numbers if statements[n].source in _VERDICTS]
    wrong = sum(not s.holds for s in verdicts)
    if len(verdicts) >= FEWEST_VERDICTS and wrong >= MOST_WRONG * len(verdicts):
        return f"calls {wrong} of {len(verdicts)} moments wrong"
    return _takes_all(statements, shipped, numbers)


def _takes_all(statements: Sequence[Statement], shipped: Sequence[float | None], numbers: Sequence[int]) -> str | None:
    asked = [(statements[n].holds, p) for n in numbers if statements[n].source is Source.QUEUE if (p := shipped[n])]
    yes = sum(holds for holds, _ in asked)
    if len(asked) < FEWEST_IN_DOUBT or yes < MOST_TAKEN * len(asked):
        return None
    expected, spread = sum(p for _, p in asked), math.sqrt(sum(p * (1 - p) for _, p in asked))
    if yes - expected <= UNLIKELY * spread:
        return None
    return f"says yes to {yes} of {len(asked)} questions in doubt; the shipped classifier expects {expected:.0f}"


def _reason_of_a_type(
    statements: Sequence[Statement], shipped: Sequence[float | None], numbers: Sequence[int]
) -> str | None:
    """Why what one person says of one type is not believed, None where it is."""
    sure, against = _contradicted(statements, shipped, numbers)
    if sure < FEWEST_OF_A_TYPE or against < MOST_CONTRADICTED_OF_A_TYPE * sure:
        return None
    return _CONTRADICTS.format(against, sure)


def _contradicted(
    statements: Sequence[Statement], shipped: Sequence[float | None], numbers: Sequence[int]
) -> tuple[int, int]:
    """(of how many the shipped classifier is sure, how many of these say the contrary)."""
    sure, against = 0, 0
    for number in numbers:
        probable = shipped[number]
        if probable is None or SURE_NOT < probable < SURE:
            continue
        sure += 1
        against += statements[number].holds is not (probable >= SURE)
    return sure, against


_VERDICTS: Final = frozenset({Source.HELPFUL, Source.NOT_NOW, Source.WRONG, Source.AGREED, Source.CORRECTED})
"""Of moments that were found. In the review queue most answers are no: it asks about what is in doubt."""


def _capped(statements: Sequence[Statement]) -> list[Statement]:
    total: dict[tuple[str, str], float] = defaultdict(float)
    for statement in statements:
        total[statement.by, statement.type] += WEIGHTS[statement.source]
    found: list[Statement] = []
    for statement in statements:
        weight = WEIGHTS[statement.source]
        if statement.source is not Source.DOCUMENT:
            weight *= min(1.0, MOST_OF_A_MEMBER / total[statement.by, statement.type])
        found.append(replace(statement, weight=weight))
    return found


def share_interval(hits: int, of: int) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927); (0, 1) where there is nothing to count."""
    if of == 0:
        return 0.0, 1.0
    z = 1.96
    share = hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return max(0.0, middle - half), min(1.0, middle + half)
