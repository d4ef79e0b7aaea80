"""In which order coaching moments come: by what would have changed the call the most, as far as rules can tell.

    impact = weight of its kind x stage x outcome x confidence

`weight` is the coach's (`coaching.py`: 1.0 for an objection left open, down to 0.5 for an interruption). `stage`: the
later in the deal the stretch belongs (`STAGE`), the more hangs on it. `outcome`: what came of the call behind it: 1.25
where the customer postponed and nothing was agreed after that, 0.8 where something was agreed, else 1. `confidence` is
the claim's own. The factors are choices of ours, not fitted: nobody has calls in which one thing was done otherwise.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ridealong.postcall.reviewer import ReviewContext
    from ridealong.postcall.staging import Stager

STAGE: Final[Mapping[str, float]] = MappingProxyType(
    {"opening": 0.85, "rapport": 0.8, "objections": 1.15, "pricing": 1.1, "negotiation": 1.15, "next_steps": 1.15}
)
POSTPONED: Final = 1.25
AGREED: Final = 0.8
SURE: Final = 0.5

WHY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "objection_raised": "An objection that is answered at once cannot come back later as the reason to wait.",
        "risky_promise": "What is promised too surely becomes the measure of the deal, and of the trust in it.",
        "buying_signal": "Somebody who already talks as an owner can be led to a date in one sentence.",
        "stall": "With a date in the calendar a delay stays a delay; without one it tends to become a no.",
        "price_asked": "A price that stands beside the cost of the problem is compared with it, and not with nothing.",
        "monologue": "A question in between would have shown what the customer cares about, in time to use it.",
        "interruption": "The end of the sentence might have held the real reason.",
        "praise": "This is what moved the call forward: it is worth doing on purpose.",
    }
)
"""What each kind would have changed, as the local reviewer says it."""


class Impact:
    """The factors of one call."""

    def __init__(self, context: ReviewContext, stager: Stager) -> None:
        utterances = context.transcript.utterances
        spans = stager.spans(context)
        self._first_no = [utterances[span.first].no for span in spans]
        self._stages = [span.stage for span in spans]
        moments = [m.moment for m in context.moments if m.moment.confidence >= SURE]
        # What somebody offers in answer to a delay settles it, so the last of each kind counts.
        self._agreed = max((m.trigger_ts for m in moments if m.type == "commitment_offered"), default=-1)
        self._postponed = max((m.trigger_ts for m in moments if m.type == "stall"), default=-1)

    def factor(self, utterance_no: int, end_ts: int) -> float:
        """Stage x outcome, for what was said in that utterance and ended at `end_ts` ms."""
        place = bisect_right(self._first_no, utterance_no) - 1
        stage = STAGE.get(self._stages[place], 1.0) if place >= 0 else 1.0
        if self._postponed >= end_ts and self._postponed > self._agreed:
            return stage * POSTPONED
        return stage * (AGREED if self._agreed > end_ts else 1.0)
