"""The local transcriber: everything on this machine, no key, no network. Many calls share one set of models."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

from ridealong.speech import Audio, Heard, Hearing
from ridealong.speech.listener import Listener
from ridealong.speech.shared import SharedModels


class LocalTranscriber:
    """One channel (two are mixed), any number of speakers.

    `threads`: for all calls together, 0 for one per core; or `models`, shared with another transcriber.
    """

    def __init__(self, threads: int = 0, *, models: SharedModels | None = None) -> None:
        self._models = models or SharedModels(threads)

    async def warm(self) -> None:
        """Load the models now instead of with the first call. Raises MissingPart."""
        await self._models.load()

    def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        return self._models.hear(audio, hearing, Listener)

    async def close(self) -> None:
        await self._models.close()
