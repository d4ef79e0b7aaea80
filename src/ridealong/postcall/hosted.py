"""The hosted reviewer: a frontier model drafts, the transcript proves, a cheap model doubts, and the clock runs.

All questions about a call begin with the same bytes (instructions, schema, rubric, transcript), so that a vendor reads
them once. What follows is small: the section, or what was refused, and what to do with it. Transcript text is data
everywhere: JSON strings, a line an utterance, in which no character is left that could end the line or begin a tag.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

from ridealong.core.errors import ModelFailed, ModelRefused
from ridealong.core.rubric import NotApplicable
from ridealong.llm import AnswerSchema, Block, Effort, Question
from ridealong.postcall.answers import REVIEW_SCHEMA, read_coaching, read_findings
from ridealong.postcall.asking import Lead, ReviewModel, ask
from ridealong.postcall.hosted_narrator import HostedNarrator
from ridealong.postcall.prompting import prompt
from ridealong.postcall.reading import (
    Passage,
    as_data,
    examples_of,
    nearest_parts,
    rows_by_meaning,
    rubric_overview,
    section_in_full,
    tokens_of,
    whole_call,
)
from ridealong.postcall.review_time import (
    CLOSING_REPAIR_SHARE,
    CLOSING_SHARE,
    DRAFT_SHARE,
    QUICK_CLOSING_SHARE,
    REPAIR_SHARE,
    VERIFY_SHARE,
)
from ridealong.postcall.reviewer import StepLog
from ridealong.postcall.together import SharedAnswers, SharedChecks, groups_of
from ridealong.postcall.verification import Verification

if TYPE_CHECKING:
    from uuid import UUID

    from ridealong.core.claims import Claim
    from ridealong.core.rubric import Rubric, Section
    from ridealong.embedding import Embedder
    from ridealong.postcall.narrator import CallNarrator, StageDraft
    from ridealong.postcall.reviewer import (
        CallReviewer,
        CoachingDraft,
        CriterionDraft,
        Refusal,
        ReviewContext,
        Reviewer,
        Support,
    )

D = TypeVar("D")

VERSION: Final = "hosted-3"
"""Grows with the prompts and with what is made of the answers."""
OUTPUT_TOKENS: Final = 6_000
CONTEXT_SHARE: Final = 0.9
"""Of a model's context, what is filled: token counts here are estimates."""
COACHING: Final = "coaching"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReviewModels:
    """Who drafts a tenant's reviews and who doubts them, each in the order of asking. No drafter: no hosted review."""

    drafting: tuple[ReviewModel, ...] = ()
    verifying: tuple[ReviewModel, ...] = ()
    """Those that draft are asked after these."""


