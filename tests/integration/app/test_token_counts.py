"""Tokens of tenants: budgets of their own, counted over restarts and processes, with real database and sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from ridealong.app import hosted, reviewing
from ridealong.app.stored_models import StoredModels
from ridealong.app.tenant_models import TenantModels
from ridealong.app.token_counts import LOOK_EVERY_S, WRITE_EVERY_S, TokenCounts
from ridealong.config import Settings
from ridealong.core.errors import BudgetSpent, Unavailable
from ridealong.core.usage import DayTokens
from ridealong.llm import Model
from ridealong.llm.house import ModelHouse
from ridealong.store import Store, tenants
from ridealong.store.embedded import EmbeddedPostgres
from ridealong.store.sealing import Sealing
from tests.integration.app.test_tenant_models import QUESTION, Site, served, with_secret
from tests.integration.postcall.calls import new_tenant
from tests.vendors.groq_chat import GroqChat

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()


@dataclass
class Moment:
    """What time it is, for all processes of a test."""

    now: float = NOON

    def __call__(self) -> float:
        return self.now


@dataclass(kw_only=True)
class Process:
    """One server process, as far as tokens go."""

    settings: Settings
    house: ModelHouse
    counts: TokenCounts
    stored: StoredModels
    tenants: TenantModels

    async def live(self, tenant_id: UUID) -> Model:
        model = await hosted.live_model(self.settings, self.house, self.tenants)(tenant_id)
        assert model is not None
        return model

    async def reviewing(self, tenant_id: UUID) -> Model:
        models = await reviewing.models_of(self.settings, self.house, self.tenants)(tenant_id)
        return models.drafting[0].model

    async def ask(self, tenant_id: UUID, times: int = 1) -> None:
        model = await self.live(tenant_id)
        for _ in range(times):
            await model.answer(QUESTION)

    async def refuses(self, model: Model) -> BudgetSpent:
        with pytest.raises(BudgetSpent) as spent:
            await model.answer(QUESTION)
        return spent.value

    async def left(self, tenant_id: UUID, of: str = "per_day") -> int:
        shown: Any = await self.stored.read(tenant_id)
        return shown["tokens"][of]["left"]


class Processes:
    """Server processes on one database, at one time of day."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self.moment = Moment()
        self._houses: list[ModelHouse] = []

    def start(self, clock: Callable[[], float] = time.monotonic, **changes: Any) -> Process:
        settings = Settings(**(self.settings.model_dump() | changes))
        house = ModelHouse(settings, clock=clock, now=self.moment)
        self._houses.append(house)
        counts = TokenCounts(self.store, house, clock=clock)
        own = TenantModels(self.store, Sealing.of_settings(settings), counts=counts)
        stored = StoredModels(settings=settings, house=house, tenants=own, counts=counts)
        return Process(settings=settings, house=house, counts=counts, stored=stored, tenants=own)

    async def close(self) -> None:
        for house in self._houses:
            await house.close()


@pytest.fixture
async def groq() -> AsyncIterator[GroqChat]:
    async with GroqChat() as vendor:
        yield vendor


@pytest.fixture
async def processes(store: Store, store_settings: Settings, groq: GroqChat) -> AsyncIterator[Processes]:
    made = Processes(
        store,
        with_secret(
            store_settings,
            groq_api_key=SecretStr(groq.key),
            groq_url=groq.url,
            review_models="groq:openai/gpt-oss-120b",
        ),
    )
    yield made
    await made.close()


async def worth(process: Process, tenant_id: UUID) -> int:
    """What the vendor counts for one question."""
    before = process.house.budget(str(tenant_id)).spent_today.total
    await process.ask(tenant_id)
    return process.house.budget(str(tenant_id)).spent_today.total - before


# ---- budgets


