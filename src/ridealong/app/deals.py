"""The deal view: MEDDIC fields from the reviews of a customer's calls, or read locally in their words."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np

from ridealong.core.answer import CallNamed, CitedCall, Scope
from ridealong.core.artifact import Artifact
from ridealong.core.claims import AbsenceClaim, Claim
from ridealong.core.deals import (
    FIELD_OF_SECTION,
    AgreedAction,
    Contradiction,
    Deal,
    DealField,
    KnownField,
    ListedDeal,
    Said,
    history,
)
from ridealong.core.errors import Refused, Ungrounded
from ridealong.core.outline import GapKind
from ridealong.core.rubric import Criterion, Score
from ridealong.core.transcript import Citation, Role, Roles, Transcript
from ridealong.postcall.evidence import EvidenceFinder
from ridealong.postcall.local import FOUND, FULLY, FULLY_SHARE
from ridealong.postcall.review import embed_call
from ridealong.postcall.reviewer import ReviewContext
from ridealong.postcall.rubric import shipped_rubric
from ridealong.postcall.wording import name_of, predicate
from ridealong.store import Store, artifacts, calls, moments
from ridealong.store.deals import list_deals
from ridealong.store.passages import calls_in, ended_calls

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ridealong.embedding import Embedder

MOST_CALLS: Final = 40
"""Calls of a deal that are read, the newest."""
SAME_VALUE: Final = 0.8
"""Two values whose cosine is above this say much the same."""
COMPETITOR: Final = "competitor_mentioned"
RUBRIC: Final = "meddic"
REMEMBERED: Final = 2_000
"""Calls whose local reading is kept in memory: the list of deals asks for each deal in sight."""

_Place = tuple[DealField, str, Score, float, int, int, int]
"""Field, statement, score, confidence, then the utterance's number and where in it the quote begins and ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _OfCall:
    """What one call says. The defaults are what is known of one that was erased meanwhile: nothing."""

    said: tuple[Said, ...] = ()
    stage: str = ""
    next_actions: tuple[AgreedAction, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDeals:
    """Reads deals. What was found in a transcript is remembered, by its places and not by its words."""

    store: Store
    embedder: Embedder
    finder: EvidenceFinder
    threads: Executor
    _read: OrderedDict[object, tuple[_Place, ...]] = field(default_factory=OrderedDict[object, "tuple[_Place, ...]"])

    async def all(self, tenant_id: UUID) -> list[ListedDeal]:
        async with self.store.tenant(tenant_id) as conn:
            return await list_deals(conn)

    async def of(self, tenant_id: UUID, customer: str, deal: str | None = None) -> Deal:
        """Over all calls of that customer, or of one of its deals. Raises Refused('unknown_deal')."""
        async with self.store.tenant(tenant_id) as conn:
            found = await calls_in(conn, Scope(customer=customer, deal=deal), most=MOST_CALLS + 1)
        if not found:
            raise Refused("unknown_deal", "no ended call names this customer and deal: `ridealong deals` lists them")
        newest, read = found[0], found[:MOST_CALLS][::-1]
        of_calls = await self._read_calls(tenant_id, read)
        fields = await self._fields_of(of_calls)
        notes = (f"Only the newest {MOST_CALLS} calls were read.",) if len(found) > MOST_CALLS else ()
        return Deal(
            customer=newest.customer,
            deal="" if deal is None else newest.deal,
            stage=next((of_call.stage for of_call in reversed(of_calls) if of_call.stage), ""),
            calls=tuple(read),
            fields=fields,
            next_actions=tuple(action for of_call in reversed(of_calls) for action in of_call.next_actions),
            contradictions=tuple(one for of_call in reversed(of_calls) for one in of_call.contradictions),
            notes=notes,
        )

    async def of_calls(self, tenant_id: UUID, call_ids: Sequence[UUID]) -> tuple[KnownField, ...]:
        """The fields over these calls, whatever customer and deal they name; of many, over the newest."""
        async with self.store.tenant(tenant_id) as conn:
            found = await ended_calls(conn, call_ids, most=MOST_CALLS)
        return await self._fields_of(await self._read_calls(tenant_id, found[::-1]))

    async def _read_calls(self, tenant_id: UUID, read: Sequence[CallNamed]) -> list[_OfCall]:
        # A transaction for each: the local reading of a call takes a while, and holds no connection meanwhile.
        return [await self._of_call(tenant_id, call) for call in read]

    async def _fields_of(self, of_calls: Sequence[_OfCall]) -> tuple[KnownField, ...]:
        said = [one for of_call in of_calls for one in of_call.said]
        return await asyncio.get_running_loop().run_in_executor(self.threads, self._fields, said)

    async def _of_call(self, tenant_id: UUID, call: CallNamed) -> _OfCall:
        """What one call says, at most once of each field."""
        try:
            async with self.store.tenant(tenant_id) as conn:
                stage = (await calls.load_call(conn, call.call_id)).context.stage
                newest = await calls.latest_revision(conn, call.call_id)
                transcript = await calls.load_transcript(conn, newest, words=False)
                roles = await calls.load_roles(conn, transcript.id)
                artifact = await _newest_review(conn, call)
                found = [] if artifact is None else await _reviewed(conn, call, artifact)
                found += await _competitors(conn, call, transcript, roles)
        except Refused:
            return _OfCall()
        if not any(one.field is not DealField.COMPETITION for one in found) and len(transcript):
            found += await self._read_locally(tenant_id, call, transcript, roles)
        best: dict[DealField, Said] = {}
        for one in sorted(found, key=lambda s: (s.score is not Score.YES, -s.cited.claim.confidence)):
            best.setdefault(one.field, one)
        return _OfCall(
            said=tuple(best.values()),
            stage=stage,
            next_actions=() if artifact is None else _next_actions(call, artifact),
            contradictions=() if artifact is None else _contradictions(call, artifact),
        )

    async def _read_locally(self, tenant_id: UUID, call: CallNamed, transcript: Transcript, roles: Roles) -> list[Said]:
        named = tuple((a.speaker_id, a.role, a.confidence) for a in roles.values())
        key = (UUID(int=tenant_id.int), transcript.id, named)
        if key not in self._read:
            async with self.store.tenant(tenant_id) as conn:
                known = await calls.load_vectors(conn, transcript.id)
            loop = asyncio.get_running_loop()
            self._read[key] = await loop.run_in_executor(self.threads, self._places, transcript, roles, known)
            while len(self._read) > REMEMBERED:
                self._read.popitem(last=False)
        return [_said_at(call, transcript, place) for place in self._read[key]]

    def _places(self, transcript: Transcript, roles: Roles, known: Mapping[int, np.ndarray]) -> tuple[_Place, ...]:
        """The customer's words that show a criterion of the shipped MEDDIC rubric. Computes, some 0.3 s a call."""
        context = ReviewContext(
            transcript=transcript,
            roles=roles,
            moments=(),
            vectors=embed_call(transcript, self.embedder, known),
            duration_ms=transcript.end_ts,
        )
        return tuple(
            place for field_, criterion in _criteria() if (place := self._shown(field_, criterion, context)) is not None
        )

    def _shown(self, field_: DealField, criterion: Criterion, context: ReviewContext) -> _Place | None:
        found = self.finder.find(criterion, context, most=3)
        if not found or found[0].confidence < FOUND or not context.rep_known:
            return None
        best = found[0]
        fully = best.confidence >= FULLY and best.fully >= FULLY_SHARE * best.confidence
        try:
            evidence = context.transcript.cite(Citation(utterance_no=best.utterance.no, quote=best.quote))
        except Ungrounded:
            return None
        return (
            *(field_, predicate(criterion, name_of(best.utterance.speaker, context))),
            *(Score.YES if fully else Score.PARTLY, round(best.confidence, 4)),
            *(best.utterance.no, evidence.quote_start, evidence.quote_end),
        )

    def _fields(self, said: Sequence[Said]) -> tuple[KnownField, ...]:
        """Each field's history. Computes."""
        known: list[KnownField] = []
        for name in DealField:
            of_field = [one for one in said if one.field is name]
            vectors = self.embedder.embed([one.cited.claim.evidence[0].quote for one in of_field])
            same = vectors @ vectors.T > SAME_VALUE
            entries = history([(one, dict(enumerate(same[n, :n].tolist()))) for n, one in enumerate(of_field)])
            known.append(KnownField(field=name, history=entries))
        return tuple(known)


def _criteria() -> list[tuple[DealField, Criterion]]:
    return [
        (FIELD_OF_SECTION[section.id], criterion)
        for section in shipped_rubric(RUBRIC).sections
        for criterion in section.criteria
        if criterion.role is Role.CUSTOMER and section.id in FIELD_OF_SECTION
    ]


def _said_at(call: CallNamed, transcript: Transcript, place: _Place) -> Said:
    field_, statement, score, confidence, no, start, end = place
    quote = transcript[no].text[start:end]
    evidence = transcript.cite(Citation(utterance_no=no, quote=quote))
    claim = Claim(statement=statement, confidence=confidence, evidence=(evidence,))
    return Said(field=field_, score=score, cited=CitedCall(call=call, claim=claim))


async def _newest_review(conn: AsyncConnection, call: CallNamed) -> Artifact | None:
    """None where none is finished. Raises Refused('unknown_call')."""
    try:
        return await artifacts.load_artifact(conn, call.call_id)
    except Refused as error:
        if error.code == "unknown_call":
            raise
        return None


async def _reviewed(conn: AsyncConnection, call: CallNamed, artifact: Artifact) -> list[Said]:
    """What a review found the customer to have said, where its rubric has sections of these fields."""
    roles = await calls.load_roles(conn, artifact.transcript_id)
    return [
        Said(field=FIELD_OF_SECTION[section_id], score=score, cited=CitedCall(call=call, claim=claim))
        for section_id, score, claim in _findings(artifact)
        if section_id in FIELD_OF_SECTION and _customers(claim, roles)
    ]


def _next_actions(call: CallNamed, artifact: Artifact) -> tuple[AgreedAction, ...]:
    return tuple(
        AgreedAction(who=action.who, due=action.due, cited=CitedCall(call=call, claim=action.claim))
        for action in artifact.next_actions
    )


def _contradictions(call: CallNamed, artifact: Artifact) -> tuple[Contradiction, ...]:
    return tuple(
        Contradiction(title=gap.title, cited=CitedCall(call=call, claim=gap.claim))
        for gap in artifact.gaps
        if gap.gap is GapKind.CONTRADICTION
    )


def _findings(artifact: Artifact) -> list[tuple[str, Score, Claim]]:
    return [
        (section.section_id, finding.score, finding.claim)
        for section in artifact.sections
        for finding in section.findings
        if finding.score in (Score.YES, Score.PARTLY) and not isinstance(finding.claim, AbsenceClaim)
    ]


def _customers(claim: Claim, roles: Roles) -> bool:
    """Whether the claim's first words are the customer's: a rep's question is no value."""
    role = roles.role_of(claim.evidence[0].speaker_id)
    known = any(a.role is Role.REP for a in roles.values())
    return role is Role.CUSTOMER or (role is Role.UNKNOWN and known)


async def _competitors(conn: AsyncConnection, call: CallNamed, transcript: Transcript, roles: Roles) -> list[Said]:
    found: list[Said] = []
    for stored in await moments.load_moments(conn, transcript):
        if stored.moment.type != COMPETITOR:
            continue
        claim = Claim(
            statement="The customer named an alternative.",
            confidence=stored.moment.confidence,
            evidence=stored.moment.evidence,
        )
        if _customers(claim, roles):
            said = Said(field=DealField.COMPETITION, score=Score.YES, cited=CitedCall(call=call, claim=claim))
            found.append(said)
    return found
