"""Moments that were decided before their turn was over, until the finished utterance proves them.

They are told with the words heard by then, which may still change; kept are the words of the transcript. Every one that
was told is kept, also where the finished words would not have been judged so: the rep has seen it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ridealong.core.events import MomentAhead, MomentDecided
from ridealong.core.transcript import UNATTRIBUTED, Evidence, Transcript, Utterance, find_quote
from ridealong.live.classify import end_of
from ridealong.speech.assemble import LIMIT_MS

if TYPE_CHECKING:
    from uuid import UUID

    from ridealong.core.moments import Detection

_NEAR_MS: Final = 300
"""The times of partial words are guesses of about this size."""

_SPARE_MS: Final = 1_500
"""So much longer than the longest utterance one is waited for."""


@dataclass(slots=True, kw_only=True)
class Ahead:
    """One call's. Not thread-safe."""

    transcript: Transcript
    _open: dict[UUID, MomentAhead] = field(default_factory=dict["UUID", MomentAhead], init=False)

    def add(self, told: MomentAhead) -> None:
        self._open[told.moment_id] = told

    def holds(self, detection: Detection) -> bool:
        """Whether this moment was decided already: of the same type, in the same open turn."""
        so_far = detection.evidence[0].utterance
        return any(
            told.moment.type == detection.type
            and (said := told.moment.evidence[0].utterance).speaker == so_far.speaker
            and said.start_ts < so_far.end_ts
            and so_far.start_ts < said.end_ts + LIMIT_MS
            for told in self._open.values()
        )

    def proven(self, moment_id: UUID) -> None:
        """It stands in the transcript: nothing is open."""
        self._open.pop(moment_id, None)

    def proven_by(self, utterance: Utterance) -> list[MomentAhead]:
        """Those whose words `utterance`, just finished, holds; they are let go."""
        found = [told for told in self._open.values() if _holds(utterance, told)]
        for told in found:
            del self._open[told.moment_id]
        return found

    def overdue(self, ts: int | None = None) -> list[MomentAhead]:
        """Those whose utterance should have come by `ts` ms of call audio, all of them with None; they are let go."""
        found = [
            told for told in self._open.values() if ts is None or told.moment.trigger_ts + LIMIT_MS + _SPARE_MS < ts
        ]
        for told in found:
            del self._open[told.moment_id]
        return found

    def proof(self, told: MomentAhead, utterance: Utterance | None = None) -> MomentDecided | None:
        """`told` with evidence from the finished `utterance`, or the nearest one of the transcript.

        None where nothing in it was said at that time.
        """
        near = utterance or self._nearest(told)
        if near is None:
            return None
        # Its time stays the one that it was decided by: under the same policy it would be decided so again.
        return MomentDecided(
            moment_id=told.moment_id,
            moment=replace(told.moment, evidence=(_cited(self.transcript, near, told),)),
            latency=told.latency,
            at=told.at,
            told_ahead=True,
        )

    def _nearest(self, told: MomentAhead) -> Utterance | None:
        said, trigger_ts = told.moment.evidence[0].utterance, told.moment.trigger_ts
        near = [
            u
            for u in self.transcript.recent(50)
            if u.speaker is not UNATTRIBUTED and u.start_ts < trigger_ts and said.start_ts < u.end_ts
        ]
        return max(near, key=lambda u: (u.speaker == said.speaker, -abs(u.end_ts - trigger_ts)), default=None)


def _holds(utterance: Utterance, told: MomentAhead) -> bool:
    said, trigger_ts = told.moment.evidence[0].utterance, told.moment.trigger_ts
    if utterance.speaker is UNATTRIBUTED or utterance.start_ts >= trigger_ts or said.start_ts >= utterance.end_ts:
        return False
    if utterance.speaker == said.speaker and trigger_ts <= utterance.end_ts + _NEAR_MS:
        return True
    return find_quote(utterance.text, told.moment.evidence[0].quote) is not None


def _cited(transcript: Transcript, utterance: Utterance, told: MomentAhead) -> Evidence:
    """The quote in the finished words; where they differ, the words of the same time; else all of them."""
    moment = told.moment
    span = find_quote(utterance.text, moment.evidence[0].quote) or _span_at(utterance, told)
    start, end = span or find_quote(utterance.text, utterance.text) or (0, len(utterance.text))
    return Evidence(transcript_id=transcript.id, utterance=utterance, quote_start=start, quote_end=end)


def _span_at(utterance: Utterance, told: MomentAhead) -> tuple[int, int] | None:
    pieces = utterance.text.split()
    if len(pieces) != len(utterance.words):
        return None
    evidence, at = told.moment.evidence[0], 0
    begin_ts = end_of(evidence.utterance, evidence.quote_start) - _NEAR_MS
    chosen: list[tuple[int, int]] = []
    for piece, word in zip(pieces, utterance.words, strict=True):
        at = utterance.text.index(piece, at)
        if begin_ts <= (word.start_ts + word.end_ts) / 2 <= told.moment.trigger_ts + _NEAR_MS:
            chosen.append((at, at + len(piece)))
        at += len(piece)
    return (chosen[0][0], chosen[-1][1]) if chosen else None