async def test_two_tenants_have_budgets_of_their_own(processes: Processes, store: Store, groq: GroqChat) -> None:
    process = processes.start(tenant_tokens_per_day=1_000_000)
    small, large = await new_tenant(store), await new_tenant(store)
    await process.stored.write(small, {"tokens_per_day": 2_000})
    one = await process.live(small)
    with pytest.raises(BudgetSpent) as spent:
        for _ in range(1_000):
            await one.answer(QUESTION)
    assert spent.value.for_today
    asked = len(groq.asked)
    assert asked > 2
    await process.refuses(one)
    assert len(groq.asked) == asked
    await process.ask(large, 3)
    assert await process.left(small) < 100
    assert await process.left(large) > 999_000
    shown: Any = await process.stored.read(small)
    assert any("used up" in warning for warning in shown["warnings"])
    assert not any("used up" in warning for warning in (await process.stored.read(large))["warnings"])  # type: ignore[union-attr]


async def test_calls_have_tokens_that_reviews_leave_them(processes: Processes, store: Store) -> None:
    process = processes.start()
    tenant_id = await new_tenant(store)
    await process.stored.write(tenant_id, {"tokens_per_day": 4_000, "live_tokens_per_day": 2_000})
    reviewer, live = await process.reviewing(tenant_id), await process.live(tenant_id)
    with pytest.raises(BudgetSpent):
        for _ in range(1_000):
            await reviewer.answer(QUESTION)
    shown: Any = await process.stored.read(tenant_id)
    assert shown["tokens"]["per_day"]["left"] >= 2_000
    assert shown["tokens"]["live_per_day"] == {"limit": 2_000, "left": 2_000}
    assert any("set aside for calls" in warning for warning in shown["warnings"])
    for _ in range(3):
        await live.answer(QUESTION)


async def test_a_tenant_may_choose_less_than_the_operator_allows_and_no_more(
    processes: Processes, store: Store
) -> None:
    process = processes.start(tenant_tokens_per_day=50_000)
    tenant_id = await new_tenant(store)
    with pytest.raises(Exception, match="allows 50000 at most"):
        await process.stored.write(tenant_id, {"tokens_per_day": 50_001})
    shown: Any = await process.stored.read(tenant_id)
    assert (shown["tokens_per_day"], shown["tokens"]["per_day"]["limit"]) == (None, 50_000)
    assert shown["allowed"] == {"tokens_per_day": 50_000, "live_tokens_per_day": None}
    shown = await process.stored.write(tenant_id, {"tokens_per_day": 20_000})
    assert (shown["tokens_per_day"], shown["tokens"]["per_day"]["limit"]) == (20_000, 20_000)
    shown = await process.stored.allow(tenant_id, {"tokens_per_day": 10_000})
    assert shown["tokens"]["per_day"]["limit"] == 10_000
    assert any("allows 10000" in warning for warning in shown["warnings"])
    # Saved again as it was, beside another change.
    await process.stored.write(tenant_id, {"tokens_per_day": 20_000, "live_tokens_per_day": 5_000})
    await process.stored.write(tenant_id, {"live_tokens_per_day": None})
    await process.stored.allow(tenant_id, {"tokens_per_day": 0})
    shown = await process.stored.write(tenant_id, {"tokens_per_day": 900_000})
    assert shown["tokens"]["per_day"]["limit"] == 900_000
    shown = await process.stored.write(tenant_id, {"tokens_per_day": None})
    assert shown["tokens"]["per_day"] is None
    shown = await process.stored.allow(tenant_id, {"tokens_per_day": None})
    assert shown["tokens"]["per_day"]["limit"] == 50_000


