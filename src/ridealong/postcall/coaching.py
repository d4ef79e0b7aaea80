"""Coaching moments: the few stretches worth replaying with the rep, from the call's moments and what followed them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ridealong.core.artifact import StoredMoment
from ridealong.core.moments import Moment, evidence_span
from ridealong.core.rubric import Criterion, Rubric
from ridealong.core.stats import is_backchannel
from ridealong.core.transcript import Citation, Role, Utterance
from ridealong.postcall.evidence import EvidenceFinder, Shown, last_no
from ridealong.postcall.impact import WHY, Impact
from ridealong.postcall.review import MAX_COACHING
from ridealong.postcall.reviewer import CoachingDraft, Draft, ReviewContext
from ridealong.postcall.rubric import shipped_rubric
from ridealong.postcall.scoring import has_figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from ridealong.postcall.staging import Stager

ANSWER_MS: Final = 60_000
"""An objection or a buying signal is answered within a minute or not at all."""
PRICE_ANSWER_MS: Final = 30_000
HANDLED: Final = 0.25
"""Words this probable to handle it are enough not to call it unhandled."""
STRONG: Final = 0.55
SURE: Final = 0.5
"""Moments less sure than this are not coached on."""
MOST_OF_A_KIND: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ranked:
    kind: str
    rank: float
    coaching: CoachingDraft


class Coach:
    """Drafts coaching moments. It brings its own criteria, so that any tenant's rubric is coached alike."""

    def __init__(self, finder: EvidenceFinder, stager: Stager) -> None:
        self._finder = finder
        self._stager = stager

    @cached_property
    def _criteria(self) -> dict[str, Criterion]:
        return {
            c.id: c
            for name in ("discovery", "spin")
            for section in shipped_rubric(name).sections
            for c in section.criteria
        }

    def warm(self) -> None:
        self._finder.warm([self._criteria[name] for name in (*_HANDLING, "next_step", "timeline_asked", *_PRAISED)])

    def drafts(self, rubric: Rubric, context: ReviewContext) -> Sequence[CoachingDraft]:
        """The most important first, at most two of a kind; one that praises is kept among the first."""
        advice = {c.id: c.advice for section in rubric.sections for c in section.criteria if c.advice}
        found: list[_Ranked] = []
        for moment in context.moments:
            if moment.moment.confidence >= SURE:
                found += self._of_moment(moment, context)
        praise = sorted(self._praise(context, advice), key=lambda r: -r.rank)[:1]
        impact = Impact(context, self._stager)
        found, praise = [_weighed(r, impact, context) for r in found], [_weighed(r, impact, context) for r in praise]
        found.sort(key=lambda r: (-r.rank, r.coaching.key))
        kept: list[_Ranked] = []
        for ranked in found:
            if sum(k.kind == ranked.kind for k in kept) < MOST_OF_A_KIND:
                kept.append(ranked)
        kept = sorted([*kept[: MAX_COACHING - len(praise)], *praise], key=lambda r: (-r.rank, r.coaching.key))
        return tuple(ranked.coaching for ranked in kept)

    def _of_moment(self, stored: StoredMoment, context: ReviewContext) -> Iterator[_Ranked]:
        rules: dict[str, Callable[[Moment, ReviewContext], tuple[float, str, str, Draft] | None]] = {
            "objection_raised": self._objection,
            "buying_signal": self._buying_signal,
            "stall": self._stall,
            "price_asked": self._price,
            "risky_promise": _risky_promise,
            "monologue": _monologue,
            "interruption": _interruption,
        }
        rule = rules.get(stored.moment.type)
        made = rule(stored.moment, context) if rule is not None else None
        if made is not None:
            rank, title, advice, draft = made
            yield _Ranked(
                kind=stored.moment.type,
                rank=rank * draft.confidence,
                coaching=CoachingDraft(key=str(stored.moment_id), title=title, advice=advice, draft=draft),
            )

    def _best(
        self, names: Sequence[str], context: ReviewContext, from_ts: int | None, until_ts: int | None
    ) -> Shown | None:
        found = [
            shown
            for name in names
            for shown in self._finder.find(self._criteria[name], context, from_ts=from_ts, until_ts=until_ts, most=3)[
                :1
            ]
        ]
        return max(found, key=lambda s: s.confidence, default=None)

    def _unanswered(
        self, moment: Moment, context: ReviewContext, names: Sequence[str], window_ms: int | None
    ) -> tuple[float, int] | None:
        """(how surely none of the criteria followed, last utterance searched); None where one did or none could."""
        if not context.rep_known:
            return None
        start_ts, end_ts = evidence_span(moment.evidence)
        until_ts = None if window_ms is None else end_ts + window_ms
        if not _rep_words(context, start_ts + 1, until_ts):
            # The rep had no chance to answer: the call ended, or its end was not recorded.
            return None
        best = self._best(names, context, start_ts + 1, until_ts)
        shown = best.confidence if best is not None else 0.0
        if shown >= HANDLED:
            return None
        through = max(last_no(context.transcript, until_ts=until_ts), *(e.utterance_no for e in moment.evidence))
        return moment.confidence * (1 - shown) * _rep_sureness(context), through

    def _objection(self, moment: Moment, context: ReviewContext) -> tuple[float, str, str, Draft] | None:
        open_ = self._unanswered(moment, context, _HANDLING, ANSWER_MS)
        if open_ is None:
            return None
        return (
            1.0,
            "Objection left open",
            "Acknowledge it in one sentence, ask what is behind it, and answer only then.",
            Draft(
                statement=(
                    "The customer raised an objection here. In the minute after it nothing was found that "
                    "acknowledges it, asks about it or answers it."
                ),
                citations=_citations(moment),
                confidence=open_[0],
                through=open_[1],
            ),
        )

    def _buying_signal(self, moment: Moment, context: ReviewContext) -> tuple[float, str, str, Draft] | None:
        missed = self._unanswered(moment, context, ("next_step", "timeline_asked", "value_linked"), ANSWER_MS)
        if missed is None:
            return None
        return (
            0.85,
            "Buying signal not taken up",
            "When a customer talks as an owner, answer in a sentence and propose the next step with a date.",
            Draft(
                statement=(
                    "The customer gave a buying signal here. In the minute after it no next step, no question "
                    "about timing and no link to their needs was found."
                ),
                citations=_citations(moment),
                confidence=missed[0],
                through=missed[1],
            ),
        )

    def _stall(self, moment: Moment, context: ReviewContext) -> tuple[float, str, str, Draft] | None:
        none = self._unanswered(moment, context, ("next_step",), None)
        if none is None:
            return None
        return (
            0.8,
            "Postponed without a next step",
            "Ask what has to happen until then, and agree a date before you hang up.",
            Draft(
                statement=(
                    "The customer postponed here. Through the end of the call no next step with a date was found."
                ),
                citations=_citations(moment),
                confidence=none[0],
                through=none[1],
            ),
        )

    def _price(self, moment: Moment, context: ReviewContext) -> tuple[float, str, str, Draft] | None:
        """A figure in answer to the price question, while nothing in the call before it speaks of value."""
        if not context.rep_known:
            return None
        start_ts, end_ts = evidence_span(moment.evidence)
        answers = [u for u in _rep_words(context, start_ts + 1, end_ts + PRICE_ANSWER_MS) if has_figure(u.text)]
        spoke_of_need = any(
            m.moment.type == "pain_stated" and m.moment.evidence[0].start_ts < start_ts for m in context.moments
        )
        if not answers or spoke_of_need:
            return None
        before = self._best(("value_linked", "problem_asked", "payoff_asked", "impact_asked"), context, None, start_ts)
        shown = before.confidence if before is not None else 0.0
        if shown >= HANDLED:
            return None
        answer = answers[0]
        return (
            0.7,
            "Price before value",
            "Give a range if you must, then ask what the problem costs, so that the price has something beside it.",
            Draft(
                statement=(
                    "The rep answered the price question with a figure. In the call before it nothing was found "
                    "about a problem or its worth."
                ),
                citations=(
                    Citation(utterance_no=answer.no, quote=answer.text),
                    *(c for c in _citations(moment) if c.utterance_no < answer.no),
                ),
                # The figure may be none of money: a number alone is a weak sign.
                confidence=moment.confidence * (1 - shown) * 0.8 * _rep_sureness(context),
                through=answer.no,
            ),
        )

    def _praise(self, context: ReviewContext, advice: dict[str, str]) -> Iterator[_Ranked]:
        if not context.rep_known:
            return
        for name in _PRAISED:
            found = self._best((name,), context, None, None)
            if found is None or found.confidence < STRONG or found.fully < found.partly:
                continue
            criterion = self._criteria[name]
            yield _Ranked(
                kind="praise",
                rank=0.7 * found.confidence,
                coaching=CoachingDraft(
                    key=f"praise:{name}",
                    title="Worth repeating",
                    advice=f"Keep doing this. {advice.get(name) or criterion.advice}".strip(),
                    draft=Draft(
                        statement=f"The rep {criterion.shown_as}.",
                        citations=(found.citation,),
                        confidence=found.confidence,
                    ),
                ),
            )


