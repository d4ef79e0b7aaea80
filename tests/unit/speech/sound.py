"""Sound for the speech tests, made from the two readings that moonshine-voice ships: two real voices, no download."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import cache
from importlib.resources import as_file, files

import numpy as np

from ridealong.speech import Audio, Heard, Transcriber, Words
from ridealong.speech import Hearing as _Hearing
from ridealong.speech.audio import read_recording


@cache
def _reading(name: str) -> np.ndarray:
    with as_file(files("moonshine_voice") / "assets" / name) as path:
        return read_recording(path).samples[:, 0]


def first_voice(start_s: float, stop_s: float) -> np.ndarray:
    return _reading("two_cities.wav")[int(start_s * 16_000) : int(stop_s * 16_000)]


def second_voice(start_s: float, stop_s: float) -> np.ndarray:
    return _reading("beckett.wav")[int(start_s * 16_000) : int(stop_s * 16_000)]


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * 16_000), dtype=np.float32)


@cache
def conversation() -> tuple[np.ndarray, tuple[tuple[int, int, int], ...]]:
    """About 21 s, two people in turns: the samples, and (voice, start_ts, end_ts) of each turn."""
    turns = [
        (0, first_voice(0.5, 6.0)),
        (1, second_voice(0.0, 4.0)),
        (0, first_voice(8.0, 11.0)),
        (1, second_voice(4.5, 8.0)),
    ]
    pieces: list[np.ndarray] = []
    truth: list[tuple[int, int, int]] = []
    at = 0
    for voice, samples in turns:
        truth.append((voice, at // 16, (at + samples.shape[0]) // 16))
        pieces += [samples, silence(0.8)]
        at += samples.shape[0] + silence(0.8).shape[0]
    return np.concatenate(pieces), tuple(truth)


async def pieces_of(
    samples: np.ndarray, *, piece_ms: int = 100, start_ts: int = 0, pause_s: float = 0.0
) -> AsyncIterator[Audio]:
    shaped = samples[:, np.newaxis] if samples.ndim == 1 else samples
    size = piece_ms * 16
    for at in range(0, shaped.shape[0], size):
        yield Audio(start_ts=start_ts + at // 16, samples=shaped[at : at + size])
        await asyncio.sleep(pause_s)


async def hear_all(
    transcriber: Transcriber, samples: np.ndarray, hearing: _Hearing, *, piece_ms: int = 100
) -> list[Heard]:
    audio = pieces_of(samples, piece_ms=piece_ms, start_ts=hearing.resumed_at_ts)
    return [heard async for heard in transcriber.hear(audio, hearing)]


def final_words(heard: Sequence[Heard]) -> list[tuple[int, int, object, str]]:
    return [
        (word.start_ts, word.end_ts, word.speaker, word.text)
        for event in heard
        if isinstance(event, Words)
        for word in event.words
    ]
