"""A tenant's classifier over a real database and a real training process: versions, labels, queue, poison."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from ridealong.app.tuning import TenantTuning
from ridealong.app.tuning_job import gather
from ridealong.core.artifact import StoredMoment
from ridealong.core.author import Author
from ridealong.core.errors import Refused, Ungrounded
from ridealong.core.moments import Moment, Reason, Tier, Verdict
from ridealong.core.transcript import (
    Citation,
    Role,
    RoleAssignment,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.live.tuning_base import features_name
from ridealong.store import Store, labels, taxonomy_versions, tenants
from ridealong.store.calls import append_utterances, begin_call, end_call, record_role
from ridealong.store.erase import erase_call
from ridealong.store.moments import load_moments, record_moments
from ridealong.store.opinions import give_feedback
from tests.integration.store.conversation import new_call, record_call, vectors

MIA, ANN = Author(member_id=None, name="Mia"), Author(member_id=None, name="Ann")
OWN = """
types:
  - id: price_asked
    label: Price
    role: customer
    description: Asks what it costs.
    nudges: [Say what it costs and why it is worth that.]
  - id: warranty_asked
    name: Warranty question
    role: customer
    description: Asks what is covered when the product breaks.
    tier: noted
    examples:
      - How long is the guarantee on the compressor?
      - And if it packs up after six months, who pays for the repair?
      - Is there some kind of warranty on the parts?
      - Do you swap the unit out or do we have to send it in for fixing?
      - What does the warranty actually cover, is labour in there too?
      - Can we return them if they turn out to be faulty?
      - {text: And on the battery?, after: The frame is under warranty for ten years.}
      - What happens if one of the screens just dies in the second year?
