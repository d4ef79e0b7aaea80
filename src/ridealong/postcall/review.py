"""The reviewer seam: who judges a section writes drafts; what the transcript does not prove never becomes a finding.

A reviewer names utterances and repeats words. It writes no time, no speaker and no section score: the first two are
looked up by `Transcript.cite`, the last is computed by `core.rubric.scored_section`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

import numpy as np

from ridealong.core.artifact import ReviewStep, StepOutcome, StoredMoment
from ridealong.core.claims import AbsenceClaim, Claim
from ridealong.core.conditions import SURE, CallFacts
from ridealong.core.context import CallContext
from ridealong.core.errors import ModelFailed, Ungrounded
from ridealong.core.faults import Fate, Fault
from ridealong.core.rubric import (
    CoachingMoment,
    Finding,
    NotApplicable,
    Rubric,
    Score,
    Section,
    SectionReview,
    scored_section,
)
from ridealong.core.rules import RuleOutcome, RuleState
from ridealong.core.transcript import Citation, Role, Roles, Speaker, Transcript, Unattributed
from ridealong.embedding import DIMENSIONS
from ridealong.postcall.absence import BETTER, NEAR, Found
from ridealong.postcall.carried import NOTHING_MORE, Allowed, CallWords, refuse_uncarried, refuse_uncarried_coaching
from ridealong.postcall.certainty import signals_of
from ridealong.postcall.narrator import BlockingNarrator, CallNarrator, NarratorInThreads
from ridealong.postcall.tally import Tally
from ridealong.telemetry import drafts_ungrounded_total

if TYPE_CHECKING:
    from uuid import UUID

    from numpy.typing import NDArray

    from ridealong.core.confidence import ConfidenceModel
    from ridealong.embedding import Embedder, Vectors
    from ridealong.llm import Usage
    from ridealong.postcall.absence import AbsenceSearch

MAX_COACHING: Final = 5
"""Nobody works on more than a few things after one call."""
PARTLY_SUPPORTED: Final = 0.5
"""What is left of a claim's confidence where its words carry it only in part."""
MAX_STATEMENT: Final = 600
"""Characters. A statement is a sentence or two; what is longer is no finding."""
MAX_TITLE: Final = 120
MAX_EVIDENCE: Final = 8

