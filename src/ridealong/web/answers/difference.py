"""The artifacts of a call, and the difference of two."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from ridealong.web.answers import Answer
from ridealong.web.answers.artifact import ClaimShown

ClaimKind = Literal["finding", "coaching_moment", "stage", "gap", "next_action", "follow_up"]


class ArtifactVersion(Answer):
    number: int
    revision: int
    made_at: datetime
    rubric_title: str
    reviewer: str
    score: float | None
    earlier: bool = Field(description="The review was made again since")


class ArtifactVersions(Answer):
    artifacts: list[ArtifactVersion]


class ScoreChange(Answer):
    before: float | None
    after: float | None


class SectionChange(ScoreChange):
    section_id: str
    title: str | None


class ComparedClaim(ClaimShown):
    """A claim of any kind, with what its kind has."""

    criterion_id: str | None = None
    score: Literal["yes", "partly", "no"] | None = None
    title: str | None = None
    advice: str | None = None
    why: str | None = None
    rank: int | None = None
    gap: str | None = None
    sections: list[str] | None = None
    who: str | None = None
    due: str | None = None
    part: str | None = None
    stage: str | None = None
    first_no: int | None = None
    last_no: int | None = None
    start_ts: int | None = None
    end_ts: int | None = None


class PlacedClaim(Answer):
    """`place`: a finding's `section/criterion`; a coaching moment's or gap's title; a stage; who acts; a part."""

    kind: ClaimKind
    place: str
    claim: ComparedClaim


class ChangedClaim(Answer):
    kind: ClaimKind
    place: str
    changes: list[Literal["score", "statement", "due", "rank", "confidence", "span"]]
    before: ComparedClaim
    after: ComparedClaim


class ArtifactDifference(Answer):
    """From artifact `before` to artifact `after`. `sections`: those whose score is another, or that only one has."""

    call_id: UUID
    before: ArtifactVersion
    after: ArtifactVersion
    score: ScoreChange
    sections: list[SectionChange]
    added: list[PlacedClaim]
    gone: list[PlacedClaim]
    changed: list[ChangedClaim]
    unchanged: int
