"""The reviewer seam: who judges a section writes drafts; what the transcript does not prove never becomes a finding.

A reviewer names utterances and repeats words. It writes no time, no speaker and no section score: the first two are
looked up by `Transcript.cite`, the last is computed by `core.rubric.scored_section`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

import numpy as np

from ridealong.core.artifact import StoredMoment
from ridealong.core.claims import AbsenceClaim, Claim
from ridealong.core.errors import Ungrounded
from ridealong.core.rubric import CoachingMoment, Finding, Rubric, Score, Section, SectionReview, scored_section
from ridealong.core.transcript import Citation, Role, Roles, Speaker, Transcript, Unattributed
from ridealong.embedding import DIMENSIONS
from ridealong.telemetry import drafts_ungrounded_total

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.embedding import Embedder, Vectors

MAX_COACHING: Final = 5
"""Nobody works on more than a few things after one call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A statement that is not proven yet. `through` makes it a claim of absence: the last utterance searched."""

    statement: str
    citations: tuple[Citation, ...]
    confidence: float
    through: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CriterionDraft:
    criterion_id: str
    score: Score
    draft: Draft


@dataclass(frozen=True, kw_only=True, slots=True)
class CoachingDraft:
    """`key` tells two drafts of one call apart when one of them is refused."""

    key: str
    title: str
    advice: str
    draft: Draft


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why a draft was not accepted. `key` is its criterion id or its key. Holds nothing that was said."""

    key: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReviewContext:
    """Everything a reviewer may look at. `vectors` has one row for each utterance, in the transcript's order."""

    transcript: Transcript
    roles: Roles
    moments: tuple[StoredMoment, ...]
    vectors: Vectors
    duration_ms: int
    sentence_vectors: dict[str, NDArray[np.float32]] = field(default_factory=lambda: {})
    """What a reviewer embedded of this call while it reads it: sections look at the same sentences."""

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


class Reviewer(Protocol):
    """Judges calls. Thread-safe; blocks while it works. Raises Unavailable when trying again may help.

    `refused` tells, on the second and last try, which drafts of the first were refused and why; only those need to
    be written again.
    """

    @property
    def name(self) -> str:
        """Stored with each review, with a version."""
        ...

    def draft_section(
        self, section: Section, context: ReviewContext, refused: Sequence[Refusal] = ()
    ) -> Sequence[CriterionDraft]:
        """At most one draft for each criterion; none for a criterion without evidence either way."""
        ...

    def draft_coaching(
        self, rubric: Rubric, context: ReviewContext, refused: Sequence[Refusal] = ()
    ) -> Sequence[CoachingDraft]:
        """What to replay with the rep, the most important first."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SectionOutcome:
    review: SectionReview
    dropped: int
    """Drafts that nothing proved, after one retry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CoachingOutcome:
    coaching_moments: tuple[CoachingMoment, ...]
    dropped: int


def embed_call(transcript: Transcript, embedder: Embedder, known: Mapping[int, NDArray[np.float32]]) -> Vectors:
    """One vector for each utterance, in order; those in `known` (by utterance number) are not computed again."""
    vectors = np.zeros((len(transcript), DIMENSIONS), dtype=np.float32)
    missing: list[int] = []
    for row, utterance in enumerate(transcript):
        if utterance.no in known:
            vectors[row] = known[utterance.no]
        else:
            missing.append(row)
    if missing:
        utterances = transcript.utterances
        vectors[missing] = embedder.embed([utterances[row].text for row in missing])
    return vectors


def review_section(reviewer: Reviewer, section: Section, context: ReviewContext) -> SectionOutcome:
    """Draft, prove, retry what was refused once, score. Raises what the reviewer raises."""
    criteria = {c.id for c in section.criteria}

    def accept(draft: CriterionDraft) -> Finding:
        if draft.criterion_id not in criteria:
            raise Ungrounded("there is no such criterion in this section")
        return Finding(criterion_id=draft.criterion_id, score=draft.score, claim=prove(draft.draft, context.transcript))

    proven = _Proven(accept, lambda draft: draft.criterion_id)
    proven.take(reviewer.draft_section(section, context))
    if proven.refused:
        proven.retake(reviewer.draft_section(section, context, tuple(proven.refused.values())))
    return SectionOutcome(review=scored_section(section, tuple(proven.accepted.values())), dropped=len(proven.refused))


def coach_call(reviewer: Reviewer, rubric: Rubric, context: ReviewContext) -> CoachingOutcome:
    """As `review_section`, for the coaching moments; at most `MAX_COACHING`, in the reviewer's order."""

    def accept(draft: CoachingDraft) -> CoachingMoment:
        return CoachingMoment(title=draft.title, advice=draft.advice, claim=prove(draft.draft, context.transcript))

    proven = _Proven(accept, lambda draft: draft.key)
    proven.take(reviewer.draft_coaching(rubric, context))
    if proven.refused:
        proven.retake(reviewer.draft_coaching(rubric, context, tuple(proven.refused.values())))
    return CoachingOutcome(coaching_moments=tuple(proven.accepted.values())[:MAX_COACHING], dropped=len(proven.refused))


def prove(draft: Draft, transcript: Transcript) -> Claim:
    """The draft as a claim. Raises Ungrounded when the transcript does not hold what it cites."""
    if not draft.statement.strip():
        raise Ungrounded("the statement is empty")
    if not 0.0 <= draft.confidence <= 1.0:
        raise Ungrounded("the confidence lies between 0 and 1")
    evidence = tuple(transcript.cite(citation) for citation in draft.citations)
    if draft.through is None:
        return Claim(statement=draft.statement, confidence=draft.confidence, evidence=evidence)
    if draft.through not in transcript:
        raise Ungrounded(f"`through`: there is no utterance {draft.through}")
    return AbsenceClaim(
        statement=draft.statement, confidence=draft.confidence, evidence=evidence, through=draft.through
    )


D = TypeVar("D")
P = TypeVar("P")


@dataclass(slots=True)
class _Proven(Generic[D, P]):
    """What was accepted and what was refused, by key. Python 3.11 has no shorter way to say it."""

    accept: Callable[[D], P]
    key: Callable[[D], str]
    accepted: dict[str, P] = field(default_factory=dict[str, P])
    refused: dict[str, Refusal] = field(default_factory=dict[str, Refusal])

    def take(self, drafts: Sequence[D]) -> None:
        for draft in drafts:
            key = self.key(draft)
            if key in self.accepted:
                continue
            try:
                self.accepted[key] = self.accept(draft)
                self.refused.pop(key, None)
            except Ungrounded as error:
                self.refused[key] = Refusal(key=key, reason=str(error))

    def retake(self, drafts: Sequence[D]) -> None:
        """The second and last try: only what was refused counts, and what is still refused is dropped."""
        self.take([draft for draft in drafts if self.key(draft) in self.refused])
        drafts_ungrounded_total.inc(len(self.refused))
