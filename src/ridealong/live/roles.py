"""Which speaker is the rep, from the surest source there is."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
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

    def state(
        self, speaker_id: SpeakerId, source: RoleSource, confidence: float = 1.0, *, others: Collection[SpeakerId] = ()
    ) -> list[RoleAssignment]:
        """`speaker_id` and `others` are the reps, says `source`; everybody else is a customer.

        Of one who was named as a rep among others it says nothing new: they stay.
        """
        if SOURCE_RANK[self._source()] > SOURCE_RANK[source]:
            return []
        reps = {speaker_id, *others}
        named = [s for s in self.roles.reps if self.roles[s].source is not RoleSource.HEURISTIC]
        if not others and speaker_id in named:
            reps.update(named)
        speakers = {*reps, *self.roles, *self._odds}
        if not others:
            speakers -= {s for s in named if s != speaker_id and s in reps}
        return self._assign(reps, sorted(speakers), source, confidence)

    def name(self, speaker_id: SpeakerId, role: Role) -> list[RoleAssignment]:
        """Somebody who looks at the call says what `speaker_id` is; whoever else was named so stays what they are.

        Two channels are surer, and so is the known voice of a rep; that a colleague is a rep too contradicts neither.
        """
        surer = SOURCE_RANK[RoleSource.STATED]
        known = speaker_id in self.roles.reps and SOURCE_RANK[self.roles[speaker_id].source] > surer
        if known or self._source() is RoleSource.CHANNEL:
            return []
        if role is Role.REP and SOURCE_RANK[self._source()] <= SOURCE_RANK[RoleSource.HEURISTIC]:
            stated = [s for s, a in self.roles.items() if a.source is RoleSource.STATED and s != speaker_id]
            speakers = {speaker_id, *self.roles, *self._odds} - set(stated)
            return self._assign({speaker_id}, sorted(speakers), RoleSource.STATED, 1.0)
        return self._place(speaker_id, role, RoleSource.STATED, 1.0)

    def from_channels(self, rep: SpeakerId, customer: SpeakerId) -> list[RoleAssignment]:
        """Two channels: who is who is certain."""
        return self._assign({rep}, [rep, customer], RoleSource.CHANNEL, 1.0)

    def arrived(self, speaker: Speaker) -> list[RoleAssignment]:
        """Somebody speaks: where it is known who the rep is, a voice not heard before is a customer's."""
        source = self._source()
        if isinstance(speaker, Unattributed) or speaker in self.roles:
            return []
        known = SOURCE_RANK[source] > SOURCE_RANK[RoleSource.HEURISTIC]
        return self._place(speaker, Role.CUSTOMER, source, 1.0) if known else []

    def met(self, utterance: Utterance, views: Vectors) -> list[RoleAssignment]:
        """An utterance was finished: learn from what was said, and place a new speaker."""
        speaker = utterance.speaker
        if isinstance(speaker, Unattributed):
            return []
        seen_odds = self._odds.get(speaker, 0.0)
        self._odds[speaker] = seen_odds + max(-CLIP, min(CLIP, self._rep_log_odds(views)))
        if SOURCE_RANK[self._source()] > SOURCE_RANK[RoleSource.HEURISTIC]:
            return self.arrived(speaker)
        return self._guess()

    def _source(self) -> RoleSource:
        """The surest source that says who a rep is."""
        return max(
            (self.roles[s].source for s in self.roles.reps), key=SOURCE_RANK.__getitem__, default=RoleSource.NONE
        )

    def _place(self, speaker: SpeakerId, role: Role, source: RoleSource, confidence: float) -> list[RoleAssignment]:
        assignment = RoleAssignment(speaker_id=speaker, role=role, source=source, confidence=confidence)
        self.roles = self.roles.with_role(assignment)
        return [assignment]

    def _guess(self) -> list[RoleAssignment]:
        """The speaker who sounds most like a rep, once the others sound surely less so. One alone: who else may speak
        for the same side is not guessed, since a colleague who explains sounds like a customer who does.

        Naive Bayes over utterances, tempered: confidence = logistic(two thirds of the log-odds between the first and
        the second candidate), because utterances of one speaker are not independent of each other.
        """
        named = {s for s, a in self.roles.items() if SOURCE_RANK[a.source] > SOURCE_RANK[RoleSource.HEURISTIC]}
        free = {*self._odds} - named
        if len(self._odds) < 2 or not free:
            return []
        first = max(sorted(free), key=lambda s: self._odds[s])
        second = max(odds for s, odds in self._odds.items() if s != first)
        confidence = 1 / (1 + math.exp(-(self._odds[first] - second) * 2 / 3))
        rep = self.roles.rep
        if confidence < KNOWN_FROM:
            if not isinstance(rep, Unattributed) and rep != first:
                return self._forget(free)
            return []
        if rep == first and set(self._odds) <= set(self.roles):
            return []
        return self._assign({first}, sorted(free), RoleSource.HEURISTIC, confidence)

    def _forget(self, speakers: Collection[SpeakerId]) -> list[RoleAssignment]:
        changed: list[RoleAssignment] = []
        for speaker in [s for s in self.roles if s in speakers]:
            changed += self._place(speaker, Role.UNKNOWN, RoleSource.NONE, 0.0)
        return changed

    def _assign(
        self, reps: Collection[SpeakerId], speakers: Sequence[SpeakerId], source: RoleSource, confidence: float
    ) -> list[RoleAssignment]:
        changed: list[RoleAssignment] = []
        for speaker in speakers:
            role = Role.REP if speaker in reps else Role.CUSTOMER
            if self.roles.role_of(speaker) is role and self.roles[speaker].source is source:
                continue
            changed += self._place(speaker, role, source, confidence)
        return changed
