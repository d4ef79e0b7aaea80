"""The three timing moments, from times alone: silence, monologue, interruption. No model, no wall clock.

Two kinds of input come at their own pace: finished utterances (in the order of their ends, a little late), and the
sample clock with voice activity (at once). Times are milliseconds of call audio.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ridealong.core.moments import Detection, word_count
from ridealong.core.transcript import UNATTRIBUTED, Role, Roles, Speaker, Transcript, Utterance
from ridealong.live.taxonomy import MomentType, Taxonomy
from ridealong.live.wording import Wording

LOOK_BACK_MS: Final = 60_000
"""Utterances that ended longer ago cannot overlap a new one: turns are cut at about 12 s."""

CUT_MS: Final = 200
"""Two pieces of one long turn that was cut for its length lie no further apart."""

SETTLED_MS: Final = 1_200
"""So long after a moment at which nobody spoke, what was said by then is taken to be written."""


@dataclass(slots=True)
class _Turn:
    """What somebody said without a break, in the pieces that a long turn is cut into. Costs the same however long."""

    first: Utterance
    end_ts: int
    words: int
    recent: list[Utterance]
    """The pieces in which another turn can begin that is still to come."""
    interrupts: bool = False
    """It was reported as an interruption already."""

    @property
    def speaker(self) -> Speaker:
        return self.first.speaker

    @property
    def start_ts(self) -> int:
        return self.first.start_ts

    def goes_on_in(self, utterance: Utterance) -> bool:
        return utterance.speaker == self.speaker and abs(utterance.start_ts - self.end_ts) <= CUT_MS

    def add(self, utterance: Utterance) -> None:
        self.end_ts = max(self.end_ts, utterance.end_ts)
        self.words += word_count(utterance.text)
        self.recent = [u for u in self.recent if u.end_ts >= utterance.start_ts - LOOK_BACK_MS]
        self.recent.append(utterance)

    def said_at(self, ts: int) -> Utterance:
        """The piece that was being said at `ts`, else the last one."""
        return next((u for u in self.recent if u.start_ts <= ts < u.end_ts), self.recent[-1])


@dataclass(frozen=True, slots=True)
class _Piece:
    turn: _Turn
    utterance: Utterance


@dataclass(slots=True)
class _Run:
    """The rep's run of utterances that nobody has ended yet."""

    speaker: Speaker
    start_ts: int
    end_ts: int
    pieces: list[_Piece] = field(default_factory=list["_Piece"])
    """What a monologue will cite; of one that was told the latest alone, however long it goes on."""
    fired: bool = False

    def add(self, piece: _Piece) -> None:
        self.end_ts = max(self.end_ts, piece.utterance.end_ts)
        if self.fired:
            self.pieces.clear()
        self.pieces.append(piece)


@dataclass(slots=True)
class _Quiet:
    """What is known about the latest speech."""

    last_speech_ts: int = 0
    speaking: bool = False
    fired: bool = False
    cited: Utterance | None = None
    """The finished utterance that ended last, of those whose speaker is known: what a silence cites."""
    latest: Utterance | None = None
    """The one that ended last, whoever said it."""
    now: int = 0
    hears_activity: bool = False


