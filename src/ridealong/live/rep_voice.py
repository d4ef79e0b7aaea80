"""Whether the rep is speaking now, as far as it is known before the words are final."""

from __future__ import annotations

from typing import Final

from ridealong.core.transcript import UNATTRIBUTED, Role, Roles, Speaker, Utterance
from ridealong.speech import Partial

HOLDS_MS: Final = 1_500
"""For so long after its last word an open stretch is taken to go on: partial words come about so far apart."""


class RepVoice:
    """Feed it what is heard of one call, in order. No I/O, no clock of its own.

    Words of the open stretch tell who is speaking; a voice that nobody knows yet is not the rep's. A call without
    partial words (a finished transcript) only knows of turns that lie over the time asked for.
    """

    def __init__(self) -> None:
        self._open: dict[Speaker, int] = {}
        """Until when (ms of call audio) each speaker's open stretch is known to go."""
        self._finished: dict[Speaker, int] = {}
        """Where each speaker's last finished utterance ends."""

    def partial(self, partial: Partial) -> None:
        if partial.text.strip() and partial.speaker is not UNATTRIBUTED:
            self._open[partial.speaker] = partial.end_ts

    def finished(self, utterance: Utterance) -> None:
        self._open.pop(utterance.speaker, None)
        self._finished[utterance.speaker] = max(utterance.end_ts, self._finished.get(utterance.speaker, 0))

    def activity(self, *, speaking: bool) -> None:
        """Somebody began to speak, or nobody speaks any more."""
        if not speaking:
            self._open.clear()

    def speaking(self, at_ts: int, roles: Roles) -> bool:
        def is_rep(speaker: Speaker) -> bool:
            return roles.role_of(speaker) is Role.REP

        going_on = any(at_ts <= end_ts + HOLDS_MS for speaker, end_ts in self._open.items() if is_rep(speaker))
        return going_on or any(at_ts < end_ts for speaker, end_ts in self._finished.items() if is_rep(speaker))
