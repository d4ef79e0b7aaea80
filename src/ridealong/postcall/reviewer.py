"""The reviewer seam: who judges a section writes drafts; what the transcript does not prove never becomes a finding.

A reviewer names utterances and repeats words. It writes no time, no speaker and no section score: the first two are
looked up by `Transcript.cite`, the last is computed by `core.rubric.scored_section`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ridealong.core.artifact import ReviewStep, StepOutcome, StoredMoment
from ridealong.core.claims import CitedAs, Claim
from ridealong.core.conditions import SURE, CallFacts
from ridealong.core.context import CallContext
from ridealong.core.faults import Fault
from ridealong.core.moments import SIDE_OF_TYPE, Moment
from ridealong.core.rubric import (
    NotApplicable,
    Rubric,
    Score,
    Section,
)
from ridealong.core.rules import RuleOutcome
from ridealong.core.transcript import Citation, Role, Roles, Speaker, Transcript, Unattributed
from ridealong.postcall.carried import CallWords
from ridealong.postcall.narrator import BlockingNarrator, CallNarrator, NarratorInThreads
from ridealong.postcall.standing import Contest

if TYPE_CHECKING:
    from uuid import UUID

    from numpy.typing import NDArray

    from ridealong.embedding import Vectors
    from ridealong.llm import Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A statement that is not proven yet. `through` makes it a claim of absence: the last utterance searched. What its
    citations are is then told by `cited_as`.
    """

    statement: str
    citations: tuple[Citation, ...]
    confidence: float
    through: int | None = None
    cited_as: CitedAs = CitedAs.CALLED_FOR

    def written(self) -> dict[str, object]:
        """As it is shown again to whom it is given back."""
        return {
            "statement": self.statement,
            "citations": [{"utterance_no": c.utterance_no, "quote": c.quote} for c in self.citations],
            "through": self.through,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class CriterionDraft:
    criterion_id: str
    score: Score
    draft: Draft


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedRule:
    """A rule's outcome; `draft` is its claim, where it makes one."""

    outcome: RuleOutcome
    draft: Draft | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CoachingDraft:
    """`key` tells two drafts of one call apart when one of them is refused."""

    key: str
    title: str
    advice: str
    draft: Draft
    why: str = ""
    """What it would have changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why a draft was not accepted. `key` is its criterion id or its key. Holds nothing that was said."""

    key: str
    reason: str
    fault: Fault = Fault.MALFORMED


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReviewContext:
    """Everything a reviewer may look at. `vectors` has one row for each utterance, in the transcript's order."""

    transcript: Transcript
    roles: Roles
    moments: tuple[StoredMoment, ...]
    vectors: Vectors
    duration_ms: int
    about: CallContext = field(default_factory=CallContext)
    sentence_vectors: dict[str, NDArray[np.float32]] = field(default_factory=lambda: {})
    """What a reviewer embedded of this call while it reads it: sections look at the same sentences."""
    layers: dict[str, NDArray[np.float32]] = field(default_factory=lambda: {})
    """The same with what the other layers make of them."""
    names: tuple[str, ...] = ()
    """Who takes part in the call, as far as somebody said it: a statement may name them without citing it."""
    of_call: CallWords = field(default_factory=CallWords)
    contest: Contest | None = None
    """What else the rubric asks, so that words are taken for what they fit best. None: each section by itself."""

    @property
    def facts(self) -> CallFacts:
        """What a rubric's conditions look at."""
        occurred = frozenset(m.moment.type for m in self.moments if m.moment.confidence >= SURE)
        return CallFacts(
            call_type=self.about.call_type, stage=self.about.stage, moments=occurred, duration_ms=self.duration_ms
        )

    @property
    def rep_known(self) -> bool:
        return any(a.role is Role.REP for a in self.roles.values())

    def side_of(self, speaker: Speaker) -> Role:
        """REP, or CUSTOMER for everybody else once the rep is known. UNKNOWN where nothing says it."""
        role = self.roles.role_of(speaker)
        if role is Role.UNKNOWN and self.rep_known and not isinstance(speaker, Unattributed):
            return Role.CUSTOMER
        return role

    def role_confidence(self, speaker: Speaker) -> float:
        """How sure the side of `speaker` is, 0 to 1."""
        if isinstance(speaker, Unattributed):
            return 0.0
        if speaker in self.roles and self.roles[speaker].role is not Role.UNKNOWN:
            return self.roles[speaker].confidence
        return max((a.confidence for a in self.roles.values() if a.role is Role.REP), default=0.0)


def reviewed_moments(
    found: Sequence[StoredMoment], transcript: Transcript, roles: Roles, *, heard: Roles
) -> tuple[StoredMoment, ...]:
    """Those of a call's moments that its review goes by. `heard`: the roles without what people corrected.

    Not one that stayed on an earlier transcript, where its utterance has another number. And not one whose speaker
    turned out to be the other side: a rep raises no objection. Either it was noted before the role was known, or
    somebody corrected the role since, whatever was shown to the rep then.
    """
    return tuple(
        stored
        for stored in found
        if stored.moment.evidence[0].transcript_id == transcript.id and not _of_other_side(stored.moment, roles, heard)
    )


def _of_other_side(moment: Moment, roles: Roles, heard: Roles) -> bool:
    side = SIDE_OF_TYPE.get(moment.type, Role.UNKNOWN)
    speaker = moment.evidence[0].speaker_id
    role = roles.role_of(speaker)
    if Role.UNKNOWN in (side, role) or role is side:
        return False
    noted_before_known = moment.circumstances is not None and not moment.circumstances.role_known
    # Else the role was known and right by the tenant's own taxonomy, whose types may be said by either side.
    return noted_before_known or heard.role_of(speaker) is not role


@dataclass(slots=True, kw_only=True)
class StepLog:
    """What a reviewer notes while it does one step. Kept with the review; holds nothing that was said."""

    step: str
    asked: list[ReviewStep] = field(default_factory=list[ReviewStep])
    read: int | None = None
    """Utterances that were looked at, where these were not all."""

    def note(
        self,
        *,
        part: str,
        model: str,
        outcome: StepOutcome,
        usage: Usage,
        cost_usd: float | None,
        seconds: float,
        prompt: str = "",
    ) -> None:
        """Add one attempt to what was asked of that model for that part."""
        place = next((n for n, s in enumerate(self.asked) if (s.part, s.model) == (part, model)), len(self.asked))
        before = self.asked[place] if place < len(self.asked) else None
        costs = [c for c in (cost_usd, before.cost_usd if before else None) if c is not None]
        self.asked[place:] = [
            ReviewStep(
                step=self.step,
                part=part,
                model=model,
                outcome=outcome,
                attempts=1 + (before.attempts if before else 0),
                input_tokens=usage.input + (before.input_tokens if before else 0),
                cache_read_tokens=usage.cache_read + (before.cache_read_tokens if before else 0),
                cache_written_tokens=usage.cache_written + (before.cache_written_tokens if before else 0),
                output_tokens=usage.output + (before.output_tokens if before else 0),
                cost_usd=sum(costs) if costs else None,
                seconds=seconds + (before.seconds if before else 0.0),
                prompt=prompt,
            ),
            *self.asked[place + 1 :],
        ]


class Support(StrEnum):
    """How far the cited words carry a statement, by a second reading."""

    SUPPORTED = "supported"
    PARTLY = "partly"
    NOT = "not_supported"


class CallReviewer(Protocol):
    """Judges one call. Its verbs may run at the same time. They raise ModelFailed when no model gave an answer in
    time (trying again is the reviewer's own business), Unavailable when trying again later may help.

    `refused` tells, on the second and last try, which drafts of the first were refused and why; only those need to
    be written again.
    """

    @property
    def name(self) -> str:
        """Stored with the review, with a version."""
        ...

    @property
    def otherwise(self) -> CallReviewer | None:
        """Who judges the call where this one could judge no section of it at all; None: nobody."""
        ...

    @property
    def narrator(self) -> CallNarrator:
        """Who tells the call as a whole: its stages, what does not fit together, what happens next."""
        ...

    def plan(self, sections: Sequence[Section], *, told: bool) -> None:
        """What will be asked for side by side: the drafts of these sections, and, `told`, outline and next actions.

        Said before the first draft, or not at all: a reviewer may ask for several of them at once.
        """
        ...

    async def draft_section(
        self, section: Section, log: StepLog, refused: Sequence[Refusal] = ()
    ) -> Sequence[CriterionDraft | NotApplicable]:
        """At most one draft for each criterion; none for a criterion without evidence either way. `section` holds the
        criteria that the rubric's conditions leave; a reviewer may find that another does not apply to this call.
        """
        ...

    async def draft_coaching(self, log: StepLog, refused: Sequence[Refusal] = ()) -> Sequence[CoachingDraft]:
        """What to replay with the rep, the most important first."""
        ...

    async def verify(self, claims: Mapping[str, Claim], log: StepLog) -> Mapping[str, Support] | None:
        """How far the words cited carry each claim, by key; what could not be checked in time is left out.

        None: this reviewer's statements need no second reading.
        """
        ...


class Reviewer(Protocol):
    """Judges calls."""

    async def begin(self, tenant_id: UUID, rubric: Rubric, context: ReviewContext) -> CallReviewer:
        """Somebody to judge this call. The time that a review may take runs from here."""
        ...


class BlockingReviewer(Protocol):
    """A reviewer that computes: thread-safe, blocks while it works. `InThreads` makes a `Reviewer` of it."""

    @property
    def name(self) -> str: ...

    @property
    def narrator(self) -> BlockingNarrator: ...

    def draft_section(
        self, section: Section, context: ReviewContext, refused: Sequence[Refusal] = ()
    ) -> Sequence[CriterionDraft]: ...

    def draft_coaching(
        self, rubric: Rubric, context: ReviewContext, refused: Sequence[Refusal] = ()
    ) -> Sequence[CoachingDraft]: ...


@dataclass(frozen=True, slots=True)
class InThreads:
    """The `Reviewer` whose work is done by a blocking one, away from the event loop."""

    reviewer: BlockingReviewer

    async def begin(self, tenant_id: UUID, rubric: Rubric, context: ReviewContext) -> CallReviewer:  # noqa: ARG002
        criteria = tuple(c for section in rubric.sections for c in section.criteria)
        return _InThreads(self.reviewer, rubric, replace(context, contest=Contest(criteria)))


@dataclass(frozen=True, slots=True)
class _InThreads:
    reviewer: BlockingReviewer
    rubric: Rubric
    context: ReviewContext

    @property
    def name(self) -> str:
        return self.reviewer.name

    @property
    def otherwise(self) -> CallReviewer | None:
        return None

    @property
    def narrator(self) -> CallNarrator:
        return NarratorInThreads(self.reviewer.narrator, self.context)

    def plan(self, sections: Sequence[Section], *, told: bool) -> None:
        """Nothing is saved by computing several at once."""

    async def draft_section(
        self,
        section: Section,
        log: StepLog,  # noqa: ARG002
        refused: Sequence[Refusal] = (),
    ) -> Sequence[CriterionDraft]:
        return await asyncio.to_thread(self.reviewer.draft_section, section, self.context, refused)

    async def draft_coaching(self, log: StepLog, refused: Sequence[Refusal] = ()) -> Sequence[CoachingDraft]:  # noqa: ARG002
        return await asyncio.to_thread(self.reviewer.draft_coaching, self.rubric, self.context, refused)

    async def verify(self, claims: Mapping[str, Claim], log: StepLog) -> Mapping[str, Support] | None:  # noqa: ARG002
        return None
