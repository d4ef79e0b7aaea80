"""The third hour of a call costs what its first minutes cost: work is counted, not time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from importlib.resources import files
from types import FrameType
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from ridealong.core.events import RoleLearned, UtteranceFinished
from ridealong.core.transcript import (
    Role,
    RoleAssignment,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.live.broadcast import Broadcast
from ridealong.live.classify import MomentClassifier
from ridealong.live.head import SHIPPED, Heads
from ridealong.live.judge import Judge
from ridealong.live.taxonomy import Taxonomy, load_taxonomy
from ridealong.speech import SpokenWord, Words
from ridealong.speech.assemble import Assembler
from ridealong.speech.diarize import BANK, Diarizer, Window

EARLY, LATE = 400, 3600
"""Utterances in: about twenty minutes, and three hours."""


class Counter:
    """Bytecode instructions that Python runs while it counts: every loop in Python costs some for each turn."""

    def __init__(self) -> None:
        self.count = 0

    def _trace(self, frame: FrameType, event: str, arg: object) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            self.count += 1
        return self._trace

    async def of(self, work: Callable[[], Awaitable[object]]) -> int:
        self.count = 0
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            await work()
        finally:
            sys.settrace(before)
        return self.count


class CountingList(list[Utterance]):
    """Counts what is read of it, also where C reads: a slice or a copy runs hardly an instruction."""

    read = 0

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        self.read += len(found) if isinstance(at, slice) else 1
        return found

    def __iter__(self) -> Iterator[Utterance]:
        for utterance in super().__iter__():
            self.read += 1
            yield utterance


class Here(Executor):
    """Runs what it is given at once, in the thread that counts."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class StandInMinds:
    """The real classifier on a reader without a model, which finds nothing: what is counted is everything around it."""

    class Reader:
        def views(self, texts: Sequence[str]) -> np.ndarray:
            from ridealong.embedding.minilm import VIEWS_WIDTH

            return np.ones((len(texts), VIEWS_WIDTH), np.float32)

        def pieces(self, text: str, spans: Sequence[tuple[int, int]]) -> np.ndarray:
            return self.views([text, *(text[a:b] for a, b in spans)])

    class Head:
        types = ("objection_raised",)
        share = np.zeros(1, np.float32)
        asks_for_answers = False

        def margins(self, rows: np.ndarray) -> np.ndarray:
            return np.zeros((len(rows), 1), np.float32)

        def probabilities(self, margins: np.ndarray, answer: None = None) -> np.ndarray:
            return np.zeros(1, np.float32)

    def classifier(self, taxonomy: Taxonomy, heads: Heads = SHIPPED) -> MomentClassifier:
        return MomentClassifier(taxonomy=taxonomy, embedder=self.Reader(), head=self.Head())  # type: ignore[arg-type]

    def embed(self, text: str) -> np.ndarray:
        return np.ones(384, np.float32)

    def rep_log_odds(self, views: np.ndarray) -> float:
        return 0.0


def said(no: int, speaker: int) -> Utterance:
    return Utterance(
        no=no,
        speaker=SpeakerId(speaker),
        start_ts=no * 3000,
        end_ts=no * 3000 + 2900,
        text=f"We talked about number {no} of the list, and then about the next one, did we not?",
    )


