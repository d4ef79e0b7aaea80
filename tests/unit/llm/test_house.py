"""Models by name, and the settings behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ridealong.config import Settings, load_settings
from ridealong.core.errors import BudgetSpent, InvalidDocument, InvalidSettings, ModelAway, ModelLeftAlone
from ridealong.llm.house import ModelHouse
from ridealong.llm.metering import Spent
from tests.unit.llm.asking import QUESTION
from tests.vendors.groq_chat import GroqChat
from tests.vendors.loopback import Fault

MODEL = "groq:openai/gpt-oss-20b"


@pytest.mark.parametrize("name", ["groq", "groq:", ":x", "nowhere:x", ""])
def test_a_name_that_names_no_model_is_refused(name: str) -> None:
    with pytest.raises(InvalidSettings):
        ModelHouse(Settings()).model(name)


def test_a_missing_key_is_told_with_its_setting() -> None:
    with pytest.raises(InvalidSettings, match="RIDEALONG_ANTHROPIC_API_KEY"):
        ModelHouse(Settings(anthropic_api_key=None)).model("anthropic:claude-opus-5-5")


def test_an_endpoint_of_ones_own_needs_an_address_and_no_key() -> None:
    with pytest.raises(InvalidSettings, match="RIDEALONG_COMPATIBLE_URL"):
        ModelHouse(Settings()).model("compatible:mine")
    assert (
        ModelHouse(Settings(compatible_url="http://127.0.0.1:8000")).model("compatible:mine").name == "compatible:mine"
    )


@pytest.mark.parametrize("name", ["RIDEALONG_GROQ_API_KEY", "GROQ_API_KEY"])
def test_keys_are_found_under_our_name_and_the_vendors(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    monkeypatch.setenv(name, "from-the-environment")
    settings = load_settings()
    assert settings.model_key("groq") == "from-the-environment"
    assert settings.live_model_name == MODEL
    assert "from-the-environment" not in repr(settings)


def test_our_name_of_a_key_comes_before_the_vendors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "theirs")
    monkeypatch.setenv("RIDEALONG_GOOGLE_API_KEY", "ours")
    assert load_settings().model_key("google") == "ours"


def test_an_empty_variable_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "")
    assert load_settings().model_key("groq") is None


def test_without_a_key_the_live_path_is_local_and_none_keeps_it_so() -> None:
    assert Settings(groq_api_key=None).live_model_name is None
    assert Settings(groq_api_key="k", live_model="none").live_model_name is None


def test_review_models_are_a_list_in_order() -> None:
    assert Settings(review_models=" anthropic:a , google:b,").review_model_names == ("anthropic:a", "google:b")


async def test_a_tenants_own_address_never_gets_the_key_of_the_settings() -> None:
    async with GroqChat(key="of-the-settings", answer=lambda _asked: {"type": "none"}) as vendor:
        house = ModelHouse(Settings(groq_api_key="of-the-settings"))
        with pytest.raises(InvalidSettings, match="needs a key"):
            house.model(MODEL, url=vendor.url)
        await house.close()
        assert not vendor.asked


async def test_a_guarded_model_is_metered_and_its_breaker_is_shared_by_key() -> None:
    spent: list[Spent] = []
    async with GroqChat(answer=lambda _asked: {"type": "none"}) as vendor:
        house = ModelHouse(Settings(groq_api_key=vendor.key, groq_url=vendor.url))
        model = house.guarded(MODEL, tenant_id="a", deadline_s=60, spent=spent.append)
        await model.answer(QUESTION)
        assert spent[0].outcome == "answered"
        assert spent[0].usage.input > 0
        assert spent[0].cost_usd == pytest.approx(
            (spent[0].usage.input * 0.075 + spent[0].usage.output * 0.30) / 1e6, rel=0.5
        )
        vendor.fault = Fault.BROKEN
        for _ in range(5):
            with pytest.raises(ModelAway):
                await model.answer(QUESTION)
        asked = len(vendor.asked)
        with pytest.raises(ModelAway, match="left alone"):
            await house.guarded(MODEL, tenant_id="b", deadline_s=60).answer(QUESTION)
        assert len(vendor.asked) == asked
        assert not house.breaker(MODEL, key="another").open
        assert [one.outcome for one in spent] == ["answered", *["away"] * 5]
        await house.close()


async def test_one_tenants_empty_budget_does_not_harm_another() -> None:
    async with GroqChat(answer=lambda _asked: {"type": "none"}) as vendor:
        house = ModelHouse(Settings(groq_api_key=vendor.key, groq_url=vendor.url, tenant_tokens_per_minute=70))
        for _ in range(20):
            try:
                await house.guarded(MODEL, tenant_id="a", deadline_s=60).answer(QUESTION)
            except BudgetSpent as busy:
                assert "tenant" in str(busy)
        assert len(vendor.asked) < 20
        minute = house.budget("a").minute()
        assert minute is not None
        assert minute[0] == 70
        assert minute[1] < 70
        assert house.budget("b").minute() == (70, 70)
        await house.guarded(MODEL, tenant_id="b", deadline_s=60).answer(QUESTION)
        await house.close()


async def test_the_deadline_cancels_the_request_and_counts_for_the_breaker() -> None:
    async with GroqChat(answer=lambda _asked: {"type": "none"}, fault=Fault.NEVER) as vendor:
        house = ModelHouse(Settings(groq_api_key=vendor.key, groq_url=vendor.url))
        spent: list[Spent] = []
        for _ in range(5):
            with pytest.raises(ModelAway):
                await house.guarded(MODEL, tenant_id="a", deadline_s=0.05, spent=spent.append).answer(QUESTION)
        assert house.breaker(MODEL).open
        assert {one.outcome for one in spent} == {"away"}
        taken = house.budget("a").spent_today.total
        assert taken > 0, "what was asked and given up is billed"
        with pytest.raises(ModelLeftAlone):
            await house.guarded(MODEL, tenant_id="a", deadline_s=0.05).answer(QUESTION)
        assert house.budget("a").spent_today.total == taken
        await house.close()


async def test_models_in_order_fall_back_to_the_next_vendor() -> None:
    passed: list[str] = []
    async with (
        GroqChat(answer=lambda _asked: {"type": "none"}, fault=Fault.NO_CREDIT) as first,
        GroqChat(answer=lambda _asked: {"type": "none"}) as second,
    ):
        settings = Settings(
            groq_api_key=first.key, groq_url=first.url, compatible_url=second.url, compatible_api_key=second.key
        )
        house = ModelHouse(settings)
        model = house.in_order(
            [MODEL, "compatible:openai/gpt-oss-20b"],
            tenant_id="a",
            deadline_s=60,
            passed_over=lambda name, _error: passed.append(name),
        )
        assert (await model.answer(QUESTION)).vendor == "compatible"
        assert passed == [MODEL]
        await house.close()


async def test_a_scripted_model_answers_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text("answers:\n  - contains: too much\n    answer: {type: price}\n  - answer: {type: none}\n")
    model = ModelHouse(Settings()).model(f"scripted:{path}")
    assert (await model.answer(QUESTION)).content == {"type": "price"}
    path.write_text("answers: []\n")
    with pytest.raises(InvalidDocument):
        ModelHouse(Settings()).model(f"scripted:{path}")


async def test_calls_and_reviews_of_a_tenant_have_one_budget_and_calls_their_share() -> None:
    async with GroqChat(answer=lambda _asked: {"type": "none"}) as vendor:
        house = ModelHouse(
            Settings(
                groq_api_key=vendor.key,
                groq_url=vendor.url,
                tenant_tokens_per_day=1_000_000,
                tenant_live_tokens_per_day=70,
            )
        )
        live = house.guarded(MODEL, tenant_id="a", deadline_s=60, live=True)
        await live.answer(QUESTION)
        with pytest.raises(BudgetSpent) as spent:
            for _ in range(20):
                await live.answer(QUESTION)
        assert spent.value.for_today
        await house.guarded(MODEL, tenant_id="a", deadline_s=60).answer(QUESTION)
        counted = house.budget("a").spent_today
        assert 0 < counted.live < counted.total
        await house.close()
