"""Whether Deepgram lets us in, where the settings have it hear calls. No audio is sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import aiohttp

from ridealong.app.checks import Check, Outcome
from ridealong.app.transcribers import deepgram_options
from ridealong.core.errors import InvalidSettings, RidealongError
from ridealong.speech.providers.deepgram.wire import authorization, key_url, refusal

if TYPE_CHECKING:
    from ridealong.config import Settings

_NAME: Final = "deepgram"
_PATIENCE_S: Final = 10.0


async def check_deepgram(settings: Settings) -> list[Check]:
    """One check, or none where Deepgram hears nothing. Never raises."""
    named = [part.strip() for part in (*settings.transcriber.split(","), settings.retranscriber or "")]
    if "deepgram" not in named:
        return []
    try:
        options = deepgram_options(settings)
        address = key_url(options)
    except RidealongError as error:
        return [Check(name=_NAME, outcome=Outcome.FAIL, message=str(error))]
    began = time.monotonic()
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE_S), trust_env=True) as session,
            # Not followed elsewhere: the key would go along.
            session.get(address, headers=authorization(options), allow_redirects=False) as response,
        ):
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        message = f"does not answer ({type(error).__name__}): check RIDEALONG_DEEPGRAM_URL and the network"
        return [Check(name=_NAME, outcome=Outcome.FAIL, message=message)]
    return [_answered(status, options.model, time.monotonic() - began)]


def _answered(status: int, model: str, seconds: float) -> Check:
    if status == 200:
        message = f"the key is valid; {model}; it answers in {seconds:.2f} s from here, connecting included"
        return Check(name=_NAME, outcome=Outcome.OK, message=message)
    if status == 404:
        # Deepgram's own servers have it; one that a company runs for itself may not.
        message = "it answers, but not whether the key is valid: the first call will tell"
        return Check(name=_NAME, outcome=Outcome.WARN, message=message)
    error = refusal(status, model)
    return Check(
        name=_NAME,
        outcome=Outcome.FAIL if isinstance(error, InvalidSettings) else Outcome.WARN,
        message=str(error),
    )