"""
PRICES = (
    "What does it cost per seat?",
    "How much is the big plan a month?",
    "What would you charge us for forty users?",
    "Is there a discount if we pay for the year?",
    "What's the price of the starter package?",
    "How much would that be for three sites?",
    "Can you tell me what it costs to add a user?",
    "What do you charge for set-up?",
    "And what is the monthly fee?",
    "How expensive is the support plan?",
)


@pytest.fixture
def tuning(store: Store) -> TenantTuning:
    return TenantTuning(store=store, models_dir=None)


async def tenant_with(store: Store, slug: str, document: str | None = OWN) -> UUID:
    tenant_id = (await tenants.create_tenant(store, slug, slug)).tenant_id
    if document is not None:
        async with store.tenant(tenant_id) as conn:
            await tenants.put_document(conn, tenants.DocumentKind.TAXONOMY, "default", document)
    return tenant_id


async def asked_for_prices(store: Store, tenant_id: UUID, verdict: Verdict) -> UUID:
    """A call in which a customer asks ten times what it costs, each time rightly found, and what a rep says of that."""
    call = new_call()
    said = [
        Utterance(no=no, speaker=SpeakerId(1), start_ts=no * 3000, end_ts=no * 3000 + 2500, text=text)
        for no, text in enumerate(PRICES)
    ]
    transcript = Transcript.of(TranscriptId(call_id=call.call_id), said)
    found = [
        StoredMoment(
            moment_id=uuid4(),
            moment=Moment(
                type="price_asked",
                tier=Tier.NUDGE,
                reason=Reason.DELIVERED,
                confidence=0.9,
                nudge="Say what it costs and why it is worth that.",
                trigger_ts=u.end_ts,
                evidence=(transcript.cite(Citation(utterance_no=u.no, quote=u.text)),),
            ),
        )
        for u in said
    ]
    async with store.tenant(tenant_id) as conn:
        await begin_call(conn, call)
        await append_utterances(conn, transcript.id, said, vectors(len(said)))
        role = RoleAssignment(speaker_id=SpeakerId(1), role=Role.CUSTOMER, source=RoleSource.STATED, confidence=1.0)
        await record_role(conn, transcript.id, role)
        await record_moments(conn, found)
        await end_call(conn, call.call_id, audio_ms=40_000, reason="stopped")
        for moment in found:
            await give_feedback(conn, call.call_id, moment.moment_id, ANN, verdict)
    return call.call_id


async def test_a_tenant_that_marks_everything_wrong_learns_its_own_type_and_is_told(
    store: Store, tuning: TenantTuning
) -> None:
    tenant_id = await tenant_with(store, "acme")
    call_id = await asked_for_prices(store, tenant_id, Verdict.WRONG)
    found = await tuning.train(tenant_id, MIA, then="if_not_worse", trust_feedback=False)
    report = found["report"]
    assert found["state"] == "live", found
    assert isinstance(report, dict)
    assert [(one["by_name"], one["statements"]) for one in report["left_out"]] == [("Ann", 10)]
    assert report["examples"] == {"document": 8}
    assert report["guard"]["difference"] == 0.0, "of what is left out nothing may reach the head"
    by_type = {t["type"]: t for t in report["types"]}
    assert by_type["warranty_asked"]["trained"]
    assert not by_type["price_asked"]["trained"]
    told = await tuning.versions(tenant_id)
    assert (told["judged_by"], told["notes"]) == (1, [])
    said = await tuning.feedback(tenant_id)
    assert said["by_source"] == {"wrong": 10}

    # What was read is kept, and goes with its call.
    async with store.tenant(tenant_id) as conn:
        assert len(await labels.known_utterance_views(conn, [call_id], features_name())) == 10
        await erase_call(conn, call_id)
        assert not await labels.known_utterance_views(conn, [call_id], features_name())
        assert not await labels.feedback_labels(conn)


async def test_poison_that_an_admin_trusts_is_not_promoted_without_a_word(store: Store, tuning: TenantTuning) -> None:
    tenant_id = await tenant_with(store, "acme", None)
    for _ in range(3):
        await asked_for_prices(store, tenant_id, Verdict.WRONG)
    found = await tuning.train(tenant_id, MIA, then="if_not_worse", trust_feedback=True)
    report = found["report"]
    assert isinstance(report, dict)
    assert [one["by_name"] for one in report["trusted"]] == ["Ann"]
    assert report["changes"]["removed"] > 0
    assert "of the shipped examples of price_asked it finds" in " ".join(report["verdict"]["reasons"])
    assert found["state"] == "candidate"
    assert (await tuning.versions(tenant_id))["judged_by"] is None


async def test_nothing_of_another_tenant_is_in_a_training(store: Store) -> None:
    acme, other = await tenant_with(store, "acme"), await tenant_with(store, "other", None)
    async with store.tenant(acme) as conn:
        alone = await gather(conn, features="f", trust_feedback=False)
    await asked_for_prices(store, other, Verdict.HELPFUL)
    async with store.tenant(acme) as conn:
        beside = await gather(conn, features="f", trust_feedback=False)
    assert beside.job == alone.job
    assert beside.spoken == alone.spoken


async def test_there_is_nothing_to_train_without_examples_or_feedback(store: Store, tuning: TenantTuning) -> None:
    tenant_id = await tenant_with(store, "acme", None)
    with pytest.raises(Refused) as caught:
        await tuning.begin(tenant_id, MIA, then="candidate", trust_feedback=False)
    assert caught.value.code == "nothing_to_train"


async def test_one_training_at_a_time_and_an_early_roll_back(store: Store, tuning: TenantTuning) -> None:
    tenant_id = await tenant_with(store, "acme")
    async with store.tenant(tenant_id) as conn:
        first = await taxonomy_versions.begin_training(conn, MIA)
        with pytest.raises(Refused) as caught:
            await taxonomy_versions.begin_training(conn, MIA)
        assert caught.value.code == "already_training"
        await taxonomy_versions.finish_training(conn, first, head=b"1", features=features_name(), report={})
        second = await taxonomy_versions.begin_training(conn, MIA)
        await taxonomy_versions.finish_training(conn, second, head=b"2", features=features_name(), report={})
        failed = await taxonomy_versions.begin_training(conn, MIA)
        await taxonomy_versions.fail_training(conn, failed, "no reason")
    await tuning.move(tenant_id, first, "live", MIA)
    await tuning.move(tenant_id, second, "live", MIA)
    await tuning.move(tenant_id, first, "live", MIA)
    async with store.tenant(tenant_id) as conn:
        states = {v.version: v.state.value for v in await taxonomy_versions.list_taxonomy_versions(conn)}
    assert states == {first: "live", second: "retired", failed: "failed"}
    with pytest.raises(Refused):
        await tuning.move(tenant_id, failed, "live", MIA)
    await tuning.move(tenant_id, first, "retired", MIA)
    assert (await tuning.versions(tenant_id))["judged_by"] is None


async def test_what_a_manager_says_is_an_example_and_goes_with_the_call(store: Store, tuning: TenantTuning) -> None:
    recorded = await record_call(store)
    tenant_id, call_id = recorded.tenant_id, recorded.call_id
    async with store.tenant(tenant_id) as conn:
        await give_feedback(conn, call_id, recorded.moment_id, ANN, Verdict.WRONG)
    agreed = await tuning.label_moment(tenant_id, call_id, recorded.moment_id, MIA, type_id="objection_raised")
    assert agreed["label"] == "objection_raised"
    async with store.tenant(tenant_id) as conn:
        job = (await gather(conn, features="f", trust_feedback=False)).job
    [one] = job["statements"]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
    assert (one["source"], one["holds"], one["by_name"]) == ("agreed", True, "Mia"), "a manager's word stands above"

    await tuning.label_moment(tenant_id, call_id, recorded.moment_id, MIA, type_id="price_asked")
    added = await tuning.add_moment(
        tenant_id, call_id, MIA, type_id="pain_stated", utterance_no=1, quote="two hours every morning"
    )
    async with store.tenant(tenant_id) as conn:
        stated = {(x.type, x.holds, x.source) for x in await labels.list_labels(conn, call_id)}
        assert stated == {
            ("objection_raised", False, "corrected"),
            ("price_asked", True, "corrected"),
            ("pain_stated", True, "added"),
        }
        found = {m.moment_id: m.moment for m in await load_moments(conn, recorded.transcript)}
        moment = found[UUID(str(added["moment_id"]))]
        assert (moment.reason, moment.decided_by, moment.evidence[0].quote) == (
            Reason.ADDED,
            "person",
            "two hours every morning",
        )
    with pytest.raises(Ungrounded):
        await tuning.add_moment(tenant_id, call_id, MIA, type_id="stall", utterance_no=1, quote="never said")
    with pytest.raises(Refused):
        await tuning.add_moment(tenant_id, call_id, MIA, type_id="no_such_type", utterance_no=1, quote="")
    async with store.tenant(tenant_id) as conn:
        await erase_call(conn, call_id)
        assert not await labels.list_labels(conn)


async def test_the_queue_asks_first_about_what_is_in_doubt_and_forgets_what_was_answered(
    store: Store, tuning: TenantTuning
) -> None:
    recorded = await record_call(store)
    tenant_id = recorded.tenant_id
    transcript = recorded.transcript
    doubtful = StoredMoment(
        moment_id=uuid4(),
        moment=Moment(
            type="pain_stated",
            tier=Tier.NOTED,
            reason=Reason.LOW_CONFIDENCE,
            confidence=0.44,
            nudge="Ask what that costs them in a month.",
            trigger_ts=5500,
            evidence=(transcript.cite(Citation(utterance_no=1, quote="it costs us two hours")),),
        ),
    )
    async with store.tenant(tenant_id) as conn:
        await record_moments(conn, [doubtful])
    items = (await tuning.queue(tenant_id, limit=5))["items"]
    assert isinstance(items, list)
    assert [(i["type"], i["utterance_no"]) for i in items] == [("pain_stated", 1), ("objection_raised", 3)]
    await tuning.answer_queue(
        tenant_id,
        MIA,
        call_id=recorded.call_id,
        revision=1,
        utterance_no=1,
        type_id="pain_stated",
        holds=True,
    )
    items = (await tuning.queue(tenant_id, limit=5))["items"]
    assert isinstance(items, list)
    assert [i["type"] for i in items] == ["objection_raised"]


def test_training_brings_nothing_heavy_into_the_server() -> None:
    """scipy and scikit-learn together are 130 MB, for seconds of work a week."""
    import subprocess
    import sys

    code = (
        "import sys, ridealong.app.tuning, ridealong.web.server;"
        "print([m for m in ('scipy', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout.strip() == "[]"
