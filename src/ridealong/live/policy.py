"""Which moments are shown. A state machine on the call's own clock: no I/O, no wall clock, restorable."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from ridealong.core.moments import Decision, Detection, Moment, Reason, Tier
from ridealong.live.taxonomy import MomentType, Taxonomy


class Policy:
    """The attention budget of one call. Times are milliseconds of call audio and may repeat, but hardly run back."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._types: Mapping[str, MomentType] = {t.id: t for t in taxonomy.types}
        self._max_nudges = taxonomy.policy.max_nudges
        self._window_ms = round(taxonomy.policy.window_s * 1000)
        self._max_lateness_ms = round(taxonomy.policy.max_lateness_s * 1000)
        self._shown: deque[int] = deque(maxlen=max(self._max_nudges, 1))
        """When the latest nudges were shown, oldest first: as many as the budget allows are all that matter."""
        self._shown_by_type: dict[str, int] = {}

    @classmethod
    def restore(cls, taxonomy: Taxonomy, past: Iterable[Moment]) -> Policy:
        """The policy of a call that goes on after a restart, from the moments already stored.

        A stored moment has no time of showing: its trigger stands for it, at most the allowed lateness earlier.
        """
        policy = cls(taxonomy)
        for moment in sorted(past, key=lambda m: m.trigger_ts):
            if moment.tier is Tier.NUDGE:
                # The latest it can have been shown: a budget may be spared by this, never overspent.
                policy._count(moment.type, moment.trigger_ts + policy._max_lateness_ms)
        return policy

    def decide(self, detection: Detection, *, decided_ts: int) -> Decision:
        """Decide about `detection` at `decided_ts`, and count it where it is shown.

        The first reason that holds, from what the moment is to what the call can still bear:
        the type is noted only, the role is not known, it is not sure enough, it comes too late, the same type was
        shown just now, the budget of the last minutes is spent.
        """
        reason = self._reason(detection, decided_ts)
        if reason is not Reason.DELIVERED:
            return Decision(tier=Tier.NOTED, reason=reason)
        self._count(detection.type, decided_ts)
        return Decision(tier=Tier.NUDGE, reason=reason)

    def _reason(self, detection: Detection, decided_ts: int) -> Reason:
        moment_type = self._types.get(detection.type)
        if moment_type is None or moment_type.tier == "noted":
            return Reason.TYPE_IS_NOTED
        last = self._shown_by_type.get(detection.type)
        refusals = (
            (Reason.ROLE_UNKNOWN, not detection.role_known),
            (Reason.LOW_CONFIDENCE, detection.confidence < moment_type.floor),
            (Reason.LATE, decided_ts - detection.trigger_ts > self._max_lateness_ms),
            (Reason.COOLING_DOWN, last is not None and decided_ts - last < moment_type.cool_down_s * 1000),
            (Reason.BUDGET_SPENT, self._spent(decided_ts)),
        )
        return next((reason for reason, holds in refusals if holds), Reason.DELIVERED)

    def _spent(self, decided_ts: int) -> bool:
        full = len(self._shown) >= self._max_nudges
        return full and (self._max_nudges == 0 or decided_ts - self._shown[0] < self._window_ms)

    def _count(self, type_id: str, shown_ts: int) -> None:
        # Should the clock step back a little, the later time stays: the window must never look emptier than it is.
        latest = max(shown_ts, self._shown[-1]) if self._shown else shown_ts
        self._shown.append(latest)
        self._shown_by_type[type_id] = max(shown_ts, self._shown_by_type.get(type_id, shown_ts))
