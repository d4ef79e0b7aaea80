"""Deals over several calls: each value with the claim that set or changed it, from reviews and from the words alone."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from ridealong.app.deals import StoredDeals
from ridealong.core.claims import Claim
from ridealong.core.deals import Deal, DealField, Effect, KnownField
from ridealong.core.errors import Refused
from ridealong.core.rubric import Finding, Score, SectionReview
from ridealong.core.sight import OwnCalls
from ridealong.core.transcript import TranscriptId
from ridealong.embedding.minilm import MiniLm
from ridealong.postcall.evidence import EvidenceFinder
from ridealong.store import Store
from ridealong.store.calls import load_transcript, queue_review
from ridealong.store.reviews import finish_review, mark_running, save_section
from tests.integration.across.calls import CUSTOMER, NOW, REP, spoken, tenant

FIRST = (
    (REP, "What does it cost you today?"),
    (CUSTOMER, "We lose about twelve hours a week on rework."),
    (CUSTOMER, "Ms Larsen signs everything above ten thousand."),
)
SECOND = (
    (REP, "Is it still twelve hours?"),
    (CUSTOMER, "No, by now it is forty hours a month and two people."),
    (CUSTOMER, "We also look at Routify, they are cheaper."),
)
THIRD = ((REP, "Shall we go on?"), (CUSTOMER, "It may be a few hours here and there, it adds up."))


def deals(store: Store, embedder: MiniLm) -> StoredDeals:
    return StoredDeals(store=store, embedder=embedder, finder=EvidenceFinder(embedder), threads=ThreadPoolExecutor(1))


async def reviewed(
    store: Store, tenant_id: UUID, call_id: UUID, section_id: str, found: Sequence[tuple[Score, int, float]]
) -> None:
    """A finished MEDDIC review with one section, which cites the whole of these utterances."""
    async with store.tenant(tenant_id) as connection:
        transcript = await load_transcript(connection, TranscriptId(call_id=call_id))
        review_id = await queue_review(connection, transcript.id)
        await mark_running(
            connection, review_id, reviewer="local", rubric_id="meddic", rubric_title="MEDDIC", rubric="id: meddic"
        )
        section = SectionReview(
            section_id=section_id,
            title=section_id,
            score=100.0,
            confidence=0.8,
            findings=tuple(
                Finding(
                    criterion_id=f"c{no}",
                    score=score,
                    claim=Claim(
                        statement="The customer said it.", confidence=sure, evidence=(transcript.cite_whole(no),)
                    ),
                )
                for score, no, sure in found
            ),
        )
        await save_section(connection, review_id, section)
        await finish_review(connection, review_id, score=50.0, assessed=True)


async def three_calls(store: Store, embedder: MiniLm) -> tuple[UUID, list[UUID]]:
    tenant_id = await tenant(store)
    made = [
        await spoken(
            store,
            tenant_id,
            lines,
            embedder=embedder,
            customer=customer,
            on=NOW - timedelta(days=days),
            moments=moments,
        )
        for lines, customer, days, moments in (
            (FIRST, "Nord Logistics", 20, ()),
            (SECOND, "nord logistics", 10, (("competitor_mentioned", 2),)),
            (THIRD, "Nord Logistics", 1, ()),
        )
    ]
    await reviewed(store, tenant_id, made[0], "metrics", [(Score.YES, 1, 0.7), (Score.YES, 0, 0.99)])
    await reviewed(store, tenant_id, made[1], "metrics", [(Score.YES, 1, 0.6)])
    await reviewed(store, tenant_id, made[2], "metrics", [(Score.PARTLY, 1, 0.5)])
    return tenant_id, made


def known(deal: Deal, field: DealField) -> KnownField:
    return next(f for f in deal.fields if f.field is field)


async def test_a_value_is_set_changed_and_not_weakened_and_its_history_names_each_call(
    store: Store, embedder: MiniLm
) -> None:
    tenant_id, made = await three_calls(store, embedder)
    deal = await deals(store, embedder).of(tenant_id, "NORD LOGISTICS")
    metrics = known(deal, DealField.METRICS)
    assert [(e.effect, e.cited.call.call_id) for e in metrics.history] == [
        (Effect.SET, made[0]),
        (Effect.CHANGED, made[1]),
        (Effect.WEAKER, made[2]),
    ]
    assert metrics.holds is metrics.history[1]
    assert metrics.holds.value == SECOND[1][1].removesuffix(".")
    assert metrics.history[0].value == FIRST[1][1].removesuffix("."), "a rep's question is no value"
    competition = known(deal, DealField.COMPETITION)
    assert competition.holds is not None
    assert competition.holds.value == SECOND[2][1].removesuffix(".")
    assert known(deal, DealField.PAPER_PROCESS).holds is None
    assert [call.call_id for call in deal.calls] == made


async def test_a_call_that_was_not_reviewed_so_is_read_locally_and_cites_the_customers_words(
    store: Store, embedder: MiniLm
) -> None:
    tenant_id = await tenant(store)
    call = await spoken(store, tenant_id, FIRST, embedder=embedder, customer="Nord Logistics")
    view = deals(store, embedder)
    deal = await view.of(tenant_id, "Nord Logistics")
    metrics = known(deal, DealField.METRICS).holds
    assert metrics is not None
    assert (metrics.value, metrics.cited.call.call_id) == (FIRST[1][1].removesuffix("."), call)
    for field in deal.fields:
        assert all(e.cited.claim.evidence[0].speaker_id == CUSTOMER for e in field.history)
    assert await view.of(tenant_id, "Nord Logistics") == deal, "the second time from memory"


async def test_a_deal_of_another_tenant_or_rep_is_unknown(store: Store, embedder: MiniLm) -> None:
    tenant_id, _ = await three_calls(store, embedder)
    view = deals(store, embedder)
    for who in (await tenant(store, "rival"), OwnCalls(tenant_id, "ben@example.org")):
        assert await view.all(who) == []
        with pytest.raises(Refused) as refused:
            await view.of(who, "Nord Logistics")
        assert refused.value.code == "unknown_deal"


async def test_deals_are_listed_by_customer_and_deal_the_newest_first(store: Store, embedder: MiniLm) -> None:
    tenant_id, _ = await three_calls(store, embedder)
    await spoken(store, tenant_id, THIRD, customer="Süd Cargo", deal="Fleet 2027")
    await spoken(store, tenant_id, THIRD)
    listed = await deals(store, embedder).all(tenant_id)
    named = [(d.customer, d.deal, d.calls) for d in listed]
    assert named == [("Süd Cargo", "Fleet 2027", 1), ("Nord Logistics", "", 3)]
    one = await deals(store, embedder).of(tenant_id, "süd cargo", "fleet 2027")
    assert (one.customer, one.deal, len(one.calls)) == ("Süd Cargo", "Fleet 2027", 1)
