"""Moments and the artifact: everything here cites what was said."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from ridealong.web.answers import Answer, Author
from ridealong.web.answers.calls import OutdatedName, RoleName, RoleSourceName


class EvidenceShown(Answer):
    """The words that prove a claim or a moment, and when and by whom they were said."""

    utterance_no: int
    speaker_id: int
    start_ts: int
    end_ts: int
    quote: str


class Feedback(Answer):
    """What a rep said about a nudge."""

    verdict: Literal["helpful", "not_now", "wrong"]
    by: Author
    at: datetime


class FeedbackAnswer(Answer):
    feedback: list[Feedback]


class MomentCited(Answer):
    """A moment as a review shows it."""

    moment_id: UUID
    type: str
    tier: Literal["nudge", "noted"]
    reason: str
    confidence: float
    nudge: str
    trigger_ts: int
    revision: int = Field(description="The transcript in which `utterance_no` counts")
    evidence: list[EvidenceShown]


class MomentShown(MomentCited):
    """`decided_by` is `local`, or a hosted model as `vendor:model`."""

    decided_by: str
    feedback: list[Feedback]


class MomentsAnswer(Answer):
    moments: list[MomentShown]


class ClosestShown(EvidenceShown):
    """What came closest to showing what is called absent. `similarity`: cosine, -1 to 1."""

    similarity: float


class SearchedShown(Answer):
    """The span that was searched for the opposite of a claim of absence: its first and last utterance, and from when
    to when it lasts. `closest` is null where nothing in it came near.
    """

    from_no: int
    through: int
    start_ts: int
    end_ts: int
    closest: ClosestShown | None


class MomentTypesAnswer(Answer):
    """The shipped taxonomy's and the tenant's own, in the alphabet's order."""

    types: list[str]


class ClaimShown(Answer):
    """`through`, `cited_as` and `searched` stand on claims of absence alone: the last utterance that was searched, what
    the evidence is (`called_for`: it called for what is missing; `nearest`: it came nearest and is not it; `place`:
    what is missing belongs there; `span`: the first and last words searched, since nothing came near), and the search.
    `cited_as` is null on a review made before it was told.

    `confidence_words` say the confidence ("likely"); `doubts` what makes the claim shaky, a sentence each.

    `claim_id` is null in a preview: nothing of it is stored.
    """

    claim_id: UUID | None
    statement: str
    confidence: float
    confidence_words: str
    doubts: list[str]
    evidence: list[EvidenceShown]
    through: int | None = None
    cited_as: Literal["called_for", "nearest", "place", "span"] | None = None
    searched: SearchedShown | None = None


class FindingShown(ClaimShown):
    """`weight` and `points` (1, 0.5 or 0) make the section's score. They are null where the finding is about a rule:
    `criterion_id` is then the rule's, and `score` says `yes` where it was kept and `no` where it was broken.
    """

    criterion_id: str
    score: Literal["yes", "partly", "no"]
    weight: float | None
    points: float | None


class NotApplicableShown(Answer):
    """A criterion that this call is not judged by, by a condition of the rubric or by the reviewer's judgement."""

    criterion_id: str
    reason: str
    by: Literal["rubric", "reviewer"]


class EffectShown(Answer):
    """A broken rule takes `deduct` points off and lets no score be above `cap`; `of` its section, or the call too."""

    deduct: float
    cap: float
    of: Literal["section", "call"]


class RuleShown(Answer):
    """What became of a rule. `reason` is empty where a finding proves it, and where nothing was said against it."""

    rule_id: str
    kind: Literal["must_say", "must_not_say", "must_say_before"]
    severity: Literal["low", "medium", "high"]
    state: Literal["kept", "broken", "not_assessed", "not_applicable"]
    reason: str
    effect: EffectShown


class CoachingShown(ClaimShown):
    """`rank` 1 would have changed the call the most; `why` says what it would have changed, a judgement."""

    rank: int
    title: str
    advice: str
    why: str


