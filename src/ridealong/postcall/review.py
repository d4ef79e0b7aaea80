"""The review of one section, and of what to replay with the rep: drafts of a reviewer become findings or nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.claims import AbsenceClaim
from ridealong.core.errors import Ungrounded
from ridealong.core.faults import Fault
from ridealong.core.rubric import (
    CoachingMoment,
    Finding,
    NotApplicable,
    Score,
    Section,
    SectionReview,
    scored_section,
)
from ridealong.core.rules import RuleOutcome, RuleState
from ridealong.core.transcript import Transcript
from ridealong.embedding import DIMENSIONS
from ridealong.postcall.absence import Found
from ridealong.postcall.carried import NOTHING_MORE, Allowed, refuse_uncarried_coaching
from ridealong.postcall.proving import (
    MAX_STATEMENT,
    MAX_TITLE,
    Checks,
    Counts,
    Embed,
    Proving,
    claims_of,
    prove,
    proved,
    read_again,
    refuse_other_side,
    search_absences,
    second_try,
)
from ridealong.postcall.reviewer import (
    CallReviewer,
    CoachingDraft,
    CriterionDraft,
    JudgedRule,
    ReviewContext,
    StepLog,
)
from ridealong.postcall.tally import Tally

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.embedding import Embedder, Vectors
    from ridealong.postcall.absence import AbsenceSearch

MAX_COACHING: Final = 5
"""Nobody works on more than a few things after one call."""


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
        claim = proved(draft.draft, context, log, allowed[draft.criterion_id])
        if draft.score is not Score.NO and draft.draft.through is None:
            refuse_other_side(criteria[draft.criterion_id].role, claim, context)
        return Finding(criterion_id=draft.criterion_id, score=draft.score, claim=claim)

    def search(by: AbsenceSearch, finding: Finding, claim: AbsenceClaim) -> Found:
        return by.search(claim, criteria[finding.criterion_id], context)

    proven = Proving(accept, lambda draft: draft.criterion_id)
    if criteria:
        drafts, apart = _apart(await reviewer.draft_section(asked, log), criteria)
        proven.take(drafts)
        await search_absences(proven, checks, search)
        if proven.refused:
            again, later = _apart(
                await second_try(reviewer.draft_section(asked, log, tuple(proven.refused.values()))), criteria
            )
            proven.retake(again)
            await search_absences(proven, checks, search)
            apart |= {name: why for name, why in later.items() if name in proven.refused}
        left_out += [why for name, why in apart.items() if name not in proven.accepted]
    proven.close()
    found = proven.accepted | about_rules(rules, context)
    claims = {key: finding.claim for key, finding in found.items()}
    read = await read_again(reviewer, proven, claims, context, log=log, embed=embed, checks=checks)
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
        claim = proved(draft.draft, context, log, allowed)
        absence = isinstance(claim, AbsenceClaim)
        refuse_uncarried_coaching(
            draft.title, draft.advice, claim.evidence, context, allowed, why=draft.why, absence=absence
        )
        return CoachingMoment(title=draft.title, advice=draft.advice, why=draft.why, claim=claim)

    def search(by: AbsenceSearch, coaching: CoachingMoment, claim: AbsenceClaim) -> Found:
        return by.search_coaching(claim, coaching.title, checks.rubric, context)

    proven = Proving(accept, lambda draft: draft.key)
    proven.take(await reviewer.draft_coaching(log))
    await search_absences(proven, checks, search)
    if proven.refused:
        proven.retake(await second_try(reviewer.draft_coaching(log, tuple(proven.refused.values()))))
        await search_absences(proven, checks, search)
    proven.close()
    proven.accepted = dict(list(proven.accepted.items())[:MAX_COACHING])
    read = await read_again(reviewer, proven, claims_of(proven), context, log=log, embed=embed, checks=checks)
    return CoachingOutcome(
        coaching_moments=tuple(replace(proven.accepted[key], claim=claim) for key, claim in read.claims.items()),
        counts=replace(read.counts, dropped=len(proven.refused)),
        vectors=read.vectors_of(list(read.claims)),
        tally=proven.tally,
    )
