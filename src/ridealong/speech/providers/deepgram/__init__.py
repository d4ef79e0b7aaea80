"""Deepgram, streaming: one connection a call, opened again as often as it takes (docs/decisions/0011)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

from ridealong.core.errors import InvalidSettings, Unavailable
from ridealong.speech import Audio, Heard, Hearing
from ridealong.speech.providers.deepgram.call import HeardCall
from ridealong.speech.providers.deepgram.wire import DeepgramOptions

__all__ = ["DeepgramOptions", "DeepgramTranscriber"]


class DeepgramTranscriber:
    """One channel, diarised by Deepgram, or two with one speaker each. Raises InvalidSettings without a key."""

    def __init__(self, options: DeepgramOptions) -> None:
        if not options.api_key:
            raise InvalidSettings("the transcriber 'deepgram' needs a key: set RIDEALONG_DEEPGRAM_API_KEY")
        self._options = options
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    async def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        """See `Transcriber.hear`."""
        if self._closed:
            raise Unavailable("this transcriber was closed: make a new one")
        self._running += 1
        self._idle.clear()
        stream = HeardCall(self._options, hearing).hear(audio)
        try:
            async for heard in stream:
                yield heard
        finally:
            await stream.aclose()
            self._running -= 1
            if self._running == 0:
                self._idle.set()

    async def close(self) -> None:
        """Wait for the calls still being heard."""
        self._closed = True
        await self._idle.wait()
