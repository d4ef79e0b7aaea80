"""What every transcriber promises, run over all of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import numpy as np
import pytest

from ridealong.core.errors import Unavailable
from ridealong.core.transcript import UNATTRIBUTED
from ridealong.speech import Activity, Audio, Heard, HeardThrough, Hearing, Partial, Transcriber, Words
from ridealong.speech.providers.channels import ChannelsTranscriber
from ridealong.speech.providers.deepgram import DeepgramOptions, DeepgramTranscriber
from ridealong.speech.providers.local import LocalTranscriber
from ridealong.speech.providers.replay import ReplayTranscriber
from tests.unit.speech.sound import conversation, final_words, hear_all, pieces_of, silence
from tests.vendors.deepgram import Spoken, deepgram_apart


@dataclass(frozen=True, kw_only=True)
class Case:
    make: Callable[[str], Transcriber]
    """Gets the address of the stand-in for a vendor."""
    channels: int
    hosted: bool = False

    @property
    def hearing(self) -> Hearing:
        return Hearing(channels=self.channels)

    def shape(self, samples: np.ndarray) -> np.ndarray:
        """The conversation as this transcriber wants it: voices apart on two channels, or on one."""
        if self.channels == 1:
            return samples[:, np.newaxis]
        apart = np.zeros((samples.shape[0], 2), dtype=np.float32)
        for voice, start, end in conversation()[1]:
            apart[start * 16 : end * 16, voice] = samples[start * 16 : end * 16]
        return apart


def _deepgram(url: str) -> DeepgramTranscriber:
    return DeepgramTranscriber(DeepgramOptions(api_key="test-key", url=url))


def _script() -> list[Spoken]:
    """Nine words a turn, spread over it."""
    words: list[Spoken] = []
    for no, (voice, start, end) in enumerate(conversation()[1]):
        for at in range(9):
            length = (end - start) // 9
            at_ts = start + at * length
            words.append(Spoken(text=f"word{no}{at}", start_ts=at_ts, end_ts=at_ts + length, speaker=voice))
    return words


def _replay(_: str) -> ReplayTranscriber:
    lines = [json.dumps({"call": "test", "rep_speaker": 0})]
    for no, (voice, start, end) in enumerate(conversation()[1]):
        text = f"These are the words of turn {no}."
        lines.append(json.dumps({"no": no, "speaker": voice, "start_ts": start, "end_ts": end, "text": text}))
    return ReplayTranscriber(lines)


CASES = {
    "local": Case(make=lambda _: LocalTranscriber(threads=2), channels=1),
    "channels": Case(make=lambda _: ChannelsTranscriber(threads=2), channels=2),
    "replay": Case(make=_replay, channels=1),
    "deepgram": Case(make=_deepgram, channels=1, hosted=True),
    "deepgram, two channels": Case(make=_deepgram, channels=2, hosted=True),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
async def transcriber(case: Case) -> AsyncIterator[Transcriber]:
    with deepgram_apart(_script(), final_delay_s=0.0) as standin:
        made = case.make(standin.url)
        yield made
        await made.close()


async def _hear(transcriber: Transcriber, case: Case, *, piece_ms: int = 100) -> list[Heard]:
    return await hear_all(transcriber, case.shape(conversation()[0]), case.hearing, piece_ms=piece_ms)


async def test_what_is_heard_keeps_order_and_stays_inside_the_audio(transcriber: Transcriber, case: Case) -> None:
    length = conversation()[0].shape[0] // 16
    through = 0
    heard = await _hear(transcriber, case)
    assert final_words(heard)
    for event in heard:
        match event:
            case HeardThrough():
                assert event.ts >= through
                through = event.ts
            case Words():
                starts = [word.start_ts for word in event.words]
                assert event.words or event.ends_turn
                assert starts == sorted(starts)
                assert all(start >= through for start in starts), f"{starts} before {through}"
                assert all(0 <= word.start_ts < word.end_ts <= length for word in event.words)
                assert all(word.text.strip() and 0.0 <= word.speaker_confidence <= 1.0 for word in event.words)
            case Partial():
                assert 0 <= event.start_ts < event.end_ts <= length
            case Activity():
                assert 0 <= event.at_ts <= length
            case _:
                pass
    assert isinstance(heard[-1], HeardThrough)
    assert abs(heard[-1].ts - length) <= 1


async def test_the_clock_is_told_at_least_once_a_second_also_in_silence(transcriber: Transcriber, case: Case) -> None:
    quiet = np.repeat(silence(5)[:, np.newaxis], case.channels, axis=1)
    now = 0

    async def audio() -> AsyncIterator[Audio]:
        nonlocal now
        async for piece in pieces_of(quiet):
            now = piece.start_ts
            yield piece

    told_at = [now async for event in transcriber.hear(audio(), case.hearing) if isinstance(event, HeardThrough)]
    gaps = [after - before for before, after in zip([0, *told_at], told_at, strict=False)]
    assert max(gaps) <= 1_000


async def test_each_turn_has_the_right_speaker(transcriber: Transcriber, case: Case) -> None:
    words = final_words(await _hear(transcriber, case))
    named: dict[int, set[object]] = {0: set(), 1: set()}
    attributed = 0
    for voice, start, end in conversation()[1]:
        mine = [word for word in words if start <= (word[0] + word[1]) / 2 < end]
        assert mine, "a turn was not heard"
        known = {speaker for _, _, speaker, _ in mine if speaker is not UNATTRIBUTED}
        named[voice] |= known
        attributed += sum(speaker is not UNATTRIBUTED for _, _, speaker, _ in mine)
    # Nobody may be mistaken; a new voice's very first words may stay without a name.
    assert len(named[0]) == len(named[1]) == 1
    assert named[0] != named[1]
    assert attributed >= 0.7 * len(words)


async def test_the_same_audio_gives_the_same_words_however_it_is_cut(transcriber: Transcriber, case: Case) -> None:
    assert final_words(await _hear(transcriber, case, piece_ms=20)) == final_words(
        await _hear(transcriber, case, piece_ms=730)
    )


async def test_two_calls_at_once_do_not_mix(transcriber: Transcriber, case: Case) -> None:
    alone = final_words(await _hear(transcriber, case))
    quiet = np.repeat(silence(10)[:, np.newaxis], case.channels, axis=1)
    both = await asyncio.gather(
        _hear(transcriber, case), _hear(transcriber, case), hear_all(transcriber, quiet, case.hearing)
    )
    assert final_words(both[0]) == alone
    assert final_words(both[1]) == alone
    # A stand-in says its script whatever it is sent.
    if not isinstance(transcriber, ReplayTranscriber) and not case.hosted:
        assert final_words(both[2]) == []


async def test_the_event_loop_keeps_turning_while_a_call_is_heard(transcriber: Transcriber, case: Case) -> None:
    # Counted in turns of the loop and not in time, which says nothing on a busy machine: had the models run on the
    # loop's own thread, it would have turned about once for each of the 20 pieces.
    turns = 0
    done = False

    async def count() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    heard = await _hear(transcriber, case, piece_ms=1_000)
    done = True
    await counting
    assert heard
    assert turns > (10 if isinstance(transcriber, ReplayTranscriber) or case.hosted else 400)


async def test_a_call_cancelled_midway_leaves_nothing_running(transcriber: Transcriber, case: Case) -> None:
    began = asyncio.Event()

    async def listen() -> None:
        async def endless() -> AsyncIterator[Audio]:
            at = 0
            while True:
                yield Audio(start_ts=at, samples=np.zeros((1_600, case.channels), dtype=np.float32))
                at += 100
                began.set()
                await asyncio.sleep(0)

        async for _ in transcriber.hear(endless(), case.hearing):
            pass

    call = asyncio.create_task(listen())
    await began.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert {task for task in asyncio.all_tasks() if not task.done()} == {asyncio.current_task()}
    await asyncio.wait_for(transcriber.close(), 10)


async def test_a_call_that_goes_on_after_a_restart_keeps_its_clock(transcriber: Transcriber, case: Case) -> None:
    samples, truth = conversation()
    resumed_at = truth[2][1] - 400
    hearing = Hearing(channels=case.channels, resumed_at_ts=resumed_at)
    heard = await hear_all(transcriber, case.shape(samples)[resumed_at * 16 :], hearing)
    words = final_words(heard)
    assert words
    assert all(start >= resumed_at for start, *_ in words)
    assert isinstance(heard[-1], HeardThrough)
    assert abs(heard[-1].ts - samples.shape[0] // 16) <= 1


async def test_a_call_without_any_audio_ends_at_once(transcriber: Transcriber, case: Case) -> None:
    heard = await hear_all(transcriber, np.zeros((0, case.channels), dtype=np.float32), case.hearing)
    assert heard == [HeardThrough(ts=0)]


async def test_a_closed_local_transcriber_says_so() -> None:
    transcriber = LocalTranscriber()
    await transcriber.close()
    with pytest.raises(Unavailable, match="closed"):
        await hear_all(transcriber, silence(0.2)[:, np.newaxis], Hearing())
