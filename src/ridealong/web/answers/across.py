"""What is said over many calls: answers to questions, deals, themes. Everything cites one call's own words."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from ridealong.web.answers import Answer
from ridealong.web.answers.artifact import ClaimShown, EvidenceShown


class CallNamed(Answer):
    """Which call. `customer` and `deal` are empty where nobody said them."""

    call_id: UUID
    title: str
    started_at: datetime
    rep_id: str
    rep_name: str
    customer: str
    deal: str


class SpeakerNamed(Answer):
    """Who somebody is in one transcript of one call. `name` is null where nobody said it."""

    call_id: UUID
    revision: int
    speaker_id: int
    role: Literal["rep", "customer", "unknown"]
    name: str | None


class CitedCall(ClaimShown):
    """A claim about one call. `revision`: the transcript in which `utterance_no` counts."""

    call: CallNamed
    revision: int


class ScopeShown(Answer):
    """Which words were asked about, as it was stated or read out of the question. Null and empty: all."""

    started_from: datetime | None
    started_to: datetime | None
    rep_id: str | None
    customer: str | None
    deal: str | None
    role: Literal["rep", "customer"] | None
    moments: list[str]


class SentenceShown(Answer):
    """One sentence of an answer, with what proves it: a claim for each call that it cites."""

    statement: str
    confidence: float
    confidence_words: str
    cited: list[CitedCall]


class AnswerShown(Answer):
    """`answered_by`: `local-1` (quotes, brought together), or the hosted models that wrote it. `calls` were searched,
    `passages` of them read closely. `dropped_drafts`: a model's sentences that nothing proved; `removed_sentences`:
    taken out by a second reading; `unchecked_sentences`: not read a second time. `notes` are for people. `speakers` are
    those who are cited, and others whose role is known in the same transcripts.
    """

    question: str
    scope: ScopeShown
    answered_by: str
    found: bool
    sentences: list[SentenceShown]
    calls: int
    passages: int
    dropped_drafts: int
    removed_sentences: int
    unchecked_sentences: int
    notes: list[str]
    speakers: list[SpeakerNamed]


class DealListed(Answer):
    """`deal` is empty where the customer's calls name none; `stage` is what the newest call that has one says. The rep
    is the newest call's."""

    customer: str
    deal: str
    stage: str
    rep_id: str
    rep_name: str
    calls: int
    first_call_at: datetime
    last_call_at: datetime


class DealsAnswer(Answer):
    deals: list[DealListed]


class FieldEntryShown(CitedCall):
    """What one call says of a field. `value` is the customer's own words; `effect`: what it did to the field."""

    effect: Literal["set", "changed", "confirmed", "weaker"]
    score: Literal["yes", "partly"]
    value: str


class FieldShown(Answer):
    """`holds`: the entry that set the value or changed it last, null where no call says anything of the field."""

    field: Literal[
        "metrics",
        "economic_buyer",
        "decision_criteria",
        "decision_process",
        "paper_process",
        "pain",
        "champion",
        "competition",
    ]
    holds: FieldEntryShown | None
    history: list[FieldEntryShown]


class AgreedActionShown(CitedCall):
    """What was agreed on one call. `due`: by when, in the words that were said; null where nobody said it. Nothing
    tells whether it was done since."""

    who: Literal["rep", "customer", "both", "unknown"]
    due: str | None


class ContradictionShown(CitedCall):
    """Two things said on one call that do not fit together, as its review found them."""

    title: str


class DealShown(Answer):
    """`calls`: those that were read, the earliest first. `deal` is empty where all calls of the customer were read.
    `next_actions` and `contradictions` come from the calls' newest reviews, those of the newest call first."""

    customer: str
    deal: str
    stage: str
    calls: list[CallNamed]
    fields: list[FieldShown]
    next_actions: list[AgreedActionShown]
    contradictions: list[ContradictionShown]
    notes: list[str]
    speakers: list[SpeakerNamed]


class ThemeMomentShown(EvidenceShown):
    """A moment with its call and the words that it cites."""

    moment_id: UUID
    type: str
    confidence: float
    call: CallNamed
    revision: int


class WeekCounted(Answer):
    """`week`: the ISO week, for example `2026-W47`, by UTC."""

    week: str
    count: int
    moment_ids: list[UUID]


class ThemeShown(Answer):
    """Moments that are about the same thing. `quote` is the most central one's; `moment_ids` are all `count` of them,
    `moments` the first ones in full. `weeks`: those in which one was said, the earliest first."""

    kind: Literal["objection", "pain", "feature_request"]
    name: str
    keywords: list[str]
    count: int
    calls: int
    customers: int
    quote: str
    weeks: list[WeekCounted]
    moments: list[ThemeMomentShown]
    moment_ids: list[UUID]


class CompetitorShown(Answer):
    """`name` is empty for mentions in which no name was heard; the rest as of a theme."""

    name: str
    count: int
    calls: int
    weeks: list[WeekCounted]
    moments: list[ThemeMomentShown]
    moment_ids: list[UUID]


class ThemeMomentsAnswer(Answer):
    moments: list[ThemeMomentShown]
    speakers: list[SpeakerNamed]


class ThemesAnswer(Answer):
    """`counted` moments were read; `more`: there are others, which are older."""

    scope: ScopeShown
    themes: list[ThemeShown]
    competitors: list[CompetitorShown]
    counted: int
    more: bool
    speakers: list[SpeakerNamed]
