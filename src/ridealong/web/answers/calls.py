"""Calls, their transcripts, and what search finds in them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from ridealong.web.answers import Answer, Author

RoleName = Literal["rep", "customer", "unknown"]
OutdatedName = Literal["transcript", "speakers", "context", "rubric"]
RoleSourceName = Literal["channel", "enrolled_voice", "stated", "heuristic", "none"]


class AudioFormatStated(Answer):
    """How the audio was sent. `sample_rate` in Hz."""

    encoding: str
    sample_rate: int
    channels: int


class ReviewState(Answer):
    """`failure` says why a review failed, and is null otherwise."""

    status: Literal["queued", "running", "finished", "failed"]
    failure: str | None


class ContextShown(Answer):
    """Whose deal it is and what kind of call, in the tenant's own words; empty where nobody said it."""

    customer: str
    deal: str
    call_type: str
    stage: str


class Call(Answer):
    """A call as it was stated at its start, and how it stands."""

    call_id: UUID
    title: str
    rep_id: str
    rep_name: str
    consent: str
    status: Literal["live", "ended"]
    started_at: datetime
    ended_at: datetime | None
    ended_reason: str | None
    audio_ms: int
    format: AudioFormatStated
    channel_layout: str
    language: str
    external_id: str | None
    context: ContextShown
    review: ReviewState | None


class CallRow(Call):
    """One line of the list of calls. `score` 0 to 100, null while nothing could be assessed."""

    score: float | None
    moment_counts: dict[str, int] = Field(description="How many moments of each type")
    nudges: int
    comments: int


class CallPage(Answer):
    """`next` is the `before` of the next page, null on the last. `total` counts all pages."""

    calls: list[CallRow]
    next: str | None
    total: int


class SpeakerShown(Answer):
    """Who a speaker of a call is. `name` and `corrected_by` are null until somebody corrected them."""

    speaker_id: int
    role: RoleName
    source: RoleSourceName
    confidence: float
    name: str | None
    corrected_by: str | None


class GapShown(Answer):
    """Audio that never arrived: at `at_ts` about `duration_ms` are missing."""

    at_ts: int
    duration_ms: int
    reason: str


class Mark(Answer):
    """ "This moment matters", said while the call ran or afterwards."""

    mark_id: UUID
    at_ts: int
    by: Author
    at: datetime


class CallDetail(Call):
    """A call with its speakers. `review_outdated`: the review was made with something else than what now holds;
    `outdated_by` says with what: another transcript, other speakers' roles, call type or stage (`context`), or rubric.
    """

    revision: int
    speakers: list[SpeakerShown]
    gaps: list[GapShown]
    marks: list[Mark]
    review_outdated: bool
    outdated_by: list[OutdatedName]


class Word(Answer):
    """`estimated`: the times were spread over the utterance, not heard."""

    text: str
    start_ts: int
    end_ts: int
    estimated: bool


class UtteranceShown(Answer):
    """What one speaker said in one go. `speaker_id` is null where it is not known."""

    no: int
    speaker_id: int | None
    role: RoleName
    start_ts: int
    end_ts: int
    text: str
    words: list[Word]
    overlapped: bool
    speaker_confidence: float


class TranscriptShown(Answer):
    call_id: UUID
    revision: int
    utterances: list[UtteranceShown]


class HitShown(Answer):
    """One place to click. `quote` is what was said there; `text` is what was found."""

    kind: Literal["utterance", "moment", "finding", "coaching_moment"]
    id: UUID | None
    type: str | None
    call_id: UUID
    revision: int
    utterance_no: int
    speaker_id: int | None
    start_ts: int
    end_ts: int
    quote: str
    text: str
    score: float


class SearchAnswer(Answer):
    """Best hits first. `score` orders this list and means nothing across searches."""

    hits: list[HitShown]


class Lane(Answer):
    """The loudness of one speaker or channel: the peak of each of the equal parts of the call, 0 to 1."""

    speaker_id: int | None
    channel: int | None
    peaks: list[float]


class Waveform(Answer):
    duration_ms: int
    lanes: list[Lane]


class Statistic(Answer):
    """One number with how it is counted. `value` is null where it could not be computed, and `absent` says why.

    `source`: where the figure's definition comes from. `speaker_id`: of one speaker; null for one of the whole call.
    """

    id: str
    name: str
    value: float | None
    unit: str
    formula: str
    source: str
    speaker_id: int | None
    absent: str | None
    start_ts: int | None = Field(description="Where it was, for the longest stretches")
    end_ts: int | None


class StatisticsAnswer(Answer):
    statistics: list[Statistic]
