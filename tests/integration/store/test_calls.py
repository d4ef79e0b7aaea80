from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from ridealong.core.context import CallContext
from ridealong.core.errors import InvalidUtterance, Refused, Ungrounded
from ridealong.core.moments import Reason, Tier
from ridealong.core.transcript import Role, RoleAssignment, RoleSource, SpeakerId, Transcript, TranscriptId
from ridealong.store import Store
from ridealong.store.artifacts import load_artifact
from ridealong.store.calls import (
    Gap,
    append_utterances,
    begin_call,
    begin_revision,
    change_context,
    end_call,
    list_calls,
    live_calls,
    load_call,
    load_gaps,
    load_roles,
    load_transcript,
    record_gap,
    record_role,
)
from ridealong.store.moments import load_moments, record_moments
from ridealong.store.reviews import (
    fail_review,
    find_review,
    mark_running,
    requeue_review,
    review_lock,
    save_section,
    unfinished_reviews,
)
from ridealong.store.tenants import create_tenant
from tests.integration.store.conversation import LINES, new_call, record_call, section, utterances, vectors


async def test_a_reviewed_call_comes_back_as_it_was_written(store: Store) -> None:
    call = await record_call(store)
    async with store.tenant(call.tenant_id) as connection:
        transcript = await load_transcript(connection, call.transcript.id)
        wordless = await load_transcript(connection, call.transcript.id, words=False)
        artifact = await load_artifact(connection, call.call_id)
        stored = await load_call(connection, call.call_id)
    assert transcript.utterances == call.transcript.utterances
    assert [replace(u, words=()) for u in call.transcript] == list(wordless)
    # What is cited is whole without the times of its words, which would take ten times as long to read.
    assert artifact.sections == (section(wordless),)
    assert artifact.coaching_moments[0].claim.evidence[0].quote == LINES[3][1].removesuffix(".")
    assert [m.moment_id for m in artifact.moments] == [call.moment_id]
    assert artifact.moments[0].moment.evidence[1].quote == "two hours every morning"
    assert artifact.statistics == {"talk_ratio": 0.4}
    assert (artifact.score, artifact.duration_ms, artifact.warnings) == (62.5, 18_000, ("one channel",))
    assert stored.ended_reason == "stopped"
    assert not stored.live


async def test_whose_deal_a_call_is_begins_with_the_call_and_can_change(store: Store) -> None:
    tenant = (await create_tenant(store, "acme", "Acme")).tenant_id
    context = CallContext(customer="Northwind", deal="2027", call_type="demo", stage="evaluation")
    call = replace(new_call(), context=context)
    async with store.tenant(tenant) as connection:
        await begin_call(connection, call)
        assert (await load_call(connection, call.call_id)).context == context
        await change_context(connection, call.call_id, CallContext(customer="Contoso"))
        assert (await load_call(connection, call.call_id)).context == CallContext(customer="Contoso")
        with pytest.raises(Refused):
            await change_context(connection, uuid4(), context)


async def test_an_append_whose_answer_was_lost_can_be_repeated(store: Store) -> None:
    tenant = (await create_tenant(store, "acme", "Acme")).tenant_id
    said = utterances()
    call = new_call()
    for count in (3, 6, 6):
        async with store.tenant(tenant) as connection:
            transcript_id = await begin_call(connection, call)
            await append_utterances(connection, transcript_id, said[:count], vectors(count))
    async with store.tenant(tenant) as connection:
        assert (await load_transcript(connection, transcript_id)).utterances == tuple(said)


async def test_another_utterance_under_a_taken_number_is_refused(store: Store) -> None:
    call = await record_call(store)
    changed = replace(call.transcript[3], text="your price is fair")
    with pytest.raises(InvalidUtterance, match="utterance 3 is there already"):
        async with store.tenant(call.tenant_id) as connection:
            await append_utterances(connection, call.transcript.id, [changed])


