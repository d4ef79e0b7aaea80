"""A hosted review from the queued row to the artifact: real PostgreSQL, scripted models."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from ridealong.core.artifact import Artifact, StepOutcome
from ridealong.core.errors import ModelAway, ModelRefused
from ridealong.llm import Model, Question
from ridealong.llm.providers.scripted import ScriptedModel
from ridealong.postcall.asking import ReviewModel
from ridealong.postcall.hosted import HostedReviewer, ReviewModels
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.postcall.review import InThreads
from ridealong.store import Store
from ridealong.store.artifacts import load_artifact
from ridealong.store.reviews import ReviewStatus
from tests.integration.postcall.calls import ended_call, new_tenant
from tests.integration.postcall.frontier import answered
from tests.unit.postcall.embedder import LetterEmbedder

SECTIONS = ("opening", "understanding", "listening", "objections", "qualification", "next_step")


def dear(model: Model, **changes: Any) -> ReviewModel:
    """With a price of a cent for each thousand tokens."""
    return ReviewModel(
        model=model,
        context_tokens=changes.pop("context_tokens", 100_000),
        price=lambda usage: (usage.input + usage.output) / 100_000,
        **changes,
    )


def hosted(*models: ReviewModel, verify: tuple[ReviewModel, ...] = (), **changes: Any) -> HostedReviewer:
    async def models_for(_tenant_id: UUID) -> ReviewModels:
        return ReviewModels(drafting=models, verifying=verify)

    return HostedReviewer(
        models_for=models_for,
        embedder=LetterEmbedder(),
        local=InThreads(LocalReviewer(LetterEmbedder())),
        **{"budget_s": 20.0, "lead_s": 0.0, **changes},
    )


async def reviewed(store: Store, reviewer: HostedReviewer, *, seconds: float = 40) -> Artifact:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    pipeline = await ReviewPipeline.open(store, LetterEmbedder(), reviewer, sweep_seconds=0.3)
    try:
        assert await asyncio.wait_for(pipeline.wait(tenant_id, call_id), seconds) is ReviewStatus.FINISHED
    finally:
        await pipeline.close()
    async with store.tenant(tenant_id) as connection:
        return await load_artifact(connection, call_id)


async def test_a_hosted_review_becomes_an_artifact_that_tells_what_it_took(store: Store) -> None:
    artifact = await reviewed(store, hosted(dear(ScriptedModel.of(answered, name="scripted:frontier"))))
    assert artifact.reviewer == "hosted-1 (scripted:frontier)"
    assert [s.section_id for s in artifact.sections] == list(SECTIONS)
    assert all(s.findings and s.score == 100 for s in artifact.sections)
    assert [c.title for c in artifact.coaching_moments] == ["Worth a look one", "Worth a look two"]
    assert artifact.missing_sections == ()
    steps = {(s.step, s.part): s for s in artifact.steps}
    assert set(steps) == {
        (step, part)
        for step in (*(f"section {i}" for i in SECTIONS), "coaching moments")
        for part in ("draft", "verify")
    }
    for step in steps.values():
        assert step.outcome is StepOutcome.ANSWERED
        assert step.cost_usd == pytest.approx((step.input_tokens + step.output_tokens) / 100_000)
        assert step.input_tokens > 100
        assert step.attempts == 1
    assert artifact.as_json()["steps"]


async def test_where_no_model_answers_the_local_reviewer_makes_the_review_and_says_so(store: Store) -> None:
    async def away(_question: Question) -> Mapping[str, object]:
        raise ModelAway

    artifact = await reviewed(store, hosted(dear(ScriptedModel.of(away, name="scripted:away"))))
    assert artifact.reviewer == "local-1, in place of hosted-1 (scripted:away)"
    assert any("No hosted model answered" in w for w in artifact.warnings)
    assert artifact.assessed
    assert len(artifact.sections) == 6
    assert {s.outcome for s in artifact.steps} == {StepOutcome.AWAY}


async def test_where_nobody_may_stand_in_the_review_fails_and_says_why(store: Store) -> None:
    async def refuses(_question: Question) -> Mapping[str, object]:
        raise ModelRefused

    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    reviewer = hosted(dear(ScriptedModel.of(refuses)), stand_in=False)
    pipeline = await ReviewPipeline.open(store, LetterEmbedder(), reviewer, sweep_seconds=0.3)
    try:
        assert await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 40) is ReviewStatus.FAILED
    finally:
        await pipeline.close()


async def test_a_tenant_without_models_is_reviewed_locally(store: Store) -> None:
    artifact = await reviewed(store, hosted())
    assert artifact.reviewer == "local-1"
    assert artifact.warnings == ()
    assert artifact.steps == ()
