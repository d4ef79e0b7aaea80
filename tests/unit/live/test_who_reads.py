"""Which texts the event loop reads itself, and which go to the models' threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from ridealong.core.transcript import SpeakerId, Transcript, TranscriptId
from ridealong.live.judge import SHORT, Judge
from ridealong.live.taxonomy import default_taxonomy
from ridealong.speech import Partial
from tests.unit.live.test_long_calls import Here, StandInMinds, said


class Counted(Here):
    def __init__(self) -> None:
        self.given = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.given += 1
        return super().submit(fn, *args, **kwargs)


def judge(executor: Executor, *, few: bool, minds: StandInMinds | None = None) -> Judge:
    return Judge(
        transcript=Transcript(TranscriptId(call_id=UUID(int=1))),
        taxonomy=default_taxonomy(),
        minds=minds or StandInMinds(),
        executor=executor,
        few_calls=lambda: few,
    )


@pytest.mark.parametrize(
    ("few", "length", "threads"), [(True, SHORT, 0), (True, SHORT + 1, 1), (False, SHORT, 1), (False, SHORT + 1, 1)]
)
async def test_short_texts_of_few_calls_wait_for_no_thread(few: bool, length: int, threads: int) -> None:
    executor = Counted()
    judging = judge(executor, few=few)
    utterance = replace(said(0, 1), text=("word " * 100)[:length])
    judging.transcript.append(utterance)
    reading = judging.classify(utterance)
    assert executor.given == threads
    assert reading.done() == (threads == 0)
    assert (await judging.utterance(utterance, reading)).detections == ()


class Broken(StandInMinds):
    class Head(StandInMinds.Head):
        def margins(self, rows: Any) -> Any:
            raise MemoryError


async def test_what_breaks_while_it_reads_is_told_to_who_waits_for_it() -> None:
    judging = judge(Counted(), few=True, minds=Broken())
    utterance = said(0, 1)
    judging.transcript.append(utterance)
    reading = judging.classify(utterance)
    with pytest.raises(MemoryError):
        await judging.utterance(utterance, reading)


@pytest.mark.parametrize(("few", "length", "times"), [(True, SHORT, 1), (True, SHORT + 1, 0), (False, SHORT, 0)])
async def test_words_that_may_change_are_read_while_few_calls_run(few: bool, length: int, times: int) -> None:
    executor = Counted()
    judging = judge(executor, few=few)
    judging.partial(Partial(speaker=SpeakerId(1), start_ts=0, end_ts=900, text=("word " * 100)[:length]))
    assert executor.given == times
