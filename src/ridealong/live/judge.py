"""Path A's judgement on one call: classifier, timing rules and policy, on the call's own clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from ridealong.core.events import GapRecorded, MomentAhead, MomentDecided, RoleLearned, UtteranceFinished
from ridealong.core.moments import Circumstances, Decision, Detection, Moment
from ridealong.core.transcript import Role, RoleAssignment, Roles, Speaker, Transcript, Utterance
from ridealong.live.head import SHIPPED, Heads
from ridealong.live.policy import Policy
from ridealong.live.rep_voice import RepVoice
from ridealong.live.roles import RoleTracker
from ridealong.live.timing import TimingWatch

if TYPE_CHECKING:
    from uuid import UUID

    from ridealong.embedding import Vectors
    from ridealong.live.asking import Hosted
    from ridealong.live.cascade import Doubt
    from ridealong.live.classify import Classified
    from ridealong.live.engine import Minds
    from ridealong.live.taxonomy import Taxonomy
    from ridealong.recording.entries import Lasting
    from ridealong.speech import Activity, EnrolledVoice, Partial


SHORT: Final = 200
"""Characters of a text that is read in 2 ms on a quick machine and in some 6 on a slow one."""


T = TypeVar("T")


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Judged:
    """What one utterance gave."""

    detections: tuple[Detection, ...]
    roles: tuple[RoleAssignment, ...]
    doubt: Doubt | None = None
    """What a hosted model should be asked about it."""
    shadow: tuple[Detection, ...] = ()
    """What the head in shadow found: for `Judge.decide_in_shadow` alone."""


class Judge:
    """Holds what Path A knows of one call. Not thread-safe: one task drives it."""

    def __init__(
        self,
        *,
        transcript: Transcript,
        taxonomy: Taxonomy,
        minds: Minds,
        executor: Executor,
        enrolled_voices: tuple[EnrolledVoice, ...] = (),
        hosted: Hosted | None = None,
        heads: Heads = SHIPPED,
        few_calls: Callable[[], bool] = _never,
    ) -> None:
        """`few_calls`: whether so little goes on that the event loop may read a short text itself."""
        self.hosted = hosted
        self.transcript = transcript
        self.enrolled_voices = enrolled_voices
        self.vocabulary = tuple(phrase for tracker in taxonomy.trackers for phrase in tracker.phrases)
        self.roles = RoleTracker(minds.rep_log_odds)
        self.heads = heads
        self._classifier = minds.classifier(taxonomy, heads)
        self._minds = minds
        self._taxonomy = taxonomy
        self._executor = executor
        self._few_calls = few_calls
        self._timing = TimingWatch(taxonomy, transcript, lambda: self.roles.roles)
        self._policy = Policy(taxonomy)
        self._shadow_policy = Policy(taxonomy)
        self._rep_voice = RepVoice()
        self._past_moments: dict[UUID, Moment] = {}

    def role_of(self, speaker: Speaker) -> Role:
        return self.roles.roles.role_of(speaker)

    def classify(self, utterance: Utterance) -> asyncio.Future[Classified]:
        """Begin to read a finished utterance, which is in the transcript already; hand it to `utterance`."""
        return self._read(self._classifier.classify, utterance)

    def _read(self, read: Callable[[Transcript, Utterance, Roles], T], utterance: Utterance) -> asyncio.Future[T]:
        loop, given = asyncio.get_running_loop(), (self.transcript, utterance, self.roles.roles)
        if len(utterance.text) > SHORT or not self._few_calls():
            # In a thread: the model takes milliseconds, which fifty calls would feel on the event loop.
            return loop.run_in_executor(self._executor, read, *given)
        # Waking a thread and being woken by it takes longer than these few calls' audio would notice.
        done = loop.create_future()
        try:
            done.set_result(read(*given))
        except Exception as error:
            done.set_exception(error)
        return done

    async def ahead(self, so_far: Utterance) -> tuple[Detection, ...]:
        """What stands for sure in an open turn, which is in no transcript, if it ended with these words."""
        if not self._may_be_shown_ahead(self.roles.roles.role_of(so_far.speaker)):
            return ()
        found = await self._read(self._classifier.ahead, so_far)
        return tuple(d for d in found if self.hosted is None or self.hosted.cascade.stands(d))

    def _may_be_shown_ahead(self, role: Role) -> bool:
        return any(
            t.tier == "nudge" and (t.bound_role is Role.UNKNOWN or t.bound_role is role)
            for t in self._taxonomy.content_types
        )

    async def utterance(
        self,
        utterance: Utterance,
        classifying: asyncio.Future[Classified] | None = None,
        *,
        decided: Collection[str] = (),
    ) -> Judged:
        """Judge a finished utterance, which is in the transcript already.

        `classifying` where it is being read; `decided` are the types that were told before its end.
        """
        self._rep_voice.finished(utterance)
        classified = await (classifying or self.classify(utterance))
        roles = self.roles.met(utterance, classified.views)
        timing = self._timing.utterance_finished(utterance)
        sure, doubt = classified.detections, None
        if self.hosted is not None:
            parted = self.hosted.cascade.sort(utterance, classified, decided)
            sure, doubt = parted.sure, parted.doubt
        return Judged(
            detections=(*sure, *timing),
            roles=tuple(roles),
            doubt=doubt,
            shadow=classified.shadow,
        )

    def embed(self, text: str) -> Vectors:
        """The embedding of one text. Blocks for some milliseconds."""
        return self._minds.embed(text)

    def activity(self, activity: Activity) -> Sequence[Detection]:
        self._rep_voice.activity(speaking=activity.speaking)
        return self._timing.activity(activity.at_ts, speaking=activity.speaking)

    def clock(self, ts: int) -> Sequence[Detection]:
        """Everything up to `ts` ms was heard: what the timing rules see in that."""
        return self._timing.clock(ts)

    def gap(self, at_ts: int) -> None:
        self._rep_voice.activity(speaking=False)
        self._timing.gap(at_ts)

    def partial(self, partial: Partial) -> None:
        self._rep_voice.partial(partial)
        if len(partial.text) <= SHORT and self._few_calls():
            # The last partial often has the words of the final, which then need not be read: half of a nudge's time.
            self._executor.submit(self._classifier.read, partial.text)

    def decide(self, detection: Detection, *, decided_ts: int) -> Moment:
        """What becomes of `detection` at `decided_ts` ms of call audio."""
        circumstances = Circumstances(
            decided_ts=max(0, decided_ts),
            rep_speaking=self._rep_voice.speaking(decided_ts, self.roles.roles),
            role_known=detection.role_known,
        )
        decision = self._policy.decide(
            detection, decided_ts=circumstances.decided_ts, rep_speaking=circumstances.rep_speaking
        )
        return Moment.decided(detection, decision, circumstances)

    def decide_in_shadow(self, detection: Detection, *, decided_ts: int) -> Decision:
        """What policy would have made of it, were the head in shadow the live one."""
        return self._shadow_policy.decide(
            detection,
            decided_ts=max(0, decided_ts),
            rep_speaking=self._rep_voice.speaking(decided_ts, self.roles.roles),
        )

    # ---- after a restart

    def restore(self, event: Lasting | MomentAhead) -> None:
        """Take in one event of the log, in order."""
        match event:
            case UtteranceFinished(utterance=utterance):
                self.transcript.append(utterance)
                self._timing.utterance_finished(utterance)
            case RoleLearned(assignment=assignment):
                self.roles.roles = self.roles.roles.with_role(assignment)
            case GapRecorded(at_ts=at_ts):
                self._timing.gap(at_ts)
            case MomentAhead():
                self._past_moments[event.moment_id] = event.moment
            case MomentDecided(moment=moment):
                self._past_moments[event.moment_id] = moment
                if moment.type == "silence":
                    self._timing.silence_told(moment.trigger_ts)
            case _:
                pass

    def restored(self) -> None:
        """All of the log was taken in: what was said and nudged then counts now."""
        moments = list(self._past_moments.values())
        self._policy = Policy.restore(self._taxonomy, moments)
        self._classifier.restored(len(self.transcript), [moment.type for moment in moments])
