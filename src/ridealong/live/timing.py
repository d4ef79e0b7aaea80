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


@dataclass(slots=True)
class _Run:
    """The rep's run of utterances that nobody has ended yet."""

    speaker: Speaker
    start_ts: int
    end_ts: int
    utterances: list[Utterance] = field(default_factory=list[Utterance])
    """What a monologue will cite; nothing is added once it was told, however long it goes on."""
    fired: bool = False

    def goes_on_in(self, utterance: Utterance) -> bool:
        """Whether that is the next piece of the rep's turn, however short: a turn is cut where it is long."""
        return utterance.speaker == self.speaker and 0 <= utterance.start_ts - self.end_ts <= CUT_MS

    def add(self, utterance: Utterance) -> None:
        self.start_ts = min(self.start_ts, utterance.start_ts)
        self.end_ts = max(self.end_ts, utterance.end_ts)
        if not self.fired:
            self.utterances.append(utterance)


@dataclass(slots=True)
class _Turn:
    """What somebody said without a break, in the pieces that a long turn is cut into. Costs the same however long."""

    first: Utterance
    end_ts: int
    recent: list[Utterance]
    """The pieces in which another turn can begin that is still to come."""
    backchannels_alone: bool
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

    def add(self, utterance: Utterance, *, backchannel: bool) -> None:
        self.end_ts = max(self.end_ts, utterance.end_ts)
        self.backchannels_alone = self.backchannels_alone and backchannel
        self.recent = [u for u in self.recent if u.end_ts >= utterance.start_ts - LOOK_BACK_MS]
        self.recent.append(utterance)

    def said_at(self, ts: int) -> Utterance:
        """The piece that was being said at `ts`, else the last one."""
        return next((u for u in self.recent if u.start_ts <= ts < u.end_ts), self.recent[-1])


@dataclass(slots=True)
class _Quiet:
    """What is known about the latest speech."""

    last_speech_ts: int = 0
    speaking: bool = False
    fired: bool = False
    cited: Utterance | None = None
    """The finished utterance that ended last: what a silence cites."""
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
        if utterance.speaker is not UNATTRIBUTED and (quiet.cited is None or utterance.end_ts >= quiet.cited.end_ts):
            quiet.cited = utterance
        self._spoken(utterance)
        found += self._interruption(utterance)
        found += self._monologue(utterance)
        return tuple(found)

    def activity(self, at_ts: int, speaking: bool) -> tuple[Detection, ...]:
        """Somebody began or stopped speaking at `at_ts`."""
        quiet = self._quiet
        quiet.hears_activity = True
        found = self._silence(at_ts) if speaking else ()
        if speaking or quiet.speaking:
            self._heard_until(at_ts)
        quiet.speaking = speaking
        return found

    def clock(self, ts: int) -> tuple[Detection, ...]:
        """The call has been heard up to `ts`; also to be called with the call's end."""
        return self._silence(ts)

    def gap(self, at_ts: int) -> None:
        """Audio is missing at `at_ts`: what was said meanwhile is not known, so every run begins anew."""
        self._run = None
        self._quiet.speaking = False
        self._quiet.now = max(self._quiet.now, at_ts)
        self._heard_until(at_ts)

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
        quiet = self._quiet
        quiet.now = max(quiet.now, now)
        limit_ts = quiet.last_speech_ts + self._silence_ms
        if quiet.speaking or quiet.fired or quiet.cited is None or quiet.now <= limit_ts:
            return ()
        quiet.fired = True
        return self._found("silence", (quiet.cited,), limit_ts, role=Role.UNKNOWN, bound=False)

    def _monologue(self, utterance: Utterance) -> tuple[Detection, ...]:
        run = self._run
        if self._is_backchannel(utterance) and (run is None or not run.goes_on_in(utterance)):
            # It ends no run, and makes none longer: the rep's own "mhm" falls into what the customer says.
            return ()
        role = self._roles().role_of(utterance.speaker)
        if run is not None and utterance.speaker == run.speaker:
            run.add(utterance)
        elif role is Role.CUSTOMER or utterance.speaker is UNATTRIBUTED:
            self._run = None
            return ()
        else:
            self._run = run = _Run(
                speaker=utterance.speaker, start_ts=utterance.start_ts, end_ts=utterance.end_ts, utterances=[utterance]
            )
        role = self._roles().role_of(run.speaker)
        if role is Role.CUSTOMER:
            # Learnt meanwhile: what customers hold is no monologue, and need not be kept.
            self._run = None
            return ()
        if run.fired or run.end_ts - run.start_ts <= self._monologue_ms:
            return ()
        run.fired = True
        latest = max(run.utterances, key=lambda u: u.end_ts)
        first = min(run.utterances, key=lambda u: u.start_ts)
        cited = [latest, *(u for u in run.utterances if u is not latest and u is not first)]
        if first is not latest:
            cited.append(first)
        run.utterances.clear()
        return self._found("monologue", cited, latest.end_ts, role=role, bound=True)

    def _interruption(self, utterance: Utterance) -> tuple[Detection, ...]:
        """Whoever finishes last, both must be known: two turns are looked at whenever a piece of either comes.

        Whole turns, not their pieces: where a long turn happens to be cut says nothing about who broke into it.
        """
        if utterance.speaker is UNATTRIBUTED:
            return ()
        backchannel = self._is_backchannel(utterance)
        turn = next((t for t in self._turns if t.goes_on_in(utterance)), None)
        if turn is None:
            turn = _Turn(first=utterance, end_ts=utterance.end_ts, recent=[utterance], backchannels_alone=backchannel)
            self._turns.append(turn)
        else:
            turn.add(utterance, backchannel=backchannel)
        self._turns = [t for t in self._turns if t.end_ts >= utterance.start_ts - LOOK_BACK_MS]
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
            and not second.backchannels_alone
        )

    def _is_backchannel(self, utterance: Utterance) -> bool:
        return word_count(utterance.text) <= self._backchannel_words or utterance.duration_ms <= self._backchannel_ms

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