async def test_over_http_an_admin_sets_it_and_sees_what_is_left(store: Store, store_settings: Settings) -> None:
    async with served(store, with_secret(store_settings, tenant_tokens_per_day=9_000)) as site:
        shown = await site.put(tokens_per_day=5_000, live_tokens_per_day=2_000)
        assert shown == await site.get()
        assert shown["tokens"]["per_day"] == {"limit": 5_000, "left": 5_000}
        assert shown["tokens"]["live_per_day"] == {"limit": 2_000, "left": 2_000}
        assert datetime.fromisoformat(shown["tokens"]["day_ends_at"]) > datetime.now(UTC)
        assert "allows 9000 at most" in await site.refused({"tokens_per_day": 9_001})
        site.house.budget(str(site.tenant_id)).take(1_500, live=True)
        shown = await site.put(live_model="none")
        assert shown["tokens"]["live_per_day"] == {"limit": 2_000, "left": 500}
        assert shown["warnings"] == [], "nobody asks for them"
        shown = await site.put(live_model="groq:openai/gpt-oss-20b", vendors={"groq": {"key": "gsk_0123456789"}})
        assert [w for w in shown["warnings"] if "live_tokens_per_day" in w] == shown["warnings"] != []
        assert (await site.put(tokens_per_day=None, live_tokens_per_day=None))["tokens"]["per_day"]["limit"] == 9_000
        await reads_nothing_of(site, await new_tenant(store))


