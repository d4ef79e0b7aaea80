"""The timing moments of made-up calls against a slow reading of their definitions, cell by cell of 50 ms.

The definitions are those of the taxonomy, read off who speaks in which cell, with the whole call in view: no stream, no
order of arrival. The calls hold what makes a stream go wrong: overlaps of every length, a few words behind a pause,
"mhm" inside long turns, turns that are cut, words that are written late, audio that is missing, and restarts.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from uuid import UUID

import pytest

from ridealong.core.moments import Detection
from ridealong.core.transcript import (
    Role,
    RoleAssignment,
    Roles,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.live.clock import CallClock
from ridealong.live.finished import FinishedTranscript
from ridealong.live.taxonomy import default_taxonomy
from ridealong.live.timing import TimingWatch
from ridealong.speech import Activity, HeardThrough

CELL: Final = 50
CUT: Final = 200 // CELL
SILENCE, MONOLOGUE, OVERLAP, SHORT, SHORT_WORDS = 4_000 // CELL, 76_000 // CELL, 300 // CELL, 1_000 // CELL, 2
CALL: Final = 420_000 // CELL
PIECE: Final = 12_000 // CELL
TAIL: Final = 120

REP, CUSTOMER, COLLEAGUE = SpeakerId(0), SpeakerId(1), SpeakerId(2)
ROLES: Final = Roles(
    RoleAssignment(speaker_id=who, role=role, source=RoleSource.CHANNEL, confidence=1.0)
    for who, role in ((REP, Role.REP), (CUSTOMER, Role.CUSTOMER), (COLLEAGUE, Role.CUSTOMER))
)

Mark = tuple[str, int]
"""A type, and the cell at whose beginning it is triggered."""


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance: cells from `start` up to `end`, and how many words."""

    speaker: SpeakerId
    start: int
    end: int
    words: int


@dataclass(frozen=True, slots=True)
class Call:
    said: tuple[Said, ...]
    gaps: tuple[int, ...]
    end: int


# ---- calls


def made_up(seed: int) -> Call:
    """Seven minutes. The rep talks much, so that the limit of a monologue falls into all sorts of places."""
    chance = random.Random(seed)
    free = dict.fromkeys((REP, CUSTOMER, COLLEAGUE), 0)
    said: list[Said] = []

    def say(speaker: SpeakerId, start: int, length: int, words: int) -> int:
        start = max(start, free[speaker])
        cuts = [*range(start, start + length, PIECE), start + length]
        for begin, end in pairwise(cuts):
            share = max(1, round(words * (end - begin) / length))
            said.append(Said(speaker, begin, end, share))
        free[speaker] = start + length + chance.choice((1, 3, 5, 6, 12))
        return start + length

    at = 20
    others = [CUSTOMER] if chance.random() < 0.6 else [CUSTOMER, COLLEAGUE]
    while at < CALL:
        rep = chance.random() < 0.6
        speaker = REP if rep else chance.choice(others)
        until = at + (chance.choice((300, 1300, 1450, 1500, 1520, 1540, 1600)) if rep else chance.randrange(20, 400))
        while at < until:
            kind = chance.random()
            if kind < 0.3:
                # A few words: "so", "right then", a figure.
                length, words = chance.randrange(2, 24), chance.randrange(1, 4)
            elif kind < 0.4:
                length, words = chance.randrange(200, 900), 60
            else:
                length, words = chance.randrange(21, 200), 12
            began = at
            at = say(speaker, at, length, words)
            if chance.random() < 0.3:
                # "Mhm", within what the other says or behind it.
                other = chance.choice(others) if speaker == REP else REP
                say(other, began + chance.randrange(0, length + 4), chance.randrange(3, 14), chance.randrange(1, 3))
            at += chance.choice((1, 3, 4, 5, 6, 8, 15, 30, 60))
        kind = chance.random()
        if kind < 0.12:
            at += SILENCE + chance.randrange(-3, 60)
        elif kind < 0.6:
            at -= chance.randrange(1, 40)
    end = max(s.end for s in said) + TAIL
    gaps = sorted(chance.sample(range(200, CALL), chance.choice((0, 0, 1, 2))))
    return Call(tuple(sorted(_parted(said, gaps), key=lambda s: (s.start, s.end))), tuple(gaps), end)


