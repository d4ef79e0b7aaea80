"""`python -m ridealong.app.evaluation.timing [CALLS]`: the timing moments against calls whose exact times are known.

Calls are made up from a seed: turns of the rep and the customer with pauses, overlaps, backchannels inside long turns,
long turns cut into pieces as the live transcriber cuts them, words that are written late, voice activity, and audio
that went missing. They are fed as a running call feeds them. The truth is read off the whole turns, by rules written
down here a second time and without a stream: so a mistake in the streaming shows.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from uuid import UUID

from ridealong.core.moments import TIMING_TYPES, Detection
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
from ridealong.live.taxonomy import TimingSettings, default_taxonomy
from ridealong.live.timing import TimingWatch

CALLS: Final = 200
TOLERANCE_MS: Final = 50
"""A trigger this far from the true one is wrong."""

REP, CUSTOMER = SpeakerId(0), SpeakerId(1)
ROLES: Final = Roles(
    RoleAssignment(speaker_id=who, role=role, source=RoleSource.CHANNEL, confidence=1.0)
    for who, role in ((REP, Role.REP), (CUSTOMER, Role.CUSTOMER))
)
PIECE_MS: Final = 12_000
CLOCK_MS: Final = 100


@dataclass(frozen=True, slots=True)
class Turn:
    """What one person says in one go, exact to the millisecond. `short`: a backchannel of one or two words."""

    speaker: SpeakerId
    start_ts: int
    end_ts: int
    short: bool


@dataclass(frozen=True, slots=True)
class Script:
    """A made-up call: turns by their start, and the times at which audio is missing (a dropped line, a pause)."""

    turns: tuple[Turn, ...]
    gaps: tuple[int, ...]
    end_ts: int


@dataclass(frozen=True, order=True, slots=True)
class Mark:
    """A moment: its type and when it is triggered, ms of call audio."""

    type: str
    at_ts: int


def made_up(seed: int, limits: TimingSettings) -> Script:
    """About ten minutes of talk. Nothing lies within the tolerance of a limit: there, either answer would be right."""
    chance = random.Random(seed)  # noqa: S311 - the same call in every run
    turns: list[Turn] = []
    gaps: list[int] = []
    at = 1_000
    speaker = REP
    while at < 600_000:
        long = chance.random() < 0.12
        length = chance.randrange(60_000, 110_000) if long else chance.randrange(1_500, 14_000)
        if speaker is REP and abs(length - limits.monologue_s * 1000) < 1_000:
            length += 2_000
        turn = Turn(speaker, at, at + length, short=False)
        turns.append(turn)
        other = CUSTOMER if speaker is REP else REP
        inside = at + 4_000
        while long and inside < turn.end_ts - 6_000:
            # "Mhm", "right": they end nothing.
            turns.append(Turn(other, inside, inside + chance.randrange(300, 900), short=True))
            inside += chance.randrange(9_000, 25_000)
        at = turn.end_ts
        kind = chance.random()
        if kind < 0.1:
            at += round(limits.silence_s * 1000) + chance.randrange(TOLERANCE_MS + 1, 9_000)
        elif kind < 0.35 and length > 3_000:
            limit = round(limits.interruption_s * 1000)
            at -= chance.choice((limit - TOLERANCE_MS - 1, limit + TOLERANCE_MS + 1, 900, 1_400))
        elif kind < 0.4:
            at += 600
            gaps.append(at)
            at += 500
        else:
            at += chance.randrange(250, 1_800)
        speaker = other
    turns.sort(key=lambda t: t.start_ts)
    return Script(tuple(turns), tuple(gaps), max(t.end_ts for t in turns) + 2_000)


def truth(script: Script, limits: TimingSettings) -> list[Mark]:
    """What a listener with a stop-watch would note, from whole turns alone."""
    return sorted([*_silences(script, limits), *_interruptions(script, limits), *_monologues(script, limits)])


def _silences(script: Script, limits: TimingSettings) -> Iterator[Mark]:
    limit_ms = round(limits.silence_s * 1000)
    heard = script.turns[0].end_ts
    events = sorted([*((t.start_ts, t.end_ts) for t in script.turns), *((g, g) for g in script.gaps)])
    for start, end in [*events, (script.end_ts, script.end_ts)]:
        if start - heard > limit_ms:
            yield Mark("silence", heard + limit_ms)
        heard = max(heard, end)


def _interruptions(script: Script, limits: TimingSettings) -> Iterator[Mark]:
    for turn in script.turns:
        if turn.speaker is not REP or turn.short:
            continue
        over = [
            min(turn.end_ts, t.end_ts) - turn.start_ts
            for t in script.turns
            if t.speaker is CUSTOMER and t.start_ts < turn.start_ts
        ]
        if max(over, default=0) > limits.interruption_s * 1000:
            # Told by its first piece: the rep has said so much by then.
            yield Mark("interruption", _pieces(turn)[0][1])


def _monologues(script: Script, limits: TimingSettings) -> Iterator[Mark]:
    limit_ms = round(limits.monologue_s * 1000)
    began, told = None, False
    broken = sorted([*((t.start_ts, t) for t in script.turns), *((g, None) for g in script.gaps)], key=lambda p: p[0])
    for _, turn in broken:
        if turn is None or (turn.speaker is CUSTOMER and not turn.short):
            began, told = None, False
        elif turn.speaker is REP and not turn.short:
            began = turn.start_ts if began is None else began
            for _, end in _pieces(turn):
                if not told and end - began > limit_ms:
                    told = True
                    # It is told when the piece that goes over the limit can be cited.
                    yield Mark("monologue", end)


def _pieces(turn: Turn) -> list[tuple[int, int]]:
    """(start, end) of the pieces that the transcriber cuts a turn into."""
    cuts = [*range(turn.start_ts, turn.end_ts, PIECE_MS), turn.end_ts]
    if len(cuts) > 2 and cuts[-1] - cuts[-2] < 1_200:
        del cuts[-2]
    return list(pairwise(cuts))


def found(script: Script, seed: int) -> tuple[list[Mark], list[int]]:
    """What the streaming watch says, and how many ms after its trigger each silence was told."""
    chance = random.Random(~seed)  # noqa: S311 - the same delays in every run
    transcript = Transcript(TranscriptId(call_id=UUID(int=seed + 1)))
    watch = TimingWatch(default_taxonomy(), transcript, lambda: ROLES)
    said: list[tuple[int, int, Turn, int, int]] = []
    for turn in script.turns:
        for start, end in _pieces(turn):
            # Never out of order on a speaker's own channel; between speakers as it comes.
            said.append((end + chance.randrange(150, 900), len(said), turn, start, end))
    told: list[Detection] = []
    lags: list[int] = []
    speech = _activity(script)
    now, numbers = 0, iter(range(len(said)))
    pending = sorted(said)
    gaps = list(script.gaps)
    while now <= script.end_ts + 1_500:
        while gaps and gaps[0] <= now:
            # It is told when it happens: words that were said before it may still be written.
            watch.gap(gaps.pop(0))
        while speech and speech[0][0] <= now:
            told += watch.activity(*speech.pop(0))
        while pending and pending[0][0] <= now:
            told += _say(watch, transcript, next(numbers), pending.pop(0))
        late = watch.clock(min(now, script.end_ts))
        lags += [now - d.trigger_ts for d in late if d.type == "silence"]
        told += late
        now += CLOCK_MS
    return sorted(Mark(d.type, d.trigger_ts) for d in told), lags


def _say(
    watch: TimingWatch, transcript: Transcript, no: int, piece: tuple[int, int, Turn, int, int]
) -> tuple[Detection, ...]:
    _, _, turn, start, end = piece
    text = "mhm" if turn.short else "these are more words than a backchannel has"
    utterance = Utterance(no=no, speaker=turn.speaker, start_ts=start, end_ts=end, text=text)
    transcript.append(utterance)
    return watch.utterance_finished(utterance)


def _activity(script: Script) -> list[tuple[int, bool]]:
    """When somebody begins to speak and when nobody does any more."""
    changes: list[tuple[int, bool]] = []
    until = -1
    for turn in script.turns:
        if turn.start_ts > until:
            if until >= 0:
                changes.append((until, False))
            changes.append((turn.start_ts, True))
        until = max(until, turn.end_ts)
    return [*changes, (until, False)]


@dataclass(frozen=True, slots=True)
class Score:
    """Of one type over all calls."""

    right: int
    missed: int
    false: int

    @property
    def f1(self) -> float:
        total = 2 * self.right + self.missed + self.false
        return 1.0 if total == 0 else 2 * self.right / total


def compare(true: Sequence[Mark], told: Sequence[Mark]) -> dict[str, Score]:
    """Each told moment may match one true one of its type within the tolerance."""
    scores: dict[str, Score] = {}
    for name in TIMING_TYPES:
        left = [m.at_ts for m in true if m.type == name]
        right = false = 0
        for at in (m.at_ts for m in told if m.type == name):
            near = next((t for t in left if abs(t - at) <= TOLERANCE_MS), None)
            if near is None:
                false += 1
            else:
                left.remove(near)
                right += 1
        scores[name] = Score(right, len(left), false)
    return scores


def evaluate(calls: int) -> tuple[dict[str, Score], list[int]]:
    """Scores over so many made-up calls, and the lags of silences in ms."""
    limits = default_taxonomy().timing
    totals: Counter[tuple[str, str]] = Counter()
    lags: list[int] = []
    for seed in range(calls):
        script = made_up(seed, limits)
        told, late = found(script, seed)
        lags += late
        for name, score in compare(truth(script, limits), told).items():
            totals.update({(name, "right"): score.right, (name, "missed"): score.missed, (name, "false"): score.false})
    return {
        name: Score(totals[name, "right"], totals[name, "missed"], totals[name, "false"]) for name in TIMING_TYPES
    }, sorted(lags)


def main() -> None:
    """Print a line for each type."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    scores, lags = evaluate(calls)
    sys.stdout.write(f"{calls} calls of ten minutes, triggers exact to {TOLERANCE_MS} ms\n")
    for name, score in scores.items():
        sys.stdout.write(
            f"{name:<14} F1 {score.f1:.4f}  right {score.right}  missed {score.missed}  false {score.false}\n"
        )
    if lags:
        sys.stdout.write(f"a silence is told {lags[len(lags) // 2]} ms after its limit (p50), {lags[-1]} ms at most\n")


if __name__ == "__main__":
    main()
