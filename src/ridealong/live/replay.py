"""A past call's moments decided again under another policy: what would have been shown. No I/O, no clock, no model.

What is stored of each moment is enough: its type, confidence and trigger, and the circumstances of its decision. What
was too unsure to be recorded at all is not there, so a replay can only choose among the recorded. Whose silence one is
goes by whom it cites and by what is known of the roles now, which during the call may not have been known yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ridealong.core.moments import Circumstances, Decision, Detection, Moment, Reason
from ridealong.core.transcript import Role, Roles, Transcript
from ridealong.live.policy import Policy
from ridealong.live.taxonomy import Kind

if TYPE_CHECKING:
    from ridealong.core.artifact import StoredMoment
    from ridealong.live.taxonomy import Taxonomy


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """One moment: what became of it, and what would have. `would` None: it would not even have been recorded."""

    stored: StoredMoment
    circumstances: Circumstances
    """As they were stored, or as they are taken to have been (`assumed`)."""
    would: Decision | None

    @property
    def assumed(self) -> bool:
        return self.stored.moment.circumstances is None

    @property
    def changed(self) -> bool:
        was = self.stored.moment
        return self.would is None or (was.tier, was.reason) != (self.would.tier, self.would.reason)


def replay(
    moments: Sequence[StoredMoment], taxonomy: Taxonomy, transcript: Transcript, roles: Roles
) -> tuple[Replayed, ...]:
    """Decide `moments` of one call anew under the policy of `taxonomy`.

    By the time of their decisions; those of one millisecond in the order in which they are given.
    """
    policy = Policy(taxonomy)
    too_late_ms = round(taxonomy.policy.max_lateness_s * 1000) + 1
    known = [(m, m.moment.circumstances or _assumed(m.moment, transcript, roles, too_late_ms)) for m in moments]
    # Python's sort is stable: moments of one utterance stay in the order in which they were decided.
    known.sort(key=lambda pair: pair[1].decided_ts)
    return tuple(
        Replayed(stored=stored, circumstances=then, would=_decide(policy, taxonomy, stored.moment, then, roles))
        for stored, then in known
    )


def _decide(policy: Policy, taxonomy: Taxonomy, moment: Moment, then: Circumstances, roles: Roles) -> Decision | None:
    moment_type = taxonomy.find(moment.type)
    if moment_type is None:
        return None
    if moment_type.kind is Kind.CONTENT and moment.confidence < moment_type.detect:
        return None
    detection = Detection(
        type=moment.type,
        confidence=moment.confidence,
        evidence=moment.evidence,
        trigger_ts=moment.trigger_ts,
        nudge=moment.nudge,
        role_known=then.role_known,
        speaker_role=roles.role_of(moment.evidence[0].speaker_id),
        decided_by=moment.decided_by,
    )
    return policy.decide(detection, decided_ts=then.decided_ts, rep_speaking=then.rep_speaking)


def _assumed(moment: Moment, transcript: Transcript, roles: Roles, too_late_ms: int) -> Circumstances:
    """Of a moment that was stored without its circumstances.

    It is taken to have been decided at once, unless it was refused as late: then it stays late. The role was known
    unless that was the reason. Whether the rep spoke is read from the finished transcript, which live nobody had.
    """
    decided_ts = moment.trigger_ts + (too_late_ms if moment.reason is Reason.LATE else 0)
    speaking = any(
        u.start_ts <= decided_ts < u.end_ts and roles.role_of(u.speaker) is Role.REP for u in transcript.utterances
    )
    return Circumstances(
        decided_ts=decided_ts, rep_speaking=speaking, role_known=moment.reason is not Reason.ROLE_UNKNOWN
    )
