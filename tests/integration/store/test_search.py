from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from ridealong.core.errors import Refused
from ridealong.core.transcript import TranscriptId
from ridealong.store import Store
from ridealong.store.calls import append_utterances, begin_call, begin_revision
from ridealong.store.embedded import SUPERUSER, EmbeddedPostgres
from ridealong.store.erase import erase_call
from ridealong.store.search import Hit, HitKind, search
from ridealong.store.tenants import Scope, create_tenant, issue_token, resolve_token
from tests.integration.store.conversation import LINES, new_call, record_call, utterances, vectors

NOWHERE = np.zeros(384, dtype=np.float32)
"""Equally near to everything."""


async def find(
    store: Store,
    tenant_id: UUID,
    text: str,
    vector: NDArray[np.float32] = NOWHERE,
    *,
    limit: int = 20,
    kinds: Sequence[HitKind] = tuple(HitKind),
    call_id: UUID | None = None,
) -> list[Hit]:
    async with store.tenant(tenant_id) as connection:
        return await search(connection, text=text, vector=vector, limit=limit, kinds=kinds, call_id=call_id)


async def test_words_and_meaning_lead_to_the_same_list_of_clickable_spans(store: Store) -> None:
    call = await record_call(store)
    by_words = await find(store, call.tenant_id, "spreadsheets", kinds=[HitKind.UTTERANCE])
    assert by_words[0].quote == LINES[1][1]
    assert (by_words[0].utterance_no, by_words[0].start_ts, by_words[0].end_ts, by_words[0].speaker_id) == (
        1,
        3000,
        5500,
        1,
    )
    by_meaning = await find(store, call.tenant_id, "zebra", vectors(6)[5], kinds=[HitKind.UTTERANCE])
    assert by_meaning[0].utterance_no == 5
    both = await find(store, call.tenant_id, "spreadsheets", vectors(6)[1], kinds=[HitKind.UTTERANCE])
    assert both[0].utterance_no == 1
    assert both[0].score == pytest.approx(2 / 61)
    assert [hit.score for hit in both] == sorted((hit.score for hit in both), reverse=True)


async def test_moments_findings_and_coaching_moments_are_found(store: Store) -> None:
    call = await record_call(store)
    (moment, *_) = await find(store, call.tenant_id, "objection raised", kinds=[HitKind.MOMENT])
    assert (moment.id, moment.type, moment.quote) == (call.moment_id, "objection_raised", "price is far too high")
    (finding, *_) = await find(store, call.tenant_id, "planning by hand", kinds=[HitKind.FINDING])
    assert (finding.quote, finding.text) == (
        "two hours every morning",
        "The customer named the cost of planning by hand.",
    )
    (coaching,) = await find(store, call.tenant_id, "price came up", kinds=[HitKind.COACHING_MOMENT])
    assert coaching.kind is HitKind.COACHING_MOMENT
    (nearest, *_) = await find(store, call.tenant_id, "zebra", vectors(2, seed=2)[1])
    assert nearest.text == "The objection to the price was not answered."
    assert {hit.kind for hit in await find(store, call.tenant_id, "price")} == set(HitKind)


async def test_only_the_tenants_own_calls_are_found(store: Store) -> None:
    ours, theirs = await record_call(store, slug="acme"), await record_call(store, slug="rival")
    for text in ("spreadsheet", "price", "objection"):
        for hit in await find(store, ours.tenant_id, text, vectors(6)[1]):
            assert hit.call_id == ours.call_id
    assert await find(store, uuid4(), "spreadsheet", vectors(6)[1]) == []
    async with store.without_tenant() as connection:
        assert await search(connection, text="spreadsheet", vector=vectors(6)[1]) == []
    assert theirs.call_id != ours.call_id


async def test_a_search_can_stay_within_one_call(store: Store) -> None:
    first = await record_call(store)
    second = await record_call(store, first.tenant_id)
    assert {h.call_id for h in await find(store, first.tenant_id, "price")} == {first.call_id, second.call_id}
    assert {h.call_id for h in await find(store, first.tenant_id, "price", call_id=second.call_id)} == {second.call_id}


async def test_utterances_without_an_embedding_are_found_by_their_words(store: Store) -> None:
    tenant_id = (await create_tenant(store, "acme", "Acme")).tenant_id
    async with store.tenant(tenant_id) as connection:
        await append_utterances(connection, await begin_call(connection, new_call()), utterances())
    hits = await find(store, tenant_id, "finance lead", vectors(1)[0])
    assert [(hit.utterance_no, hit.score) for hit in hits] == [(5, pytest.approx(1 / 61))]


async def test_of_a_call_with_a_newer_transcript_only_its_words_are_found_and_every_moment(store: Store) -> None:
    call = await record_call(store)
    second = TranscriptId(call_id=call.call_id, revision=2)
    async with store.tenant(call.tenant_id) as connection:
        await begin_revision(connection, second)
        await append_utterances(connection, second, utterances(), vectors(6))
    hits = await find(store, call.tenant_id, "price", vectors(6)[3])
    assert {hit.revision for hit in hits if hit.kind is not HitKind.MOMENT} == {2}
    assert {hit.revision for hit in hits if hit.kind is HitKind.MOMENT} == {1}


