"""A whole recording at once."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import numpy as np
import pytest

from ridealong.core.errors import InvalidSettings, Unavailable
from ridealong.core.transcript import UNATTRIBUTED
from ridealong.speech import Audio, Hearing
from tests.unit.speech.deepgram.listening import options, script
from tests.unit.speech.sound import first_voice
from tests.vendors.deepgram import DeepgramStandIn, Mischief, Spoken, deepgram

pytest.importorskip("aiohttp", reason="the HTTP client of the hosted part is not installed")

from ridealong.speech.providers.deepgram.batch import DeepgramBatchTranscriber


async def audio(channels: int = 1) -> AsyncIterator[Audio]:
    samples = np.repeat(first_voice(0.0, 25.0)[:, np.newaxis], channels, axis=1)
    for at in range(0, samples.shape[0], 1_600):
        yield Audio(start_ts=at // 16, samples=samples[at : at + 1_600])


async def transcribed(standin: DeepgramStandIn, hearing: Hearing | None = None) -> list[tuple[str, int, object, float]]:
    hearing = hearing or Hearing()
    transcriber = DeepgramBatchTranscriber(options(standin))
    try:
        words = await transcriber.transcribe(audio(hearing.channels), hearing)
    finally:
        await transcriber.close()
    return [(word.text, word.start_ts, word.speaker, word.speaker_confidence) for word in words]


async def test_a_recording_is_transcribed_with_the_better_diariser() -> None:
    async with deepgram(script()) as standin:
        words = await transcribed(standin, Hearing(vocabulary=("Fernwell",)))
    assert words == [(word.text, word.start_ts, word.speaker, 0.8) for word in script()]
    (asked,) = standin.batches
    assert asked["parameters"] == {
        "model": ["nova-3"],
        "language": ["en"],
        "punctuate": ["true"],
        "utterances": ["true"],
        "diarize_model": ["v2"],
        "keyterm": ["Fernwell"],
    }
    assert asked["headers"]["authorization"] == "Token test-key"
    assert asked["headers"]["content-type"] == "audio/flac"


@pytest.mark.parametrize("channels", [1, 2])
async def test_the_recording_arrives_as_it_was(channels: int) -> None:
    import av

    async with deepgram(script()) as standin:
        await transcribed(standin, Hearing(channels=channels))
    with av.open(io.BytesIO(standin.batches[0]["body"])) as sent:
        assert sent.streams.audio[0].rate == 16_000
        frames = [frame.to_ndarray().reshape(-1, channels) for frame in sent.decode(audio=0)]
    want = np.rint(first_voice(0.0, 25.0) * 32768).clip(-32768, 32767)
    assert np.array_equal(np.concatenate(frames)[:, channels - 1], want)


async def test_two_channels_are_two_speakers() -> None:
    async with deepgram(script()) as standin:
        words = await transcribed(standin, Hearing(channels=2))
    assert standin.batches[0]["parameters"]["multichannel"] == ["true"]
    assert sorted((text, at, who) for text, at, who, _ in words) == sorted(
        (word.text, word.start_ts, word.speaker) for word in script()
    )
    assert [at for _, at, _, _ in words] == sorted(at for _, at, _, _ in words)


async def test_a_word_without_a_speaker_is_unattributed() -> None:
    async with deepgram([Spoken(text="Hello", start_ts=0, end_ts=400, speaker=None)]) as standin:
        assert await transcribed(standin) == [("Hello", 0, UNATTRIBUTED, 1.0)]


async def test_a_speaker_number_written_as_a_float_is_a_speaker_in_a_recording_too() -> None:
    async with deepgram([Spoken(text="Hello", start_ts=0, end_ts=400, speaker=1.0)]) as standin:  # type: ignore[arg-type]
        assert [speaker for _, _, speaker, _ in await transcribed(standin)] == [1]


async def test_a_vendor_that_asks_to_stay_away_for_long_is_not_asked_again() -> None:
    async with deepgram(script(), plan=lambda _: Mischief(status=429, retry_after="900")) as standin:
        with pytest.raises(Unavailable) as told:
            await transcribed(standin)
    assert told.value.retry_after_s == 900
    assert len(standin.batches) == 1


@pytest.mark.parametrize("status", [429, 500])
async def test_what_passes_is_waited_for(status: int) -> None:
    plan = lambda n: Mischief() if n else Mischief(status=status, retry_after="0.1")  # noqa: E731
    async with deepgram(script(), plan=plan) as standin:
        assert len(await transcribed(standin)) == len(script())
    assert len(standin.batches) == 2


async def test_a_redirect_is_refused_and_gets_neither_the_key_nor_the_recording() -> None:
    async with deepgram(script()) as elsewhere:
        address = elsewhere.url.replace("ws://", "http://")
        away = Mischief(status=307, location=f"{address}/v1/listen?model=nova-3")
        async with deepgram(script(), plan=lambda _: away) as standin:
            with pytest.raises(InvalidSettings, match="RIDEALONG_DEEPGRAM_URL"):
                await transcribed(standin)
        assert elsewhere.batches == []


@pytest.mark.parametrize("status", [401, 402, 400])
async def test_what_does_not_pass_is_raised_at_once(status: int) -> None:
    async with deepgram(script(), plan=lambda _: Mischief(status=status)) as standin:
        with pytest.raises(InvalidSettings):
            await transcribed(standin)
    assert len(standin.batches) == 1


async def test_a_vendor_that_stays_away_is_unavailable() -> None:
    async with deepgram(script(), plan=lambda _: Mischief(status=503, retry_after="0.01")) as standin:
        with pytest.raises(Unavailable, match="503"):
            await transcribed(standin)
    assert len(standin.batches) == 4


async def test_no_audio_is_no_words_and_no_request() -> None:
    async def nothing() -> AsyncIterator[Audio]:
        for _ in ():
            yield Audio(start_ts=0, samples=np.zeros((0, 1), dtype=np.float32))

    async with deepgram(script()) as standin:
        transcriber = DeepgramBatchTranscriber(options(standin))
        assert list(await transcriber.transcribe(nothing(), Hearing())) == []
        await transcriber.close()
    assert standin.batches == []