class StageShown(ClaimShown):
    """A stage of the call; its statement is the summary. `stage` is an open list: expect names you do not know."""

    stage: str
    first_no: int
    last_no: int
    start_ts: int
    end_ts: int


class GapShown(ClaimShown):
    """Two things that do not fit together, or one that leaves something open. `sections`: between which."""

    gap: Literal["contradiction", "gap"]
    title: str
    sections: list[str]


class NextActionShown(ClaimShown):
    """`due`: by when, in the words that were said; null where nobody said it."""

    who: Literal["rep", "customer", "both", "unknown"]
    due: str | None


class FollowUpSentenceShown(ClaimShown):
    part: Literal["recap", "answers", "agreed", "open"]


class FollowUpShown(Answer):
    """A draft e-mail to the customer. What is no sentence of it says nothing about the call."""

    subject: str
    greeting: str
    thanks: str
    sentences: list[FollowUpSentenceShown]
    closing: str
    signature: str


class SectionShown(Answer):
    """`score` 0 to 100; null where nothing of the section could be assessed. `base` is the weighted mean of the points
    before broken rules act on it; null where no criterion was assessed. The formula stands in docs/rubrics.md.
    """

    section_id: str
    title: str
    weight: float
    score: float | None
    base: float | None
    confidence: float
    findings: list[FindingShown]
    not_assessed: list[str]
    not_applicable: list[NotApplicableShown]
    rules: list[RuleShown]


class RubricNamed(Answer):
    id: str
    title: str


class SpeakerRole(Answer):
    speaker_id: int
    role: RoleName
    source: RoleSourceName
    confidence: float


class StretchShown(Answer):
    start_ts: int
    end_ts: int
    first_no: int
    last_no: int


class SpeakerSheet(Answer):
    speaker_id: int
    role: RoleName
    values: dict[str, float]
    absent: dict[str, str]


class StatisticsSheet(Answer):
    """`values` by name; `absent` says why a figure could not be computed."""

    version: int
    duration_ms: int
    values: dict[str, float]
    absent: dict[str, str]
    stretches: dict[str, StretchShown]
    speakers: list[SpeakerSheet]


class ReviewStepShown(Answer):
    """What one model was asked in one step of the review, and what that took."""

    step: str
    part: str
    prompt: str = Field(description="The prompt's file with its version, or several joined by +")
    model: str
    outcome: str
    attempts: int
    input_tokens: int
    cache_read_tokens: int
    cache_written_tokens: int
    output_tokens: int
    cost_usd: float | None
    seconds: float


class StepResultShown(Answer):
    """What one step made, and what became of its drafts."""

    step: str
    kind: Literal["local", "model"]
    by: str
    seconds: float
    made: int
    dropped: int
    removed: int
    lowered: int
    unchecked: int


class ArtifactShown(Answer):
    """The review of one transcript. `score` 0 to 100; null where nothing could be assessed.

    `missing_sections` could not be scored. `dropped_drafts`: statements that nothing proved. A second reading took
    `removed_claims` out, made `lowered_claims` less sure, and did not reach `unchecked_claims`.
    `checks` says what became of statements with a fault: `repaired`, `lowered` or `dropped`, then the fault's code
    and how many. `outdated`: what changed since the review was made, so that a new one may say something else.
    """

    call_id: UUID
    revision: int
    review_id: UUID
    title: str
    rubric: RubricNamed
    reviewer: str
    score: float | None
    duration_ms: int
    speakers: list[SpeakerRole]
    sections: list[SectionShown]
    coaching_moments: list[CoachingShown]
    outline: list[StageShown]
    gaps: list[GapShown]
    next_actions: list[NextActionShown]
    follow_up: FollowUpShown | None
    moments: list[MomentCited]
    statistics: StatisticsSheet
    missing_sections: list[str]
    dropped_drafts: int
    removed_claims: int
    lowered_claims: int
    unchecked_claims: int
    checks: dict[str, dict[str, int]]
    confidence_version: str | None
    outdated: list[OutdatedName]
    warnings: list[str]
    steps: list[ReviewStepShown]
    step_results: list[StepResultShown]