async def test_hostile_questions_are_only_questions(store: Store) -> None:
    call = await record_call(store)
    for text in (
        "'); DROP TABLE ridealong.call; --",
        "\\",
        "%s %(x)s {0}",
        '"unclosed and -',
        "& | ! <-> :* ((",
        "the of and",
        "🙂",
        "price \x00 spreadsheet",
        "x" * 1000,
        "- " * 400,
    ):
        await find(store, call.tenant_id, text)
    assert len(await find(store, call.tenant_id, "spreadsheet", limit=1)) == 1
    assert len(await find(store, call.tenant_id, "spreadsheet", limit=-5)) == 1
    assert await find(store, call.tenant_id, "spreadsheet", kinds=[]) == []
    for text, code in (("", "empty_query"), (" \n", "empty_query"), ("x" * 1001, "query_too_long")):
        with pytest.raises(Refused) as refused:
            await find(store, call.tenant_id, text)
        assert refused.value.code == code


async def test_a_small_tenant_beside_a_big_one_finds_all_its_own(
    store: Store, postgres: EmbeddedPostgres, database: str
) -> None:
    small = await record_call(store, slug="small")
    big = (await create_tenant(store, "big", "Big")).tenant_id
    count = 3000
    near = vectors(count, seed=9) * 0.5 + vectors(6)[1] * 0.5  # all nearer to the question than the small tenant's
    async with store.tenant(big) as connection:
        said = [(0, f"filler number {n}") for n in range(count)]
        await append_utterances(connection, await begin_call(connection, new_call()), utterances(tuple(said)), near)
    with psycopg.connect(postgres.url(user=SUPERUSER, database=database), autocommit=True) as connection:
        connection.execute("ANALYZE ridealong.utterance")
    hits = await find(store, small.tenant_id, "zebra", vectors(6)[1], kinds=[HitKind.UTTERANCE])
    assert {hit.utterance_no for hit in hits} == {0, 1, 2, 3, 4, 5}
    assert hits[0].utterance_no == 1


async def test_an_erased_call_leaves_no_word_anywhere(store: Store, postgres: EmbeddedPostgres, database: str) -> None:
    kept = await record_call(store)
    marked = tuple((speaker, f"{text} marzipan{no}") for no, (speaker, text) in enumerate(LINES))
    call = await record_call(store, kept.tenant_id, lines=marked, note="marzipan")
    token = await issue_token(store, call.tenant_id, [Scope.CAPTURE], call_id=call.call_id)
    with psycopg.connect(postgres.url(user=SUPERUSER, database=database), autocommit=True) as connection:
        connection.execute("ANALYZE")
        assert b"marzipan" in dump(connection)
        assert str(call.call_id).encode() in dump(connection)
        async with store.tenant(call.tenant_id) as ours:
            counts = await erase_call(ours, call.call_id)
        of_people = (
            "playlist_item",
            "share",
            "comment",
            "call_mark",
            "moment_feedback",
            "claim_vote",
            "speaker_correction",
            "earlier_artifact",
            "outline_stage",
        )
        assert dict(counts) == dict.fromkeys(of_people, 0) | {
            "claim_evidence": 1,
            "claim": 3,
            "review_section": 1,
            "review": 1,
            "moment_anchor": 0,
            "moment_evidence": 1,
            "moment": 1,
            "speaker_role": 1,
            "utterance": 6,
            "transcript": 1,
            "gap": 0,
            "token": 1,
            "call": 1,
        }
        assert b"marzipan" not in dump(connection)
        assert str(call.call_id).encode() not in dump(connection, samples=False)
        assert str(kept.call_id).encode() in dump(connection)
    with pytest.raises(Refused):
        await resolve_token(store, token)
    assert {hit.call_id for hit in await find(store, kept.tenant_id, "price")} == {kept.call_id}
    with pytest.raises(Refused, match="no such call"):
        async with store.tenant(call.tenant_id) as ours:
            await erase_call(ours, call.call_id)


async def test_another_tenants_call_cannot_be_erased(store: Store) -> None:
    ours, theirs = await record_call(store, slug="acme"), await record_call(store, slug="rival")
    with pytest.raises(Refused, match="no such call"):
        async with store.tenant(theirs.tenant_id) as connection:
            await erase_call(connection, ours.call_id)
    assert len(await find(store, ours.tenant_id, "spreadsheet", kinds=[HitKind.UTTERANCE])) == 6


def dump(connection: psycopg.Connection, *, samples: bool = True) -> bytes:
    """Every row of every table of ours, and the planner's samples of them."""
    tables = connection.execute(
        "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('ridealong', 'public')"
        " UNION ALL SELECT 'pg_catalog.pg_statistic' WHERE %s",
        [samples],
    ).fetchall()
    found = b""
    for (table,) in tables:
        with connection.cursor().copy(f"COPY (SELECT * FROM {table}) TO STDOUT") as copy:  # pyright: ignore
            found += b"".join(bytes(block) for block in copy)
    return found
