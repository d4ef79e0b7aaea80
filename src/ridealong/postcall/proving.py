"""From drafts to claims: proved by the transcript, refused once with the reason, searched, read a second time, weighed.

Findings, coaching moments and whatever else is told of a call go through the same gates.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

import numpy as np

from ridealong.core.claims import AbsenceClaim, Claim
from ridealong.core.errors import ModelFailed, Ungrounded
from ridealong.core.faults import Fate, Fault
from ridealong.core.rubric import (
    CoachingMoment,
    Finding,
    Rubric,
)
from ridealong.core.transcript import Role, Transcript
from ridealong.embedding import DIMENSIONS
from ridealong.postcall.absence import BETTER, NEAR, Found
from ridealong.postcall.carried import Allowed, refuse_uncarried
from ridealong.postcall.certainty import signals_of
from ridealong.postcall.reviewer import CallReviewer, Draft, Refusal, ReviewContext, StepLog, Support
from ridealong.postcall.tally import Tally
from ridealong.telemetry import drafts_ungrounded_total

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.core.confidence import ConfidenceModel
    from ridealong.embedding import Vectors
    from ridealong.postcall.absence import AbsenceSearch

PARTLY_SUPPORTED: Final = 0.5
"""What is left of a claim's confidence where its words carry it only in part."""
MAX_STATEMENT: Final = 600
"""Characters. A statement is a sentence or two; what is longer is no finding."""
MAX_TITLE: Final = 120
MAX_EVIDENCE: Final = 8

