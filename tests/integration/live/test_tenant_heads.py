"""Which head judges a call: the one it began with, with a shadow beside it that nobody sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from ridealong.core.author import Author
from ridealong.core.events import MomentDecided
from ridealong.core.moments import Tier
from ridealong.core.transcript import Roles, Transcript, Utterance
from ridealong.live import CallStart
from ridealong.live.classify import Classified
from ridealong.live.head import SHIPPED, Head, Heads
from ridealong.live.session import LiveCall
from ridealong.live.taxonomy import Taxonomy
from ridealong.live.tuning_base import features_name
from ridealong.store import Store, erase, moments, taxonomy_versions
from ridealong.store.calls import latest_revision, load_transcript
from ridealong.store.taxonomy_versions import VersionState
from tests.integration.live.conftest import House, OneWord

Start = Callable[..., CallStart]
BY = Author(member_id=None, name="Mia")


class Told(OneWord):
    """Says which heads a call was given; its shadow finds what it finds itself, as another type."""

    def __init__(self) -> None:
        self.heads: list[Heads] = []

    def classifier(self, taxonomy: Taxonomy, heads: Heads = SHIPPED) -> OneWord:
        self.heads.append(heads)
        return self if heads.shadow is not None else OneWord()

    def classify(self, transcript: Transcript, utterance: Utterance, roles: Roles) -> Classified:
        found = super().classify(transcript, utterance, roles)
        return replace(found, shadow=tuple(replace(d, type="price_asked") for d in found.detections))


def head() -> bytes:
    nothing = np.zeros(1, np.float32)
    width = np.zeros((1, 3), np.float32)
    return Head(
        types=("price_asked",), weights=width, bias=nothing, slope=nothing, offset=nothing, share=nothing
    ).as_bytes()


async def version(store: Store, tenant_id: UUID, state: VersionState, features: str | None = None) -> int:
    async with store.tenant(tenant_id) as conn:
        number = await taxonomy_versions.begin_training(conn, BY)
        await taxonomy_versions.finish_training(
            conn, number, head=head(), features=features or features_name(), report={}
        )
        await taxonomy_versions.move(conn, number, state, BY)
    return number


async def heard(call: LiveCall) -> list[MomentDecided]:
    sender = call.attach()
    for _ in range(160):
        await sender.write(bytes(3200))
        await call.taken()
    await sender.stop()
    await call.over.wait()
    return [n.event async for n in call.watch() if isinstance(n.event, MomentDecided)]


@pytest.fixture
def told(house: House) -> Told:
    house.minds = Told()
    return house.minds


async def test_a_call_keeps_the_version_it_began_with_also_over_a_restart(
    house: House, told: Told, tenant_id: UUID, start: Start
) -> None:
    first = await version(house.store, tenant_id, VersionState.LIVE)
    process = house.process()
    await process.begin(tenant_id, start())
    second = await version(house.store, tenant_id, VersionState.LIVE)
    await process.close()
    again = house.process()
    assert await again.recover() == 1
    await again.begin(tenant_id, start())
    assert [h.live_version for h in told.heads] == [first, first, second]


async def test_a_shadow_is_kept_beside_the_call_and_told_to_nobody(
    house: House, told: Told, tenant_id: UUID, start: Start
) -> None:
    number = await version(house.store, tenant_id, VersionState.SHADOW)
    call = await house.process().begin(tenant_id, start())
    decided = await heard(call)
    assert [(d.moment.type, d.moment.tier) for d in decided] == [("objection_raised", Tier.NUDGE)]
    async with house.store.tenant(tenant_id) as conn:
        transcript = await load_transcript(conn, await latest_revision(conn, call.call_id))
        assert [m.moment.type for m in await moments.load_moments(conn, transcript)] == ["objection_raised"]
        [found] = await taxonomy_versions.list_shadow_moments(conn, version=number)
        assert (found.type, found.quote, found.would.value) == ("price_asked", "expensive", "delivered")
        calls, counts = await taxonomy_versions.compare_shadow(conn, number, ())
        assert calls == 1
        assert [(c.type, c.both, c.live_only, c.shadow_only) for c in counts] == [
            ("objection_raised", 0, 1, 0),
            ("price_asked", 0, 0, 1),
        ]
        await erase.erase_call(conn, call.call_id)
        assert not await taxonomy_versions.list_shadow_moments(conn, version=number)


async def test_a_head_for_another_text_model_is_left_out(
    house: House, told: Told, tenant_id: UUID, start: Start
) -> None:
    await version(house.store, tenant_id, VersionState.LIVE, features="3 another model")
    await house.process().begin(tenant_id, start())
    assert told.heads[-1].live is None
    assert told.heads[-1].live_version is None