def _weighed(ranked: _Ranked, impact: Impact, context: ReviewContext) -> _Ranked:
    """With its place in the call and what came of it, and with the reason why it matters: see `impact`."""
    no = ranked.coaching.draft.citations[0].utterance_no
    return replace(
        ranked,
        rank=ranked.rank * impact.factor(no, context.transcript[no].end_ts),
        coaching=replace(ranked.coaching, why=WHY.get(ranked.kind, "")),
    )


_HANDLING: Final = ("objection_acknowledged", "objection_explored", "proof_given", "value_linked")
_PRAISED: Final = ("impact_asked", "payoff_asked", "summarised", "objection_explored", "next_step")


def _risky_promise(moment: Moment, context: ReviewContext) -> tuple[float, str, str, Draft] | None:
    if not context.rep_known:
        return None
    return (
        0.95,
        "Risky promise",
        "Say what is known and where it stands, and offer to confirm the rest in writing.",
        Draft(
            statement="The rep made a promise here that may not hold.",
            citations=_citations(moment),
            confidence=moment.confidence,
        ),
    )


def _monologue(moment: Moment, context: ReviewContext) -> tuple[float, str, str, Draft] | None:
    if not context.rep_known:
        return None
    return (
        0.6,
        "Long monologue",
        "Stop after each point with a question: what the customer says next decides what is worth telling.",
        Draft(
            statement="The rep held the floor for longer than the limit here.",
            citations=_citations(moment),
            confidence=moment.confidence,
        ),
    )


def _interruption(moment: Moment, context: ReviewContext) -> tuple[float, str, str, Draft] | None:
    if not context.rep_known:
        return None
    return (
        0.5,
        "Customer interrupted",
        "Let the customer finish, wait a breath, then answer.",
        Draft(
            statement="The rep began to speak here while the customer was still speaking.",
            citations=_citations(moment),
            confidence=moment.confidence,
        ),
    )


def _citations(moment: Moment) -> tuple[Citation, ...]:
    return tuple(Citation(utterance_no=e.utterance_no, quote=e.quote) for e in moment.evidence[:3])


def _rep_words(context: ReviewContext, from_ts: int, until_ts: int | None) -> list[Utterance]:
    return [
        u
        for u in context.transcript
        if u.start_ts >= from_ts
        and (until_ts is None or u.start_ts < until_ts)
        and context.side_of(u.speaker) is Role.REP
        and not is_backchannel(u)
    ]


def _rep_sureness(context: ReviewContext) -> float:
    return max((a.confidence for a in context.roles.values() if a.role is Role.REP), default=0.0)