class TimingWatch:
    """The timing moments of one call.

    Feed it in the call's order: `utterance_finished` (the utterance already stands in `transcript`), `activity`,
    `clock`, `gap`. Each returns what it found. `roles` is asked for at each step, since it may be learnt at any time.
    """

    def __init__(self, taxonomy: Taxonomy, transcript: Transcript, roles: Callable[[], Roles]) -> None:
        self._types: dict[str, MomentType] = {t.id: t for t in taxonomy.types}
        limits = taxonomy.timing
        self._silence_ms = round(limits.silence_s * 1000)
        self._monologue_ms = round(limits.monologue_s * 1000)
        self._interruption_ms = round(limits.interruption_s * 1000)
        self._backchannel_ms = round(limits.backchannel_s * 1000)
        self._backchannel_words = limits.backchannel_words
        self._transcript = transcript
        self._roles = roles
        self._wording = Wording()
        self._quiet = _Quiet()
        self._run: _Run | None = None
        self._brief: list[_Piece] = []
        """A few words of one speaker that nobody is known to have spoken at the same time as: if nobody did, the
        speaker holds the floor with them; else they are a "mhm"."""
        self._answered: tuple[int, int] = (0, 0)
        """Start and end of the last turn that ended a run: of a turn that went on meanwhile, only what lies behind it
        begins the next run."""
        self._quiet_at: int | None = None
        """The last time at which nobody is heard to speak."""
        self._gaps: list[int] = []
        """Where audio is missing, in order; those before `_passed` are behind what was heard."""
        self._passed = 0
        self._turns: list[_Turn] = []
        """Recent ones: what a new turn can overlap."""

    def utterance_finished(self, utterance: Utterance) -> tuple[Detection, ...]:
        """An utterance was appended to the transcript."""
        quiet = self._quiet
        found: list[Detection] = []
        if not quiet.hears_activity:
            # Transcripts alone: an utterance's start is the first sign that somebody speaks again.
            found += self._silence(utterance.start_ts)
        quiet.now = max(quiet.now, utterance.start_ts)
        if quiet.latest is None or utterance.end_ts >= quiet.latest.end_ts:
            quiet.latest = utterance
        if utterance.speaker is not UNATTRIBUTED and (quiet.cited is None or utterance.end_ts >= quiet.cited.end_ts):
            quiet.cited = utterance
        self._spoken(utterance)
        turn = self._turn_with(utterance)
        if utterance.speaker is not UNATTRIBUTED:
            found += self._interruption(turn)
        found += self._monologue(utterance, turn)
        return tuple(found)

    def activity(self, at_ts: int, speaking: bool) -> tuple[Detection, ...]:
        """Somebody began or stopped speaking at `at_ts`."""
        quiet = self._quiet
        quiet.hears_activity = True
        found = self._silence(at_ts) if speaking else self._pass_gaps(at_ts)
        if speaking or quiet.speaking:
            self._heard_until(at_ts)
        quiet.speaking = speaking
        self._quiet_at = None if speaking else at_ts
        return found

    def clock(self, ts: int) -> tuple[Detection, ...]:
        """The call has been heard up to `ts`; also to be called with the call's end."""
        found = self._silence(ts)
        if self._brief and self._quiet_at is not None:
            quiet_at = max(self._quiet_at, self._brief[-1].turn.end_ts)
            if ts >= quiet_at + SETTLED_MS:
                found += self._hold()
        return found

    def gap(self, at_ts: int) -> None:
        """Audio is missing at `at_ts`: what was said meanwhile is not known, so every run begins anew behind it.

        It is known when it happens; what was said before it may be heard and written later.
        """
        if not self._gaps or at_ts > self._gaps[-1]:
            self._gaps.append(at_ts)

    def silence_told(self, trigger_ts: int) -> None:
        """An earlier process told a silence at `trigger_ts`: while it lasts it is not told again."""
        self._heard_until(trigger_ts - self._silence_ms)
        self._quiet.fired = True

    def _pass_gaps(self, now: int) -> tuple[Detection, ...]:
        """All was heard up to `now`: nobody is heard to speak across a gap, and a silence begins anew behind it."""
        found: tuple[Detection, ...] = ()
        while self._passed < len(self._gaps) and self._gaps[self._passed] <= now:
            at_ts = self._gaps[self._passed]
            self._passed += 1
            found += self._silent_until(at_ts)
            self._quiet.speaking = False
            self._heard_until(at_ts)
        return found

    def _parted(self, before_ts: int, after_ts: int) -> bool:
        """Whether audio is missing between what was said up to `before_ts` and from `after_ts` on."""
        return any(before_ts <= at_ts <= after_ts for at_ts in self._gaps)

    def _spoken(self, utterance: Utterance) -> None:
        """Where activity is heard, it alone says when a silence ends: an utterance's end may be estimated, and must
        not begin a silence anew that fired already. Words that lie after that moment do, though: activity missed them.
        """
        quiet = self._quiet
        fired_ts = quiet.last_speech_ts + self._silence_ms
        if not quiet.hears_activity or not quiet.fired or utterance.start_ts >= fired_ts:
            self._heard_until(utterance.end_ts)

    def _heard_until(self, ts: int) -> None:
        quiet = self._quiet
        if ts > quiet.last_speech_ts:
            quiet.last_speech_ts = ts
            quiet.fired = False

    def _silence(self, now: int) -> tuple[Detection, ...]:
        return self._pass_gaps(now) + self._silent_until(now)

    def _silent_until(self, now: int) -> tuple[Detection, ...]:
        quiet = self._quiet
        quiet.now = max(quiet.now, now)
        limit_ts = quiet.last_speech_ts + self._silence_ms
        if quiet.speaking or quiet.fired or quiet.cited is None or quiet.now <= limit_ts:
            return ()
        quiet.fired = True
        return self._found("silence", (quiet.cited,), limit_ts, role=self._spoke_last(limit_ts), bound=False)

    def _spoke_last(self, by_ts: int) -> Role:
        """Who is cited by a silence, unless words of nobody known, or missing audio, lie behind that."""
        latest = self._quiet.latest
        if latest is None or self._parted(latest.end_ts, by_ts):
            return Role.UNKNOWN
        return self._roles().role_of(latest.speaker)

    def _turn_with(self, utterance: Utterance) -> _Turn:
        """The turn that the utterance is a piece of. Of nobody known, each is a turn of its own."""
        turn = None
        if utterance.speaker is not UNATTRIBUTED:
            turn = next(
                (
                    t
                    for t in self._turns
                    if t.goes_on_in(utterance) and not self._parted(t.end_ts, max(t.end_ts, utterance.start_ts))
                ),
                None,
            )
        if turn is not None:
            turn.add(utterance)
        else:
            turn = _Turn(first=utterance, end_ts=utterance.end_ts, words=word_count(utterance.text), recent=[utterance])
            if utterance.speaker is not UNATTRIBUTED:
                self._turns.append(turn)
        self._turns = [t for t in self._turns if t.end_ts >= utterance.start_ts - LOOK_BACK_MS]
        return turn

    def _monologue(self, utterance: Utterance, turn: _Turn) -> tuple[Detection, ...]:
        brief = self._is_backchannel(turn)
        if self._roles().role_of(utterance.speaker) is Role.CUSTOMER or utterance.speaker is UNATTRIBUTED:
            return () if brief else self._end_run(turn)
        holder = self._run.speaker if self._run is not None else self._brief[0].turn.speaker if self._brief else None
        if brief:
            # The rep's own "mhm" falls into what the customer says, which may be written after it: wait for that.
            if self._run is not None and holder != utterance.speaker:
                return ()
            if holder != utterance.speaker:
                self._brief.clear()
            if turn.start_ts >= self._answered[1]:
                self._brief.append(_Piece(turn, utterance))
            return ()
        found: tuple[Detection, ...] = ()
        if holder is not None and holder != utterance.speaker:
            found = self._end_run(turn)
        return found + self._hold(_Piece(turn, utterance))

    def _end_run(self, turn: _Turn) -> tuple[Detection, ...]:
        """Somebody else speaks: the run ends where that begins. What the rep said behind it may be written already."""
        run, brief = self._run, self._brief
        self._brief = [p for p in brief if p.turn.end_ts <= turn.start_ts]
        found = self._hold()
        self._run = None
        self._answered = (turn.start_ts, max(turn.end_ts, self._answered[1]))
        for piece in () if run is None else run.pieces:
            if piece.turn.start_ts >= turn.start_ts or piece.utterance.end_ts > turn.end_ts:
                found += self._held(piece)
        self._brief = [p for p in brief if p.turn.start_ts >= turn.end_ts]
        return found

    def _hold(self, piece: _Piece | None = None) -> tuple[Detection, ...]:
        """The few words that were waited for, and `piece`, hold the floor."""
        found: tuple[Detection, ...] = ()
        for brief in self._brief:
            found += self._held(brief)
        self._brief.clear()
        return found if piece is None else found + self._held(piece)

    def _held(self, piece: _Piece) -> tuple[Detection, ...]:
        run, utterance = self._run, piece.utterance
        if run is not None and not self._parted(run.end_ts, utterance.start_ts):
            run.add(piece)
        else:
            # What was taken for a "mhm" may have been the beginning of more; of a turn into which somebody spoke, only
            # what lies behind that counts.
            whole = piece.turn.start_ts >= self._answered[0]
            start_ts = piece.turn.start_ts if whole else max(utterance.start_ts, self._answered[1])
            self._run = run = _Run(
                speaker=utterance.speaker, start_ts=start_ts, end_ts=utterance.end_ts, pieces=[piece]
            )
        role = self._roles().role_of(run.speaker)
        if role is Role.CUSTOMER:
            # Learnt meanwhile: what customers hold is no monologue, and need not be kept.
            self._run = None
            return ()
        if run.fired or run.end_ts - run.start_ts <= self._monologue_ms:
            return ()
        run.fired = True
        said = [p.utterance for p in run.pieces]
        latest = max(said, key=lambda u: u.end_ts)
        first = min(said, key=lambda u: u.start_ts)
        cited = [latest, *(u for u in said if u is not latest and u is not first)]
        if first is not latest:
            cited.append(first)
        return self._found("monologue", cited, latest.end_ts, role=role, bound=True)

    def _interruption(self, turn: _Turn) -> tuple[Detection, ...]:
        """Whoever finishes last, both must be known: two turns are looked at whenever a piece of either comes.

        Whole turns, not their pieces: where a long turn happens to be cut says nothing about who broke into it.
        """
        found: list[Detection] = []
        for other in self._turns:
            first, second = sorted((other, turn), key=lambda t: t.start_ts)
            if second.interrupts or not self._breaks_in(first, second):
                continue
            roles = self._roles()
            role = roles.role_of(second.speaker)
            if role is Role.CUSTOMER or roles.role_of(first.speaker) is Role.REP:
                continue
            second.interrupts = True
            cited = (second.first, first.said_at(second.start_ts))
            found += self._found("interruption", cited, cited[0].end_ts, role=role, bound=True)
        return tuple(found)

    def _breaks_in(self, first: _Turn, second: _Turn) -> bool:
        """Whether `second` began while `first`, of somebody else, was being said, and went on over it."""
        overlap = min(first.end_ts, second.end_ts) - second.start_ts
        return (
            first.speaker != second.speaker
            and first.start_ts < second.start_ts
            and overlap > self._interruption_ms
            and not self._is_backchannel(second)
        )

    def _is_backchannel(self, turn: _Turn) -> bool:
        return turn.words <= self._backchannel_words or turn.end_ts - turn.start_ts <= self._backchannel_ms

    def _found(
        self, type_id: str, cited: Sequence[Utterance], trigger_ts: int, *, role: Role, bound: bool
    ) -> tuple[Detection, ...]:
        moment_type = self._types.get(type_id)
        if moment_type is None:
            return ()
        return (
            Detection(
                type=type_id,
                confidence=1.0,
                evidence=tuple(self._transcript.cite_whole(u.no) for u in cited),
                trigger_ts=trigger_ts,
                nudge=self._wording.choose(moment_type),
                role_known=role is not Role.UNKNOWN or not bound,
                speaker_role=role,
            ),
        )