D = TypeVar("D")
K = TypeVar("K", bound="KeyedDraft")
P = TypeVar("P")
C = TypeVar("C", bound="Finding | CoachingMoment")


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What became of a step's drafts."""

    dropped: int = 0
    """Not proven, after one retry."""
    removed: int = 0
    """Proven, and taken out by the second reading."""
    lowered: int = 0
    """Made less sure by the second reading."""
    unchecked: int = 0
    """Not read a second time, for want of time."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Checks:
    """What a review's claims are checked and weighed with, beside the transcript itself.

    Without a `search` claims of absence stand on their author's word; without `confidence` so does every probability.
    `rubric`: its words may be used without being cited.
    """

    search: AbsenceSearch | None = None
    confidence: ConfidenceModel | None = None
    rubric: Rubric | None = None


Embed = Callable[[Sequence[str]], Awaitable["Vectors"]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ProvenDrafts(Generic[P]):
    """What a step's drafts became, in the reviewer's order."""

    found: tuple[P, ...]
    counts: Counts
    tally: Tally = field(default_factory=Tally)


class KeyedDraft(Protocol):
    """A draft of any kind, told apart from the others of its step by its key."""

    @property
    def key(self) -> str: ...

    @property
    def draft(self) -> Draft: ...


async def prove_drafts(
    ask: Callable[[Sequence[Refusal]], Awaitable[Sequence[K]]],
    *,
    make: Callable[[K, Claim], P],
    claim: Callable[[P], Claim],
    again: Callable[[P, Claim], P],
    judge: CallReviewer,
    context: ReviewContext,
    log: StepLog,
    most: int,
    checked: bool,
) -> ProvenDrafts[P]:
    """As `review_section`, for drafts of any kind: prove, retry what was refused once, read once more; at most `most`.

    `ask` writes drafts, told what was refused. `make` may raise Ungrounded for rules of its own; `claim` reads the
    claim of what it made, and `again` puts another one in its place. `checked`: a model words the statements, so that
    their numbers, dates, names and sides must stand in the evidence. Raises what `ask` raises.
    """

    # No rubric asked for these: only who takes part may be named without being cited.
    allowed = Allowed.of((), context.names) if checked else None

    def accept(one: K) -> P:
        return make(one, proved(one.draft, context, log, allowed))

    proven = Proving(accept, lambda one: one.key)
    proven.take(await ask(()))
    if proven.refused:
        proven.retake(await second_try(ask(tuple(proven.refused.values()))))
    proven.close()
    found = dict(list(proven.accepted.items())[:most])
    claims = {k: claim(p) for k, p in found.items()}
    read = await read_again(judge, proven, claims, context, log=log, embed=None, checks=Checks())
    return ProvenDrafts(
        found=tuple(again(found[k], c) for k, c in read.claims.items()),
        counts=replace(read.counts, dropped=len(proven.refused)),
        tally=proven.tally,
    )


def proved(draft: Draft, context: ReviewContext, log: StepLog, allowed: Allowed | None) -> Claim:
    if draft.through is not None and log.read is not None:
        raise Ungrounded(
            "only a part of the call was looked at: nothing may be called absent", fault=Fault.SEARCHED_IN_PART
        )
    claim = prove(draft, context.transcript)
    if allowed is not None:
        refuse_uncarried(claim.statement, claim.evidence, context, allowed, absence=draft.through is not None)
    return claim


def refuse_other_side(role: Role, claim: Claim, context: ReviewContext) -> None:
    """Raises Ungrounded when the first words cited were said by the wrong side."""
    side = context.side_of(claim.evidence[0].utterance.speaker)
    if role is not Role.UNKNOWN and side not in (role, Role.UNKNOWN):
        raise Ungrounded(f"the first quote must be words of the {role.value}, and is not", fault=Fault.WRONG_SPEAKER)


def claims_of(proven: Proving[D, C]) -> dict[str, Claim]:
    return {key: item.claim for key, item in proven.accepted.items()}


async def search_absences(
    proven: Proving[D, C], checks: Checks, search: Callable[[AbsenceSearch, C, AbsenceClaim], Found]
) -> None:
    """Search the spans of what was accepted as absent: refuse what is there after all, note what came closest."""
    by = checks.search
    if by is None:
        return
    for key, item in list(proven.accepted.items()):
        claim = item.claim
        if not isinstance(claim, AbsenceClaim) or key in proven.nearest:
            continue
        found = await asyncio.to_thread(search, by, item, claim)
        if found.probability >= BETTER:
            proven.refuse(
                key,
                f"utterance {found.best_no} may show that it did happen: look there",
                Fault.BETTER_EVIDENCE_EXISTS,
            )
            continue
        proven.nearest[key] = found.probability
        proven.accepted[key] = replace(item, claim=replace(claim, searched=found.searched))


async def second_try(drafts: Awaitable[Sequence[D]]) -> Sequence[D]:
    """The second try. Where no model answers it, what the first one proved still stands."""
    try:
        return await drafts
    except ModelFailed:
        return ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReadAgain:
    claims: dict[str, Claim]
    counts: Counts
    vectors: dict[str, NDArray[np.float32]] | None

    def vectors_of(self, keys: Sequence[str]) -> Vectors | None:
        if self.vectors is None:
            return None
        rows = [self.vectors[key] for key in keys]
        return np.stack(rows) if rows else np.zeros((0, DIMENSIONS), np.float32)


async def read_again(
    reviewer: CallReviewer,
    proven: Proving[D, P],
    claims: Mapping[str, Claim],
    context: ReviewContext,
    *,
    log: StepLog,
    embed: Embed | None,
    checks: Checks,
) -> ReadAgain:
    """The claims that remain, in their order, less sure where their words carry them only in part.

    Statements are embedded meanwhile: one waits for a model, the other computes.
    """
    if not claims:
        return ReadAgain(claims={}, counts=Counts(), vectors={} if embed is not None else None)
    embedding = None if embed is None else asyncio.ensure_future(embed([c.statement for c in claims.values()]))
    try:
        verdicts = await reviewer.verify(claims, log)
        rows = None if embedding is None else await embedding
    finally:
        if embedding is not None:
            embedding.cancel()
    vectors = None if rows is None else dict(zip(claims, rows, strict=True))
    kept: dict[str, Claim] = {}
    lowered = unchecked = 0
    for key, claim in claims.items():
        verdict = Support.SUPPORTED if verdicts is None else verdicts.get(key)
        if verdict is Support.NOT:
            proven.tally.add(Fate.DROPPED, [Fault.NOT_SUPPORTED])
            continue
        near = proven.nearest.get(key, 0.0)
        signals = signals_of(
            claim,
            context,
            hosted=verdicts is not None,
            second=None if verdicts is None or verdict is None else verdict.value,
            vector=None if vectors is None else vectors[key],
            nearest=near,
            repaired=key in proven.mended,
        )
        faults = [Fault.PARTLY_SUPPORTED] * (verdict is Support.PARTLY)
        faults += [Fault.BETTER_EVIDENCE_EXISTS] * (near >= NEAR)
        if checks.confidence is not None:
            confidence = checks.confidence.probability(signals)
        else:
            confidence = claim.confidence * (PARTLY_SUPPORTED if verdict is Support.PARTLY else 1.0)
            confidence *= 1 - near if near >= NEAR else 1.0
        kept[key] = replace(claim, confidence=confidence, signals=signals)
        proven.tally.add(Fate.LOWERED, faults[:1])
        lowered += bool(faults)
        unchecked += verdict is None
    return ReadAgain(
        claims=kept,
        counts=Counts(removed=len(claims) - len(kept), lowered=lowered, unchecked=unchecked),
        vectors=vectors,
    )


def prove(draft: Draft, transcript: Transcript) -> Claim:
    """The draft as a claim. Raises Ungrounded when the transcript does not hold what it cites."""
    if not draft.statement.strip():
        raise Ungrounded("the statement is empty")
    if len(draft.statement) > MAX_STATEMENT:
        raise Ungrounded(f"the statement is longer than {MAX_STATEMENT} characters")
    if len(draft.citations) > MAX_EVIDENCE:
        raise Ungrounded(f"the statement cites more than {MAX_EVIDENCE} utterances: keep the strongest")
    if not 0.0 <= draft.confidence <= 1.0:
        raise Ungrounded("the confidence lies between 0 and 1")
    evidence = tuple(transcript.cite(citation) for citation in draft.citations)
    if draft.through is None:
        return Claim(statement=draft.statement, confidence=draft.confidence, evidence=evidence)
    if draft.through not in transcript:
        raise Ungrounded(f"`through`: there is no utterance {draft.through}")
    return AbsenceClaim(
        statement=draft.statement,
        confidence=draft.confidence,
        evidence=evidence,
        through=draft.through,
        cited_as=draft.cited_as,
    )


@dataclass(slots=True)
class Proving(Generic[D, P]):
    """What was accepted and what was refused, by key. Python 3.11 has no shorter way to say it."""

    accept: Callable[[D], P]
    key: Callable[[D], str]
    accepted: dict[str, P] = field(default_factory=dict[str, P])
    refused: dict[str, Refusal] = field(default_factory=dict[str, Refusal])
    mended: dict[str, Fault] = field(default_factory=dict[str, Fault])
    """What was wrong with those that are right now."""
    nearest: dict[str, float] = field(default_factory=dict[str, float])
    """How probably the closest words show what is called absent, of those that were searched for."""
    tally: Tally = field(default_factory=Tally)

    def take(self, drafts: Sequence[D]) -> None:
        for draft in drafts:
            key = self.key(draft)
            if key in self.accepted:
                continue
            try:
                self.accepted[key] = self.accept(draft)
                if key in self.refused:
                    self.mended[key] = self.refused.pop(key).fault
            except Ungrounded as error:
                self.refused[key] = Refusal(key=key, reason=str(error), fault=error.fault)

    def retake(self, drafts: Sequence[D]) -> None:
        """The second and last try: only what was refused counts."""
        self.take([draft for draft in drafts if self.key(draft) in self.refused])

    def refuse(self, key: str, reason: str, fault: Fault) -> None:
        """Take an accepted draft back."""
        del self.accepted[key]
        self.mended.pop(key, None)
        self.refused[key] = Refusal(key=key, reason=reason, fault=fault)

    def close(self) -> None:
        """What is still refused is dropped."""
        self.tally.add(Fate.REPAIRED, self.mended.values())
        self.tally.add(Fate.DROPPED, [r.fault for r in self.refused.values()])
        drafts_ungrounded_total.inc(len(self.refused))
