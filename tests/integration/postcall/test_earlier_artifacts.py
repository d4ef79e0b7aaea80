"""A review that is made again leaves the artifact before it, and what changed between the two can be told."""

from __future__ import annotations

import asyncio
import json

import psycopg
import pytest

from ridealong.app.artifacts import artifact_difference
from ridealong.core.errors import Refused
from ridealong.postcall.changes import changes_as_markdown
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.postcall.reviewer import InThreads
from ridealong.store import Store
from ridealong.store.artifacts import load_artifact
from ridealong.store.earlier import list_artifacts, load_numbered
from ridealong.store.erase import erase_call
from ridealong.store.tenants import DocumentKind, put_document
from tests.integration.postcall.calls import ended_call, new_tenant
from tests.unit.postcall.embedder import LetterEmbedder

OWN = (
    "id: own\ntitle: Our own\nsections:\n  - id: opening\n    title: Opening\n    criteria:\n"
    "      - id: agenda_set\n        question: Did the rep ask?\n        role: rep\n"
    '        shown_by: ["How do orders come in at the moment?"]\n'
)


async def test_a_review_made_again_keeps_the_artifact_before_it_and_tells_what_changed(store: Store) -> None:
    tenant_id = await new_tenant(store)
    call_id = await ended_call(store, tenant_id)
    embedder = LetterEmbedder()
    pipeline = await ReviewPipeline.open(store, embedder, InThreads(LocalReviewer(embedder)), sweep_seconds=0.3)
    try:
        await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120)
        async with store.tenant(tenant_id) as connection:
            first = (await load_artifact(connection, call_id)).as_json()
            await put_document(connection, DocumentKind.RUBRIC, "default", OWN)
        await pipeline.retry(tenant_id, call_id)
        await asyncio.wait_for(pipeline.wait(tenant_id, call_id), 120)
    finally:
        await pipeline.close()
    async with store.tenant(tenant_id) as connection:
        assert [(v.number, v.rubric_title, v.earlier) for v in await list_artifacts(connection, call_id)] == [
            (1, str(first["rubric"]["title"]), True),  # pyright: ignore
            (2, "Our own", False),
        ]
        # What was kept without its words is read with them, the same as it was.
        assert await load_numbered(connection, call_id, 1) == json.loads(json.dumps(first))
        kept = await (await connection.execute("SELECT artifact::text FROM earlier_artifact")).fetchone()
        assert kept is not None
        assert '"quote"' not in kept[0]
        changes = await artifact_difference(connection, call_id, 1, 2)
        nothing = await artifact_difference(connection, call_id, 1, 1)
        with pytest.raises(Refused, match="artifacts 1 to 2"):
            await load_numbered(connection, call_id, 3)
        with pytest.raises(psycopg.Error):
            async with connection.transaction():
                await connection.execute("UPDATE earlier_artifact SET revision = revision")
        with pytest.raises(psycopg.Error, match="another stage"):
            async with connection.transaction():
                await connection.execute(
                    "INSERT INTO outline_stage SELECT tenant_id, claim_id, call_id, revision, 'demo', utterance_no + 1,"
                    " utterance_no + 2 FROM claim WHERE kind = 'gap' OR kind = 'finding' LIMIT 1"
                )
        erased = await erase_call(connection, call_id)
        assert erased["earlier_artifact"] == 1
        assert erased["outline_stage"] >= 2
    assert {c["kind"] for c in changes["gone"]} == {"finding"}  # pyright: ignore
    assert (nothing["added"], nothing["gone"], nothing["changed"]) == ([], [], [])
    page = changes_as_markdown(changes)
    assert page.startswith("# Artifact 1 and artifact 2")
    assert "## Gone: " in page
