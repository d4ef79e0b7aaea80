"""Two-channel audio: each channel is one speaker, so the speakers are exact. Speaker id = index of the channel."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.errors import InvalidAudio
from ridealong.core.transcript import SpeakerId
from ridealong.speech import Activity, Audio, Heard, HeardThrough, Hearing, Partial, Words
from ridealong.speech.activity import FRAME
from ridealong.speech.listener import Listener, Models, Partials
from ridealong.speech.shared import SharedModels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

_CHANNELS: Final = 2
_BLEED: Final = 10.0
"""A channel that is 20 dB below the other one holds the other's voice, not its own: it is muted there."""
_HOLD: Final = 0.7
"""Levels are smoothed over about 100 ms, so that the gate does not chatter between syllables."""
_REMEMBERED_MS: Final = 60_000


class ChannelsTranscriber:
    """`threads`: for all calls together, 0 for one per core; or `models`, shared with another transcriber."""

    def __init__(self, threads: int = 0, *, models: SharedModels | None = None) -> None:
        self._models = models or SharedModels(threads)

    async def warm(self) -> None:
        """Load the models now instead of with the first call. Raises MissingPart."""
        await self._models.load()

    def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        """See `Transcriber.hear`. Raises InvalidAudio for audio of one channel."""
        return self._models.hear(audio, hearing, _TwoListeners)

    async def close(self) -> None:
        await self._models.close()


class _TwoListeners:
    def __init__(self, models: Models, hearing: Hearing) -> None:
        self._listeners = [Listener(models, hearing, speaker=SpeakerId(index)) for index in range(_CHANNELS)]
        self._gate = _BleedGate()
        self._through = [hearing.resumed_at_ts] * _CHANNELS
        self._told = -1
        self._speaking_since: list[int | None] = [None] * _CHANNELS
        self._spoken: list[deque[tuple[int, int]]] = [deque() for _ in range(_CHANNELS)]

    def feed(self, samples: Samples, *, partials: Partials = Partials.ALL) -> list[Heard]:
        if samples.shape[1] != _CHANNELS:
            raise InvalidAudio("the transcriber 'channels' needs two channels, one speaker each: use 'local' for one")
        clean = self._gate.clean(samples)
        return self._merge(
            [self._listeners[index].feed(clean[:, index], partials=partials) for index in range(_CHANNELS)]
        )

    def finish(self) -> list[Heard]:
        rest = self._gate.flush()
        fed = [self._listeners[index].feed(rest[:, index], partials=Partials.NONE) for index in range(_CHANNELS)]
        return self._merge([before + listener.finish() for before, listener in zip(fed, self._listeners, strict=True)])

    def _merge(self, heard: list[list[Heard]]) -> list[Heard]:
        words: list[tuple[int, Words]] = []
        merged: list[Heard] = []
        for index, events in enumerate(heard):
            for event in events:
                match event:
                    case Words():
                        words.append((index, event))
                    case HeardThrough():
                        self._through[index] = event.ts
                    case Activity():
                        merged += self._activity(index, event)
                    case Partial():
                        merged.append(event)
                    case _:
                        pass
        words.sort(key=lambda item: item[1].words[0].start_ts)
        merged += [self._mark_overlap(index, event) for index, event in words]
        if any(isinstance(event, HeardThrough) for events in heard for event in events):
            merged.append(HeardThrough(ts=max(self._told, min(self._through))))
            self._told = max(self._told, min(self._through))
        return merged

    def _activity(self, index: int, event: Activity) -> list[Heard]:
        """Somebody began when the first one does, and stopped when the last one has."""
        alone = self._speaking_since[1 - index] is None
        since = self._speaking_since[index]
        if event.speaking:
            self._speaking_since[index] = event.at_ts
        elif since is not None:
            self._speaking_since[index] = None
            spans = self._spoken[index]
            spans.append((since, event.at_ts))
            while spans and spans[0][1] < event.at_ts - _REMEMBERED_MS:
                spans.popleft()
        return [event] if alone else []

    def _mark_overlap(self, index: int, event: Words) -> Words:
        spans = list(self._spoken[1 - index])
        since = self._speaking_since[1 - index]
        if since is not None:
            spans.append((since, event.words[-1].end_ts))
        return replace(
            event,
            words=tuple(
                replace(word, overlapped=any(word.start_ts < end and start < word.end_ts for start, end in spans))
                for word in event.words
            ),
        )


class _BleedGate:
    """Mutes a channel where it only carries the other one, faintly. Works frame by frame, however audio is cut."""

    def __init__(self) -> None:
        self._rest: Samples = np.zeros((0, _CHANNELS), dtype=np.float32)
        self._levels = np.zeros(_CHANNELS, dtype=np.float64)

    def clean(self, samples: Samples) -> Samples:
        samples = np.concatenate((self._rest, samples.astype(np.float32, copy=False)))
        whole = samples.shape[0] - samples.shape[0] % FRAME
        self._rest = samples[whole:]
        clean = samples[:whole].copy()
        for at in range(0, whole, FRAME):
            frame = clean[at : at + FRAME]
            energy = np.mean(np.square(frame, dtype=np.float64), axis=0)
            self._levels = np.maximum(energy, _HOLD * self._levels + (1 - _HOLD) * energy)
            for index in range(_CHANNELS):
                if self._levels[index] * _BLEED**2 < self._levels[1 - index]:
                    frame[:, index] = 0.0
        return clean

    def flush(self) -> Samples:
        rest, self._rest = self._rest, np.zeros((0, _CHANNELS), dtype=np.float32)
        return rest
