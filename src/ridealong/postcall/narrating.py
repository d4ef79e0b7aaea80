"""Telling a call: what a narrator drafts becomes stages, gaps, next actions and a follow-up, proven like findings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ridealong.core.claims import AbsenceClaim, Claim
from ridealong.core.errors import Ungrounded
from ridealong.core.outline import STAGES, FollowUpPart, FollowUpSentence, Gap, GapKind, NextAction, Stage
from ridealong.core.quote import find_quote
from ridealong.postcall.carried import Allowed, refuse_uncarried_title
from ridealong.postcall.distorted import refuse_unheard_letter
from ridealong.postcall.proving import MAX_STATEMENT, MAX_TITLE, ProvenDrafts, prove_drafts

if TYPE_CHECKING:
    from ridealong.postcall.narrator import ActionDraft, CallNarrator, Found, GapDraft, SentenceDraft, StageDraft
    from ridealong.postcall.reviewer import CallReviewer, ReviewContext, StepLog

MOST_STAGES: Final = 14
MOST_GAPS: Final = 6
MOST_ACTIONS: Final = 8
MOST_SENTENCES: Final = 14
MAX_DUE: Final = 80
MAX_STAGE_NAME: Final = 64


async def outline_call(
    narrator: CallNarrator, judge: CallReviewer, context: ReviewContext, log: StepLog
) -> ProvenDrafts[Stage]:
    """The stages in the order of the call. One that overlaps an earlier one is refused."""
    taken: list[Stage] = []

    def make(draft: StageDraft, claim: Claim) -> Stage:
        if not _is_name(draft.stage):
            raise Ungrounded(f"a stage is one of {', '.join(STAGES)}, or another name in lower-case letters and _")
        if narrator.hosted and draft.stage not in STAGES:
            name = draft.stage.replace("_", " ")
            refuse_uncarried_title(
                name, claim.evidence, context, Allowed.of((), context.names), what="the stage's name"
            )
        stage = Stage.of(context.transcript, draft.stage, draft.first_no, draft.last_no, claim)
        if any(stage.first_no <= other.last_no and other.first_no <= stage.last_no for other in taken):
            raise Ungrounded("the stage overlaps another one")
        taken.append(stage)
        return stage

    proven = await prove_drafts(
        lambda refused: narrator.draft_outline(log, refused),
        make=make,
        claim=lambda s: s.summary,
        again=lambda s, claim: replace(s, summary=claim),
        judge=judge,
        context=context,
        log=log,
        most=MOST_STAGES,
        checked=narrator.hosted,
    )
    return ProvenDrafts(
        found=tuple(sorted(proven.found, key=lambda s: s.first_no)), counts=proven.counts, tally=proven.tally
    )


async def name_gaps(
    narrator: CallNarrator, judge: CallReviewer, context: ReviewContext, found: Found, log: StepLog
) -> ProvenDrafts[Gap]:
    """What does not fit together. A contradiction cites two utterances at least: both sides."""
    known = {s.section_id for s in found.sections}
    # The sections' titles are the rubric's words; what people said is not lent by one section to the next.
    allowed = Allowed.of([s.title for s in found.sections], context.names)

    def make(draft: GapDraft, claim: Claim) -> Gap:
        if not draft.title.strip() or len(draft.title) > MAX_TITLE:
            raise Ungrounded(f"it needs a title of at most {MAX_TITLE} characters")
        absence = isinstance(claim, AbsenceClaim)
        if narrator.hosted:
            refuse_uncarried_title(draft.title, claim.evidence, context, allowed, absence=absence)
        sides = len({e.utterance_no for e in claim.evidence})
        if draft.gap is GapKind.CONTRADICTION and sides < 2:
            raise Ungrounded("a contradiction cites both sides: words of two utterances")
        if draft.gap is GapKind.GAP and sides < 2 and not absence:
            raise Ungrounded("a gap cites what called for it and sets `through`, or cites both sides")
        sections = tuple(s for s in dict.fromkeys(draft.sections) if s in known)
        return Gap(gap=draft.gap, title=draft.title, sections=sections, claim=claim)

    return await prove_drafts(
        lambda refused: narrator.draft_gaps(found, log, refused),
        make=make,
        claim=lambda g: g.claim,
        again=lambda g, claim: replace(g, claim=claim),
        judge=judge,
        context=context,
        log=log,
        most=MOST_GAPS,
        checked=narrator.hosted,
    )


async def list_next_actions(
    narrator: CallNarrator, judge: CallReviewer, context: ReviewContext, log: StepLog
) -> ProvenDrafts[NextAction]:
    """What was said will be done. `due` is kept where its words stand in what is cited, else the draft is refused."""

    def make(draft: ActionDraft, claim: Claim) -> NextAction:
        _refuse_absence(claim)
        if draft.due is not None:
            if not draft.due.strip() or len(draft.due) > MAX_DUE:
                raise Ungrounded(f"`due` repeats a few words, at most {MAX_DUE} characters, or is null")
            if not any(find_quote(e.quote, draft.due) for e in claim.evidence):
                raise Ungrounded("`due` repeats words of the quotes: these do not stand there")
        return NextAction(who=draft.who, due=draft.due, claim=claim)

    return await prove_drafts(
        lambda refused: narrator.draft_next_actions(log, refused),
        make=make,
        claim=lambda a: a.claim,
        again=lambda a, claim: replace(a, claim=claim),
        judge=judge,
        context=context,
        log=log,
        most=MOST_ACTIONS,
        checked=narrator.hosted,
    )


async def write_follow_up(
    narrator: CallNarrator, judge: CallReviewer, context: ReviewContext, found: Found, log: StepLog
) -> ProvenDrafts[FollowUpSentence]:
    """The e-mail's sentences by their part, then in the narrator's order."""

    def make(draft: SentenceDraft, claim: Claim) -> FollowUpSentence:
        _refuse_absence(claim)
        if len(claim.statement) > MAX_STATEMENT:
            raise Ungrounded(f"a sentence has at most {MAX_STATEMENT} characters")
        if narrator.hosted:
            refuse_unheard_letter(claim.statement, claim.evidence, context)
        return FollowUpSentence(part=draft.part, claim=claim)

    proven = await prove_drafts(
        lambda refused: narrator.draft_follow_up(found, log, refused),
        make=make,
        claim=lambda s: s.claim,
        again=lambda s, claim: replace(s, claim=claim),
        judge=judge,
        context=context,
        log=log,
        most=MOST_SENTENCES,
        checked=narrator.hosted,
    )
    order = list(FollowUpPart)
    ordered = tuple(sorted(proven.found, key=lambda s: order.index(s.part)))
    return ProvenDrafts(found=ordered, counts=proven.counts, tally=proven.tally)


def _refuse_absence(claim: Claim) -> None:
    if isinstance(claim, AbsenceClaim):
        raise Ungrounded("`through` has no place here: say what was said")


def _is_name(name: str) -> bool:
    return (
        name.isascii()
        and name[:1].isalpha()
        and name == name.lower()
        and name.replace("_", "").isalnum()
        and len(name) <= MAX_STAGE_NAME
    )