D = TypeVar("D")
P = TypeVar("P")
C = TypeVar("C", bound="Finding | CoachingMoment")


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
    names: tuple[str, ...] = ()
    """Who takes part in the call, as far as somebody said it: a statement may name them without citing it."""
    of_call: CallWords = field(default_factory=CallWords)

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
        return _InThreads(self.reviewer, rubric, context)


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What became of a step's drafts."""

    dropped: int = 0
    """Not proven, after one retry."""
    removed: int = 0
    """Proven, and taken out by the second reading."""
    lowered: int = 0
    """Made less sure by the second reading."""
    unchecked: int = 0
    """Not read a second time, for want of time."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SectionOutcome:
    review: SectionReview
    counts: Counts
    vectors: Vectors | None
    """One row for each of `review.findings`; None where nobody embeds."""
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CoachingOutcome:
    coaching_moments: tuple[CoachingMoment, ...]
    counts: Counts
    vectors: Vectors | None
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Checks:
    """What a review's claims are checked and weighed with, beside the transcript itself.

    Without a `search` claims of absence stand on their author's word; without `confidence` so does every probability.
    `rubric`: its words may be used without being cited.
    """

    search: AbsenceSearch | None = None
    confidence: ConfidenceModel | None = None
    rubric: Rubric | None = None


Embed = Callable[[Sequence[str]], Awaitable["Vectors"]]


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


async def review_section(
    reviewer: CallReviewer,
    section: Section,
    context: ReviewContext,
    log: StepLog,
    embed: Embed | None = None,
    *,
    rules: Sequence[JudgedRule] = (),
    checks: Checks | None = None,
) -> SectionOutcome:
    """Draft, prove, retry what was refused once, read once more, weigh, score. Raises what the reviewer raises.

    `rules`: what became of the section's rules. Their claims are proved and read like the reviewer's.
    """
    checks = checks or Checks()
    left_out = list(section.not_applicable(context.facts))
    asked = replace(
        section, criteria=tuple(c for c in section.criteria if c.id not in {n.criterion_id for n in left_out})
    )
    criteria = {c.id: c for c in asked.criteria}
    allowed = {c.id: Allowed.by([c], context, title=section.title) for c in asked.criteria}

    def accept(draft: CriterionDraft) -> Finding:
        if draft.criterion_id not in criteria:
            raise Ungrounded("there is no such criterion in this section", fault=Fault.NO_SUCH_CRITERION)
        claim = _proved(draft.draft, context, log, allowed[draft.criterion_id])
        if draft.score is not Score.NO and draft.draft.through is None:
            _said_by(criteria[draft.criterion_id].role, claim, context)
        return Finding(criterion_id=draft.criterion_id, score=draft.score, claim=claim)

    def search(by: AbsenceSearch, finding: Finding, claim: AbsenceClaim) -> Found:
        return by.search(claim, criteria[finding.criterion_id], context)

    proven = _Proven(accept, lambda draft: draft.criterion_id)
    if criteria:
        drafts, apart = _apart(await reviewer.draft_section(asked, log), criteria)
        proven.take(drafts)
        await _searched(proven, checks, search)
        if proven.refused:
            again, later = _apart(
                await _again(reviewer.draft_section(asked, log, tuple(proven.refused.values()))), criteria
            )
            proven.retake(again)
            await _searched(proven, checks, search)
            apart |= {name: why for name, why in later.items() if name in proven.refused}
        left_out += [why for name, why in apart.items() if name not in proven.accepted]
    proven.close()
    found = proven.accepted | about_rules(rules, context)
    claims = {key: finding.claim for key, finding in found.items()}
    read = await _second_reading(reviewer, proven, claims, context, log=log, embed=embed, checks=checks)
    kept = {key: replace(found[key], claim=claim) for key, claim in read.claims.items()}
    review = scored_section(section, tuple(kept.values()), left_out, outcomes(rules, kept))
    return SectionOutcome(
        review=review,
        counts=replace(read.counts, dropped=len(proven.refused)),
        vectors=read.vectors_of([f.criterion_id for f in review.findings]),
        tally=proven.tally,
    )


def _apart(
    drafts: Sequence[CriterionDraft | NotApplicable], criteria: Collection[str]
) -> tuple[list[CriterionDraft], dict[str, NotApplicable]]:
    """The drafts, and what the reviewer finds not applicable, by criterion."""
    written = [draft for draft in drafts if isinstance(draft, CriterionDraft)]
    apart = {n.criterion_id: n for n in drafts if isinstance(n, NotApplicable) and n.criterion_id in criteria}
    return written, apart


def about_rules(rules: Sequence[JudgedRule], context: ReviewContext) -> dict[str, Finding]:
    """The findings about rules, proved by the transcript, by rule."""
    return {
        rule.outcome.rule_id: Finding(
            criterion_id=rule.outcome.rule_id,
            score=Score.YES if rule.outcome.state is RuleState.KEPT else Score.NO,
            claim=prove(rule.draft, context.transcript),
        )
        for rule in rules
        if rule.draft is not None
    }


def outcomes(rules: Sequence[JudgedRule], kept: Collection[str]) -> tuple[RuleOutcome, ...]:
    """What became of the rules after the second reading: without its claim, a rule is not assessed."""
    return tuple(
        rule.outcome
        if rule.draft is None or rule.outcome.rule_id in kept
        else replace(rule.outcome, state=RuleState.NOT_ASSESSED, reason="a second reading did not confirm it")
        for rule in rules
    )


async def coach_call(
    reviewer: CallReviewer,
    context: ReviewContext,
    log: StepLog,
    embed: Embed | None = None,
    *,
    checks: Checks | None = None,
) -> CoachingOutcome:
    """As `review_section`, for the coaching moments; at most `MAX_COACHING`, in the reviewer's order."""
    checks = checks or Checks()
    criteria = () if checks.rubric is None else [c for s in checks.rubric.sections for c in s.criteria]
    # A rubric's figures are no figures of this call: only its names and terms may be used freely here.
    texts = [t for c in criteria for t in (c.question, c.shown_as, c.advice)]
    allowed = replace(Allowed.of(texts, context.names), held=NOTHING_MORE)

    def accept(draft: CoachingDraft) -> CoachingMoment:
        if not draft.title.strip() or not draft.advice.strip():
            raise Ungrounded("a coaching moment needs a title and an advice")
        if len(draft.title) > MAX_TITLE or len(draft.advice) > MAX_STATEMENT:
            raise Ungrounded(f"a title has at most {MAX_TITLE} characters and an advice {MAX_STATEMENT}")
        if len(draft.why) > MAX_STATEMENT:
            raise Ungrounded(f"`why` has at most {MAX_STATEMENT} characters")
        claim = _proved(draft.draft, context, log, allowed)
        absence = isinstance(claim, AbsenceClaim)
        refuse_uncarried_coaching(draft.title, draft.advice, claim.evidence, context, allowed, absence=absence)
        return CoachingMoment(title=draft.title, advice=draft.advice, why=draft.why, claim=claim)

    def search(by: AbsenceSearch, coaching: CoachingMoment, claim: AbsenceClaim) -> Found:
        return by.search_coaching(claim, coaching.title, checks.rubric, context)

    proven = _Proven(accept, lambda draft: draft.key)
    proven.take(await reviewer.draft_coaching(log))
    await _searched(proven, checks, search)
    if proven.refused:
        proven.retake(await _again(reviewer.draft_coaching(log, tuple(proven.refused.values()))))
        await _searched(proven, checks, search)
    proven.close()
    proven.accepted = dict(list(proven.accepted.items())[:MAX_COACHING])
    read = await _second_reading(reviewer, proven, _claims_of(proven), context, log=log, embed=embed, checks=checks)
    return CoachingOutcome(
        coaching_moments=tuple(replace(proven.accepted[key], claim=claim) for key, claim in read.claims.items()),
        counts=replace(read.counts, dropped=len(proven.refused)),
        vectors=read.vectors_of(list(read.claims)),
        tally=proven.tally,
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ProvenDrafts(Generic[P]):
    """What a step's drafts became, in the reviewer's order."""

    found: tuple[P, ...]
    counts: Counts
    tally: Tally = field(default_factory=Tally)


async def prove_drafts(
    ask: Callable[[Sequence[Refusal]], Awaitable[Sequence[D]]],
    *,
    key: Callable[[D], str],
    draft: Callable[[D], Draft],
    make: Callable[[D, Claim], P],
    claim: Callable[[P], Claim],
    again: Callable[[P, Claim], P],
    judge: CallReviewer,
    context: ReviewContext,
    log: StepLog,
    most: int,
    checked: bool,
) -> ProvenDrafts[P]:
    """As `review_section`, for drafts of any kind: prove, retry what was refused once, read once more; at most `most`.

    `ask` writes drafts, told what was refused. `make` may raise Ungrounded for rules of its own; `claim` reads the
    claim of what it made, and `again` puts another one in its place. `checked`: a model words the statements, so that
    their numbers, dates, names and sides must stand in the evidence. Raises what `ask` raises.
    """

    # No rubric asked for these: only who takes part may be named without being cited.
    allowed = Allowed.of((), context.names) if checked else None

    def accept(one: D) -> P:
        return make(one, _proved(draft(one), context, log, allowed))

    proven = _Proven(accept, key)
    proven.take(await ask(()))
    if proven.refused:
        proven.retake(await _again(ask(tuple(proven.refused.values()))))
    proven.close()
    found = dict(list(proven.accepted.items())[:most])
    claims = {k: claim(p) for k, p in found.items()}
    read = await _second_reading(judge, proven, claims, context, log=log, embed=None, checks=Checks())
    return ProvenDrafts(
        found=tuple(again(found[k], c) for k, c in read.claims.items()),
        counts=replace(read.counts, dropped=len(proven.refused)),
        tally=proven.tally,
    )


def _proved(draft: Draft, context: ReviewContext, log: StepLog, allowed: Allowed | None) -> Claim:
    if draft.through is not None and log.read is not None:
        raise Ungrounded(
            "only a part of the call was looked at: nothing may be called absent", fault=Fault.SEARCHED_IN_PART
        )
    claim = prove(draft, context.transcript)
    if allowed is not None:
        refuse_uncarried(claim.statement, claim.evidence, context, allowed, absence=draft.through is not None)
    return claim


def _said_by(role: Role, claim: Claim, context: ReviewContext) -> None:
    """Raises Ungrounded when the first words cited were said by the wrong side."""
    side = context.side_of(claim.evidence[0].utterance.speaker)
    if role is not Role.UNKNOWN and side not in (role, Role.UNKNOWN):
        raise Ungrounded(f"the first quote must be words of the {role.value}, and is not", fault=Fault.WRONG_SPEAKER)


def _claims_of(proven: _Proven[D, C]) -> dict[str, Claim]:
    return {key: item.claim for key, item in proven.accepted.items()}


async def _searched(
    proven: _Proven[D, C], checks: Checks, search: Callable[[AbsenceSearch, C, AbsenceClaim], Found]
) -> None:
    """Search the spans of what was accepted as absent: refuse what is there after all, note what came closest."""
    by = checks.search
    if by is None:
        return
    for key, item in list(proven.accepted.items()):
        claim = item.claim
        if not isinstance(claim, AbsenceClaim) or key in proven.nearest:
            continue
        found = await asyncio.to_thread(search, by, item, claim)
        if found.probability >= BETTER:
            proven.refuse(
                key,
                f"utterance {found.searched.closest_no} may show that it did happen: look there",
                Fault.BETTER_EVIDENCE_EXISTS,
            )
            continue
        proven.nearest[key] = found.probability
        proven.accepted[key] = replace(item, claim=replace(claim, searched=found.searched))


async def _again(drafts: Awaitable[Sequence[D]]) -> Sequence[D]:
    """The second try. Where no model answers it, what the first one proved still stands."""
    try:
        return await drafts
    except ModelFailed:
        return ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Read:
    claims: dict[str, Claim]
    counts: Counts
    vectors: dict[str, NDArray[np.float32]] | None

    def vectors_of(self, keys: Sequence[str]) -> Vectors | None:
        if self.vectors is None:
            return None
        rows = [self.vectors[key] for key in keys]
        return np.stack(rows) if rows else np.zeros((0, DIMENSIONS), np.float32)


async def _second_reading(
    reviewer: CallReviewer,
    proven: _Proven[D, P],
    claims: Mapping[str, Claim],
    context: ReviewContext,
    *,
    log: StepLog,
    embed: Embed | None,
    checks: Checks,
) -> _Read:
    """The claims that remain, in their order, less sure where their words carry them only in part.

    Statements are embedded meanwhile: one waits for a model, the other computes.
    """
    if not claims:
        return _Read(claims={}, counts=Counts(), vectors={} if embed is not None else None)
    embedding = None if embed is None else asyncio.ensure_future(embed([c.statement for c in claims.values()]))
    try:
        verdicts = await reviewer.verify(claims, log)
        rows = None if embedding is None else await embedding
    finally:
        if embedding is not None:
            embedding.cancel()
    vectors = None if rows is None else dict(zip(claims, rows, strict=True))
    kept: dict[str, Claim] = {}
    lowered = unchecked = 0
    for key, claim in claims.items():
        verdict = Support.SUPPORTED if verdicts is None else verdicts.get(key)
        if verdict is Support.NOT:
            proven.tally.add(Fate.DROPPED, [Fault.NOT_SUPPORTED])
            continue
        near = proven.nearest.get(key, 0.0)
        signals = signals_of(
            claim,
            context,
            hosted=verdicts is not None,
            second=None if verdicts is None or verdict is None else verdict.value,
            vector=None if vectors is None else vectors[key],
            nearest=near,
            repaired=key in proven.mended,
        )
        faults = [Fault.PARTLY_SUPPORTED] * (verdict is Support.PARTLY)
        faults += [Fault.BETTER_EVIDENCE_EXISTS] * (near >= NEAR)
        if checks.confidence is not None:
            confidence = checks.confidence.probability(signals)
        else:
            confidence = claim.confidence * (PARTLY_SUPPORTED if verdict is Support.PARTLY else 1.0)
            confidence *= 1 - near if near >= NEAR else 1.0
        kept[key] = replace(claim, confidence=confidence, signals=signals)
        proven.tally.add(Fate.LOWERED, faults[:1])
        lowered += bool(faults)
        unchecked += verdict is None
    return _Read(
        claims=kept,
        counts=Counts(removed=len(claims) - len(kept), lowered=lowered, unchecked=unchecked),
        vectors=vectors,
    )


def prove(draft: Draft, transcript: Transcript) -> Claim:
    """The draft as a claim. Raises Ungrounded when the transcript does not hold what it cites."""
    if not draft.statement.strip():
        raise Ungrounded("the statement is empty")
    if len(draft.statement) > MAX_STATEMENT:
        raise Ungrounded(f"the statement is longer than {MAX_STATEMENT} characters")
    if len(draft.citations) > MAX_EVIDENCE:
        raise Ungrounded(f"the statement cites more than {MAX_EVIDENCE} utterances: keep the strongest")
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


@dataclass(slots=True)
class _Proven(Generic[D, P]):
    """What was accepted and what was refused, by key. Python 3.11 has no shorter way to say it."""

    accept: Callable[[D], P]
    key: Callable[[D], str]
    accepted: dict[str, P] = field(default_factory=dict[str, P])
    refused: dict[str, Refusal] = field(default_factory=dict[str, Refusal])
    mended: dict[str, Fault] = field(default_factory=dict[str, Fault])
    """What was wrong with those that are right now."""
    nearest: dict[str, float] = field(default_factory=dict[str, float])
    """How probably the closest words show what is called absent, of those that were searched for."""
    tally: Tally = field(default_factory=Tally)

    def take(self, drafts: Sequence[D]) -> None:
        for draft in drafts:
            key = self.key(draft)
            if key in self.accepted:
                continue
            try:
                self.accepted[key] = self.accept(draft)
                if key in self.refused:
                    self.mended[key] = self.refused.pop(key).fault
            except Ungrounded as error:
                self.refused[key] = Refusal(key=key, reason=str(error), fault=error.fault)

    def retake(self, drafts: Sequence[D]) -> None:
        """The second and last try: only what was refused counts."""
        self.take([draft for draft in drafts if self.key(draft) in self.refused])

    def refuse(self, key: str, reason: str, fault: Fault) -> None:
        """Take an accepted draft back."""
        del self.accepted[key]
        self.mended.pop(key, None)
        self.refused[key] = Refusal(key=key, reason=reason, fault=fault)

    def close(self) -> None:
        """What is still refused is dropped."""
        self.tally.add(Fate.REPAIRED, self.mended.values())
        self.tally.add(Fate.DROPPED, [r.fault for r in self.refused.values()])
        drafts_ungrounded_total.inc(len(self.refused))
