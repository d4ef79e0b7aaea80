"""Themes and competitors over several calls, with counts that open to their moments."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from ridealong.app.across import StoredAcross
from ridealong.core.answer import Scope
from ridealong.core.sight import OwnCalls
from ridealong.core.themes import ThemeKind
from ridealong.core.transcript import TranscriptId
from ridealong.embedding.minilm import MiniLm
from ridealong.store import Store
from ridealong.store.calls import load_transcript
from tests.integration.across.calls import CUSTOMER, NOW, REP, spoken, tenant

PRICE = ("Your price is too high for us", "The price is too high compared to last year", "That price is too high")
SETUP = ("The setup takes our technicians far too long", "The setup takes too long for us")
RIVAL = "We are also talking to Routify about this"


async def test_what_is_said_alike_is_one_theme_whose_moments_open_to_what_was_said(
    store: Store, embedder: MiniLm
) -> None:
    tenant_id = await tenant(store)
    for number, words in enumerate((*PRICE, *SETUP)):
        await spoken(
            store,
            tenant_id,
            ((REP, "What keeps you?"), (CUSTOMER, words), (CUSTOMER, RIVAL)),
            embedder=embedder,
            customer=f"Customer {number}",
            on=NOW - timedelta(days=7 * number),
            rep="ana@example.org" if number else "ben@example.org",
            moments=[("objection_raised", 1), ("competitor_mentioned", 2)],
        )
    across = StoredAcross.of(store, embedder, ThreadPoolExecutor(1))
    found = await across.read_themes(tenant_id, Scope())
    assert [sorted(m.evidence.quote for m in theme.moments) for theme in found.themes] == [sorted(PRICE), sorted(SETUP)]
    assert {theme.kind for theme in found.themes} == {ThemeKind.OBJECTION}
    assert "price" in found.themes[0].name
    assert "setup" in found.themes[1].name
    (rival,) = found.competitors
    assert (rival.name, len(rival.moments)) == ("Routify", 5)
    shown: dict[str, Any] = rival.as_json(1)
    assert [(week["week"], week["count"]) for week in shown["weeks"]] == [
        ("2026-W44", 1),
        ("2026-W45", 1),
        ("2026-W46", 1),
        ("2026-W47", 1),
        ("2026-W48", 1),
    ]
    for theme in found.themes:
        for moment in theme.moments:
            async with store.tenant(tenant_id) as connection:
                transcript = await load_transcript(connection, TranscriptId(call_id=moment.call.call_id))
            assert moment.evidence.quote in transcript[moment.evidence.utterance_no].text
    assert await across.read_themes(tenant_id, Scope()) == found, "the same rows give the same themes"
    lately = await across.read_themes(tenant_id, Scope(started_from=NOW - timedelta(days=8)))
    assert lately.counted == 4
    own = await across.read_themes(OwnCalls(tenant_id, "ben@example.org"), Scope())
    assert [m.evidence.quote for theme in own.themes for m in theme.moments] == [PRICE[0]]
    assert (await across.read_themes(await tenant(store, "rival"), Scope())).counted == 0
