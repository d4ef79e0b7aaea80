"""The hosted narrator: outline and next actions are asked beside the sections, behind the same prefix. What does not
fit together and the follow-up are asked of what the other steps proved, so the call is not paid for once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ridealong.core.outline import STAGES
from ridealong.postcall.answers import (
    FOLLOW_UP_SCHEMA,
    GAPS_SCHEMA,
    read_follow_up,
    read_gaps,
    read_next_actions,
    read_stages,
)
from ridealong.postcall.evidence import last_no
from ridealong.postcall.reading import as_data, plain, who

if TYPE_CHECKING:
    from ridealong.core.claims import Claim
    from ridealong.core.transcript import Evidence
    from ridealong.postcall.hosted import HostedCall
    from ridealong.postcall.narrator import (
        ActionDraft,
        CallNarrator,
        Found,
        GapDraft,
        SentenceDraft,
        StageDraft,
    )
    from ridealong.postcall.reviewer import Refusal, ReviewContext, StepLog

OUTLINE: Final = "outline"
NEXT_ACTIONS: Final = "next_actions"
GAPS: Final = "gaps"
FOLLOW_UP: Final = "follow_up"
MAX_CHARACTERS: Final = 400
"""Of one quote in what the other steps found."""
_COMMITMENTS: Final = (
    "I will send it to you by Thursday.",
    "Let's meet again next week.",
    "I will talk to my boss and get back to you.",
    "What is the next step?",
)
"""What is looked for where the call is longer than a model reads."""


@dataclass(frozen=True, slots=True)
class HostedNarrator:
    """Implements `CallNarrator` for one call."""

    call: HostedCall

    @property
    def name(self) -> str:
        return self.call.name

    @property
    def hosted(self) -> bool:
        return True

    @property
    def otherwise(self) -> CallNarrator | None:
        return None if self.call.local is None else self.call.local.narrator

    async def draft_outline(self, log: StepLog, refused: Sequence[Refusal] = ()) -> Sequence[StageDraft]:
        # Where the call is too long for the model it sees parts: one of every stretch.
        utterances = self.call.context.transcript.utterances
        examples = [u.text for u in utterances[:: max(1, len(utterances) // 24)]]
        if self.call.tells_at_once and not refused:
            drafts = (await self._told(log))[0]
        else:
            drafts = await self.call.draft(
                *("outline-1", OUTLINE, {"names": list(STAGES)}),
                examples=examples,
                read=read_stages,
                log=log,
                refused=refused,
            )
        for d in drafts:
            told = {"key": d.key, "stage": d.stage, "first_no": d.first_no, "last_no": d.last_no}
            self.call.remember(OUTLINE, d.key, {**told, **d.draft.written()})
        return drafts

    async def draft_next_actions(self, log: StepLog, refused: Sequence[Refusal] = ()) -> Sequence[ActionDraft]:
        if self.call.tells_at_once and not refused:
            drafts = (await self._told(log))[1]
        else:
            drafts = await self.call.draft(
                *("next-actions-1", NEXT_ACTIONS, {"list": NEXT_ACTIONS}),
                examples=_COMMITMENTS,
                read=read_next_actions,
                log=log,
                refused=refused,
            )
        for d in drafts:
            self.call.remember(NEXT_ACTIONS, d.key, {"key": d.key, "who": d.who, "due": d.due, **d.draft.written()})
        return drafts

    async def _told(self, log: StepLog) -> tuple[Sequence[StageDraft], Sequence[ActionDraft]]:
        """Outline and next actions of one answer, for whichever step asks for either."""

        def read(content: Mapping[str, object]) -> list[tuple[Sequence[StageDraft], Sequence[ActionDraft]]]:
            return [(read_stages(content), read_next_actions(content))]

        async def told(log: StepLog) -> tuple[Sequence[StageDraft], Sequence[ActionDraft]]:
            found = await self.call.draft(
                *("telling-1", "telling", {"names": list(STAGES), "list": NEXT_ACTIONS}),
                examples=_COMMITMENTS,
                read=read,
                log=log,
                refused=(),
            )
            return found[0] if found else ((), ())

        return await self.call.shared.get("telling", log, told)

    async def draft_gaps(self, found: Found, log: StepLog, refused: Sequence[Refusal] = ()) -> Sequence[GapDraft]:
        context = self.call.context
        if not len(context.transcript):
            return ()
        drafts = await self.call.draft_of_findings(
            "gaps-2",
            GAPS,
            _lines(found, context),
            {"last_no": last_no(context.transcript)},
            schema=GAPS_SCHEMA,
            read=read_gaps,
            log=log,
            refused=refused,
        )
        for d in drafts:
            told = {"key": d.key, "gap": d.gap, "title": d.title, "sections": list(d.sections)}
            self.call.remember(GAPS, d.key, {**told, **d.draft.written()})
        return drafts

    async def draft_follow_up(
        self, found: Found, log: StepLog, refused: Sequence[Refusal] = ()
    ) -> Sequence[SentenceDraft]:
        context = self.call.context
        if not context.rep_known:
            # An e-mail would have no sender.
            return ()
        drafts = await self.call.draft_of_findings(
            "follow-up-2",
            FOLLOW_UP,
            _facts(found, context),
            {"write": "the sentences of the e-mail"},
            schema=FOLLOW_UP_SCHEMA,
            read=read_follow_up,
            log=log,
            refused=refused,
        )
        for d in drafts:
            self.call.remember(FOLLOW_UP, d.key, {"key": d.key, "part": d.part, **d.draft.written()})
        return drafts


def _lines(found: Found, context: ReviewContext) -> list[str]:
    """What the other steps proved, one JSON object a line."""
    lines: list[Mapping[str, object]] = []
    claim = _Claims(context)
    for section in found.sections:
        lines += [
            {
                "section": section.section_id,
                "criterion": finding.criterion_id,
                "score": finding.score.value,
                **claim(finding.claim),
            }
            for finding in section.findings
        ]
        if section.not_assessed:
            lines.append({"section": section.section_id, "not_assessed": list(section.not_assessed)})
    lines += [{"coaching": plain(c.title), **claim(c.claim)} for c in found.coaching_moments]
    lines += [
        {"stage": s.stage, "first_no": s.first_no, "last_no": s.last_no, **claim(s.summary)} for s in found.outline
    ]
    lines += [{"next_action": a.who.value, "due": a.due, **claim(a.claim)} for a in found.next_actions]
    return [as_data(line) for line in lines]


def _facts(found: Found, context: ReviewContext) -> list[str]:
    """The same for a letter to the customer: what was said and will be done, and nothing of how the rep did."""
    claim = _Claims(context)
    findings = [claim(f.claim) for section in found.sections for f in section.findings]
    stages = [claim(stage.summary) for stage in found.outline]
    actions = [{"next_action": a.who.value, "due": a.due, **claim(a.claim)} for a in found.next_actions]
    return [as_data(line) for line in (*findings, *stages, *actions)]


@dataclass(slots=True)
class _Claims:
    """Writes claims, each quote once: a line below names it by its number."""

    context: ReviewContext
    shown: dict[int, str] = field(default_factory=dict[int, str])
    """The quote that a number stands for."""

    def __call__(self, claim: Claim) -> dict[str, object]:
        return {"statement": plain(claim.statement), "quotes": [self._quote(e) for e in claim.evidence]}

    def _quote(self, evidence: Evidence) -> object:
        words = _short(plain(evidence.quote))
        if self.shown.get(evidence.utterance_no) == words:
            return evidence.utterance_no
        self.shown.setdefault(evidence.utterance_no, words)
        return [evidence.utterance_no, who(evidence.utterance, self.context), words]


def _short(quote: str) -> str:
    """The quote up to the last whole word that fits: half a word could not be cited."""
    return quote if len(quote) <= MAX_CHARACTERS else quote[:MAX_CHARACTERS].rpartition(" ")[0]
