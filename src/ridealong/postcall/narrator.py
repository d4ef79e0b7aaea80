"""The narrator seam: who tells a call as a whole. It writes drafts, as who reviews a section does, and proves nothing.

The outline and the next actions are drafted of the call itself, beside the sections. What does not fit together and the
follow-up are drafted of what those steps proved (`Found`): the call is not read once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ridealong.core.outline import FollowUpPart, GapKind, NextAction, Stage, Who
    from ridealong.core.rubric import CoachingMoment, SectionReview
    from ridealong.postcall.reviewer import Draft, Refusal, ReviewContext, StepLog


@dataclass(frozen=True, kw_only=True, slots=True)
class StageDraft:
    """A stage with its first and last utterance; `draft` is its summary. `key` tells drafts of one step apart."""

    key: str
    stage: str
    first_no: int
    last_no: int
    draft: Draft


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionDraft:
    """`due` repeats words of what is cited, None where nobody said by when."""

    key: str
    who: Who
    due: str | None
    draft: Draft


@dataclass(frozen=True, kw_only=True, slots=True)
class GapDraft:
    key: str
    gap: GapKind
    title: str
    sections: tuple[str, ...]
    draft: Draft


@dataclass(frozen=True, kw_only=True, slots=True)
class SentenceDraft:
    """A sentence of the follow-up: `draft.statement` is what the customer would read."""

    key: str
    part: FollowUpPart
    draft: Draft


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What the steps before proved."""

    sections: tuple[SectionReview, ...] = ()
    coaching_moments: tuple[CoachingMoment, ...] = ()
    outline: tuple[Stage, ...] = ()
    next_actions: tuple[NextAction, ...] = ()


class CallNarrator(Protocol):
    """Tells one call. Its verbs raise as those of `CallReviewer` do, and take `refused` in the same way."""

    @property
    def name(self) -> str:
        """Stored with each step, with a version."""
        ...

    @property
    def hosted(self) -> bool:
        """Whether a hosted model is asked."""
        ...

    @property
    def otherwise(self) -> CallNarrator | None:
        """Who tells it where this one has no answer in time; None: nobody."""
        ...

    async def draft_outline(self, log: StepLog, refused: Sequence[Refusal] = ()) -> Sequence[StageDraft]:
        """The stages in their order, without overlaps."""
        ...

    async def draft_next_actions(self, log: StepLog, refused: Sequence[Refusal] = ()) -> Sequence[ActionDraft]:
        """What somebody said will be done after the call."""
        ...

    async def draft_gaps(self, found: Found, log: StepLog, refused: Sequence[Refusal] = ()) -> Sequence[GapDraft]:
        """What does not fit together, the most telling first."""
        ...

    async def draft_follow_up(
        self, found: Found, log: StepLog, refused: Sequence[Refusal] = ()
    ) -> Sequence[SentenceDraft]:
        """The sentences of an e-mail to the customer, in their order."""
        ...


class BlockingNarrator(Protocol):
    """A narrator that computes: thread-safe, blocks while it works."""

    @property
    def name(self) -> str: ...

    def outline(self, context: ReviewContext) -> Sequence[StageDraft]: ...

    def next_actions(self, context: ReviewContext) -> Sequence[ActionDraft]: ...

    def gaps(self, found: Found, context: ReviewContext) -> Sequence[GapDraft]: ...

    def follow_up(self, found: Found, context: ReviewContext) -> Sequence[SentenceDraft]: ...


@dataclass(frozen=True, slots=True)
class NarratorInThreads:
    """The `CallNarrator` whose work is done by a blocking one, away from the event loop.

    It quotes what it has read: what is refused of it is not written again.
    """

    narrator: BlockingNarrator
    context: ReviewContext

    @property
    def name(self) -> str:
        return self.narrator.name

    @property
    def hosted(self) -> bool:
        return False

    @property
    def otherwise(self) -> CallNarrator | None:
        return None

    async def draft_outline(self, log: StepLog, refused: Sequence[Refusal] = ()) -> Sequence[StageDraft]:  # noqa: ARG002
        return () if refused else await asyncio.to_thread(self.narrator.outline, self.context)

    async def draft_next_actions(self, log: StepLog, refused: Sequence[Refusal] = ()) -> Sequence[ActionDraft]:  # noqa: ARG002
        return () if refused else await asyncio.to_thread(self.narrator.next_actions, self.context)

    async def draft_gaps(
        self,
        found: Found,
        log: StepLog,  # noqa: ARG002
        refused: Sequence[Refusal] = (),
    ) -> Sequence[GapDraft]:
        return () if refused else await asyncio.to_thread(self.narrator.gaps, found, self.context)

    async def draft_follow_up(
        self,
        found: Found,
        log: StepLog,  # noqa: ARG002
        refused: Sequence[Refusal] = (),
    ) -> Sequence[SentenceDraft]:
        return () if refused else await asyncio.to_thread(self.narrator.follow_up, found, self.context)