TAXONOMY = (files("ridealong.live") / "taxonomy.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("speakers", "role"), [(1, Role.REP), (1, Role.CUSTOMER), (1, Role.UNKNOWN), (2, Role.REP)])
async def test_judging_an_utterance_costs_the_same_in_the_third_hour(speakers: int, role: Role) -> None:
    log = CountingList()
    transcript = Transcript(TranscriptId(call_id=UUID(int=1)), log)
    judge = Judge(
        transcript=transcript, taxonomy=load_taxonomy(TAXONOMY, "taxonomy.yaml"), minds=StandInMinds(), executor=Here()
    )
    for speaker in range(speakers):
        known = (
            role if speaker == 0 or role is Role.UNKNOWN else {Role.REP: Role.CUSTOMER, Role.CUSTOMER: Role.REP}[role]
        )
        assignment = RoleAssignment(speaker_id=SpeakerId(speaker), role=known, source=RoleSource.STATED, confidence=1.0)
        judge.restore(RoleLearned(assignment=assignment, at=0.0))
    counter = Counter()

    async def one(no: int) -> None:
        utterance = said(no, no % speakers)
        transcript.append(utterance)
        await judge.utterance(utterance)
        judge.clock(utterance.end_ts)
        assert transcript.end_ts == utterance.end_ts

    async def work(begin: int) -> tuple[int, int]:
        log.read = 0
        spent = 0
        for no in range(begin, begin + 20):
            spent += await counter.of(lambda no=no: one(no))
        return spent, log.read

    for no in range(EARLY):
        await one(no)
    early = await work(EARLY)
    for no in range(EARLY + 20, LATE):
        await one(no)
    late = await work(LATE)
    # A monologue is told once, and the same turns are always in the window: a tenth is for dictionaries that grow.
    assert late[0] <= early[0] * 1.1
    assert late[1] <= early[1] * 1.1


async def test_telling_an_event_costs_the_same_in_the_third_hour() -> None:
    broadcast = Broadcast()
    watching = broadcast.watch(after=0, size=256)
    counter = Counter()

    async def one(no: int) -> None:
        broadcast.publish(UtteranceFinished(utterance=said(no, 0), role=Role.UNKNOWN, at=0.0))
        await anext(watching)

    # The least of twenty: what else the interpreter does at the same moment is no cost of an event.
    early: list[int] = []
    late: list[int] = []
    for no in range(3 * LATE):
        if EARLY <= no < EARLY + 20:
            early.append(await counter.of(lambda no=no: one(no)))
        elif no >= 3 * LATE - 20:
            late.append(await counter.of(lambda no=no: one(no)))
        else:
            await one(no)
    assert min(late) <= min(early) * 1.1


async def test_an_endless_turn_costs_the_assembler_the_same_in_the_third_hour() -> None:
    assembler = Assembler()
    counter = Counter()

    async def one(no: int) -> None:
        words = tuple(
            SpokenWord(text="on,", start_ts=at, end_ts=at + 300, speaker=SpeakerId(0))
            for at in range(no * 3000, no * 3000 + 3000, 300)
        )
        assembler.feed(Words(words=words, ends_turn=False))

    async def work(begin: int) -> int:
        return sum([await counter.of(lambda no=no: one(no)) for no in range(begin, begin + 20)])

    for no in range(EARLY):
        await one(no)
    early = await work(EARLY)
    for no in range(EARLY + 20, LATE):
        await one(no)
    assert await work(LATE) <= early * 1.1


async def test_the_voices_of_a_long_call_are_told_apart_by_a_bounded_bank() -> None:
    random = np.random.default_rng(1)
    voices = random.standard_normal((2, 64)).astype(np.float32)
    diarizer = Diarizer()
    counter = Counter()

    async def turn(no: int) -> None:
        for at in range(8):
            vector = voices[no % 2] + random.standard_normal(64).astype(np.float32) * 0.4
            start_ts = no * 3000 + at * 250
            diarizer.observe(Window(start_ts=start_ts, end_ts=start_ts + 1500, vector=vector / np.linalg.norm(vector)))
        diarizer.commit(diarizer.split())

    def bank() -> int:
        return sum(diarizer.voice(speaker_id)[1] for speaker_id in (0, 1))

    # The bank is full after 40 turns; from then on each must cost the same.
    counted: list[int] = []
    for no in range(240):
        if no % 10 == 0:
            counted.append(await counter.of(lambda no=no: turn(no)))
        else:
            await turn(no)
        assert bank() <= BANK
    assert max(counted[-6:]) <= max(counted[5:12]) * 1.25


def test_the_counter_sees_a_loop_and_the_list_a_copy() -> None:
    async def loop(length: int) -> None:
        for _ in range(length):
            pass

    counts = [asyncio.run(Counter().of(lambda n=n: loop(n))) for n in (100, 1000)]
    assert counts[1] > 5 * counts[0]
    copied = CountingList([said(no, 0) for no in range(100)])
    assert len(copied[:50]) == 50
    assert copied.read == 50