def _parted(said: Iterable[Said], gaps: Sequence[int]) -> Iterable[Said]:
    """What is open where audio is missing is finished there."""
    for one in said:
        cuts = [one.start, *(g for g in gaps if one.start < g < one.end), one.end]
        for begin, end in pairwise(cuts):
            yield Said(one.speaker, begin, end, one.words if len(cuts) == 2 else max(1, one.words // 2))


# ---- the slow reading


@dataclass(frozen=True, slots=True)
class Turn:
    pieces: tuple[Said, ...]

    @property
    def speaker(self) -> SpeakerId:
        return self.pieces[0].speaker

    @property
    def start(self) -> int:
        return self.pieces[0].start

    @property
    def end(self) -> int:
        return self.pieces[-1].end

    @property
    def short(self) -> bool:
        return sum(p.words for p in self.pieces) <= SHORT_WORDS or self.end - self.start <= SHORT


def turns_of(call: Call) -> list[Turn]:
    turns: list[Turn] = []
    for who in (REP, CUSTOMER, COLLEAGUE):
        own: list[Said] = []
        for piece in (s for s in call.said if s.speaker == who):
            if own and (piece.start - own[-1].end > CUT or any(own[-1].end <= g <= piece.start for g in call.gaps)):
                turns.append(Turn(tuple(own)))
                own = []
            own.append(piece)
        if own:
            turns.append(Turn(tuple(own)))
    return turns


def truth(call: Call) -> set[Mark]:
    turns = turns_of(call)
    return {*_silences(call), *_interruptions(turns), *_monologues(call, turns)}


def _silences(call: Call) -> Iterable[Mark]:
    spoken = {cell for s in call.said for cell in range(s.start, s.end)}
    quiet, begun = 0, False
    for cell in range(call.end):
        if cell in spoken or cell in call.gaps:
            quiet = 0
        if cell in spoken:
            begun = True
        else:
            quiet += 1
        if begun and quiet == SILENCE + 1:
            yield "silence", cell


def _interruptions(turns: Sequence[Turn]) -> Iterable[Mark]:
    for turn in turns:
        if turn.speaker == REP and not turn.short:
            over = [min(o.end, turn.end) - turn.start for o in turns if o.speaker != REP and o.start < turn.start]
            if max(over, default=0) > OVERLAP:
                yield "interruption", turn.start


def _monologues(call: Call, turns: Sequence[Turn]) -> Iterable[Mark]:
    answers = [t for t in turns if t.speaker != REP and not t.short]
    held: int | None = None
    told = False
    mine = {cell: t for t in turns if t.speaker == REP for p in t.pieces for cell in range(p.start, p.end)}
    for cell in range(call.end):
        if any(a.start == cell for a in answers) or cell in call.gaps:
            held, told = None, False
        turn = mine.get(cell)
        if turn is None:
            continue
        if turn.short and any(a.start < turn.end and turn.start < a.end for a in answers):
            continue  # a "mhm"
        if any(a.start <= cell < a.end and turn.start < a.start for a in answers):
            continue  # the rest of what somebody broke into
        held = cell if held is None else held
        if cell + 1 - held > MONOLOGUE and not told:
            told = True
            # Told by the piece that goes over the limit.
            yield "monologue", next(p.end for p in turn.pieces if p.start <= cell < p.end)


def undecidable(call: Call) -> set[Mark]:
    """A monologue that is told by a piece into which somebody's answer began before the limit, and went on behind it:
    that it was one is known too late. With the answer in view it is none; without it, it is."""
    turns = turns_of(call)
    answers = [t for t in turns if t.speaker != REP and not t.short]
    return {
        ("monologue", piece.end)
        for turn in turns
        if turn.speaker == REP
        for piece in turn.pieces
        if any(piece.start <= a.start < piece.end and a.pieces[0].end >= piece.end for a in answers)
    }


# ---- the watch, fed as a running call feeds it


class Feeding:
    def __init__(self) -> None:
        self.found: list[Detection] = []
        self.transcript = Transcript(TranscriptId(call_id=UUID(int=1)))
        self.log: list[Utterance | int | Detection] = []
        self.begin()

    def begin(self) -> None:
        self.watch = TimingWatch(default_taxonomy(), self.transcript, lambda: ROLES)

    def tell(self, found: Iterable[Detection]) -> None:
        for one in found:
            self.found.append(one)
            self.log.append(one)

    def say(self, one: Utterance) -> None:
        self.transcript.append(one)
        self.log.append(one)
        self.tell(self.watch.utterance_finished(one))

    def gap(self, at_ts: int) -> None:
        self.log.append(at_ts)
        self.watch.gap(at_ts)

    def restart(self) -> None:
        """Another process takes the call up from its log."""
        log = self.log
        self.transcript = Transcript(TranscriptId(call_id=UUID(int=1)))
        self.begin()
        for entry in log:
            match entry:
                case Utterance():
                    self.transcript.append(entry)
                    self.watch.utterance_finished(entry)
                case int():
                    self.watch.gap(entry)
                case Detection():
                    if entry.type == "silence":
                        self.watch.silence_told(entry.trigger_ts)

    def marks(self, call: Call) -> list[Mark]:
        turns = turns_of(call)
        return [(d.type, _cell(d, turns)) for d in self.found]


def _cell(found: Detection, turns: Sequence[Turn]) -> int:
    if found.type != "interruption":
        return found.trigger_ts // CELL
    cited = found.evidence[0]
    return next(
        t.start for t in turns if t.speaker == cited.speaker_id and t.start * CELL <= cited.start_ts < t.end * CELL
    )


def _utterance(no: int, one: Said) -> Utterance:
    text = " ".join(["word"] * one.words)
    return Utterance(no=no, speaker=one.speaker, start_ts=one.start * CELL, end_ts=one.end * CELL, text=text)


def _activity(said: Sequence[Said], gaps: Sequence[int] = (), from_ts: int = 0) -> list[Activity]:
    """When somebody begins to speak and nobody does any more; hearing starts afresh behind a gap."""
    changes: list[Activity] = []
    until = -1
    for one in sorted(said, key=lambda s: s.start):
        start, end = one.start * CELL, one.end * CELL
        if end <= from_ts:
            continue
        if start > until or one.start in gaps:
            if 0 <= until < start:
                changes.append(Activity(at_ts=until, speaking=False))
            changes.append(Activity(at_ts=max(from_ts, start), speaking=True))
        until = max(until, end)
    return [*changes, Activity(at_ts=until, speaking=False)] if until >= 0 else changes


def heard_live(call: Call, seed: int, *, restarts: int = 0) -> list[Mark]:
    """Words come 150 to 1050 ms after they were said, in order on each channel, and voice activity at once."""
    chance = random.Random(~seed)
    feeding = Feeding()
    due = dict.fromkeys((REP, CUSTOMER, COLLEAGUE), 0)
    pending: list[tuple[int, Said]] = []
    for one in sorted(call.said, key=lambda s: s.end):
        due[one.speaker] = max(due[one.speaker], one.end * CELL + chance.randrange(150, 1_050))
        pending.append((due[one.speaker], one))
    pending.sort(key=lambda p: p[0])
    activity = _activity(call.said, call.gaps)
    gaps = [g * CELL for g in call.gaps]
    anew = sorted(chance.sample(range(20_000, CALL * CELL, 50), restarts))
    now = heard_to = 0
    no = 0
    while now <= call.end * CELL + 2_500:
        while gaps and gaps[0] <= now:
            feeding.gap(gaps.pop(0))
        if anew and anew[0] <= now:
            anew.pop(0)
            feeding.restart()
            resumed = max((u.end_ts for u in feeding.transcript), default=0)
            activity = _activity(call.said, call.gaps, resumed)
            heard_to = resumed
        while heard_to < now:
            # Behind a restart everything since the last word is heard again, at once.
            heard_to = min(now, heard_to + 100)
            while activity and activity[0].at_ts <= heard_to:
                feeding.tell(feeding.watch.activity(activity[0].at_ts, activity[0].speaking))
                activity.pop(0)
            while pending and pending[0][0] <= heard_to:
                feeding.say(_utterance(no, pending.pop(0)[1]))
                no += 1
            feeding.tell(feeding.watch.clock(min(heard_to, call.end * CELL)))
        now += 100
    return feeding.marks(call)


def read_from_a_file(call: Call, *, by_ends: bool) -> list[Mark]:
    feeding = Feeding()
    order = sorted(call.said, key=lambda s: s.end) if by_ends else call.said
    lines = [_utterance(no, one) for no, one in enumerate(order)]

    async def read() -> None:
        async for item in FinishedTranscript(lines).heard(CallClock(lambda: 0.0)):
            match item:
                case Utterance():
                    feeding.say(item)
                case Activity():
                    feeding.tell(feeding.watch.activity(item.at_ts, item.speaking))
                case HeardThrough():
                    feeding.tell(feeding.watch.clock(item.ts))

    asyncio.run(read())
    return feeding.marks(call)


def wrong(call: Call, told: Sequence[Mark], true: set[Mark]) -> list[tuple[str, Mark]]:
    """What was told and is not so, or is so and was not told, or told twice."""
    open_ = undecidable(call)
    left = set(true)
    found: list[tuple[str, Mark]] = []
    for mark in told:
        if mark in left:
            left.remove(mark)
        elif mark not in open_:
            found.append(("told", mark))
    return [*found, *(("missed", m) for m in sorted(left) if m not in open_)]


@pytest.mark.parametrize("first", [0, 20, 25, 95])
@pytest.mark.parametrize("restarts", [0, 4])
def test_what_a_running_call_tells_is_what_a_slow_reading_finds_also_over_restarts(first: int, restarts: int) -> None:
    for seed in range(first, first + 5):
        call = made_up(seed)
        assert wrong(call, heard_live(call, seed, restarts=restarts), truth(call)) == [], seed


@pytest.mark.parametrize("first", [0, 20, 25, 95])
@pytest.mark.parametrize("by_ends", [True, False])
def test_a_finished_transcript_tells_the_same_by_the_starts_and_by_the_ends_of_its_lines(
    first: int, by_ends: bool
) -> None:
    for seed in range(first, first + 5):
        call = made_up(seed)
        # A file holds no gaps, and ends with its last line.
        last = max(s.end for s in call.said)
        call = Call(call.said, (), last)
        assert wrong(call, read_from_a_file(call, by_ends=by_ends), truth(call)) == [], seed


def test_the_made_up_calls_hold_enough_of_each_type_and_hardly_any_that_nobody_could_decide() -> None:
    calls = [made_up(seed) for seed in (*range(10), *range(20, 30))]
    found = [mark for call in calls for mark in truth(call)]
    for name in ("silence", "monologue", "interruption"):
        assert sum(kind == name for kind, _ in found) >= 10, name
    open_ = sum(len(undecidable(call) & truth(call)) for call in calls)
    assert open_ <= 1
