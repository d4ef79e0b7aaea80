"""The signals of a claim: what makes it more or less sure, read from the transcript and from how it came about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ridealong.core.claims import AbsenceClaim, Claim
from ridealong.core.confidence import Signals
from ridealong.core.tokens import bare, folded
from ridealong.core.transcript import Role, RoleSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.core.transcript import Evidence
    from ridealong.postcall.reviewer import ReviewContext


def _words(text: str) -> list[str]:
    """The words of a list that is written as one text."""
    return text.split()


_WORD: Final = re.compile(r"[^\W\d_]{4,}|\d+")
_TELLS_LITTLE: Final = frozenset(
    _words(
        "customer rep said asked that this with what here have been were from about they there their which"
        " would could said"
        " part sure something nothing call found show"
    )
)


def signals_of(
    claim: Claim,
    context: ReviewContext,
    *,
    hosted: bool,
    second: str | None,
    vector: NDArray[Any] | None,
    nearest: float,
    repaired: bool,
) -> Signals:
    """`vector`: the statement's embedding. `nearest`: see `Signals`."""
    evidence = claim.evidence
    sides = {context.side_of(e.utterance.speaker) for e in evidence}
    known = sides != {Role.UNKNOWN}
    role = min(context.role_confidence(e.utterance.speaker) for e in evidence) if known else 1.0
    guessed = any(a.source is RoleSource.HEURISTIC for a in context.roles.values() if a.role is Role.REP)
    words = [w for e in evidence for w in _cited_words(e)]
    return Signals(
        own=claim.confidence,
        hosted=hosted,
        second=second,
        likeness=_likeness(evidence, vector, context),
        shared=shared_words(claim.statement, [e.quote for e in evidence]),
        speaker=min(e.utterance.speaker_confidence for e in evidence),
        role=role,
        role_guessed=guessed and known,
        overlapped=any(e.utterance.overlapped for e in evidence),
        estimated=sum(words) / len(words) if words else 0.0,
        nearest=min(1.0, nearest),
        repaired=repaired,
        absence=isinstance(claim, AbsenceClaim),
    )


def shared_words(statement: str, quotes: list[str]) -> float:
    """Share of the statement's telling words that the quotes hold, 0 to 1."""
    told = {bare(w) for w in _WORD.findall(folded(statement))} - _TELLS_LITTLE
    held = {bare(w) for quote in quotes for w in _WORD.findall(folded(quote))}
    if not told:
        return 0.0
    return sum(any(_alike(word, other) for other in held) for word in told) / len(told)


def _alike(word: str, other: str) -> bool:
    """One word in two forms: "objection" and "objected"."""
    shorter = min(len(word), len(other))
    return word == other or (shorter >= 5 and word[: max(5, shorter - 3)] == other[: max(5, shorter - 3)])


def _likeness(evidence: tuple[Evidence, ...], vector: NDArray[Any] | None, context: ReviewContext) -> float:
    if vector is None:
        return 0.0
    rows = {u.no: row for row, u in enumerate(context.transcript)}
    found = [context.sentence_vectors.get(e.quote) for e in evidence]
    vectors = [
        context.vectors[rows[e.utterance_no]] if own is None else own for e, own in zip(evidence, found, strict=True)
    ]
    return max(float(v @ vector) for v in vectors)


def _cited_words(evidence: Evidence) -> list[bool]:
    """Whether its time is estimated, for each word of the utterance that the quote holds; all words count where that
    cannot be told."""
    utterance = evidence.utterance
    if not utterance.words:
        return []
    if evidence.quote_start == 0 and evidence.quote_end >= len(utterance.text) - 1:
        return [w.estimated for w in utterance.words]
    at = 0
    found: list[bool] = []
    for word in utterance.words:
        place = utterance.text.find(word.text, at)
        if place < 0:
            return [w.estimated for w in utterance.words]
        at = place + len(word.text)
        if evidence.quote_start <= place < evidence.quote_end:
            found.append(word.estimated)
    return found
