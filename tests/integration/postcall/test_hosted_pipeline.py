"""A hosted review from the queued row to the artifact: real PostgreSQL, scripted models, vendors over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ridealong.app import reviewing
from ridealong.config import Settings
from ridealong.core.artifact import Artifact, StepOutcome
from ridealong.core.errors import BudgetSpent, ModelAway, ModelRefused
from ridealong.llm import Model, Question
from ridealong.llm.house import ModelHouse
from ridealong.llm.providers.scripted import ScriptedModel
from ridealong.postcall.asking import ReviewModel
from ridealong.postcall.hosted import HostedReviewer, ReviewModels
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.postcall.render import render
from ridealong.postcall.reviewer import InThreads, Reviewer
from ridealong.store import Store
from ridealong.store.artifacts import load_artifact
from ridealong.store.reviews import ReviewStatus, find_review
from tests.integration.postcall.calls import ended_call, new_tenant
from tests.integration.postcall.frontier import answered, part, prompt_of, well
from tests.integration.postcall.test_pipeline import dump_of
from tests.unit.postcall.embedder import LetterEmbedder
from tests.vendors.anthropic_messages import AnthropicMessages
from tests.vendors.gemini import Gemini
from tests.vendors.loopback import Asked, Fault, StandIn
from tests.vendors.openai_chat import OpenAIChat

NARRATED = ("outline", "next actions", "contradictions and gaps", "follow-up")
DONE, OPEN = ("opening", "understanding", "listening"), ("objections", "qualification", "next_step")
"""The sections that share a question."""
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


async def reviewed(store: Store, reviewer: Reviewer, *, seconds: float = 120) -> Artifact:
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
    assert artifact.reviewer == "hosted-3 (scripted:frontier)"
    assert [s.section_id for s in artifact.sections] == list(SECTIONS)
    assert all(s.findings and s.score == 100 for s in artifact.sections)
    assert [c.title for c in artifact.coaching_moments] == ["Worth a look one", "Worth a look two"]
    assert artifact.missing_sections == ()
    steps = {(s.step, s.part): s for s in artifact.steps}
    drafted = {step for step, part_ in steps if part_ == "draft"}
    # Several sections share a question, and so do outline and next actions; it stands with the one that came first.
    assert len(drafted) == 6
    assert {"coaching moments", "contradictions and gaps", "follow-up"} < drafted
    assert len(drafted & {f"section {i}" for i in SECTIONS}) == 2
    assert len(drafted & {"outline", "next actions"}) == 1
    assert {r.step for r in artifact.step_results} > {*(f"section {i}" for i in SECTIONS), *NARRATED}
    assert 2 <= sum(part_ == "verify" for _, part_ in steps) <= 6
    for step in steps.values():
        assert step.outcome is StepOutcome.ANSWERED
        assert step.cost_usd == pytest.approx((step.input_tokens + step.output_tokens) / 100_000)
        assert step.input_tokens > 100
        assert step.attempts == 1
    assert artifact.as_json()["steps"]


async def test_where_no_model_answers_the_local_reviewer_makes_the_review_and_says_so(store: Store) -> None:
    async def away(_question: Question) -> Mapping[str, object]:
        raise ModelAway

    artifact = await reviewed(store, hosted(dear(ScriptedModel.of(away, name="scripted:away")), budget_s=3.0))
    assert artifact.reviewer == "local-4, in place of hosted-3 (scripted:away)"
    assert any("No hosted model answered" in w for w in artifact.warnings)
    assert artifact.assessed
    assert len(artifact.sections) == 6
    assert {s.outcome for s in artifact.steps} == {StepOutcome.AWAY}


async def test_tokens_that_are_used_up_are_told_in_the_review(store: Store) -> None:
    async def spent(_question: Question) -> Mapping[str, object]:
        raise BudgetSpent(retry_after_s=4000.0)

    artifact = await reviewed(store, hosted(dear(ScriptedModel.of(spent, name="scripted:dear")), budget_s=3.0))
    assert any("tokens for hosted models were used up" in w for w in artifact.warnings)
    assert {s.outcome for s in artifact.steps} == {StepOutcome.BUDGET_SPENT}


async def test_where_nobody_may_stand_in_the_review_fails_and_says_why(store: Store) -> None:
    async def refuses(_question: Question) -> Mapping[str, object]:
        raise ModelRefused

    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    reviewer = hosted(dear(ScriptedModel.of(refuses)), stand_in=False)
    pipeline = await ReviewPipeline.open(store, LetterEmbedder(), reviewer, sweep_seconds=0.3)
    try:
        assert await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120) is ReviewStatus.FAILED
    finally:
        await pipeline.close()


async def test_a_tenant_without_models_is_reviewed_locally(store: Store) -> None:
    artifact = await reviewed(store, hosted())
    assert artifact.reviewer == "local-4"
    assert artifact.warnings == ()
    assert artifact.steps == ()


async def test_a_section_that_no_model_answers_is_missing_and_never_invented(store: Store) -> None:
    async def but_one(question: Question) -> Mapping[str, object]:
        if '"section":"listening"' in (part(prompt_of(question), "task") or ""):
            raise ModelRefused
        return answered(question)

    artifact = await reviewed(store, hosted(dear(ScriptedModel.of(but_one))))
    assert artifact.missing_sections == ("listening",)
    assert "listening" not in [s.section_id for s in artifact.sections]
    assert artifact.reviewer.startswith("hosted-3")
    assert any("Missing, and no part of the score" in w and "Listening" in w for w in artifact.warnings)
    failed = [s for s in artifact.steps if s.step == "section listening"]
    # Refused with the sections that it was asked with, which were then asked alone, and so was it.
    assert {(s.part, s.outcome) for s in failed} == {("draft", StepOutcome.REFUSED)}


async def test_removed_and_lowered_claims_are_counted_in_the_artifact_and_shown_in_reports(store: Store) -> None:
    verdicts = iter(["not_supported", "partly"])

    def doubting(question: Question) -> Mapping[str, object]:
        found = well(prompt_of(question))
        if '"statement":"The rep' in prompt_of(question):
            for verdict in found.get("verdicts", [])[:1]:
                verdict["support"] = next(verdicts, "supported")
        return found

    artifact = await reviewed(store, hosted(dear(ScriptedModel.of(doubting))))
    assert (artifact.removed_claims, artifact.lowered_claims, artifact.unchecked_claims) == (1, 1, 0)
    assert artifact.as_json()["removed_claims"] == 1
    for form in ("html", "md"):
        page = render(artifact, "manager", form, lambda _start, _end: "")
        assert "1 statements removed, 1 made less sure" in page
    questions = sum(s.attempts for s in artifact.steps)
    assert f"What this review took: {questions} questions" in render(
        artifact, "manager", "html", lambda _start, _end: ""
    )


async def test_a_call_too_long_for_the_model_says_in_its_warnings_what_was_searched(store: Store) -> None:
    artifact = await reviewed(store, hosted(dear(ScriptedModel.of(answered), context_tokens=10_200)))
    (warning,) = [w for w in artifact.warnings if "longer than the model reads at once" in w]
    assert "Listening" in warning
    assert "Nothing is called missing there" in warning


async def test_nothing_that_was_said_enters_the_workflow_engine_or_the_log_with_hosted_models(
    store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    async def talkative(question: Question) -> Mapping[str, object]:
        if '"section":"listening"' in (part(prompt_of(question), "task") or ""):
            raise RuntimeError(prompt_of(question))
        return answered(question)

    artifact = await reviewed(store, hosted(dear(ScriptedModel.of(talkative))))
    assert artifact.missing_sections == ("listening",)
    dump = dump_of(store.owner_url, "dbos")
    assert "section opening" in dump
    written = capfd.readouterr()
    for place in (dump, written.err, written.out):
        for word in ("courier", "Karen", "scanner", "Packfast", "warehouse", "said something that counts"):
            assert word.casefold() not in place.casefold()


# ------------------------------------------------------------------------------------------------ the vendors' wire


VENDORS: dict[str, tuple[type[StandIn], str]] = {
    "anthropic": (AnthropicMessages, "anthropic:claude-opus-5-5"),
    "google": (Gemini, "google:gemini-3.8-flash"),
    "openai": (OpenAIChat, "openai:gpt-5.4-mini"),
    "compatible": (OpenAIChat, "compatible:a-model-of-our-own"),
}
FAULTS = (
    Fault.BUSY,
    Fault.BROKEN,
    Fault.CUT,
    Fault.HALF_JSON,
    Fault.WRONG_SHAPE,
    Fault.HANG_UP,
    Fault.NEVER,
    Fault.BAD_KEY,
)


def well_asked(asked: Asked) -> Mapping[str, Any]:
    return well(f"{asked.system}\n\n{asked.user}")


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_vendor_that_misbehaves_in_the_middle_gives_way_to_the_next_and_the_artifact_is_right(
    store: Store, vendor: str
) -> None:
    kind, name = VENDORS[vendor]
    other = "openai" if vendor == "google" else "google"
    other_kind, other_name = VENDORS[other]
    async with kind(answer=well_asked) as first, other_kind(answer=well_asked) as second:
        # Questions and what checks them: two go well, then one of each kind of fault.
        first.faults.extend([None, None, *FAULTS, None, None])
        settings = Settings(
            review_models=f"{name}, {other_name}",
            review_budget_s=8,
            review_lead_s=0.2,
            **{f"{vendor}_api_key": first.key, f"{vendor}_url": first.url},
            **{f"{other}_api_key": second.key, f"{other}_url": second.url},
        )
        house = ModelHouse(settings)
        try:
            made = reviewing.reviewer(settings, house, LetterEmbedder(), InThreads(LocalReviewer(LetterEmbedder())))
            artifact = await reviewed(store, made)
        finally:
            await house.close()
        assert second.asked
    assert artifact.missing_sections == ()
    assert [s.section_id for s in artifact.sections] == list(SECTIONS)
    assert all(s.findings for s in artifact.sections)
    assert artifact.coaching_moments
    assert {s.outcome for s in artifact.steps if s.model == other_name} == {StepOutcome.ANSWERED}
    assert {s.outcome for s in artifact.steps if s.model == name} >= {StepOutcome.ANSWERED, StepOutcome.BUSY}


async def test_sections_read_the_prefix_that_the_first_question_put_into_the_vendor_s_cache(store: Store) -> None:
    async with AnthropicMessages(answer=well_asked, delay_s=0.3) as vendor:
        house = ModelHouse(Settings(anthropic_api_key=vendor.key, anthropic_url=vendor.url))
        try:
            model = house.model("anthropic:claude-opus-5-5")
            artifact = await reviewed(store, hosted(dear(model, lead_tokens=512), lead_s=5.0))
        finally:
            await house.close()
        bodies = [asked.body for asked in vendor.asked]
    marked = any("cache_control" in json.dumps(body) for body in bodies)
    drafts = [s for s in artifact.steps if s.part == "draft"]
    # Of which two read what the others found, and not the call.
    assert len(drafts) == 6
    if not marked:
        pytest.skip("the capability data does not say that this model wants its prefix marked")
    assert sum(s.cache_written_tokens > 0 for s in drafts) == 1
    read = [s for s in drafts if s.cache_read_tokens > 0]
    assert len(read) == 3
    assert all(s.cache_read_tokens > 0.4 * s.input_tokens for s in read), "of a call of a few minutes"


# --------------------------------------------------------------------------------------------------------- a kill


_KILLED = """
import asyncio, sys
from pathlib import Path
from pydantic import SecretStr
from ridealong.config import Settings
from ridealong.llm.house import ModelHouse
from ridealong.app import reviewing
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.postcall.reviewer import InThreads
from ridealong.store import Store
from tests.unit.postcall.embedder import LetterEmbedder

