"""A hosted reviewer over scripted models, for the tests of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from ridealong.core.rubric import Section
from ridealong.llm import Question
from ridealong.llm.providers.scripted import ScriptedModel
from ridealong.postcall.asking import ReviewModel
from ridealong.postcall.hosted import HostedReviewer, ReviewModels
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.review import SectionOutcome, review_section
from ridealong.postcall.reviewer import CallReviewer, InThreads, ReviewContext, StepLog
from ridealong.postcall.rubric import shipped_rubric
from tests.integration.postcall.frontier import answered, prompt_of, well
from tests.unit.postcall.embedder import LetterEmbedder
from tests.unit.postcall.test_review import context

RUBRIC = shipped_rubric("discovery")
OPENING = RUBRIC.section("opening")
OBJECTIONS = RUBRIC.section("objections")
Script = Callable[[Question], Mapping[str, Any] | Awaitable[Mapping[str, Any]]]


def model(script: Script, name: str = "scripted:one", **changes: Any) -> ReviewModel:
    return ReviewModel(
        model=ScriptedModel.of(script, name=name),
        **{"context_tokens": 100_000, "price": lambda usage: usage.output / 1000, **changes},
    )


def reviewer(*models: ReviewModel, verify: Sequence[ReviewModel] = (), **changes: Any) -> HostedReviewer:
    async def models_for(_tenant_id: UUID) -> ReviewModels:
        return ReviewModels(drafting=models, verifying=tuple(verify))

    return HostedReviewer(
        models_for=models_for,
        embedder=LetterEmbedder(),
        local=InThreads(LocalReviewer(LetterEmbedder())),
        **{"lead_s": 0.0, **changes},
    )


async def begun(made: HostedReviewer, call: ReviewContext | None = None) -> tuple[CallReviewer, ReviewContext]:
    call = call or context()
    return await made.begin(UUID(int=1), RUBRIC, call), call


async def section_of(
    made: HostedReviewer, section: Section = OPENING, call: ReviewContext | None = None
) -> tuple[SectionOutcome, StepLog]:
    asked, call = await begun(made, call)
    log = StepLog(step=f"section {section.id}")
    return await review_section(asked, section, call, log), log


async def later(seconds: float, question: Question) -> Mapping[str, Any]:
    await asyncio.sleep(seconds)
    return answered(question)


def with_verdict(word: str) -> Script:
    def script(question: Question) -> Mapping[str, Any]:
        found = well(prompt_of(question))
        return {"verdicts": [{**v, "support": word} for v in found["verdicts"]]} if "verdicts" in found else found

    return script
