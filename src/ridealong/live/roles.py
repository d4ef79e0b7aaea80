"""Which speaker is the rep, from the surest source there is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ridealong.core.transcript import (
    Role,
    RoleAssignment,
    Roles,
    RoleSource,
    Speaker,
    SpeakerId,
    Unattributed,
    Utterance,
)

if TYPE_CHECKING:
    from ridealong.embedding import Vectors

KNOWN_FROM: Final = 0.85
"""A heuristic's confidence from which the rep counts as known, and role-bound moments may be nudged."""

CLIP: Final = 1.6
"""No single utterance moves the heuristic by more than this log-odds: one odd sentence must not decide.

Both chosen on calls of voices that the manner was not learned from (0043)."""

SOURCE_RANK: Final = {
    RoleSource.CHANNEL: 4,
    RoleSource.ENROLLED_VOICE: 3,
    RoleSource.STATED: 2,
    RoleSource.HEURISTIC: 1,
    RoleSource.NONE: 0,
}


class RoleTracker:
    """Keeps the roles of one call. Each method returns the assignments that it changed.

    `rep_log_odds` gives, for an utterance's views, ln P(rep said it) / P(customer said it).
    """

    def __init__(self, rep_log_odds: Callable[[Vectors], float], roles: Roles | None = None) -> None:
        self._rep_log_odds = rep_log_odds
        self.roles = roles or Roles()
        self._odds: dict[SpeakerId, float] = {}

    def state(self, speaker_id: SpeakerId, source: RoleSource, confidence: float = 1.0) -> list[RoleAssignment]:
        """`speaker_id` is the rep, says `source`; everybody else is a customer."""
        current = self.roles.rep
        if not isinstance(current, Unattributed) and SOURCE_RANK[self.roles[current].source] > SOURCE_RANK[source]:
            return []
        speakers = {speaker_id, *self.roles, *self._odds}
        return self._assign(speaker_id, sorted(speakers), source, confidence)

    def from_channels(self, rep: SpeakerId, customer: SpeakerId) -> list[RoleAssignment]:
        """Two channels: who is who is certain."""
        return self._assign(rep, [rep, customer], RoleSource.CHANNEL, 1.0)

    def arrived(self, speaker: Speaker) -> list[RoleAssignment]:
        """Somebody speaks: where it is known who the rep is, a voice not heard before is a customer's."""
        rep = self.roles.rep
        if isinstance(speaker, Unattributed) or isinstance(rep, Unattributed) or speaker in self.roles:
            return []
        source = self.roles[rep].source
        return [] if source is RoleSource.HEURISTIC else self._place(speaker, Role.CUSTOMER, source, 1.0)

    def met(self, utterance: Utterance, views: Vectors) -> list[RoleAssignment]:
        """An utterance was finished: learn from what was said, and place a new speaker."""
        speaker = utterance.speaker
        if isinstance(speaker, Unattributed):
            return []
        seen_odds = self._odds.get(speaker, 0.0)
        self._odds[speaker] = seen_odds + max(-CLIP, min(CLIP, self._rep_log_odds(views)))
        rep = self.roles.rep
        source = RoleSource.NONE if isinstance(rep, Unattributed) else self.roles[rep].source
        if SOURCE_RANK[source] > SOURCE_RANK[RoleSource.HEURISTIC]:
            return self.arrived(speaker)
        return self._guess()

    def _place(self, speaker: SpeakerId, role: Role, source: RoleSource, confidence: float) -> list[RoleAssignment]:
        assignment = RoleAssignment(speaker_id=speaker, role=role, source=source, confidence=confidence)
        self.roles = self.roles.with_role(assignment)
        return [assignment]

    def _guess(self) -> list[RoleAssignment]:
        """The speaker who sounds most like a rep, once the others sound surely less so.

        Naive Bayes over utterances, tempered: confidence = logistic(two thirds of the log-odds between the first and
        the second candidate), because utterances of one speaker are not independent of each other.
        """
        if len(self._odds) < 2:
            return []
        first, second = sorted(self._odds, key=lambda s: self._odds[s], reverse=True)[:2]
        confidence = 1 / (1 + math.exp(-(self._odds[first] - self._odds[second]) * 2 / 3))
        rep = self.roles.rep
        if confidence < KNOWN_FROM:
            if not isinstance(rep, Unattributed) and rep != first:
                return self._forget()
            return []
        if rep == first and set(self._odds) <= set(self.roles):
            return []
        return self._assign(first, sorted(self._odds), RoleSource.HEURISTIC, confidence)

    def _forget(self) -> list[RoleAssignment]:
        changed: list[RoleAssignment] = []
        for speaker in list(self.roles):
            changed += self._place(speaker, Role.UNKNOWN, RoleSource.NONE, 0.0)
        return changed

    def _assign(
        self, rep: SpeakerId, speakers: list[SpeakerId], source: RoleSource, confidence: float
    ) -> list[RoleAssignment]:
        changed: list[RoleAssignment] = []
        for speaker in speakers:
            role = Role.REP if speaker == rep else Role.CUSTOMER
            if self.roles.role_of(speaker) is role and self.roles[speaker].source is source:
                continue
            changed += self._place(speaker, role, source, confidence)
        return changed
