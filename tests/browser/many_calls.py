"""Calls of several customers over some weeks on a real server: told as rows, with sound that can be played.

A server's calls all hear the same script. So one call is captured as a phone would; the others are written into the
database as the end of a call leaves them, with that call's sound, and the server reviews each.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from ridealong.app import models
from ridealong.config import Settings
from ridealong.core.context import CallContext
from ridealong.embedding import Embedder
from ridealong.recording.folder import Recordings
from ridealong.store import Store
from ridealong.store.calls import change_context
from tests.browser.signed_in import HOSTILE, House
from tests.integration.across.calls import CUSTOMER, REP, Line, spoken
from tests.integration.app.test_killed_server import reviewed

NORD = "Nord Logistics"
FLEET = "Fleet 2027"
BAKERY = f"Bakkerij {HOSTILE}"
SECONDS = 60
"""Of sound; a line begins every four."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """`moments`: a type and the number of the line that it cites."""

    title: str
    customer: str
    deal: str = ""
    stage: str = ""
    days_ago: int
    rep_id: str = "rep-m"
    lines: Sequence[Line]
    moments: Sequence[tuple[str, int]] = ()


TOLD = (
    Told(
        title="Nord Logistics: first call",
        customer=NORD,
        deal=FLEET,
        stage="discovery",
        days_ago=58,
        lines=(
            (REP, "What made you look for something new?"),
            (CUSTOMER, "We lose about twelve hours a week because orders are copied by hand."),
            (REP, "What does that cost you in a year?"),
            (CUSTOMER, "Roughly forty thousand euros a year, and two drivers left because of the chaos."),
            (REP, "Who would sign off on a purchase like this?"),
            (CUSTOMER, "Ms Larsen, our operations director, signs everything above ten thousand."),
            (REP, "How will you choose between the offers?"),
            (CUSTOMER, "It has to connect to our warehouse system and the drivers must learn it in a day."),
            (CUSTOMER, "Frankly, your price is too high for us this year."),
            (REP, "I will send you the case study by Friday."),
            (CUSTOMER, "Good, then I will show it to the team next week."),
        ),
        moments=(("pain_stated", 1), ("objection_raised", 8)),
    ),
    Told(
        title="Nord Logistics: demo",
        customer=NORD,
        deal=FLEET,
        stage="demo",
        days_ago=27,
        lines=(
            (REP, "Is it still twelve hours a week?"),
            (CUSTOMER, "No, by now we lose forty hours a month and two people on rework."),
            (REP, "And Ms Larsen still decides?"),
            (CUSTOMER, "She left. Mr Okafor, the new finance director, holds the budget and signs now."),
            (REP, "What are the steps until a decision?"),
            (CUSTOMER, "First a pilot in Kiel, then the board decides in the meeting on the twelfth of December."),
            (CUSTOMER, "We are also looking at Routify, they are cheaper than you."),
            (CUSTOMER, "The setup takes our technicians far too long, that worries me."),
            (REP, "I will set up the pilot account by Monday."),
        ),
        moments=(("competitor_mentioned", 6), ("objection_raised", 7), ("decision_process", 5)),
    ),
    Told(
        title="Nord Logistics: price",
        customer=NORD,
        deal=FLEET,
        stage="negotiation",
        days_ago=3,
        lines=(
            (REP, "How did the pilot in Kiel go?"),
            (CUSTOMER, "Very well. I told Mr Okafor that we should buy it, and I will push for it in the board."),
            (CUSTOMER, "Legal has to check the contract, and procurement needs two signatures for it."),
            (CUSTOMER, "Still, your price is too high for us."),
            (REP, "I will send you a new offer by Thursday."),
            (CUSTOMER, "Yes, send it by Thursday, and I will take it to the board on the twelfth."),
            (CUSTOMER, "We still talk to Routify about this, too."),
        ),
        moments=(("objection_raised", 3), ("competitor_mentioned", 6), ("buying_signal", 1)),
    ),
    Told(
        title="Süd Cargo: intro",
        customer="Süd Cargo",
        deal="Depot Augsburg",
        stage="discovery",
        days_ago=19,
        rep_id="rep-1",
        lines=(
            (REP, "What would have to change at the depot?"),
            (CUSTOMER, "Onboarding new drivers takes us three weeks, and half of them leave before that."),
            (CUSTOMER, "That price is too high for a depot of our size."),
            (CUSTOMER, "We talked to Routify and to Hubwise last month."),
            (REP, "I will call you next week."),
        ),
        moments=(("pain_stated", 1), ("objection_raised", 2), ("competitor_mentioned", 3)),
    ),
    Told(
        title="Halvorsen Foods: second call",
        customer="Halvorsen Foods",
        deal="Cold chain",
        stage="demo",
        days_ago=9,
        lines=(
            (REP, "What did the team think of the demo?"),
            (CUSTOMER, "The setup takes too long for us, our technicians have no time in winter."),
            (CUSTOMER, "Onboarding has to be done in one day, not in three weeks."),
            (CUSTOMER, "In the end we compare you with Hubwise."),
        ),
        moments=(("objection_raised", 1), ("pain_stated", 2), ("competitor_mentioned", 3)),
    ),
    Told(
        title=f"Call {HOSTILE}",
        customer=BAKERY,
        days_ago=44,
        rep_id="rep-1",
        lines=(
            (REP, "What keeps you from buying?"),
            (CUSTOMER, f"Your price is too high for us {HOSTILE} and I say so."),
            (CUSTOMER, "Onboarding was the worst part of our last system."),
        ),
        moments=(("objection_raised", 1), ("pain_stated", 2)),
    ),
)


async def tell(house: House, told: Sequence[Told] = TOLD) -> list[str]:
    """Put these calls on the server, reviewed by MEDDIC; returns their ids in the order of `told`."""
    assert max(len(one.lines) for one in told) * 4 <= SECONDS, "every line has its sound"
    folder = house.running.folder
    async with house.api() as api:
        chosen = await api.get("/v1/settings")
        changed = await api.put("/v1/settings", json={**chosen.json(), "default_rubric": "meddic"})
        assert changed.is_success, changed.text
    heard = await house.whole_call(title="Only sound", seconds=SECONDS)
    settings = Settings(data_dir=folder)
    embedder = await asyncio.to_thread(models.load_text_model, settings)
    recordings = Recordings(settings.recordings_dir)
    (tenant_folder,) = [path.parent for path in recordings.folder.glob(f"*/{heard}")]
    tenant_id = UUID(tenant_folder.name)
    # The embedded database goes on for the server when this one lets it go.
    store = await Store.open(settings)
    try:
        made = [await _told(store, embedder, tenant_id, one) for one in told]
    finally:
        await store.close()
    for call_id in made:
        await asyncio.to_thread(_with_sound, tenant_folder, heard, call_id)
    async with house.api() as api:
        for call_id in made:
            asked = await api.post(f"/v1/calls/{call_id}/review")
            assert asked.status_code in (202, 409), asked.text  # 409: the server has begun by itself
            await reviewed(house.running, house.token, str(call_id))
        assert (await api.delete(f"/v1/calls/{heard}")).is_success
    return [str(call_id) for call_id in made]


async def _told(store: Store, embedder: Embedder, tenant_id: UUID, one: Told) -> UUID:
    call_id = await spoken(
        store,
        tenant_id,
        one.lines,
        embedder=embedder,
        on=datetime.now(UTC) - timedelta(days=one.days_ago),
        rep=one.rep_id,
        customer=one.customer,
        deal=one.deal,
        moments=one.moments,
    )
    context = CallContext(customer=one.customer, deal=one.deal, stage=one.stage)
    async with store.tenant(tenant_id) as connection:
        await change_context(connection, call_id, context)
        # It gets a sound beside it (`_with_sound`), which a call that came as a transcript has not.
        await connection.execute(
            "UPDATE call SET title = %s, encoding = 'pcm16', sample_rate = 16000 WHERE call_id = %s",
            [one.title, call_id],
        )
    return call_id


def _with_sound(folder: Path, heard: str, call_id: UUID) -> None:
    shutil.copytree(folder / heard, folder / str(call_id))
