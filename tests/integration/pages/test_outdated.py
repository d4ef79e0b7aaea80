"""A finished review says that it is outdated, and by what, until it is made again."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from ridealong.core.transcript import TranscriptId
from ridealong.store import calls, tenants
from ridealong.web.answers.artifact import ArtifactShown
from ridealong.web.answers.calls import CallDetail
from tests.integration.pages.conftest import Pages

RUBRIC = """
id: own
title: Our own
sections:
  - id: opening
    title: Opening
    criteria:
      - {id: agenda_set, question: "Did the rep set an agenda?", role: rep, shown_by: ["Let us cover three things."]}
"""


async def outdated(pages: Pages, call_id: UUID) -> list[str]:
    detail = await pages.get(f"/calls/{call_id}", CallDetail)
    artifact = await pages.get(f"/calls/{call_id}/artifact", ArtifactShown)
    assert detail["outdated_by"] == artifact["outdated"]
    assert detail["review_outdated"] is bool(detail["outdated_by"])
    found: list[str] = detail["outdated_by"]
    return found


async def again(pages: Pages, call_id: UUID) -> None:
    await pages.ask("POST", f"/calls/{call_id}/review", 202)
    await pages.pipeline.wait(pages.tenant_id, call_id)


@pytest.mark.parametrize("part", ["stage", "call_type"])
async def test_another_stage_or_type_of_call_outdates_the_review_until_it_is_made_again(
    pages: Pages, part: str
) -> None:
    call_id = await pages.call()
    at = f"/calls/{call_id}"
    await pages.ask("PUT", f"{at}/context", json={part: "Closed won"})
    assert await outdated(pages, call_id) == ["context"]
    report = await pages.client.get(f"/v1{at}/report?format=md")
    assert "the stage of its deal was changed since the review was made" in report.text
    await again(pages, call_id)
    assert await outdated(pages, call_id) == []
    # Another spelling is the same for every rubric, and so is another customer.
    await pages.ask("PUT", f"{at}/context", json={part: "closed-won", "customer": "Northwind"})
    assert await outdated(pages, call_id) == []
    await pages.ask("PUT", f"{at}/context", json={part: ""})
    assert await outdated(pages, call_id) == ["context"]


async def test_another_rubric_outdates_the_review_and_another_comment_in_it_does_not(pages: Pages) -> None:
    call_id = await pages.call()
    async with pages.store.tenant(pages.tenant_id) as connection:
        await tenants.put_document(connection, tenants.DocumentKind.RUBRIC, "default", RUBRIC)
    assert await outdated(pages, call_id) == ["rubric"]
    await again(pages, call_id)
    assert await outdated(pages, call_id) == []
    async with pages.store.tenant(pages.tenant_id) as connection:
        await tenants.put_document(connection, tenants.DocumentKind.RUBRIC, "default", f"# Kept short.\n{RUBRIC}")
    assert await outdated(pages, call_id) == []


async def test_a_newer_transcript_outdates_the_review_and_is_what_is_reviewed_next(pages: Pages) -> None:
    call_id = await pages.call()
    async with pages.store.tenant(pages.tenant_id) as connection:
        heard = await calls.load_transcript(connection, TranscriptId(call_id=call_id, revision=1))
        better = TranscriptId(call_id=call_id, revision=2)
        await calls.begin_revision(connection, better)
        await calls.append_utterances(connection, better, [replace(u) for u in heard])
        for role in (await calls.load_roles(connection, heard.id)).values():
            await calls.record_role(connection, better, role)
    assert await outdated(pages, call_id) == ["transcript"]
    await again(pages, call_id)
    assert await outdated(pages, call_id) == []
    assert (await pages.get(f"/calls/{call_id}/artifact"))["revision"] == 2
