"""Which recognisers hear, by the settings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ridealong.core.errors import InvalidSettings
from ridealong.postcall.rehearing import Billing
from ridealong.speech import BatchTranscriber, Transcriber, transcriber_class
from ridealong.speech.batch import HeardToTheEnd
from ridealong.speech.fallback import FallbackTranscriber
from ridealong.speech.providers.channels import ChannelsTranscriber
from ridealong.speech.providers.deepgram import DeepgramOptions, DeepgramTranscriber
from ridealong.speech.providers.deepgram.batch import DeepgramBatchTranscriber
from ridealong.speech.providers.local import LocalTranscriber
from ridealong.speech.providers.replay import ReplayTranscriber
from ridealong.speech.session_file import read_session
from ridealong.speech.shared import SharedModels

if TYPE_CHECKING:
    from ridealong.config import Settings
    from ridealong.llm.house import ModelHouse


async def open_live(settings: Settings) -> dict[int, Transcriber]:
    """What hears running calls, by their number of channels. Raises InvalidSettings or MissingPart."""
    return await _in_order([name.strip() for name in settings.transcriber.split(",")], settings)


async def open_batch(settings: Settings, live: Mapping[int, Transcriber]) -> BatchTranscriber | None:
    """What hears recordings again, if anything; shares the `live` models where it is the same transcriber."""
    name = (settings.retranscriber or "").strip()
    if not name:
        return None
    if name == "deepgram":
        return DeepgramBatchTranscriber(deepgram_options(settings))
    if name == settings.transcriber:
        return HeardToTheEnd(live)
    return HeardToTheEnd(await _in_order([name], settings), owned=True)


def batch_billing(settings: Settings, house: ModelHouse) -> Billing | None:
    """What hearing recordings again is paid for; None where it costs nothing but this machine's time."""
    if (settings.retranscriber or "").strip() != "deepgram":
        return None
    name = f"deepgram:{settings.deepgram_model}"
    price = house.transcription(name)
    return Billing(model=name, cost=None if price is None else price.cost)


async def _in_order(names: Sequence[str], settings: Settings) -> dict[int, Transcriber]:
    """The first of `names` that works hears; what several of them load is loaded once."""
    for name in names:
        transcriber_class(name)
    shared = SharedModels(settings.threads)
    made: dict[str, dict[int, Transcriber]] = {}
    for name in names:
        match name:
            case "replay":
                if settings.replay is None:
                    raise InvalidSettings(
                        "the transcriber `replay` needs RIDEALONG_REPLAY: the transcript file to play"
                    )
                session = await asyncio.to_thread(read_session, settings.replay)
                made[name] = dict.fromkeys((1, 2), ReplayTranscriber(session))
            case "deepgram":
                made[name] = dict.fromkeys((1, 2), DeepgramTranscriber(deepgram_options(settings)))
            case _:
                await shared.load()
                made[name] = {1: LocalTranscriber(models=shared), 2: ChannelsTranscriber(models=shared)}
    if len(made) == 1:
        return made[names[0]]
    return {channels: FallbackTranscriber({name: made[name][channels] for name in names}) for channels in (1, 2)}


def deepgram_options(settings: Settings) -> DeepgramOptions:
    """Raises InvalidSettings without a key."""
    if settings.deepgram_api_key is None:
        raise InvalidSettings("the transcriber 'deepgram' needs a key: set RIDEALONG_DEEPGRAM_API_KEY")
    return DeepgramOptions(
        api_key=settings.deepgram_api_key.get_secret_value(),
        url=settings.deepgram_url,
        model=settings.deepgram_model,
        endpointing_ms=settings.deepgram_endpointing_ms,
        utterance_end_ms=settings.deepgram_utterance_end_ms,
        diarize_model=settings.deepgram_diarize_model,
        batch_diarize_model=settings.deepgram_batch_diarize_model,
    )
