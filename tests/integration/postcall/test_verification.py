"""What the checks of a review leave in the database and in the artifact, and what votes make of its confidence."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from ridealong.app.calibration import calibrate
from ridealong.core.author import Author
from ridealong.core.claims import AbsenceClaim
from ridealong.core.confidence import FEATURES
from ridealong.core.errors import Refused
from ridealong.llm import Question
from ridealong.llm.providers.scripted import ScriptedModel
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.postcall.render import render
from ridealong.postcall.reviewer import Reviewer
from ridealong.postcall.rubric import shipped_rubric
from ridealong.store import Store
from ridealong.store.artifacts import load_artifact
from ridealong.store.confidence_models import (
    active_confidence,
    keep_confidence,
    list_confidence,
    take_up_confidence,
    voted_claims,
)
from ridealong.store.opinions import Opinion, vote
from ridealong.store.reviews import ReviewStatus
from tests.integration.postcall.calls import ended_call, new_tenant
from tests.integration.postcall.frontier import answered, part, prompt_of, said, well
from tests.integration.postcall.test_hosted_pipeline import dear, hosted, reviewed
from tests.unit.postcall.embedder import LetterEmbedder

STALL = "let me think about it and I'll get back to you"


def partly_lying(question: Question) -> Mapping[str, Any]:
    """A wrong number that is repaired, a swapped speaker that is not, and an absence with its opposite in the call."""
    found = well(prompt_of(question))
    task = part(prompt_of(question), "task") or ""
    again = '"refused"' in task
    for finding in found.get("findings", []):
        if finding["criterion_id"] == "budget_asked" and not again:
            finding["statement"] = "The rep said that it costs 999."
        if finding["criterion_id"] == "timeline_asked":
            finding["statement"] = "The customer said so."
    if found.get("coaching_moments") and not again:
        spoken = said(prompt_of(question))
        stalled = next(no for no, _, words in spoken if STALL in words)
        absent = {"citations": [{"utterance_no": stalled, "quote": STALL}], "through": spoken[-1][0]}
        found["coaching_moments"][0].update(absent, title="Song", statement="Nobody sang a song there.")
        if len(found["coaching_moments"]) > 1:
            step = shipped_rubric("discovery").section("next_step").criteria[0]
            statement = f"Nothing shows it: {step.question} {step.shown_as}"
            found["coaching_moments"][1].update(absent, title="No next step", statement=statement)
    return found


async def test_what_was_repaired_and_dropped_is_told_by_reason_and_claims_keep_what_they_stand_on(store: Store) -> None:
    artifact = await reviewed(store, hosted(dear(ScriptedModel.of(partly_lying))))
    assert artifact.checks["repaired"] == {"better_evidence_exists": 1, "number_not_in_evidence": 1}
    assert artifact.checks["dropped"] == {"wrong_speaker": 1}
    assert artifact.dropped_drafts == 1
    assert artifact.confidence_version == "shipped-2"
    claims = [f.claim for s in artifact.sections for f in s.findings] + [c.claim for c in artifact.coaching_moments]
    assert all(c.signals is not None and c.signals.own == 0.8 and c.signals.second == "supported" for c in claims)
    assert sum(c.signals is not None and c.signals.repaired for c in claims) == 2
    (absent,) = [c for c in claims if isinstance(c, AbsenceClaim)]
    assert absent.searched is not None
    assert absent.searched.from_no <= absent.through
    assert absent.searched.start_ts < absent.searched.end_ts
    # Nobody sang, and nothing that was said comes near.
    assert absent.searched.closest is None
    shown: Any = artifact.as_json()
    assert shown["checks"]["dropped"] == {"wrong_speaker": 1}
    first = shown["sections"][0]["findings"][0]
    assert first["confidence_words"] in ("almost certain", "likely", "more likely than not")
    assert first["doubts"] == []
    for form in ("html", "md"):
        page = render(artifact, "manager", form, lambda _start, _end: "")
        assert "2 repaired (better evidence exists: 1, number not in evidence: 1); 1 dropped (wrong speaker: 1)" in page
        assert first["confidence_words"] in page
        assert "Searched from 03:27 to 03:54. This called for it:" in page


async def again(store: Store, reviewer: Reviewer, tenant_id: UUID, call_id: UUID) -> None:
    pipeline = await ReviewPipeline.open(store, LetterEmbedder(), reviewer, sweep_seconds=0.3)
    try:
        assert await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120) is ReviewStatus.FINISHED
        await pipeline.retry(tenant_id, call_id)
        assert await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120) is ReviewStatus.FINISHED
    finally:
        await pipeline.close()


async def test_a_tenants_weights_are_versions_that_can_be_taken_back_and_nobody_elses(store: Store) -> None:
    tenant_id, other = await new_tenant(store), await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    even = dict.fromkeys(("intercept", *FEATURES), 0.0)
    counts = {"agreed": 30, "disagreed": 10, "error_before": 0.2, "error_after": 0.1}
    async with store.tenant(tenant_id) as connection:
        assert await active_confidence(connection) is None
        assert await keep_confidence(connection, {**even, "intercept": 9.0}, **counts) == 1
        assert await keep_confidence(connection, even, **counts) == 2
    await again(store, hosted(dear(ScriptedModel.of(answered))), tenant_id, call_id)
    async with store.tenant(tenant_id) as connection:
        artifact = await load_artifact(connection, call_id)
        assert artifact.confidence_version == "tenant-2"
        assert {f.claim.confidence for s in artifact.sections for f in s.findings} == {0.5}
        await take_up_confidence(connection, 1)
        assert [(v.version, v.active) for v in await list_confidence(connection)] == [(2, False), (1, True)]
        await take_up_confidence(connection, 0)
        assert await active_confidence(connection) is None
    with pytest.raises(Refused, match="no confidence version 7"):
        async with store.tenant(tenant_id) as connection:
            await take_up_confidence(connection, 7)
    async with store.tenant(other) as connection:
        assert await list_confidence(connection) == []
    claims = [f.claim for s in artifact.sections for f in s.findings]
    async with store.tenant(tenant_id) as connection:
        for name, verdicts in (("a", "agree agree disagree"), ("b", "agree disagree agree"), ("c", "agree disagree x")):
            for claim, verdict in zip(claims[:3], verdicts.split(), strict=True):
                if verdict != "x" and claim.claim_id is not None and not (name == "a" and claim is claims[1]):
                    await vote(
                        connection, call_id, claim.claim_id, Author(member_id=None, name=name), verdict=Opinion(verdict)
                    )
        found = {c.claim_id: c.agrees for c in await voted_claims(connection)}
    # One vote of each author, and without a member there is one author.
    assert found[claims[0].claim_id] is True
    assert set(found) <= {c.claim_id for c in claims}
    with pytest.raises(Refused, match="at least 40 are needed"):
        await calibrate(store, tenant_id)
