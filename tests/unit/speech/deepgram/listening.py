"""A scripted call heard through the stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ridealong.speech import Audio, Heard, Hearing, SpokenWord, Words
from ridealong.speech.providers.deepgram import DeepgramOptions, DeepgramTranscriber
from tests.vendors.deepgram import DeepgramStandIn, Mischief, Spoken, deepgram, marked_audio, words_of

SAMPLE = Path(__file__).parents[4] / "src/ridealong/sample/call.jsonl"
KEY = "test-key"


def script(until_ms: int = 60_000, *, from_ms: int = 0) -> list[Spoken]:
    """The sample call's first minute: two people, some of it at once."""
    return [word for word in words_of(SAMPLE) if from_ms <= word.start_ts and word.end_ts <= until_ms]


def options(standin: DeepgramStandIn, **changes: object) -> DeepgramOptions:
    return replace(DeepgramOptions(api_key=KEY, url=standin.url), **changes)  # type: ignore[arg-type]


async def pieces(
    duration_ms: int, *, channels: int = 1, start_ts: int = 0, piece_ms: int = 100, pause_s: float = 0.0
) -> AsyncIterator[Audio]:
    samples = marked_audio(duration_ms - start_ts, channels, start_ts)
    for at in range(0, samples.shape[0], piece_ms * 16):
        yield Audio(start_ts=start_ts + at // 16, samples=samples[at : at + piece_ms * 16])
        await asyncio.sleep(pause_s)


async def hear(
    words: list[Spoken],
    plan: Callable[[int], Mischief] = lambda _: Mischief(),
    *,
    duration_ms: int = 62_000,
    hearing: Hearing | None = None,
    pause_s: float = 0.0,
    **changes: object,
) -> tuple[list[Heard], DeepgramStandIn]:
    """Everything that is heard of the script when connections go wrong by `plan`."""
    hearing = hearing or Hearing()
    async with deepgram(words, final_delay_s=0.0, plan=plan) as standin:
        transcriber = DeepgramTranscriber(options(standin, **changes))
        audio = pieces(duration_ms, channels=hearing.channels, start_ts=hearing.resumed_at_ts, pause_s=pause_s)
        heard = [event async for event in transcriber.hear(audio, hearing)]
        await transcriber.close()
        return heard, standin


def spoken(heard: list[Heard]) -> list[SpokenWord]:
    return [word for event in heard if isinstance(event, Words) for word in event.words]


def first(mischief: Mischief) -> Callable[[int], Mischief]:
    """Only the first connection goes wrong."""
    return lambda n: mischief if n == 0 else Mischief()


def assert_same(heard: list[Heard], words: list[Spoken]) -> None:
    """The same words by the same speakers within 100 ms, each once and in order."""
    got = spoken(heard)
    assert [word.text for word in got] == [word.text for word in words]
    assert [word.speaker for word in got] == [word.speaker for word in words]
    pairs = zip(got, words, strict=True)
    assert all(abs(a.start_ts - b.start_ts) <= 100 and abs(a.end_ts - b.end_ts) <= 100 for a, b in pairs)


def quiet(duration_ms: int) -> np.ndarray:
    return np.zeros((duration_ms * 16, 1), dtype=np.float32)
