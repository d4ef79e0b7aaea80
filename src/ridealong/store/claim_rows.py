"""Claims as rows: each with its evidence, and under an id that is made of what it says and what proves it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, LiteralString
from uuid import UUID, uuid5

from ridealong.core.claims import AbsenceClaim, Claim
from ridealong.core.errors import Ungrounded
from ridealong.store.evidence import COLUMN_LIST, VALUE_LIST, columns_of, vector_for

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ridealong.core.transcript import Evidence, TranscriptId
    from ridealong.store.evidence import Vectors


async def insert_claims(
    connection: AsyncConnection,
    review_id: UUID,
    transcript_id: TranscriptId,
    *,
    rows: Sequence[Mapping[str, object]],
    claims: Sequence[Claim],
    vectors: Vectors | None,
) -> list[UUID]:
    """Write claims with their evidence; `rows` hold the columns of their kind. Their ids. Raises Ungrounded."""
    if any(claim.evidence[0].transcript_id != transcript_id for claim in claims):
        raise Ungrounded("a review's claims cite the transcript that it reviews, and no other")
    ids = _claim_ids(review_id, rows, claims)
    async with connection.cursor() as writing:
        await writing.executemany(
            f"INSERT INTO claim (tenant_id, claim_id, review_id, position, {_KIND_LIST},"
            f" statement, confidence, through, cited_as, embedding, signals, searched_from, closest_no,"
            f" closest_similarity, {COLUMN_LIST})"
            " VALUES (current_tenant(), %(claim_id)s, %(review_id)s, %(position)s,"
            f" {_KIND_VALUES},"
            f" %(statement)s, %(confidence)s, %(through)s, %(cited_as)s, %(embedding)s, %(signals)s, %(searched_from)s,"
            f" %(closest_no)s, %(closest_similarity)s, {VALUE_LIST})",
            [
                {
                    **dict.fromkeys(_OF_KIND),
                    "claim_id": claim_id,
                    "review_id": review_id,
                    "position": position,
                    "statement": claim.statement,
                    "confidence": claim.confidence,
                    "through": claim.through if isinstance(claim, AbsenceClaim) else None,
                    "embedding": vector_for(vectors, position),
                    "signals": None if claim.signals is None else json.dumps(claim.signals.as_json()),
                    **_search_columns(claim),
                    **row,
                    **columns_of(claim.evidence[0]),
                }
                for position, (claim_id, claim, row) in enumerate(zip(ids, claims, rows, strict=True))
            ],
        )
        await writing.executemany(
            f"INSERT INTO claim_evidence (tenant_id, claim_id, position, {COLUMN_LIST})"
            f" VALUES (current_tenant(), %(claim_id)s, %(position)s, {VALUE_LIST})",
            [
                {"claim_id": claim_id, "position": position, **columns_of(evidence)}
                for claim_id, claim in zip(ids, claims, strict=True)
                for position, evidence in enumerate(claim.evidence[1:], start=1)
            ],
        )
    return ids


_OF_KIND: Final[tuple[LiteralString, ...]] = (
    *("kind", "section_id", "criterion_id", "score", "title", "advice", "why"),
    *("gap", "sections", "who", "due", "part"),
)
"""The columns of a claim that one kind of it has and another has not."""
_KIND_LIST: Final = ", ".join(_OF_KIND)
_KIND_VALUES: Final = ", ".join(f"%({column})s" for column in _OF_KIND)


def _search_columns(claim: Claim) -> dict[str, object]:
    absent = claim if isinstance(claim, AbsenceClaim) else None
    searched = None if absent is None else absent.searched
    closest = None if searched is None else searched.closest
    return {
        "cited_as": None if absent is None or absent.cited_as is None else absent.cited_as.value,
        "searched_from": None if searched is None else searched.from_no,
        "closest_no": None if closest is None else closest.utterance_no,
        "closest_similarity": None if searched is None or closest is None else searched.similarity,
    }


def _claim_ids(review_id: UUID, rows: Sequence[Mapping[str, object]], claims: Sequence[Claim]) -> list[UUID]:
    """Made of what is claimed and what proves it: a claim that a review made again states again has the same id.

    So what people said about it (votes, playlists) stays with it, and leaves a claim that says something else alone.
    """
    ids: list[UUID] = []
    for row, claim in zip(rows, claims, strict=True):
        said = [
            *(row["kind"], *(row.get(column) for column in ("section_id", "criterion_id", "score", "title"))),
            claim.statement,
            [_place(evidence) for evidence in claim.evidence],
        ]
        name = json.dumps(said, default=str)
        found = uuid5(review_id, name)
        while found in ids:
            # The same thing said twice in one section: the second is told apart by its order.
            found = uuid5(found, name)
        ids.append(found)
    return ids


def _place(evidence: Evidence) -> list[object]:
    transcript_id = evidence.transcript_id
    return [transcript_id.revision, evidence.utterance_no, evidence.quote_start, evidence.quote_end]
