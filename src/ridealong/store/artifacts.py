"""The artifact of a finished review, made of stored rows alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from ridealong.core.artifact import Artifact
from ridealong.core.claims import AbsenceClaim, CitedAs, Claim, Searched
from ridealong.core.confidence import Signals
from ridealong.core.errors import Refused
from ridealong.core.faults import Fate
from ridealong.core.outline import NextAction, Stage
from ridealong.core.rubric import CoachingMoment, Finding, Score, SectionReview
from ridealong.core.transcript import Transcript
from ridealong.core.workings import workings_of
from ridealong.store.calls import load_call, load_roles, load_transcript
from ridealong.store.evidence import by_owner, evidence_of
from ridealong.store.moments import load_moments
from ridealong.store.outline import LaterClaims, load_results, load_spans
from ridealong.store.review_questions import load_steps
from ridealong.store.reviews import ReviewStatus, find_review


async def load_artifact(connection: AsyncConnection, call_id: UUID, revision: int | None = None) -> Artifact:
    """The artifact of that revision, by default of the newest that was reviewed.

    Every quote is proved against the transcript once more. Raises Refused('unknown_call'), Refused('unknown_review')
    or Refused('review_not_finished').
    """
    call = await load_call(connection, call_id)
    if revision is None:
        revision = await _reviewed_revision(connection, call_id)
    review = await find_review(connection, call_id, revision)
    finished = review.status is ReviewStatus.FINISHED
    if not finished or review.score is None or review.rubric_id is None or review.rubric_title is None:
        raise Refused(
            "review_not_finished", f"the review of this call is {review.status}: ask again when it is finished"
        )
    transcript = await load_transcript(connection, review.transcript_id, words=False)
    claims = await _load_claims(connection, review.review_id, transcript)
    later = claims.later
    return Artifact(
        review_id=review.review_id,
        transcript_id=review.transcript_id,
        title=call.title,
        rubric_id=review.rubric_id,
        rubric_title=review.rubric_title,
        reviewer=review.reviewer or "",
        score=review.score,
        assessed=bool(review.assessed),
        duration_ms=call.audio_ms,
        sections=await _load_sections(connection, review.review_id, claims),
        coaching_moments=tuple(claims.coaching_moments),
        moments=tuple(await load_moments(connection, transcript)),
        statistics=review.statistics,
        speakers=tuple((await load_roles(connection, review.transcript_id)).values()),
        missing_sections=review.missing_sections,
        dropped_drafts=review.dropped_drafts,
        removed_claims=review.removed_claims,
        lowered_claims=review.lowered_claims,
        unchecked_claims=review.unchecked_claims,
        checks={fate: dict(sorted(review.checks.get(fate, {}).items())) for fate in Fate} if review.checks else {},
        confidence_version=review.confidence_version,
        warnings=review.warnings,
        steps=tuple(await load_steps(connection, review.review_id)),
        outline=later.outline(transcript, await load_spans(connection, review.review_id)),
        gaps=tuple(later.gaps),
        next_actions=tuple(later.next_actions),
        follow_up=tuple(later.follow_up),
        step_results=tuple(await load_results(connection, review.review_id)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeSoFar:
    """What the steps of a review have stored, finished or not."""

    sections: tuple[SectionReview, ...]
    coaching_moments: tuple[CoachingMoment, ...]
    outline: tuple[Stage, ...]
    next_actions: tuple[NextAction, ...]


async def load_made_so_far(connection: AsyncConnection, review_id: UUID, transcript: Transcript) -> MadeSoFar:
    """For the steps that stand on those before them. Every quote is proved once more."""
    claims = await _load_claims(connection, review_id, transcript)
    return MadeSoFar(
        sections=await _load_sections(connection, review_id, claims),
        coaching_moments=tuple(claims.coaching_moments),
        outline=claims.later.outline(transcript, await load_spans(connection, review_id)),
        next_actions=tuple(claims.later.next_actions),
    )


async def _load_sections(connection: AsyncConnection, review_id: UUID, claims: _Claims) -> tuple[SectionReview, ...]:
    cursor = await connection.execute(
        "SELECT section_id, title, score, confidence, not_assessed, workings FROM review_section WHERE review_id = %s"
        " ORDER BY position, section_id",
        [review_id],
    )
    return tuple(
        SectionReview(
            section_id=row[0],
            title=row[1],
            score=row[2],
            confidence=row[3],
            findings=tuple(finding for section_id, finding in claims.findings if section_id == row[0]),
            not_assessed=tuple(row[4]),
            **_explained(row[5]),
        )
        for row in await cursor.fetchall()
    )


def _explained(workings: Mapping[str, Any]) -> dict[str, Any]:
    found = workings_of(workings)
    return {field.name: getattr(found, field.name) for field in fields(found)}


async def _reviewed_revision(connection: AsyncConnection, call_id: UUID) -> int | None:
    cursor = await connection.execute(
        "SELECT max(revision) FROM review WHERE call_id = %s AND status = 'finished'", [call_id]
    )
    row = await cursor.fetchone()
    return None if row is None else row[0]


class _Claims:
    def __init__(self) -> None:
        self.findings: list[tuple[str, Finding]] = []
        self.coaching_moments: list[CoachingMoment] = []
        self.later = LaterClaims()


async def _load_claims(connection: AsyncConnection, review_id: UUID, transcript: Transcript) -> _Claims:
    cursor = await connection.execute(
        "SELECT e.claim_id, e.utterance_no, e.quote_start, e.quote_end FROM claim_evidence e"
        " JOIN claim c USING (claim_id) WHERE c.review_id = %s ORDER BY e.claim_id, e.position",
        [review_id],
    )
    further = by_owner(await cursor.fetchall())
    cursor = await connection.execute(
        "SELECT claim_id, utterance_no, quote_start, quote_end, statement, confidence, through, kind, section_id,"
        " criterion_id, score, title, advice, why, gap, sections, who, due, part, signals, searched_from, closest_no,"
        " closest_similarity, cited_as FROM claim WHERE review_id = %s ORDER BY kind, section_id, position",
        [review_id],
    )
    found = _Claims()
    for row in await cursor.fetchall():
        claim = _claim(row, further, transcript)
        if row[7] == "finding":
            found.findings.append((row[8], Finding(criterion_id=row[9], score=Score(row[10]), claim=claim)))
        elif row[7] == "coaching_moment":
            found.coaching_moments.append(CoachingMoment(title=row[11], advice=row[12], why=row[13] or "", claim=claim))
        else:
            found.later.take(
                row[7], claim, title=row[11], gap=row[14], sections=row[15], who=row[16], due=row[17], part=row[18]
            )
    return found


def _searched(transcript: Transcript, row: tuple[Any, ...]) -> Searched:
    through, from_no, closest_no, similarity = row[6], *row[20:23]
    return Searched.of(
        transcript, from_no=from_no, through=through, closest_no=closest_no, similarity=similarity or 0.0
    )


def _claim(row: tuple[Any, ...], further: Mapping[Any, list[tuple[int, int, int]]], transcript: Transcript) -> Claim:
    places = [(row[1], row[2], row[3]), *further.get(row[0], [])]
    evidence = tuple(evidence_of(transcript, *place) for place in places)
    signals = Signals.of(row[19])
    if row[6] is None:
        return Claim(statement=row[4], confidence=row[5], evidence=evidence, claim_id=row[0], signals=signals)
    searched = None if row[20] is None else _searched(transcript, row)
    return AbsenceClaim(
        statement=row[4],
        confidence=row[5],
        evidence=evidence,
        through=row[6],
        cited_as=None if row[23] is None else CitedAs(row[23]),
        claim_id=row[0],
        signals=signals,
        searched=searched,
    )