async def main():
    settings = Settings(data_dir=Path(sys.argv[3]), database_url=SecretStr(sys.argv[1]), openai_api_key="test-key",
        openai_url=sys.argv[2], review_models="openai:gpt-5.4-mini", review_budget_s=60)
    store = await Store.open(settings)
    local = InThreads(LocalReviewer(LetterEmbedder()))
    reviewer = reviewing.reviewer(settings, ModelHouse(settings), LetterEmbedder(), local)
    pipeline = await ReviewPipeline.open(store, LetterEmbedder(), reviewer, sweep_seconds=0.2)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_review_killed_in_the_middle_goes_on_without_asking_finished_sections_again(
    store: Store, store_settings: Settings, tmp_path: Path
) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    database = store_settings.database_url
    assert database is not None
    held = asyncio.Event()

    async def slow_in_two(asked: Asked) -> Mapping[str, Any]:
        task = json.loads(part(asked.user, "task") or "{}")
        if any(section["section"] == "next_step" for section in task.get("sections", ())):
            await held.wait()
        return well_asked(asked)

    async def kept_sections() -> int:
        async with store.tenant(tenant_id) as connection:
            row = await (await connection.execute("SELECT count(*) FROM review_section")).fetchone()
        return 0 if row is None else row[0]

    def asked_for(vendor: OpenAIChat) -> list[str]:
        tasks = [json.loads(found) for asked in vendor.asked if (found := part(asked.user, "task"))]
        return sorted(
            "+".join(section["section"] for section in task["sections"]) if "sections" in task else sorted(task)[0]
            for task in tasks
        )

    async with OpenAIChat(answer=slow_in_two) as vendor:

        def process() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [sys.executable, "-c", _KILLED, database.get_secret_value(), vendor.url, str(tmp_path)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )

        first = process()
        try:
            deadline = time.monotonic() + 120
            while (await kept_sections() < len(DONE) or len(asked_for(vendor)) < 4) and time.monotonic() < deadline:
                await asyncio.sleep(0.1)
            # The rows are written before the step's result is: give them a moment to be kept.
            await asyncio.sleep(1.0)
        finally:
            first.send_signal(signal.SIGKILL)
            await asyncio.to_thread(first.wait)
        assert await kept_sections() == len(DONE)
        before = asked_for(vendor)
        assert before == sorted(["+".join(DONE), "+".join(OPEN), "moments", "list"])
        vendor.asked.clear()
        held.set()
        second = process()
        try:
            deadline = time.monotonic() + 120
            status = ReviewStatus.RUNNING
            while status is ReviewStatus.RUNNING and time.monotonic() < deadline:
                await asyncio.sleep(0.2)
                async with store.tenant(tenant_id) as connection:
                    status = (await find_review(connection, call_id)).status
        finally:
            second.kill()
            await asyncio.to_thread(second.wait)
        assert status is ReviewStatus.FINISHED
        # Those that were open, and what waits for all sections.
        assert asked_for(vendor) == sorted(["last_no", "+".join(OPEN), "write"])
    async with store.tenant(tenant_id) as connection:
        artifact = await load_artifact(connection, call_id)
    assert [s.section_id for s in artifact.sections] == list(SECTIONS)
    # What the first process paid for is still there.
    drafted = {s.step for s in artifact.steps if s.part == "draft"}
    assert len(drafted) == 6
    assert len(drafted & {f"section {section}" for section in DONE}) == 1
