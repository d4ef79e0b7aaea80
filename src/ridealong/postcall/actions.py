"""What somebody said will be done after the call: sentences that promise, ask for or agree an action, and by when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ridealong.core.outline import Who
from ridealong.core.quote import find_quote
from ridealong.core.transcript import Citation, Role, Unattributed, Utterance
from ridealong.postcall.narrator import ActionDraft
from ridealong.postcall.reviewer import Draft
from ridealong.postcall.wording import name_of

if TYPE_CHECKING:
    from ridealong.postcall.reviewer import ReviewContext

MOST: Final = 8
SURE: Final = 0.6
WITH_DUE: Final = 0.2
AGREED: Final = 0.1
"""Added where a moment of the live path says that a commitment was offered there."""
EARLY: Final = 0.6
"""What is left of the confidence before the last two fifths of a call: what is promised in the middle is often shown at
once."""
MIN_WORDS: Final = 4
MAX_WORDS: Final = 45

_VERB: Final = (
    r"(?:send|e-?mail|mail|bring|share|prepare|book|schedule|set up|invite|call|ring|forward|introduce|check|confirm|"
    r"review|draft|sign|come back|meet|go through|follow up|arrange|provide|show|ask|speak|talk|look into|find out|"
    r"update|write|order|ship|deliver|get (?:it|you|that|them|back)|put|make sure|present|visit|start|add|include|file|"
    r"discuss|raise|test|try|install|transfer|refund|replace|fix|organi[sz]e)"
)
_ADVERB: Final = r"(?: (?:also|then|just|definitely|of course|certainly|quickly|probably|be able to))?"
_PROMISE = re.compile(
    rf"\b(?:I|we)(?:'ll| will| am going to| are going to|'m going to|'re going to| can){_ADVERB} {_VERB}\b"
    rf"|\bI(?:'m| am) (?:sending|booking|forwarding|inviting|emailing|preparing)\b"
    rf"|\bI {_VERB} (?:you|it|that|them|the)\b",
    re.IGNORECASE,
)
_TOGETHER = re.compile(
    rf"\b(?:let's|let us|shall we|we'll|we will|we can|how about we){_ADVERB} {_VERB}\b",
    re.IGNORECASE,
)
_ASKED = re.compile(rf"\b(?:can|could|would|will) you(?: please)? {_VERB}\b|\bplease {_VERB}\b", re.IGNORECASE)
_IDLE = re.compile(
    r"n't\b|\b(?:think about it|get back to you|let you know|be honest|let me think|not |never |would have|could have|"
    r"used to|when (?:I|we) |if (?:I|we) |if you (?!like|want|agree))",
    re.IGNORECASE,
)
_DAY: Final = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_MONTH: Final = (
    r"(?:january|february|march|april|june|july|august|september|october|november|december|"
    r"may(?= \d| the)|spring|summer|autumn|fall|winter|christmas|easter|quarter|year|month|week)"
)
_NUMBER: Final = r"(?:\d+|a|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|the|couple of|few)"
_DUE = re.compile(
    rf"\b(?:(?:by|on|before|until|till|not later than|no later than) )?"
    rf"(?:tonight|today|tomorrow|this (?:morning|afternoon|evening|week|month)|right (?:now|away|after)|straight away"
    rf"|(?:this |next |coming )?{_DAY}(?: (?:morning|afternoon|evening))?"
    rf"|next (?:week|month|quarter|year)"
    rf"|(?:by |at |before )?the end of (?:the |this |next )?{_MONTH}"
    rf"|(?:by|before|in|until) (?:the )?{_MONTH}"
    rf"|(?:in|within) {_NUMBER} (?:hour|day|week|month)s?(?: time)?)"
    rf"(?: at (?:\d{{1,2}}(?::\d\d)?|{_NUMBER})(?: (?:o'clock|a\.?m\.?|p\.?m\.?|thirty|fifteen))?)?",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.?!]+[.?!]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    utterance: Utterance
    quote: str
    who: Who
    asked: bool
    confidence: float


def next_actions(context: ReviewContext) -> Sequence[ActionDraft]:
    """At most `MOST`, in the order of the call; the surest where there are more."""
    offered = {
        e.utterance_no for m in context.moments if m.moment.type == "commitment_offered" for e in m.moment.evidence
    }
    found: list[_Said] = []
    for said in _said(context, offered):
        same = next((n for n, other in enumerate(found) if _same(said.quote, other.quote)), None)
        if same is None:
            found.append(said)
        elif said.confidence > found[same].confidence:
            found[same] = said
    best = sorted(found, key=lambda s: -s.confidence)[:MOST]
    return tuple(_draft(said, context) for said in sorted(best, key=lambda s: s.utterance.no))


def due_in(quote: str) -> str | None:
    """The words of `quote` that say by when, the first behind what is promised; None where none do."""
    acts = [m.start() for p in (_PROMISE, _TOGETHER, _ASKED) if (m := p.search(quote))]
    found = [m for m in _DUE.finditer(quote) if not acts or m.start() >= min(acts)] or list(_DUE.finditer(quote))
    words = found[0].group().strip() if found else None
    return words if words is not None and find_quote(quote, words) else None


def _said(context: ReviewContext, offered: set[int]) -> Iterator[_Said]:
    late_ts = context.transcript.end_ts * 3 // 5
    for utterance in context.transcript:
        if isinstance(utterance.speaker, Unattributed):
            continue
        side = context.side_of(utterance.speaker)
        for part in _SENTENCE.findall(utterance.text):
            sentence = part.strip().rstrip(",;")
            if not MIN_WORDS <= len(sentence.split()) <= MAX_WORDS or _IDLE.search(sentence):
                continue
            asked = bool(_ASKED.search(sentence))
            promised, shared = _PROMISE.search(sentence), _TOGETHER.search(sentence)
            if not (asked or shared or promised) or find_quote(utterance.text, sentence) is None:
                continue
            # Who is named first does it: "I'll send you the list, and we can start on Monday".
            together = shared is not None and (promised is None or shared.start() <= promised.start())
            due = due_in(sentence)
            if asked and due is None and utterance.start_ts < late_ts:
                # "Can you show me the list?" is done at once.
                continue
            confidence = SURE + (WITH_DUE if due else 0.0) + (AGREED if utterance.no in offered else 0.0)
            if sentence.endswith("?"):
                confidence *= 0.8
            if due is None and utterance.start_ts < late_ts:
                confidence *= EARLY
            yield _Said(
                utterance=utterance,
                quote=sentence,
                who=_who(side, asked=asked, together=together),
                asked=asked,
                confidence=confidence * utterance.speaker_confidence * _sureness(utterance, context),
            )


def _sureness(utterance: Utterance, context: ReviewContext) -> float:
    """That something was promised holds whoever said it: only who it was is in doubt."""
    return max(0.5, context.role_confidence(utterance.speaker))


def _who(side: Role, *, asked: bool, together: bool) -> Who:
    if together:
        return Who.BOTH
    if side is Role.UNKNOWN:
        return Who.UNKNOWN
    doer = {Role.REP: Who.REP, Role.CUSTOMER: Who.CUSTOMER}[side]
    if asked:
        return Who.CUSTOMER if doer is Who.REP else Who.REP
    return doer


def _draft(said: _Said, context: ReviewContext) -> ActionDraft:
    name = name_of(said.utterance.speaker, context)
    verb = {True: "asked for this", False: "said what happens next"}[said.asked]
    return ActionDraft(
        key=f"{said.utterance.no}:{said.quote[:40]}",
        who=said.who,
        due=due_in(said.quote),
        draft=Draft(
            statement=f"{name} {verb}: “{said.quote}”",
            citations=(Citation(utterance_no=said.utterance.no, quote=said.quote),),
            confidence=round(min(0.9, said.confidence), 4),
        ),
    )


def _same(one: str, other: str) -> bool:
    a, b = set(re.findall(r"\w+", one.casefold())), set(re.findall(r"\w+", other.casefold()))
    return len(a & b) > 0.7 * min(len(a), len(b))
