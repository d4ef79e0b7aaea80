"""What one call makes of what is heard: it keeps and tells it, has it judged, and decides on what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import structlog

from ridealong import telemetry
from ridealong.core.events import Latency, MomentAhead, MomentDecided, PartialHeard, RoleLearned, UtteranceFinished
from ridealong.core.moments import Detection, Moment, Reason, Sight, Tier
from ridealong.core.transcript import RoleAssignment, RoleSource, Utterance
from ridealong.live.ahead import Ahead
from ridealong.live.asking import Asking
from ridealong.live.listening import Item, SoFar, not_transcribed
from ridealong.live.open_turns import OpenTurns
from ridealong.live.writer import Pending
from ridealong.speech import Activity, HeardThrough, NotHeard, Partial, VoiceMatched
from ridealong.store.taxonomy_versions import ShadowMoment

if TYPE_CHECKING:
    from ridealong.live.clock import CallClock
    from ridealong.live.judge import Judge, Judged
    from ridealong.live.telling import Telling

ENROLLED_FLOOR: Final = 0.5
AHEAD_WITHIN_MS: Final = 1_500
"""So long after its trigger a moment may be told ahead of its turn's end. What comes later waits for the turn: it is
then told after all where the turn is over soon, and nudges stay as quick as they are without it."""

_log = structlog.get_logger(__name__)


class Deciding:
    """Takes what is heard, in order, and publishes what becomes of it. One task drives it: it is not thread-safe."""

    def __init__(self, *, judge: Judge, told: Telling, clock: CallClock) -> None:
        self.moments: set[UUID] = set()
        """What the rep can say something of."""
        self.sighted: set[tuple[UUID, Sight]] = set()
        self.logged_through = 0
        """ms of audio behind which nothing is open, as last logged."""
        self.asking: Asking | None = None
        self._judge = judge
        self._told = told
        self._clock = clock
        self._turns = OpenTurns()
        self._ahead = Ahead(transcript=judge.transcript)
        if judge.hosted is not None:
            self.asking = Asking(
                hosted=judge.hosted,
                transcript=judge.transcript,
                roles=lambda: judge.roles.roles,
                decided=lambda detections, heard_ts: self._decide(detections, heard_ts=heard_ts),
                warn=told.warn,
            )

    async def take(self, item: Item) -> None:
        match item:
            case Utterance():
                await self._finished(item)
            case Partial():
                self._judge.partial(item)
                self._told.publish(
                    PartialHeard(
                        speaker=item.speaker,
                        start_ts=item.start_ts,
                        end_ts=item.end_ts,
                        text=item.text,
                        at=self._clock.at(),
                    )
                )
                await self._look_ahead(self._turns.partial(item, no=self._judge.transcript.next_no))
            case SoFar(utterance=so_far):
                await self._look_ahead(self._turns.settled(so_far))
            case Activity():
                self._decide(self._judge.activity(item), heard_ts=self._clock.now_ts())
            case VoiceMatched():
                if item.confidence >= ENROLLED_FLOOR:
                    self.learn(self._judge.roles.state(item.speaker_id, RoleSource.ENROLLED_VOICE, item.confidence))
            case NotHeard():
                self._judge.gap(item.start_ts)
                self._told.publish(not_transcribed(item.start_ts, item.end_ts, self._clock.at()))
            case HeardThrough():
                if item.ts - self.logged_through >= 5_000:
                    self._told.log_line({"kind": "heard", "ts": item.ts})
                    self.logged_through = item.ts
                self._decide(self._judge.clock(item.ts), heard_ts=self._clock.now_ts())
                self._prove(self._ahead.overdue(item.ts))

    async def _look_ahead(self, so_far: Utterance | None) -> None:
        """Tell what is sure enough to be shown in a turn that goes on. What is not waits for the turn's end."""
        if so_far is None:
            return
        heard_ts = self._clock.now_ts()
        for detection in await self._judge.ahead(so_far):
            if self._ahead.holds(detection) or heard_ts - detection.trigger_ts > AHEAD_WITHIN_MS:
                continue
            moment, latency = self._decided(detection, heard_ts=heard_ts)
            if moment.reason not in (Reason.DELIVERED, Reason.HELD_OUT):
                continue
            told = MomentAhead(moment_id=uuid4(), moment=moment, latency=latency, at=self._clock.at())
            self.told_ahead(told)
            self._told.publish(told)

    def told_ahead(self, told: MomentAhead) -> None:
        """It is told before its utterance is finished, by this process or an earlier one."""
        self.moments.add(told.moment_id)
        self._ahead.add(told)

    def restored(self, decided: MomentDecided) -> None:
        """It was decided by an earlier process."""
        self.moments.add(decided.moment_id)
        self._ahead.proven(decided.moment_id)

    def over(self) -> None:
        """The call is over: nothing more is finished."""
        self._prove(self._ahead.overdue())

    def _prove(self, told: Sequence[MomentAhead], utterance: Utterance | None = None) -> None:
        for each in told:
            decided = self._ahead.proof(each, utterance)
            if decided is None:
                # The words were taken back, and so nothing can be cited: the rep has seen what nobody said.
                _log.warning("nothing_proves_a_moment", type=each.moment.type)
                self.moments.discard(each.moment_id)
                self._told.never_stored(each.moment_id)
                continue
            self._count(decided.moment, decided.latency)
            self._told.publish(decided)

    async def _finished(self, utterance: Utterance) -> None:
        heard_ts, heard_at = self._clock.now_ts(), asyncio.get_running_loop().time()
        self._judge.transcript.append(utterance)
        telemetry.utterances_total.inc()
        self.learn(self._judge.roles.arrived(utterance.speaker))
        # The model reads while the utterance is logged and told.
        classifying = self._judge.classify(utterance)
        finished = UtteranceFinished(
            utterance=utterance, role=self._judge.role_of(utterance.speaker), at=self._clock.at()
        )
        self._told.log_and_tell(finished)
        self._turns.finished(utterance)
        told = self._ahead.proven_by(utterance)
        decided = {each.moment.type for each in told}
        judged = await self._judge.utterance(utterance, classifying, decided=decided)
        self._told.store(Pending(event=finished, shadow=self._in_shadow(judged)))
        self.learn(judged.roles)
        self._prove(told, utterance)
        self._decide([d for d in judged.detections if d.type not in decided], heard_ts=heard_ts)
        if judged.doubt is not None and self.asking is not None:
            self.asking.ask(judged.doubt, heard_ts=heard_ts, heard_at=heard_at, now_ts=self._clock.now_ts())

    def _in_shadow(self, judged: Judged) -> tuple[ShadowMoment, ...]:
        """What a head in shadow found: kept beside the utterance, told to nobody."""
        version, now_ts = self._judge.heads.shadow_version, round(self._clock.now_ts())
        if version is None:
            return ()
        return tuple(
            ShadowMoment(version=version, detection=found, would=self._judge.decide_in_shadow(found, decided_ts=now_ts))
            for found in judged.shadow
        )

    def _decide(self, detections: Sequence[Detection], *, heard_ts: float) -> None:
        for detection in detections:
            moment, latency = self._decided(detection, heard_ts=heard_ts)
            self._count(moment, latency)
            decided = MomentDecided(moment_id=uuid4(), moment=moment, latency=latency, at=self._clock.at())
            self.moments.add(decided.moment_id)
            self._told.publish(decided)

    def _decided(self, detection: Detection, *, heard_ts: float) -> tuple[Moment, Latency]:
        now_ts = self._clock.now_ts()
        moment = self._judge.decide(detection, decided_ts=round(now_ts))
        return moment, Latency(speech=max(0.0, heard_ts - detection.trigger_ts), classify=max(0.0, now_ts - heard_ts))

    def _count(self, moment: Moment, latency: Latency) -> None:
        telemetry.moments_total.labels(moment.type, moment.tier.value, moment.reason.value).inc()
        if moment.tier is Tier.NUDGE:
            telemetry.nudge_seconds.observe(latency.total / 1000)

    def learn(self, assignments: Sequence[RoleAssignment]) -> None:
        for assignment in assignments:
            self._told.publish(RoleLearned(assignment=assignment, at=self._clock.at()))
