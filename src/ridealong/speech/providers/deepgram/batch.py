"""Whole recordings by Deepgram's prerecorded interface, whose diariser (`v2`) is better than any that streams."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterable, Sequence
from typing import Any, Final, cast

import aiohttp
import av
import numpy as np
import structlog

from ridealong.core.errors import InvalidSettings, Unavailable
from ridealong.core.transcript import UNATTRIBUTED, Speaker, SpeakerId
from ridealong.speech import SAMPLE_RATE, Audio, Hearing, SpokenWord
from ridealong.speech.providers.deepgram.socket import TooSoon
from ridealong.speech.providers.deepgram.speakers import number_of
from ridealong.speech.providers.deepgram.wire import (
    DeepgramOptions,
    authorization,
    batch_url,
    refusal,
    retry_after_s,
)

_log = structlog.get_logger(__name__)

_TRIES: Final = 4
_LONGEST_WAIT_S: Final = 60.0
_STEP_MS: Final = 10_000
"""Audio that is compressed at once, in a thread."""


class DeepgramBatchTranscriber:
    """A `BatchTranscriber`. Sends FLAC: half of PCM, and nothing is lost."""

    def __init__(self, options: DeepgramOptions) -> None:
        if not options.api_key:
            raise InvalidSettings("the transcriber 'deepgram' needs a key: set RIDEALONG_DEEPGRAM_API_KEY")
        self._options = options
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def transcribe(self, audio: AsyncIterable[Audio], hearing: Hearing) -> Sequence[SpokenWord]:
        """See `BatchTranscriber.transcribe`. Speakers are Deepgram's numbers, or the channels."""
        recording = await _flac(audio, hearing.channels)
        if recording is None:
            return ()
        answer = await self._answer(batch_url(self._options, hearing), recording)
        try:
            return _words(answer, hearing)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise Unavailable("Deepgram's answer has an unknown shape: it is tried again") from error

    async def close(self) -> None:
        self._closed = True
        if self._session is not None:
            await self._session.close()

    async def _answer(self, url: str, recording: bytes) -> dict[str, Any]:
        until = time.monotonic() + self._options.batch_timeout_s
        for n in range(1, _TRIES + 1):
            error, wait = Unavailable("Deepgram gives no answer: it is tried again"), None
            try:
                async with self._open().post(
                    url,
                    data=recording,
                    headers={**authorization(self._options), "Content-Type": "audio/flac"},
                    # Wherever it leads, that host would be sent the recording.
                    allow_redirects=False,
                ) as response:
                    if response.status == 200:
                        return cast("dict[str, Any]", await response.json(content_type=None))
                    refused = refusal(response.status, self._options.model)
                    if not isinstance(refused, Unavailable):
                        raise refused
                    error, wait = refused, retry_after_s(response.headers)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as broken:
                error = Unavailable(f"Deepgram gives no answer ({type(broken).__name__}): it is tried again")
            if wait is not None and wait > _LONGEST_WAIT_S:
                # Nobody waits so long for a review, and who was told so asks no earlier.
                raise TooSoon(str(error), wait)
            delay = min(_LONGEST_WAIT_S, 0.5 * 4 ** (n - 1) if wait is None else wait)
            if n == _TRIES or time.monotonic() + delay > until:
                raise error
            _log.warning("deepgram_batch_repeated", tries=n, wait_s=delay)
            await asyncio.sleep(delay)
        raise Unavailable("Deepgram gives no answer: it is tried again")

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise Unavailable("this transcriber was closed: make a new one")
        if self._session is None:
            # An hour of audio takes Deepgram most of a minute, with nothing on the line meanwhile.
            timeout = aiohttp.ClientTimeout(total=self._options.batch_timeout_s, sock_connect=10.0)
            self._session = aiohttp.ClientSession(timeout=timeout, trust_env=True)
        return self._session


def _words(answer: dict[str, Any], hearing: Hearing) -> Sequence[SpokenWord]:
    """By their start, all channels together."""
    words: list[SpokenWord] = []
    for index, channel in enumerate(answer["results"]["channels"][: hearing.channels]):
        for word in channel["alternatives"][0].get("words") or []:
            text = str(word.get("punctuated_word") or word["word"]).strip()
            if not text:
                continue
            start = max(0, round(word["start"] * 1000)) + hearing.resumed_at_ts
            number = number_of(word)
            speaker: Speaker = UNATTRIBUTED if number is None else SpeakerId(number)
            confidence = 1.0
            if hearing.channels == 2:
                speaker = SpeakerId(index)
            elif speaker is not UNATTRIBUTED:
                confidence = min(1.0, max(0.0, float(word.get("speaker_confidence", 1.0))))
            words.append(
                SpokenWord(
                    text=text,
                    start_ts=start,
                    end_ts=max(start + 1, round(word["end"] * 1000) + hearing.resumed_at_ts),
                    speaker=speaker,
                    speaker_confidence=confidence,
                )
            )
    words.sort(key=lambda each: each.start_ts)
    return words


async def _flac(audio: AsyncIterable[Audio], channels: int) -> bytes | None:
    """The audio as one FLAC file; None where there is none."""
    encoder = _Flac(channels)
    parts: list[bytes] = []
    held = 0
    async for piece in audio:
        parts.append(piece.pcm16)
        held += piece.duration_ms
        if held >= _STEP_MS:
            await asyncio.to_thread(encoder.add, b"".join(parts))
            parts, held = [], 0
    await asyncio.to_thread(encoder.add, b"".join(parts))
    return await asyncio.to_thread(encoder.finish)


class _Flac:
    def __init__(self, channels: int) -> None:
        self._file = io.BytesIO()
        self._container: Any = av.open(self._file, "w", format="flac")
        self._layout = "stereo" if channels == 2 else "mono"
        self._channels = channels
        self._stream: Any = self._container.add_stream("flac", rate=SAMPLE_RATE, layout=self._layout)
        self._stream.codec_context.format = "s16"
        self._frames = 0

    def add(self, pcm: bytes) -> None:
        if not pcm:
            return
        frame: Any = av.AudioFrame.from_ndarray(
            np.frombuffer(pcm, dtype="<i2").reshape(1, -1), format="s16", layout=self._layout
        )
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._frames
        self._frames += len(pcm) // (2 * self._channels)
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> bytes | None:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._file.getvalue() if self._frames else None