async def test_numbers_only_grow(store: Store) -> None:
    tenant = (await create_tenant(store, "acme", "Acme")).tenant_id
    said = utterances()
    async with store.tenant(tenant) as connection:
        transcript_id = await begin_call(connection, new_call())
        await append_utterances(connection, transcript_id, [said[0], said[3]])
    with pytest.raises(InvalidUtterance, match="utterance 2 comes after utterance 3"):
        async with store.tenant(tenant) as connection:
            await append_utterances(connection, transcript_id, [said[2]])


@pytest.mark.parametrize(("text", "told"), [("null \x00 inside", "NUL character"), ("half \ud83d", "half of a char")])
async def test_text_that_no_database_can_keep_is_refused_with_its_number(store: Store, text: str, told: str) -> None:
    tenant = (await create_tenant(store, "acme", "Acme")).tenant_id
    with pytest.raises(InvalidUtterance, match=f"utterance 0: .*{told}"):
        async with store.tenant(tenant) as connection:
            transcript_id = await begin_call(connection, new_call())
            await append_utterances(connection, transcript_id, utterances(((0, text),)))


async def test_the_end_of_a_call_asks_for_its_review_once(store: Store) -> None:
    tenant = (await create_tenant(store, "acme", "Acme")).tenant_id
    call = new_call()
    async with store.tenant(tenant) as connection:
        await begin_call(connection, call)
    assert [c.call_id for c in await live_calls(store)] == [call.call_id]
    ids = set()
    for reason in ("stopped", "again"):
        async with store.tenant(tenant) as connection:
            ids.add(await end_call(connection, call.call_id, audio_ms=1000, reason=reason))
    assert len(ids) == 1
    assert await live_calls(store) == []
    assert [(r.tenant_id, r.review_id) for r in await unfinished_reviews(store)] == [(tenant, ids.pop())]
    async with store.tenant(tenant) as connection:
        assert (await load_call(connection, call.call_id)).ended_reason == "stopped"
    with pytest.raises(Refused, match="no such call"):
        async with store.tenant(tenant) as connection:
            await end_call(connection, uuid4(), audio_ms=0, reason="stopped")


async def test_a_transaction_that_fails_ends_no_call_and_asks_for_no_review(store: Store) -> None:
    tenant = (await create_tenant(store, "acme", "Acme")).tenant_id
    call = new_call()
    async with store.tenant(tenant) as connection:
        transcript_id = await begin_call(connection, call)
    with pytest.raises(InvalidUtterance):
        async with store.tenant(tenant) as connection:
            await end_call(connection, call.call_id, audio_ms=1000, reason="stopped")
            await append_utterances(connection, transcript_id, utterances(((0, "\x00 bad"),)))
    assert len(await live_calls(store)) == 1
    assert await unfinished_reviews(store) == []


async def test_roles_and_gaps_are_kept(store: Store) -> None:
    call = await record_call(store)
    learned = RoleAssignment(speaker_id=SpeakerId(1), role=Role.CUSTOMER, source=RoleSource.HEURISTIC, confidence=0.7)
    async with store.tenant(call.tenant_id) as connection:
        await record_role(connection, call.transcript.id, replace(learned, role=Role.UNKNOWN))
        await record_role(connection, call.transcript.id, learned)
        for _ in range(2):
            await record_gap(connection, call.call_id, Gap(at_ts=4000, duration_ms=900, reason="resumed"))
        roles = await load_roles(connection, call.transcript.id)
        gaps = await load_gaps(connection, call.call_id)
    assert roles.rep == SpeakerId(0)
    assert roles[SpeakerId(1)] == learned
    assert gaps == [Gap(at_ts=4000, duration_ms=900, reason="resumed")]


async def test_a_moment_is_kept_once(store: Store) -> None:
    call = await record_call(store)
    async with store.tenant(call.tenant_id) as connection:
        before = await load_moments(connection, call.transcript)
        await record_moments(connection, before)
        assert await load_moments(connection, call.transcript) == before
    assert before[0].moment.evidence[0].quote == "price is far too high"


