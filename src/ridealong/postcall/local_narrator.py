"""The local narrator: it says which stretch is likely which stage, and repeats what was said. It retells nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ridealong.core.transcript import Citation
from ridealong.postcall.actions import next_actions
from ridealong.postcall.follow_up import follow_up
from ridealong.postcall.gaps import GapFinder
from ridealong.postcall.narrator import ActionDraft, Found, GapDraft, SentenceDraft, StageDraft
from ridealong.postcall.reviewer import Draft
from ridealong.postcall.staging import Stager

if TYPE_CHECKING:
    from ridealong.embedding import Embedder
    from ridealong.postcall.evidence import EvidenceFinder
    from ridealong.postcall.reviewer import ReviewContext

NAME: Final = "local-narrator-1"

_SUMMARIES: Final = {
    "opening": "The call was opened here.",
    "rapport": "The talk was about other things than the business here.",
    "discovery": "The talk was about how the customer works and what troubles them here.",
    "demo": "Something was shown or explained here.",
    "pricing": "The talk was about the price here.",
    "objections": "The talk was about doubts or alternatives here.",
    "negotiation": "The talk was about the terms here.",
    "next_steps": "The talk was about what happens next here.",
    "closing": "The call was closed here.",
}


class LocalNarrator:
    """Implements `BlockingNarrator`."""

    def __init__(self, embedder: Embedder, finder: EvidenceFinder) -> None:
        self.stager = Stager(embedder)
        self._gaps = GapFinder(finder)

    @property
    def name(self) -> str:
        return NAME

    def warm(self) -> None:
        """Prepare, so that the first review does not wait."""
        self.stager.warm()
        self._gaps.warm()

    def outline(self, context: ReviewContext) -> Sequence[StageDraft]:
        """A stage of which nothing can be cited (nobody knows who spoke) is left out."""
        utterances = context.transcript.utterances
        return tuple(
            StageDraft(
                key=str(utterances[span.first].no),
                stage=span.stage,
                first_no=utterances[span.first].no,
                last_no=utterances[span.last].no,
                draft=Draft(
                    statement=_SUMMARIES[span.stage],
                    citations=tuple(
                        Citation(utterance_no=utterances[row].no, quote=utterances[row].text) for row in span.best
                    ),
                    confidence=round(span.confidence, 4),
                ),
            )
            for span in self.stager.spans(context)
            if span.best
        )

    def next_actions(self, context: ReviewContext) -> Sequence[ActionDraft]:
        return next_actions(context)

    def gaps(self, found: Found, context: ReviewContext) -> Sequence[GapDraft]:
        return self._gaps.drafts(found, context)

    def follow_up(self, found: Found, context: ReviewContext) -> Sequence[SentenceDraft]:
        return follow_up(found, context)
