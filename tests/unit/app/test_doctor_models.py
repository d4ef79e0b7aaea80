"""What `ridealong doctor` says about models, each behind a stand-in of its vendor."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ridealong.app.checks import Check, Outcome
from ridealong.app.doctor_models import check_models
from ridealong.config import Settings
from tests.vendors.anthropic_messages import AnthropicMessages
from tests.vendors.groq_chat import GroqChat
from tests.vendors.loopback import Fault

TODAY = date(2026, 11, 22)


async def live_check(**changes: object) -> Check:
    async with GroqChat(answer=lambda _asked: {"well": True}, **changes) as vendor:
        settings = Settings(groq_api_key=vendor.key, groq_url=vendor.url, live_model="groq:openai/gpt-oss-20b")
        return (await check_models(settings, today=TODAY))[0]


async def test_without_models_it_says_that_everything_is_local() -> None:
    settings = Settings(groq_api_key=None, openai_api_key=None, anthropic_api_key=None, google_api_key=None)
    checks = await check_models(settings)
    assert [check.outcome for check in checks] == [Outcome.OK]
    assert "local classifier alone" in checks[0].message
    assert "the local reviewer" in checks[0].message


async def test_each_model_is_asked_once_and_its_time_told() -> None:
    async with (
        GroqChat(answer=lambda _asked: {"well": True}) as groq,
        AnthropicMessages(answer=lambda _asked: {"well": True}) as anthropic,
    ):
        settings = Settings(
            groq_api_key=groq.key,
            groq_url=groq.url,
            anthropic_api_key=anthropic.key,
            anthropic_url=anthropic.url,
            review_models="anthropic:claude-opus-5-5",
        )
        checks = await check_models(settings, today=TODAY)
    assert [check.name for check in checks] == ["live model", "review model 1", "models"]
    assert checks[0].outcome is not Outcome.FAIL
    assert "groq:openai/gpt-oss-20b answers in" in checks[0].message
    assert "anthropic:claude-opus-5-5 answers in" in checks[1].message
    assert (len(groq.asked), len(anthropic.asked)) == (1, 1)
    assert groq.key not in repr(checks)


@pytest.mark.parametrize("fault", [Fault.BAD_KEY, Fault.NO_CREDIT, Fault.NO_MODEL, Fault.BROKEN, Fault.HANG_UP])
async def test_what_will_not_work_fails(fault: Fault) -> None:
    assert (await live_check(fault=fault)).outcome is Outcome.FAIL


async def test_a_busy_vendor_is_a_warning() -> None:
    assert (await live_check(fault=Fault.BUSY)).outcome is Outcome.WARN


async def test_a_live_model_slower_than_its_deadline_is_a_warning() -> None:
    check = await live_check(delay_s=1.0)
    assert check.outcome is Outcome.WARN
    assert "faster model" in check.message


async def test_a_retired_model_fails_with_its_successor() -> None:
    async with GroqChat() as vendor:
        settings = Settings(groq_api_key=vendor.key, groq_url=vendor.url, live_model="groq:llama-3.3-70b-versatile")
        check = (await check_models(settings, today=TODAY))[0]
    assert check.outcome is Outcome.FAIL
    assert "model_decommissioned" in check.message
    assert "successor is groq:openai/gpt-oss-120b" in check.message


async def test_a_model_that_is_soon_retired_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(
        "models:\n  - {id: groq:openai/gpt-oss-20b, schema_mode: strict, streams: false, retires: 2027-01-31}\n"
    )
    async with GroqChat(answer=lambda _asked: {"well": True}) as vendor:
        settings = Settings(groq_api_key=vendor.key, groq_url=vendor.url, models_file=path)
        check = (await check_models(settings, today=TODAY))[0]
    assert check.outcome is Outcome.WARN
    assert "will be retired on 2027-01-31" in check.message


async def test_a_missing_key_and_a_broken_file_fail(tmp_path: Path) -> None:
    settings = Settings(review_models="anthropic:claude-opus-5-5", anthropic_api_key=None, groq_api_key=None)
    assert (await check_models(settings))[0].outcome is Outcome.FAIL
    path = tmp_path / "models.yaml"
    path.write_text("models: 5\n")
    checks = await check_models(Settings(models_file=path))
    assert [check.outcome for check in checks] == [Outcome.FAIL]


async def test_the_live_deadline_is_the_setting_s() -> None:
    async with GroqChat(answer=lambda _asked: {"well": True}, delay_s=0.3) as vendor:
        settings = Settings(groq_api_key=vendor.key, groq_url=vendor.url, live_deadline_ms=200)
        check = (await check_models(settings, today=TODAY))[0]
    assert check.outcome is Outcome.WARN
    assert "over the 0.2 s" in check.message


async def test_what_the_settings_will_do_is_said_in_order() -> None:
    settings = Settings(
        transcriber="deepgram, local",
        retranscriber="local",
        live_model="scripted:nowhere.yaml",
        review_models="anthropic:claude-opus-5-5, google:gemini-3.8-flash",
        verify_model="groq:openai/gpt-oss-20b",
        review_stand_in=False,
        live_deadline_ms=700,
    )
    said = (await check_models(settings))[-1].message
    for part in (
        "heard by deepgram or, while that is away, by local",
        "by scripted:nowhere.yaml where that is unsure (after 700 ms",
        "heard again by local",
        "within 30 s by anthropic:claude-opus-5-5, then google:gemini-3.8-flash",
        "second time by groq:openai/gpt-oss-20b",
        "where none answers it fails",
    ):
        assert part in said, said
