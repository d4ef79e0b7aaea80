"""A tenant's own classifier: its versions, what its shadow found, the review queue, and what feedback changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ridealong.web.answers import Answer, Author


class TaxonomyVersion(Answer):
    """`report` is `{}` until it is trained; docs/taxonomy.md says what stands in it. `usable` false: it was trained for
    another text model than this server's, and the shipped classifier judges in its place."""

    version: int
    state: Literal["training", "failed", "candidate", "shadow", "live", "retired"]
    usable: bool
    failure: str | None
    created_at: datetime
    created_by: Author
    changed_at: datetime
    changed_by: str
    report: dict[str, Any]


class TaxonomyVersions(Answer):
    """`judged_by`: the version that new calls begin with, null for the shipped classifier. `notes` are for people."""

    judged_by: int | None
    notes: list[str]
    versions: list[TaxonomyVersion]


class ShadowCount(Answer):
    """Of one type over the calls that the shadow heard: utterances that both found, or one alone."""

    type: str
    both: int
    live_only: int
    shadow_only: int
    live_nudged: int
    shadow_would_nudge: int


class ShadowMoment(Answer):
    """`would`: the reason that policy would have given, were the version live; `delivered`: a nudge."""

    call_id: UUID
    version: int
    type: str
    tier: Literal["noted"]
    reason: Literal["shadow"]
    would: str
    confidence: float
    trigger_ts: int
    revision: int
    utterance_no: int
    start_ts: int
    end_ts: int
    quote: str


class ShadowAnswer(Answer):
    version: int
    calls: int
    types: list[ShadowCount]
    moments: list[ShadowMoment]


class LabelGiven(Answer):
    """What the moment is by itself, and what the person says that it is; null: none."""

    moment_id: UUID
    type: str
    label: str | None


class Label(Answer):
    """What somebody says that an utterance is (`holds`) or is not. `source`: how they came to say it."""

    moment_id: UUID | None
    revision: int
    utterance_no: int
    type: str
    holds: bool
    source: Literal["agreed", "corrected", "added", "queue"]
    by: Author
    at: datetime


class LabelsAnswer(Answer):
    labels: list[Label]


class SaidPlace(Answer):
    """An utterance of a call. `role`: of who says it. `before`: the turns before it."""

    call_id: UUID
    title: str
    started_at: datetime
    revision: int
    utterance_no: int
    role: Literal["rep", "customer", "unknown"]
    start_ts: int
    end_ts: int
    text: str
    before: list[str]


class QueueItem(SaidPlace):
    """`moment_id` is null where nothing was recorded."""

    moment_id: UUID | None
    type: str
    probability: float


class QueueAnswer(Answer):
    items: list[QueueItem]


class ChangedPlace(SaidPlace):
    """`added`: the version takes it for a moment of the type, and what ran before does not; `removed`: the reverse."""

    type: str
    change: Literal["added", "removed"]


class ChangesAnswer(Answer):
    version: int
    places: list[ChangedPlace]


class Said(Answer):
    holds: int
    holds_not: int


class PersonsLabels(Answer):
    member_id: UUID | None
    name: str
    labels: int


class FeedbackReport(Answer):
    """`since_version`: labels that are newer than the latest version. `changed`: of that version's report."""

    labels: int
    by_source: dict[str, int]
    by_type: dict[str, Said]
    by_person: list[PersonsLabels]
    version: int | None
    since_version: int
    changed: dict[str, Any] | None
