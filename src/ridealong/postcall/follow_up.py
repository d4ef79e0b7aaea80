"""A follow-up to the customer without a model: sentences of fixed form around what was said, each with its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from ridealong.core.moments import Moment
from ridealong.core.outline import FollowUpPart, NextAction, Who
from ridealong.core.transcript import Citation, Evidence, Role, Utterance
from ridealong.postcall.narrator import Found, SentenceDraft
from ridealong.postcall.quantities import quantities
from ridealong.postcall.reviewer import Draft

if TYPE_CHECKING:
    from ridealong.postcall.reviewer import ReviewContext

SURE: Final = 0.5
MOST_OF_A_PART: Final = 3
ANSWER_MS: Final = 30_000
LEAST_PRICE: Final = 15
MAX_QUOTE: Final = 300
"""Characters of a quote in a sentence: a whole story is no sentence of an e-mail."""


def follow_up(found: Found, context: ReviewContext) -> Sequence[SentenceDraft]:
    """Nothing where the rep is not known: an e-mail would have no sender."""
    if not context.rep_known:
        return ()
    parts = (
        (FollowUpPart.RECAP, _recap(context)),
        (FollowUpPart.ANSWERS, _answers(context)),
        (FollowUpPart.AGREED, _agreed(found, context)),
        (FollowUpPart.OPEN, _open(found, context)),
    )
    return tuple(
        SentenceDraft(key=f"{part.value}:{n}", part=part, draft=draft)
        for part, drafts in parts
        for n, draft in enumerate(list(drafts)[: MOST_OF_A_PART if part is not FollowUpPart.AGREED else 8])
    )


def _recap(context: ReviewContext) -> Iterator[Draft]:
    for moment in _moments(context, "pain_stated"):
        yield _sentence("What you told me: “{}”", moment.evidence[0], moment.confidence)


def _answers(context: ReviewContext) -> Iterator[Draft]:
    for moment in _moments(context, "price_asked"):
        asked = moment.evidence[0]
        answer = next((u for u in _replies(asked, context) if _names_a_price(u.text)), None)
        if answer is None or len(answer.text) > MAX_QUOTE:
            continue
        yield Draft(
            statement=f"You asked: “{asked.quote}” My answer: “{answer.text}”",
            citations=(
                Citation(utterance_no=asked.utterance_no, quote=asked.quote),
                Citation(utterance_no=answer.no, quote=answer.text),
            ),
            confidence=moment.confidence * 0.8,
        )


def _agreed(found: Found, context: ReviewContext) -> Iterator[Draft]:
    for action in found.next_actions:
        evidence = action.claim.evidence[0]
        mine = context.side_of(evidence.utterance.speaker) is Role.REP
        yield _sentence(_WORDS[action.who, mine], evidence, action.claim.confidence, _due(action))


_WORDS: Final = {
    (Who.REP, True): "From my side: “{}”",
    (Who.REP, False): "You asked me: “{}”",
    (Who.CUSTOMER, False): "From your side: “{}”",
    (Who.CUSTOMER, True): "I asked you: “{}”",
    (Who.BOTH, True): "What I proposed for both of us: “{}”",
    (Who.BOTH, False): "What you proposed for both of us: “{}”",
    (Who.UNKNOWN, True): "What was said: “{}”",
    (Who.UNKNOWN, False): "What was said: “{}”",
}


def _due(action: NextAction) -> str:
    return "" if action.due is None else f" (when: {action.due})"


def _open(found: Found, context: ReviewContext) -> Iterator[Draft]:
    """Objections that a coaching moment found open: they are the customer's words, and still stand."""
    left_open = {
        e.utterance_no
        for c in found.coaching_moments
        if c.title in ("Objection left open", "Postponed without a next step")
        for e in c.claim.evidence
    }
    for moment in _moments(context, "objection_raised"):
        if moment.evidence[0].utterance_no in left_open:
            yield _sentence("One point of yours is still open: “{}”", moment.evidence[0], moment.confidence * 0.8)


def _moments(context: ReviewContext, kind: str) -> Iterator[Moment]:
    for stored in context.moments:
        moment = stored.moment
        if (
            moment.type == kind
            and moment.confidence >= SURE
            and len(moment.evidence[0].quote) <= MAX_QUOTE
            and context.side_of(moment.evidence[0].utterance.speaker) is Role.CUSTOMER
        ):
            yield moment


def _replies(asked: Evidence, context: ReviewContext) -> Iterator[Utterance]:
    for utterance in context.transcript:
        after = asked.end_ts <= utterance.start_ts + 500 and utterance.start_ts <= asked.end_ts + ANSWER_MS
        if after and utterance.no > asked.utterance_no and context.side_of(utterance.speaker) is Role.REP:
            yield utterance


def _names_a_price(text: str) -> bool:
    """Whether a number in `text` may be a price: a sum of money, or more than anybody counts in passing."""
    return any(unit == "money" or value >= LEAST_PRICE for unit, value in quantities(text))


def _sentence(words: str, evidence: Evidence, confidence: float, behind: str = "") -> Draft:
    return Draft(
        statement=words.format(evidence.quote) + behind,
        citations=(Citation(utterance_no=evidence.utterance_no, quote=evidence.quote),),
        confidence=round(min(1.0, confidence), 4),
    )
