"""How findings are worded: who, and what. A statement says no more than its criterion and its quote do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ridealong.core.claims import CitedAs
from ridealong.core.transcript import Role, Speaker, Unattributed

if TYPE_CHECKING:
    from ridealong.core.rubric import Criterion
    from ridealong.postcall.reviewer import ReviewContext

MOMENT_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "objection_raised": "raised an objection here",
        "price_asked": "asked about the price here",
        "competitor_mentioned": "named an alternative here",
        "commitment_offered": "offered a next action here",
        "buying_signal": "gave a buying signal here",
        "stall": "postponed here",
        "decision_process": "spoke about how they decide here",
        "pain_stated": "stated a problem here",
        "risky_promise": "made a promise here that may not hold",
        "silence": "was followed by a silence here",
        "monologue": "held the floor for long here",
        "interruption": "was interrupted here",
    }
)


REASON_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "delivered": "shown to the rep",
        "low_confidence": "not shown: not certain enough",
        "budget_spent": "not shown: the rep had enough nudges at that time",
        "cooling_down": "not shown: another of its kind had just been there",
        "late": "not shown: recognised too late to help",
        "role_unknown": "not shown: it was not known yet who the rep is",
        "type_is_noted": "not shown: this type is only noted",
        "quiet_period": "not shown: too early in the call",
        "rep_is_speaking": "not shown: the rep was speaking",
        "customer_is_thinking": "not shown: the rep had just spoken, and the customer was thinking",
        "held_out": "not shown: held out by lot, to measure what nudges do",
    }
)
"""What became of a moment live, by its reason."""


CITED_WORDS: Final[Mapping[CitedAs | None, str]] = MappingProxyType(
    {
        CitedAs.CALLED_FOR: "This called for it:",
        CitedAs.NEAREST: "This came nearest, and is not it:",
        CitedAs.PLACE: "It belongs here:",
        CitedAs.SPAN: "The first and the last words searched; nothing came near:",
        None: "",
    }
)
"""What stands over the evidence of a claim of absence."""


def name_of(speaker: Speaker, context: ReviewContext) -> str:
    """How a statement calls the speaker: by role where it is known, else by number."""
    side = context.side_of(speaker)
    if side is Role.REP:
        return "The rep"
    if side is Role.CUSTOMER:
        return "The customer"
    return "Somebody" if isinstance(speaker, Unattributed) else f"Speaker {speaker}"


def predicate(criterion: Criterion, who: str) -> str:
    """The finding as a sentence about `who`."""
    if criterion.shown_as:
        return f"{who} {criterion.shown_as.rstrip('.')}."
    return f"{who} said what answers the question: {criterion.question}"