ModelsFor = Callable[["UUID"], Awaitable[ReviewModels]]
"""The models of a tenant, at this moment: tenants may bring their own keys and change them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostedReviewer:
    """Reviews by hosted models. A tenant without any is reviewed by `local`.

    `budget_s`: seconds for a whole review. `stand_in`: whether `local` also reviews a call of which no model could
    judge any section. `lead_s`: how long the questions about a call wait at most for the first one to be begun.
    """

    models_for: ModelsFor
    embedder: Embedder
    local: Reviewer
    budget_s: float = 30.0
    stand_in: bool = True
    lead_s: float = 1.0

    async def begin(self, tenant_id: UUID, rubric: Rubric, context: ReviewContext) -> CallReviewer:
        began = asyncio.get_running_loop().time()
        models = await self.models_for(tenant_id)
        local = await self.local.begin(tenant_id, rubric, context)
        if not models.drafting:
            return local
        return HostedCall(
            models=models,
            rubric=rubric,
            context=context,
            embedder=self.embedder,
            local=local if self.stand_in else None,
            began=began,
            budget_s=self.budget_s,
            lead=Lead(self.lead_s),
            guide=local.narrator,
        )


@dataclass(kw_only=True, slots=True, eq=False)
class HostedCall:
    """One call under review."""

    models: ReviewModels
    rubric: Rubric
    context: ReviewContext
    embedder: Embedder
    local: CallReviewer | None
    began: float
    budget_s: float
    lead: Lead
    guide: CallNarrator
    """Guesses the outline at once: the sections need not wait for a model's."""
    _guess: asyncio.Task[Sequence[StageDraft]] | None = None
    _written: dict[str, object] = field(default_factory=dict[str, object])
    """The last drafts by task and key, as they are shown again where one was refused."""
    _whole: Passage | None = None
    _groups: Mapping[str, tuple[Section, ...]] = field(default_factory=dict[str, "tuple[Section, ...]"])
    """Of each section's id, those that are asked about with it."""
    tells_at_once: bool = False
    """Whether outline and next actions are asked for together."""
    shared: SharedAnswers = field(default_factory=SharedAnswers)
    _checks: SharedChecks | None = None

    @property
    def name(self) -> str:
        return f"{VERSION} ({', '.join(m.model.name for m in self.models.drafting)})"

    @property
    def otherwise(self) -> CallReviewer | None:
        return self.local

    @property
    def narrator(self) -> CallNarrator:
        return HostedNarrator(self)

    def plan(self, sections: Sequence[Section], *, told: bool) -> None:
        self._guessing()
        in_full = Block(text=as_data([section_in_full(s) for s in sections]))
        if any(self._room(model, in_full) < tokens_of(self._all().text) for model in self.models.drafting):
            # Of a call that the model reads in parts, each section needs its own.
            return
        left_out = {n.criterion_id for s in sections for n in s.not_applicable(self.context.facts)}
        asked = [replace(s, criteria=tuple(c for c in s.criteria if c.id not in left_out)) for s in sections]
        self._groups = {section.id: group for group in groups_of(asked) for section in group}
        self.tells_at_once = told

    async def draft_section(
        self, section: Section, log: StepLog, refused: Sequence[Refusal] = ()
    ) -> Sequence[CriterionDraft | NotApplicable]:
        group = self._groups.get(section.id, ())
        if len(group) < 2 or refused:
            return await self._draft_sections((section,), log, refused)
        try:
            drafts = await self.shared.get(
                "+".join(s.id for s in group), log, lambda log: self._draft_sections(group, log)
            )
        except Exception:
            # Whatever it was: one section must not cost another, and what nobody answers for several at once somebody
            # may answer for one, where time is left.
            return await self._draft_sections((section,), log)
        others = {c.id for s in group if s.id != section.id for c in s.criteria}
        mine = {c.id for c in section.criteria}
        # What belongs to none of them is told, and refused, once.
        first = section.id == group[0].id
        return [d for d in drafts if d.criterion_id in mine or (first and d.criterion_id not in others)]

    async def _draft_sections(
        self, group: Sequence[Section], log: StepLog, refused: Sequence[Refusal] = ()
    ) -> Sequence[CriterionDraft | NotApplicable]:
        told, asked = "section-2", section_in_full(group[0])
        if len(group) > 1:
            told, asked = "sections-1", {"sections": [section_in_full(s) for s in group]}
        drafts = await self.draft(
            told,
            group[0].id,
            {**asked, "outline": await self._guessed()},
            examples=examples_of(c for s in group for c in s.criteria),
            read=read_findings,
            log=log,
            refused=refused,
            besides=("guide-1",),
        )
        section_of = {c.id: s.id for s in group for c in s.criteria}
        for draft in drafts:
            if isinstance(draft, NotApplicable):
                continue
            self._written[f"{section_of.get(draft.criterion_id, group[0].id)}/{draft.criterion_id}"] = {
                "criterion_id": draft.criterion_id,
                "score": draft.score.value,
                **draft.draft.written(),
            }
        return drafts

    async def draft_coaching(self, log: StepLog, refused: Sequence[Refusal] = ()) -> Sequence[CoachingDraft]:
        moments = [
            {"type": m.moment.type, "utterance_no": m.moment.evidence[0].utterance_no} for m in self.context.moments
        ]
        quotes = [m.moment.evidence[0].quote for m in self.context.moments]
        examples = quotes or examples_of(c for s in self.rubric.sections for c in s.criteria)
        drafts = await self.draft(
            "coaching-2",
            COACHING,
            {"moments": moments},
            examples=examples,
            read=read_coaching,
            log=log,
            refused=refused,
        )
        for draft in drafts:
            self._written[f"{COACHING}/{draft.key}"] = {
                "key": draft.key,
                "title": draft.title,
                "advice": draft.advice,
                "why": draft.why,
                **draft.draft.written(),
            }
        return drafts

    async def verify(self, claims: Mapping[str, Claim], log: StepLog) -> Mapping[str, Support] | None:
        if self._checks is None:
            self._checks = SharedChecks(self._checked)
        return await self._checks.verdicts(claims, log)

    async def _checked(self, claims: Mapping[str, Claim], log: StepLog) -> Mapping[str, Support]:
        checking = Verification(
            models=(*self.models.verifying, *self.models.drafting), context=self.context, embedder=self.embedder
        )
        try:
            return await checking.verdicts(claims, log, until=self._until(VERIFY_SHARE))
        except ModelFailed:
            return {}

    def _guessing(self) -> asyncio.Task[Sequence[StageDraft]]:
        if self._guess is None:
            self._guess = asyncio.ensure_future(self.guide.draft_outline(StepLog(step="guess")))
        return self._guess

    async def _guessed(self) -> list[list[object]]:
        """The outline as a machine guesses it, computed once for all sections."""
        return [[s.stage, s.first_no, s.last_no] for s in await asyncio.shield(self._guessing())]

    async def draft(
        self,
        told: str,
        name: str,
        task: Mapping[str, object],
        *,
        examples: Sequence[str],
        read: Callable[[Mapping[str, object]], Sequence[D]],
        log: StepLog,
        refused: Sequence[Refusal],
        besides: Sequence[str] = (),
    ) -> Sequence[D]:
        """What models draft of the call by the prompt `told` and those `besides`. Raises ModelFailed."""
        if not len(self.context.transcript):
            return ()
        if refused:
            task = {**task, "refused": self.refusals(name, refused)}
        first = not refused and self._leads() and await self.lead.turn()
        closing = Block(text=f"<task>\n{as_data(task)}\n</task>")
        # What is not cached of the instructions goes behind the cached material on the wire: see `llm.prompt`.
        instructions = (
            Block(text=prompt("review-1"), cached=True),
            *(Block(text=prompt(name_)) for name_ in (told, *besides)),
            *((Block(text=prompt("repair-1")),) if refused else ()),
        )
        passages = {id(m): await self._passage(m, closing, examples) for m in self.models.drafting}

        def build(model: ReviewModel) -> Question:
            passage = passages[id(model)]
            if passage.read == 0:
                raise ModelRefused(f"{model.model.name} cannot hold the question: choose one with a larger context")
            # A repair does not widen what the draft was made from.
            log.read = log.read if refused and passage.read is None else passage.read
            return Question(
                instructions=instructions,
                material=(Block(text=self._material(passage), cached=passage.read is None), closing),
                schema=REVIEW_SCHEMA,
                max_output_tokens=OUTPUT_TOKENS,
                effort=Effort.LOW,
                begun=self.lead.begun if first else None,
            )

        try:
            return await ask(
                self.models.drafting,
                build,
                read,
                log=log,
                part="repair" if refused else "draft",
                until=self._until(REPAIR_SHARE if refused else DRAFT_SHARE),
                prompt="+".join((told, *besides)),
            )
        finally:
            if first:
                self.lead.begun()

    async def draft_of_findings(
        self,
        told: str,
        name: str,
        lines: Sequence[str],
        task: Mapping[str, object],
        *,
        schema: AnswerSchema,
        read: Callable[[Mapping[str, object]], Sequence[D]],
        log: StepLog,
        refused: Sequence[Refusal],
    ) -> Sequence[D]:
        """What models draft of what the other steps proved, without the call. Raises ModelFailed."""
        if not lines:
            return ()
        if refused:
            task = {**task, "refused": self.refusals(name, refused)}
        question = Question(
            instructions=(Block(text=prompt(told)), *((Block(text=prompt("repair-1")),) if refused else ())),
            material=(
                Block(text="<found>\n" + "\n".join(lines) + "\n</found>"),
                Block(text=f"<task>\n{as_data(task)}\n</task>"),
            ),
            schema=schema,
            max_output_tokens=OUTPUT_TOKENS,
            effort=Effort.LOW,
        )
        quick = asyncio.get_running_loop().time() >= self._until(QUICK_CLOSING_SHARE)
        return await ask(
            (*self.models.verifying, *self.models.drafting) if quick else self.models.drafting,
            lambda _model: question,
            read,
            log=log,
            part="repair" if refused else "draft",
            until=self._until(CLOSING_REPAIR_SHARE if refused else CLOSING_SHARE),
            prompt=told,
        )

    def refusals(self, name: str, refused: Sequence[Refusal]) -> list[dict[str, object]]:
        return [{"reason": r.reason, "draft": self._written.get(f"{name}/{r.key}", {"key": r.key})} for r in refused]

    def remember(self, name: str, key: str, written: Mapping[str, object]) -> None:
        """Keep a draft as it will be shown again where it is refused."""
        self._written[f"{name}/{key}"] = written

    def _leads(self) -> bool:
        """Whether the first model keeps what is sent first at a price, and this call is long enough to be kept."""
        least = self.models.drafting[0].lead_tokens
        if least is None:
            return False
        return tokens_of(prompt("review-1")) + tokens_of(self._material(self._all())) >= least

    def _all(self) -> Passage:
        if self._whole is None:
            self._whole = whole_call(self.context)
        return self._whole

    def _material(self, passage: Passage) -> str:
        rubric = rubric_overview(self.rubric)
        return f"<rubric>\n{rubric}\n</rubric>\n<transcript>\n{passage.text}\n</transcript>"

    async def _passage(self, model: ReviewModel, closing: Block, examples: Sequence[str]) -> Passage:
        """The whole call where the model can hold it, else the parts nearest to what it is asked."""
        room = self._room(model, closing)
        if tokens_of(self._all().text) <= room:
            return self._all()
        rows = await asyncio.to_thread(rows_by_meaning, examples, self.context, self.embedder)
        return nearest_parts(self.context, rows, room)

    def _room(self, model: ReviewModel, closing: Block) -> int:
        """Tokens that are left for the transcript."""
        around = tokens_of(prompt("review-1")) + tokens_of(closing.text) + tokens_of(rubric_overview(self.rubric))
        return int(model.context_tokens * CONTEXT_SHARE) - OUTPUT_TOKENS - around

    def _until(self, share: float) -> float:
        return self.began + share * self.budget_s