async def test_a_moment_may_have_every_reason_that_there_is(store: Store) -> None:
    call = await record_call(store)
    async with store.tenant(call.tenant_id) as connection:
        [known] = await load_moments(connection, call.transcript)
        others = [
            replace(known, moment_id=uuid4(), moment=replace(known.moment, tier=Tier.NOTED, reason=reason))
            for reason in Reason
            if reason is not Reason.DELIVERED
        ]
        await record_moments(connection, others)
        kept = await load_moments(connection, call.transcript)
    assert {m.moment.reason for m in kept} == set(Reason)


async def test_a_section_saved_again_replaces_the_first(store: Store) -> None:
    call = await record_call(store)
    async with store.tenant(call.tenant_id) as connection:
        with pytest.raises(Refused, match="finished"):
            await save_section(connection, call.review_id, section(call.transcript))
        await requeue_review(connection, call.review_id)
        assert await mark_running(connection, call.review_id, reviewer="l", rubric_id="r", rubric_title="R", rubric="")
        for _ in range(2):
            await save_section(connection, call.review_id, section(call.transcript))
        row = await (await connection.execute("SELECT count(*) FROM claim")).fetchone()
    assert row == (2,)


async def test_a_review_cannot_cite_another_revision(store: Store) -> None:
    call = await record_call(store)
    second = TranscriptId(call_id=call.call_id, revision=2)
    async with store.tenant(call.tenant_id) as connection:
        await requeue_review(connection, call.review_id)
        await begin_revision(connection, second)
        await append_utterances(connection, second, utterances())
    with pytest.raises(Ungrounded, match="cite the transcript that it reviews"):
        async with store.tenant(call.tenant_id) as connection:
            await save_section(connection, call.review_id, section(Transcript.of(second, utterances())))


async def test_a_failed_review_says_why(store: Store) -> None:
    call = await record_call(store)
    async with store.tenant(call.tenant_id) as connection:
        await fail_review(connection, call.review_id, "must not change a finished review")
        assert (await find_review(connection, call.call_id)).failure is None
        await requeue_review(connection, call.review_id)
        await fail_review(connection, call.review_id, "no disk space")
        review = await find_review(connection, call.call_id)
        with pytest.raises(Refused, match="the review of this call is failed"):
            await load_artifact(connection, call.call_id)
    assert (review.status, review.failure) == ("failed", "no disk space")


async def test_one_process_at_a_time_makes_a_review(store: Store) -> None:
    review_id = uuid4()
    async with (
        review_lock(store, review_id) as first,
        review_lock(store, review_id) as second,
        review_lock(store, uuid4()) as other,
    ):
        assert (first, second, other) == (True, False, True)
    async with review_lock(store, review_id) as again:
        assert again


async def test_calls_are_listed_newest_first_in_pages(store: Store) -> None:
    tenant = (await create_tenant(store, "acme", "Acme")).tenant_id
    ids = []
    for _ in range(3):
        async with store.tenant(tenant) as connection:
            ids.insert(0, (await begin_call(connection, new_call())).call_id)
    async with store.tenant(tenant) as connection:
        first = await list_calls(connection, limit=2)
        rest = await list_calls(connection, before=first[-1].started_at)
        assert await list_calls(connection, live=False) == []
    assert [c.call_id for c in (*first, *rest)] == ids


async def test_an_empty_transcript_is_not_an_unknown_one(store: Store) -> None:
    tenant = (await create_tenant(store, "acme", "Acme")).tenant_id
    async with store.tenant(tenant) as connection:
        transcript_id = await begin_call(connection, new_call())
        assert len(await load_transcript(connection, transcript_id)) == 0
        with pytest.raises(Refused, match="no such call"):
            await load_transcript(connection, TranscriptId(call_id=uuid4()))
