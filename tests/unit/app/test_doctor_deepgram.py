"""What `ridealong doctor` says about Deepgram."""

from __future__ import annotations

from pydantic import SecretStr

from ridealong.app.checks import Check, Outcome
from ridealong.app.doctor_deepgram import check_deepgram
from ridealong.config import Settings
from tests.vendors.deepgram import DeepgramStandIn, Mischief


async def checked(key: str | None, *, mischief: Mischief | None = None, path: str = "") -> Check:
    standin = DeepgramStandIn([], key="a-valid-key", plan=lambda _: mischief or Mischief())
    await standin.start()
    try:
        settings = Settings(
            transcriber="deepgram,local",
            deepgram_url=standin.url + path,
            deepgram_api_key=None if key is None else SecretStr(key),
        )
        (check,) = await check_deepgram(settings)
    finally:
        await standin.stop()
    assert "key-of-ours" not in check.message
    assert "a-valid-key" not in check.message
    return check


async def test_a_valid_key_is_told_with_the_time_that_it_took() -> None:
    for path in ("", "/v1", "/v1/listen"):
        check = await checked("a-valid-key", path=path)
        assert check.outcome is Outcome.OK, check
        assert "the key is valid" in check.message


async def test_a_key_that_is_missing_or_refused_fails() -> None:
    check = await checked(None)
    assert (check.outcome, "RIDEALONG_DEEPGRAM_API_KEY" in check.message) == (Outcome.FAIL, True)
    check = await checked("key-of-ours")
    assert (check.outcome, "refuses the key" in check.message) == (Outcome.FAIL, True)


async def test_a_server_without_that_page_or_with_trouble_is_a_warning() -> None:
    assert (await checked("a-valid-key", mischief=Mischief(status=404))).outcome is Outcome.WARN
    assert (await checked("a-valid-key", mischief=Mischief(status=503))).outcome is Outcome.WARN


async def test_nobody_there_fails_and_where_deepgram_hears_nothing_nobody_is_asked() -> None:
    key = SecretStr("key-of-ours")
    away = Settings(retranscriber="deepgram", deepgram_url="http://127.0.0.1:9", deepgram_api_key=key)
    (check,) = await check_deepgram(away)
    assert (check.outcome, "does not answer" in check.message) == (Outcome.FAIL, True)
    assert await check_deepgram(Settings(transcriber="local", deepgram_api_key=key)) == []
