"""Did the rep do what a nudge asks for, within a minute? Judged as a review judges criteria: by meaning, quoted.

Deterministic: the same call gives the same answer. What was held out is judged in the same way, which is what makes
the two comparable: the judge does not know which is which.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from ridealong.core.artifact import StoredMoment
from ridealong.core.effects import ACT_WITHIN_MS, REPLY_WITHIN_MS, ActsOn, ActsWhen, Effect
from ridealong.core.moments import Moment, Reason, Tier
from ridealong.core.stats import question_count
from ridealong.core.transcript import Citation, Role, Utterance
from ridealong.postcall.evidence import MIN_WORDS, EvidenceFinder
from ridealong.postcall.reviewer import ReviewContext
from ridealong.postcall.scoring import figures_in

if TYPE_CHECKING:
    from uuid import UUID

ActsOf = Callable[["UUID"], Awaitable[Mapping[str, ActsOn]]]
"""What acting on each type's nudges looks like for a tenant."""

FOUND: Final = 0.30
"""From this probability on, words count as acting: as for a finding of the local review."""

SEEN: Final = {
    ActsWhen.QUESTION: 0.9,
    ActsWhen.REPLY_ASKS: 0.8,
    ActsWhen.REPLY_HAS_FIGURE: 0.8,
    ActsWhen.REPLY_REPEATS: 0.9,
}
"""How surely a rep acted who was seen to do it. A sentence with a question mark is nearly always a question; whether a
question or a figure is the one that was wanted, the labelled nudges say (`ridealong.app.bench.acted_on`)."""


def judge_effects(
    finder: EvidenceFinder, moments: Sequence[StoredMoment], acts: Mapping[str, ActsOn], context: ReviewContext
) -> list[Effect]:
    """The effects of those of `moments` that were nudged or held out and can be judged.

    Not judged is what nobody can know: a type without `acted_on_by`, a call in which no rep is known, and a nudge
    after which the call went on for less than the time to act without the rep acting on it.
    """
    if not context.rep_known:
        return []
    found: list[Effect] = []
    for stored in moments:
        moment = stored.moment
        act = acts.get(moment.type)
        if act is None or not (moment.tier is Tier.NUDGE or moment.reason is Reason.HELD_OUT):
            continue
        from_ts = moment.trigger_ts if moment.circumstances is None else moment.circumstances.decided_ts
        effect = _judge(finder, stored, act, context, from_ts=from_ts)
        if effect.acted_on or context.duration_ms >= from_ts + ACT_WITHIN_MS:
            found.append(effect)
    return found


def _judge(
    finder: EvidenceFinder, stored: StoredMoment, act: ActsOn, context: ReviewContext, *, from_ts: int
) -> Effect:
    until_ts = from_ts + ACT_WITHIN_MS
    best, citation = 0.0, None
    if act.criterion is not None:
        shown = finder.find(act.criterion, context, from_ts=from_ts, until_ts=until_ts, most=4)
        if shown:
            best, citation = shown[0].confidence, shown[0].citation
    if act.when is not None and (did := _did(act.when, context, stored.moment, from_ts, until_ts)) is not None:
        sure = SEEN[act.when] * did.speaker_confidence * context.role_confidence(did.speaker)
        if sure > best:
            best, citation = sure, Citation(utterance_no=did.no, quote=did.text)
    if citation is None or best < FOUND:
        return Effect(moment_id=stored.moment_id, acted_on=False, confidence=round(1 - best, 4), evidence=None)
    return Effect(
        moment_id=stored.moment_id,
        acted_on=True,
        confidence=round(best, 4),
        evidence=context.transcript.cite(citation),
    )


def _did(when: ActsWhen, context: ReviewContext, moment: Moment, from_ts: int, until_ts: int) -> Utterance | None:
    """The rep's utterance in which it happens, None where it does not."""
    match when:
        case ActsWhen.QUESTION:
            said = [
                u
                for u in context.transcript
                if from_ts <= u.start_ts < until_ts and _is_rep(u, context) and len(u.text.split()) >= MIN_WORDS
            ]
            return next((u for u in said if question_count(u.text) > 0), None)
        case ActsWhen.REPLY_ASKS:
            return next((u for u in _reply(context, from_ts) if question_count(u.text) > 0), None)
        case ActsWhen.REPLY_HAS_FIGURE:
            return next((u for u in _reply(context, from_ts) if figures_in(u.text)), None)
        case ActsWhen.REPLY_REPEATS:
            named = {figure for cited in moment.evidence for figure in figures_in(cited.quote)}
            return next((u for u in _reply(context, from_ts) if named & figures_in(u.text)), None)


def _reply(context: ReviewContext, from_ts: int) -> list[Utterance]:
    """What the rep says next after `from_ts`, until somebody else speaks; empty where that begins too late."""
    later = [u for u in context.transcript if u.start_ts >= from_ts]
    first = next((n for n, u in enumerate(later) if _is_rep(u, context)), None)
    if first is None or later[first].start_ts >= from_ts + REPLY_WITHIN_MS:
        return []
    return list(takewhile(lambda u: _is_rep(u, context), later[first:]))


def _is_rep(utterance: Utterance, context: ReviewContext) -> bool:
    return context.side_of(utterance.speaker) is Role.REP
