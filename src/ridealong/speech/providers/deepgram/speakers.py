"""Deepgram's speaker numbers, which begin anew with each connection, matched to the speakers of the call."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ridealong.core.transcript import SpeakerId
from ridealong.speech import SpokenTurn

_LEAST_MS: Final = 150
"""Less common speech than a short word's length proves nothing."""
_SHARE: Final = 0.6
"""Of what a number said in the audio heard again, this much must be one speaker's: else it mixes two of them."""
_REMEMBERED_MS: Final = 60_000


def number_of(word: Mapping[str, Any]) -> int | None:
    """The vendor's number of who says it, if it gives one; some write a whole number as a float."""
    number = word.get("speaker")
    if isinstance(number, bool) or not isinstance(number, int | float) or number < 0 or number != int(number):
        return None
    return int(number)


class Speakers:
    """Who is who, over all connections of one call. What is assigned once stays for that connection."""

    def __init__(self, known: Iterable[SpeakerId] = (), turns: Iterable[SpokenTurn] = ()) -> None:
        self._said: deque[tuple[int, int, SpeakerId]] = deque((t.start_ts, t.end_ts, t.speaker_id) for t in turns)
        self._used = {*known, *(speaker for _, _, speaker in self._said)}
        self._anew = not self._used
        self._names: dict[int, SpeakerId] = {}
        self._common: dict[int, dict[SpeakerId, int]] = {}

    def begin(self) -> None:
        """A new connection: its numbers mean nothing yet."""
        self._anew = not self._used
        self._names = {}
        self._common = {}

    def said(self, start_ts: int, end_ts: int, speaker: SpeakerId) -> None:
        """`speaker` of the call spoke then, as far as the transcript is concerned."""
        self._said.append((start_ts, end_ts, speaker))
        while self._said[0][1] < end_ts - _REMEMBERED_MS:
            self._said.popleft()

    def heard_again(self, number: int, start_ts: int, end_ts: int) -> None:
        """In audio that was sent again, this connection's `number` spoke then."""
        common = self._common.setdefault(number, {})
        for start, end, speaker in reversed(self._said):
            shared = min(end, end_ts) - max(start, start_ts)
            if shared > 0:
                common[speaker] = common.get(speaker, 0) + shared
            elif end < start_ts - _REMEMBERED_MS:
                break

    def name(self, number: int) -> SpeakerId:
        """The speaker of the call that `number` is on this connection: a new one where nothing proves an old one."""
        known = self._names.get(number)
        if known is None:
            known = self._names[number] = self._assigned(number)
            self._used.add(known)
        return known

    def overlap_from(self, cut_ts: int, least_ms: int, most_ms: int, each_ms: int = 1_500) -> int:
        """From where audio is sent again so that everybody who spoke lately can be told again."""
        missing = {speaker: each_ms for _, end, speaker in self._said if end > cut_ts - most_ms}
        at = cut_ts - least_ms
        for start, end, speaker in reversed(self._said):
            if not missing or end < cut_ts - most_ms:
                break
            if speaker in missing:
                missing[speaker] -= end - start
                at = min(at, start - 200)
                if missing[speaker] <= 0:
                    del missing[speaker]
        return max(0, at, cut_ts - most_ms)

    def _assigned(self, number: int) -> SpeakerId:
        matched = self._matched(number)
        return self._new(number) if matched is None else matched

    def _matched(self, number: int) -> SpeakerId | None:
        common = self._common.get(number)
        if not common:
            return None
        best = max(common, key=lambda speaker: common[speaker])
        if common[best] < _LEAST_MS or common[best] < _SHARE * sum(common.values()):
            return None
        # Two numbers that were one speaker before: the one that said more of it keeps the name.
        if best in self._names.values():
            return None
        rivals = (other.get(best, 0) for rival, other in self._common.items() if rival != number)
        return None if any(said > common[best] for said in rivals) else best

    def _new(self, number: int) -> SpeakerId:
        if self._anew and SpeakerId(number) not in self._used and number < 100:
            return SpeakerId(number)
        return SpeakerId(max(self._used, default=-1) + 1)