async def reads_nothing_of(site: Site, other: UUID) -> None:
    token = await tenants.issue_token(site.store, other, list(tenants.Scope))
    answer = await site.client.get("/v1/models", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["tokens"]["per_day"] == {"limit": 9_000, "left": 9_000}


# ---- counts


async def test_a_restart_in_the_middle_of_the_day_goes_on_where_it_was(processes: Processes, store: Store) -> None:
    tenant_id = await new_tenant(store)
    first = processes.start(tenant_tokens_per_day=100_000)
    async with first.counts.writing():
        await first.ask(tenant_id, 5)
    spent = first.house.budget(str(tenant_id)).spent_today
    second = processes.start(tenant_tokens_per_day=100_000)
    await second.live(tenant_id)
    assert second.house.budget(str(tenant_id)).spent_today == spent
    assert spent.total == spent.live > 0


async def test_a_killed_process_loses_what_it_counted_since_the_last_second(processes: Processes, store: Store) -> None:
    tenant_id = await new_tenant(store)
    first = processes.start(tenant_tokens_per_day=100_000)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(first.counts.writing())
        await first.ask(tenant_id, 5)
        until = time.monotonic() + WRITE_EVERY_S + 1.0
        written = first.house.budget(str(tenant_id)).spent_today
        while first.house.budget(str(tenant_id)).unwritten() and time.monotonic() < until:
            await asyncio.sleep(0.02)
        # Nothing of `first` is asked to tidy up before the next one looks.
        second = processes.start(tenant_tokens_per_day=100_000)
        await second.live(tenant_id)
        assert second.house.budget(str(tenant_id)).spent_today == written
    assert WRITE_EVERY_S <= 3


async def test_two_processes_share_one_budget_and_count_nothing_twice(processes: Processes, store: Store) -> None:
    tenant_id = await new_tenant(store)
    first, second = (processes.start(tenant_tokens_per_day=100_000) for _ in range(2))
    each = await worth(first, tenant_id)
    await asyncio.gather(first.ask(tenant_id, 9), second.ask(tenant_id, 10))
    for _ in range(3):
        await first.counts.look(tenant_id)
        await second.counts.look(tenant_id)
    assert await first.left(tenant_id) == await second.left(tenant_id) == 100_000 - 20 * each


async def test_what_one_process_spends_another_knows_five_seconds_later(processes: Processes, store: Store) -> None:
    tenant_id = await new_tenant(store)
    clock = Moment(0.0)
    spends, knows = (processes.start(clock, tenant_tokens_per_day=3_000) for _ in range(2))
    model = await knows.live(tenant_id)
    await model.answer(QUESTION)
    await knows.counts.write()
    spending = await spends.live(tenant_id)
    with pytest.raises(BudgetSpent):
        for _ in range(1_000):
            await spending.answer(QUESTION)
    # Each gets its turn once a second, at the worst moment for the other.
    for _ in range(round((LOOK_EVERY_S - WRITE_EVERY_S) / WRITE_EVERY_S)):
        clock.now += WRITE_EVERY_S
        await knows.counts.write()
        await spends.counts.write()
    await knows.refuses(model)


async def test_calls_at_once_take_no_more_than_there_is(processes: Processes, store: Store, groq: GroqChat) -> None:
    groq.delay_s = 0.05
    tenant_id = await new_tenant(store)
    process = processes.start()
    await process.stored.write(tenant_id, {"tokens_per_day": 2_000})
    calls = [await process.live(tenant_id) for _ in range(400)]
    results = await asyncio.gather(*(call.answer(QUESTION) for call in calls), return_exceptions=True)
    answered = [r for r in results if not isinstance(r, BaseException)]
    assert {type(r) for r in results if isinstance(r, BaseException)} == {BudgetSpent}
    assert len(answered) == len(groq.asked) > 3
    spent = process.house.budget(str(tenant_id)).spent_today
    assert spent.total == sum(a.usage.input + a.usage.output for a in answered) <= 2_000


async def test_a_day_begins_anew_at_midnight_utc_for_a_running_call_too(processes: Processes, store: Store) -> None:
    tenant_id = await new_tenant(store)
    process = processes.start(tenant_tokens_per_day=1_000)
    model = await process.live(tenant_id)
    with pytest.raises(BudgetSpent):
        for _ in range(1_000):
            await model.answer(QUESTION)
    processes.moment.now = NOON + 12 * 3600 - 1
    assert (await process.refuses(model)).retry_after_s == pytest.approx(1.0)
    processes.moment.now += 1
    await model.answer(QUESTION)
    await process.counts.look(tenant_id)
    async with store.tenant(tenant_id) as connection:
        cursor = await connection.execute("SELECT day::text, tokens FROM token_count ORDER BY day")
        rows = await cursor.fetchall()
    assert [day for day, _ in rows] == ["2026-11-26", "2026-11-27"]
    assert rows[0][1] > rows[1][1] > 0


async def test_a_budget_that_is_raised_elsewhere_reaches_a_running_call(processes: Processes, store: Store) -> None:
    tenant_id = await new_tenant(store)
    server, command_line = processes.start(), processes.start()
    await server.stored.write(tenant_id, {"tokens_per_day": 2_000})
    model = await server.live(tenant_id)
    async with server.counts.writing():
        with pytest.raises(BudgetSpent):
            for _ in range(1_000):
                await model.answer(QUESTION)
        await command_line.stored.write(tenant_id, {"tokens_per_day": 100_000})
        began = time.monotonic()
        while time.monotonic() - began < LOOK_EVERY_S + WRITE_EVERY_S + 2:
            try:
                await model.answer(QUESTION)
                break
            except BudgetSpent:
                await asyncio.sleep(0.1)
        await model.answer(QUESTION)
    assert LOOK_EVERY_S <= 10


async def test_a_budget_that_is_raised_here_reaches_a_running_call_at_once(processes: Processes, store: Store) -> None:
    tenant_id = await new_tenant(store)
    server = processes.start()
    await server.stored.write(tenant_id, {"tokens_per_day": 2_000})
    model = await server.live(tenant_id)
    with pytest.raises(BudgetSpent):
        for _ in range(1_000):
            await model.answer(QUESTION)
    await server.stored.write(tenant_id, {"tokens_per_day": 100_000})
    await model.answer(QUESTION)


async def test_questions_wait_for_no_database_and_what_they_took_is_written_when_it_is_back(
    processes: Processes, store: Store, postgres: EmbeddedPostgres
) -> None:
    tenant_id = await new_tenant(store)
    process = processes.start(tenant_tokens_per_day=100_000)
    model = await process.live(tenant_id)
    await asyncio.to_thread(postgres.stop_server)
    try:
        for _ in range(3):
            await model.answer(QUESTION)
        with pytest.raises(Unavailable):
            await process.counts.look(tenant_id)
        await process.counts.write()
        # A call that begins meanwhile is asked about as before: its budget was known.
        await process.counts.ready(tenant_id)
    finally:
        await asyncio.to_thread(postgres.start_server)
    spent = process.house.budget(str(tenant_id)).spent_today
    await process.counts.look(tenant_id)
    after = processes.start(tenant_tokens_per_day=100_000)
    await after.live(tenant_id)
    assert after.house.budget(str(tenant_id)).spent_today == spent != DayTokens()
