"""What a taxonomy is learned from is read when the taxonomy is kept, so that a training need not read it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from ridealong.app.documents import StoredDocuments
from ridealong.app.reading_ahead import ReadingAhead
from ridealong.app.tuning_job import gather
from ridealong.embedding.minilm import load_embedder
from ridealong.live.tuning_base import features_name
from ridealong.store import Store, tenants
from tests.integration.app.test_tuning import OWN


@pytest.fixture
async def ahead(store: Store) -> AsyncIterator[ReadingAhead]:
    with ThreadPoolExecutor(1) as thread:
        reading = ReadingAhead(store, load_embedder(), thread)
        yield reading
        await reading.close()


async def unread(store: Store, tenant_id: UUID) -> set[str]:
    """What a training would have to read of the document."""
    async with store.tenant(tenant_id) as conn:
        job = await gather(conn, features=features_name(), trust_feedback=False)
    return set(job.written) - set(job.views)


async def test_a_training_finds_read_what_a_document_says(store: Store, ahead: ReadingAhead) -> None:
    tenant_id = (await tenants.create_tenant(store, "read-ahead", "Read ahead")).tenant_id
    await StoredDocuments(store).write(tenant_id, "taxonomy", "default", OWN)
    before = await unread(store, tenant_id)
    assert "And on the battery?" in before
    assert "The frame is under warranty for ten years." in before
    assert await ahead.read(tenant_id) == len(before)
    assert await unread(store, tenant_id) == set()
    assert await ahead.read(tenant_id) == 0, "once is enough"


async def test_only_what_is_new_is_read_and_what_stands_there_no_more_goes(store: Store, ahead: ReadingAhead) -> None:
    tenant_id = (await tenants.create_tenant(store, "read-again", "Read again")).tenant_id
    documents = StoredDocuments(store)
    await documents.write(tenant_id, "taxonomy", "default", OWN)
    await ahead.read(tenant_id)
    asked = "And on the battery?"
    await documents.write(tenant_id, "taxonomy", "default", OWN.replace(asked, "Does that hold for the battery too?"))
    # As it is written, and as a recogniser would write it.
    assert await ahead.read(tenant_id) == 2
    await documents.write(tenant_id, "taxonomy", "default", OWN)
    assert asked in await unread(store, tenant_id)


async def test_whoever_keeps_a_taxonomy_need_not_wait_for_the_reading(store: Store, ahead: ReadingAhead) -> None:
    tenant_id = (await tenants.create_tenant(store, "read-soon", "Read soon")).tenant_id
    await StoredDocuments(store, kept=ahead.soon).write(tenant_id, "taxonomy", "default", OWN)
    await all_read(store, tenant_id)


async def test_a_version_that_is_taken_up_again_is_read_again(store: Store, ahead: ReadingAhead) -> None:
    tenant_id = (await tenants.create_tenant(store, "read-back", "Read back")).tenant_id
    documents = StoredDocuments(store, kept=ahead.soon)
    await documents.write(tenant_id, "taxonomy", "default", OWN)
    await documents.write(tenant_id, "taxonomy", "default", OWN.replace("And on the battery?", "And the battery?"))
    await all_read(store, tenant_id)
    await documents.activate(tenant_id, "taxonomy", "default", 1)
    await all_read(store, tenant_id)


async def all_read(store: Store, tenant_id: UUID) -> None:
    async with asyncio.timeout(120):
        while await unread(store, tenant_id):
            await asyncio.sleep(0.05)
