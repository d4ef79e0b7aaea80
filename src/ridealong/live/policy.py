"""Which moments are shown. A state machine on the call's own clock: no I/O, no wall clock, restorable."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Mapping

from ridealong.core.moments import Decision, Detection, Moment, Reason, Tier
from ridealong.core.transcript import Role
from ridealong.live.taxonomy import Kind, MomentType, Taxonomy


class Policy:
    """The attention budget of one call. Times are milliseconds of call audio and may repeat, but hardly run back."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._types: Mapping[str, MomentType] = {t.id: t for t in taxonomy.types}
        self._max_nudges = taxonomy.policy.max_nudges
        self._window_ms = round(taxonomy.policy.window_s * 1000)
        self._max_lateness_ms = round(taxonomy.policy.max_lateness_s * 1000)
        self._quiet_until_ts = round(taxonomy.policy.quiet.first_s * 1000)
        self._quiet_while_rep_speaks = taxonomy.policy.quiet.while_rep_speaks
        self._quiet_while_customer_thinks = taxonomy.policy.quiet.while_customer_thinks
        self._hold_out = taxonomy.policy.hold_out
        self._shown: deque[int] = deque(maxlen=max(self._max_nudges, 1))
        """When the latest nudges were shown, oldest first: as many as the budget allows are all that matter."""
        self._shown_by_type: dict[str, int] = {}

    @classmethod
    def restore(cls, taxonomy: Taxonomy, past: Iterable[Moment]) -> Policy:
        """The policy of a call that goes on after a restart, from the moments already stored.

        Where a stored moment lacks its time of showing, the latest time at which it can have been shown stands for it.
        """
        policy = cls(taxonomy)
        for moment in sorted(past, key=lambda m: m.trigger_ts):
            if moment.tier is Tier.NUDGE or moment.reason is Reason.HELD_OUT:
                # A budget may be spared by the latest time, never overspent.
                latest = moment.trigger_ts + policy._max_lateness_ms
                policy._count(moment.type, moment.circumstances.decided_ts if moment.circumstances else latest)
        return policy

    def decide(self, detection: Detection, *, decided_ts: int, rep_speaking: bool = False) -> Decision:
        """Decide about `detection` at `decided_ts`, and count it where it is shown.

        The first reason that holds, from what the moment is to what the call can still bear:
        the type is noted only, the role is not known, it is not sure enough, it comes too late, the call has only
        begun, the rep is speaking, the silence is the customer's to think in, the same type was shown just now, the
        budget of the last minutes is spent. What none of them stops may still be held out by lot.
        """
        reason = self._reason(detection, decided_ts, rep_speaking)
        if reason not in (Reason.DELIVERED, Reason.HELD_OUT):
            return Decision(tier=Tier.NOTED, reason=reason)
        # What is held out is counted as if shown: else the next nudge would come sooner after it than after one that
        # was shown, and the two could not be compared.
        self._count(detection.type, decided_ts)
        return Decision(tier=Tier.NUDGE if reason is Reason.DELIVERED else Tier.NOTED, reason=reason)

    def _reason(self, detection: Detection, decided_ts: int, rep_speaking: bool) -> Reason:
        moment_type = self._types.get(detection.type)
        if moment_type is None or moment_type.tier == "noted":
            return Reason.TYPE_IS_NOTED
        last = self._shown_by_type.get(detection.type)
        refusals = (
            (Reason.ROLE_UNKNOWN, not detection.role_known),
            (Reason.LOW_CONFIDENCE, detection.confidence < moment_type.floor),
            (Reason.LATE, decided_ts - detection.trigger_ts > self._max_lateness_ms),
            (Reason.QUIET_PERIOD, decided_ts < self._quiet_until_ts),
            (Reason.REP_IS_SPEAKING, rep_speaking and self._quiet_while_rep_speaks and _can_wait(moment_type)),
            (Reason.CUSTOMER_IS_THINKING, self._quiet_while_customer_thinks and _follows_the_rep(detection)),
            (Reason.COOLING_DOWN, last is not None and decided_ts - last < moment_type.cool_down_s * 1000),
            (Reason.BUDGET_SPENT, self._spent(decided_ts)),
            (Reason.HELD_OUT, self._hold_out > 0 and lot(detection) < self._hold_out),
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


def lot(detection: Detection | Moment) -> float:
    """A number from 0 up to 1 that is as good as drawn by chance, and the same whenever this moment is decided.

    It depends on the call, the type and the words cited, so a restart or a replay draws what the call drew.
    """
    first = detection.evidence[0]
    drawn = f"{first.transcript_id.call_id} {detection.type} {first.utterance_no}"
    return int.from_bytes(hashlib.blake2b(drawn.encode(), digest_size=7).digest()) / 2**56


def _can_wait(moment_type: MomentType) -> bool:
    """A nudge about how the rep is speaking has to come while the rep speaks."""
    return not (moment_type.kind is Kind.TIMING and moment_type.role == "rep")


def _follows_the_rep(detection: Detection) -> bool:
    """A silence in which it is the customer's turn, as far as is known. The rep may well hold it."""
    return detection.type == "silence" and detection.speaker_role is Role.REP
