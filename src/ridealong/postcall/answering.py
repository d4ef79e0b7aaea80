"""The local answer: what was said about the question, in the words of those who said it, brought together by theme.

It concludes nothing. It quotes what the retrieval found and the transcript proves, and every count is of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.answer import CitedCall, Sentence
from ridealong.core.errors import Ungrounded
from ridealong.core.transcript import Citation, Role
from ridealong.postcall.grouping import groups, keywords
from ridealong.postcall.passages import Passage
from ridealong.postcall.proving import MAX_EVIDENCE, prove
from ridealong.postcall.reviewer import Draft

if TYPE_CHECKING:
    from uuid import UUID

    from ridealong.core.answer import CallNamed

NAME: Final = "local-1"
SAME_THEME: Final = 0.5
"""Quotes nearer than this (a cosine) to the middle of a theme belong to it."""
MOST_SENTENCES: Final = 8
OF_ITS_KIND: Final = 0.6
COUNTED: Final = "Counts are of the quotes that were found and proven here; the calls may hold more."
NOTHING: Final = "Nothing was found in these calls that answers the question."


def extract(passages: Sequence[Passage], *, role: Role = Role.UNKNOWN) -> tuple[Sentence, ...]:
    """An answer made of quotes: a sentence a theme, the one with the most calls first. Empty where nothing is near."""
    near = [passage for passage in passages if passage.near]
    if not near:
        return ()
    found: list[Sentence] = []
    themes = groups(np.stack([passage.vector for passage in near]), SAME_THEME)
    for rows in sorted(themes, key=lambda rows: (-len({near[row].call.call_id for row in rows}), min(rows))):
        sentence = _sentence([near[row] for row in rows], near, role)
        if sentence is not None:
            found.append(sentence)
    return tuple(found[:MOST_SENTENCES])


def cited(call: CallNamed, statement: str, confidence: float, said: Sequence[Passage]) -> CitedCall:
    """What `said`, passages of one call, proves of a statement. Raises Ungrounded."""
    draft = Draft(
        statement=statement,
        confidence=confidence,
        citations=tuple(Citation(utterance_no=p.utterance.no, quote=p.quote) for p in said[:MAX_EVIDENCE]),
    )
    return CitedCall(call=call, claim=prove(draft, said[0].heard.context.transcript))


def by_call(passages: Sequence[Passage]) -> Mapping[UUID, list[Passage]]:
    """The passages of each call, in the order of their first one."""
    found: dict[UUID, list[Passage]] = {}
    for passage in passages:
        found.setdefault(passage.call.call_id, []).append(passage)
    return found


def _sentence(theme: Sequence[Passage], among: Sequence[Passage], role: Role) -> Sentence | None:
    """The theme's first passage is its most central one. None where nothing of it can be proven."""
    proven: list[CitedCall] = []
    kept: list[Passage] = []
    for said in by_call(theme).values():
        who = _said_by(said[0])
        try:
            proven.append(cited(said[0].call, f"{who} said: “{said[0].quote}”"[:600], _sureness(said), said))
        except Ungrounded:  # an utterance that is nothing but punctuation, for example
            continue
        kept += said
    if not kept:
        return None
    if len(kept) == 1:
        statement = proven[0].claim.statement
    else:
        about = keywords([p.quote for p in kept], [p.quote for p in among])
        words = ", ".join(f"“{word}”" for word in about)
        statement = f"{_people(kept, role)} spoke of {words or 'the same thing'} ({len(kept)} quotes)."
    return Sentence(statement=statement, confidence=max(c.claim.confidence for c in proven), cited=tuple(proven))


def _sureness(said: Sequence[Passage]) -> float:
    """A guess: how near the best passage is to the question, on a scale on which 0.6 is as near as quotes come.

    Where all of a kind were asked for, nearness says nothing: then as sure as it mostly is that it is of that kind.
    """
    best = max(said, key=lambda passage: passage.meaning)
    near = min(1.0, best.meaning / 0.6) * 0.8
    return round((max(near, OF_ITS_KIND) if best.of_its_kind else near) * best.utterance.speaker_confidence, 3)


def _said_by(passage: Passage) -> str:
    match passage.side:
        case Role.REP:
            return passage.call.rep_name
        case Role.CUSTOMER:
            return f"The customer ({passage.call.customer})" if passage.call.customer else "The customer"
        case Role.UNKNOWN:
            return "Somebody"


def _people(said: Sequence[Passage], role: Role) -> str:
    """Who spoke, counted as far as it is known: customers by name, reps by id, else by calls."""
    calls = {passage.call.call_id for passage in said}
    where = "one call" if len(calls) == 1 else f"{len(calls)} calls"
    if role is Role.REP:
        reps = {passage.call.rep_id for passage in said}
        return f"{_number(len(reps), 'rep')} in {where}"
    if all(passage.side is Role.CUSTOMER for passage in said):
        named = {passage.call.customer.casefold() for passage in said}
        return f"Customers in {where}" if "" in named else f"{_number(len(named), 'customer')} in {where}"
    return f"People in {where}"


def _number(count: int, noun: str) -> str:
    return f"One {noun}" if count == 1 else f"{count} {noun}s"
