"""What does not fit together in a call, by rules over what the sections found and over the call's moments.

Each rule says in one sentence what it saw and cites both sides of it; where one side is that something never happened,
it cites what called for it and how far was searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.outline import GapKind, Who
from ridealong.core.rubric import Criterion, Finding, Score
from ridealong.core.transcript import Citation, Evidence, Role, Unattributed, Utterance
from ridealong.postcall.evidence import EvidenceFinder, last_no
from ridealong.postcall.narrator import Found, GapDraft
from ridealong.postcall.quantities import MONEY, quantities
from ridealong.postcall.reviewer import Draft
from ridealong.postcall.rubric import shipped_rubric

if TYPE_CHECKING:
    from ridealong.core.moments import Moment
    from ridealong.postcall.reviewer import ReviewContext

SURE: Final = 0.5
"""Moments less sure than this prove no gap."""
SHOWN: Final = 0.2
"""Words this probable to show it are enough not to call it missing."""
ALIKE: Final = 0.6
"""Cosine from which on two sentences with numbers of one unit may speak of the same thing."""

_BUDGET = re.compile(r"budget|money|afford", re.IGNORECASE)
_AUTHORITY = re.compile(r"buyer|authority|decision|economic|decide|champion", re.IGNORECASE)
_IMPACT = re.compile(r"impact|implication|consequence|metrics|cost_of|pain_quant", re.IGNORECASE)


class GapFinder:
    """Applies the rules. It brings its own criteria, so that any tenant's rubric is looked through alike."""

    def __init__(self, finder: EvidenceFinder) -> None:
        self._finder = finder

    @cached_property
    def _criteria(self) -> dict[str, Criterion]:
        return {c.id: c for s in shipped_rubric("discovery").sections for c in s.criteria}

    def warm(self) -> None:
        self._finder.warm([self._criteria[name] for name in ("buyer_asked", "impact_asked")])

    def drafts(self, found: Found, context: ReviewContext) -> Sequence[GapDraft]:
        """The surest first."""
        if not context.rep_known:
            return ()
        drafts = [
            *self._budget_without_authority(found, context),
            *self._pain_without_consequence(found, context),
            *_price_before_pain(context),
            *_next_step_against_stall(found, context),
            *_different_numbers(context),
        ]
        return tuple(sorted(drafts, key=lambda d: -d.draft.confidence))

    def _budget_without_authority(self, found: Found, context: ReviewContext) -> Iterator[GapDraft]:
        budget = _shown(found, _BUDGET)
        if budget is None or _shown(found, _AUTHORITY) is not None:
            return
        section, finding = budget
        if any(m.moment.type == "decision_process" for m in context.moments):
            return
        best = self._best("buyer_asked", context)
        if best >= SHOWN:
            return
        others = [s.section_id for s in found.sections if any(_AUTHORITY.search(c) for c in s.not_assessed)]
        yield GapDraft(
            key="budget_without_authority",
            gap=GapKind.GAP,
            title="Budget without the one who decides",
            sections=(section, *others[:1]),
            draft=Draft(
                statement=(
                    "The budget came up here. Through the end of the call nothing was found that tells who else has "
                    "to agree."
                ),
                citations=_citations(finding.claim.evidence),
                confidence=round(finding.claim.confidence * (1 - best), 4),
                through=last_no(context.transcript),
            ),
        )

    def _pain_without_consequence(self, found: Found, context: ReviewContext) -> Iterator[GapDraft]:
        if _shown(found, _IMPACT) is not None:
            return
        pain = _first(context, "pain_stated")
        if pain is None or not _rep_after(pain, context):
            return
        best = self._best("impact_asked", context, from_ts=pain.evidence[0].start_ts)
        if best >= SHOWN:
            return
        yield GapDraft(
            key="pain_without_consequence",
            gap=GapKind.GAP,
            title="A problem whose consequence nobody asked for",
            sections=tuple(s.section_id for s in found.sections if any(_IMPACT.search(c) for c in s.not_assessed)),
            draft=Draft(
                statement=(
                    "The customer stated a problem here. Through the end of the call nothing was found that asks what "
                    "it leads to."
                ),
                citations=_citations(pain.evidence),
                confidence=round(pain.confidence * (1 - best) * 0.9, 4),
                through=last_no(context.transcript),
            ),
        )

    def _best(self, name: str, context: ReviewContext, from_ts: int | None = None) -> float:
        shown = self._finder.find(self._criteria[name], context, from_ts=from_ts, most=3)
        return shown[0].confidence if shown else 0.0


def _price_before_pain(context: ReviewContext) -> Iterator[GapDraft]:
    """The rep names a sum of money, and only after it the customer states a first problem."""
    pain = _first(context, "pain_stated")
    if pain is None:
        return
    named = next(
        (
            u
            for u in context.transcript
            if context.side_of(u.speaker) is Role.REP and MONEY.search(u.text) and quantities(u.text)
        ),
        None,
    )
    if named is None or named.start_ts >= pain.evidence[0].start_ts:
        return
    yield GapDraft(
        key="price_before_pain",
        gap=GapKind.GAP,
        title="A price before the first problem",
        sections=(),
        draft=Draft(
            statement="The rep named a sum here, and only after it the customer stated a first problem.",
            citations=(Citation(utterance_no=named.no, quote=named.text), *_citations(pain.evidence[:1])),
            confidence=round(pain.confidence * 0.7, 4),
        ),
    )


def _next_step_against_stall(found: Found, context: ReviewContext) -> Iterator[GapDraft]:
    """A next step with a date was agreed, and after it the customer postponed."""
    dated = [a for a in found.next_actions if a.due is not None and a.who is not Who.UNKNOWN]
    stalls = [m for m in context.moments if m.moment.type == "stall" and m.moment.confidence >= SURE]
    if not dated or not stalls:
        return
    stall = stalls[-1]
    postponed = stall.moment.evidence[0]
    before = [a for a in dated if a.claim.evidence[0].utterance_no < postponed.utterance_no]
    if not before or len(before) < len(dated):
        # Something with a date was agreed behind it: that settled it.
        return
    agreed = before[-1].claim
    yield GapDraft(
        key="next_step_against_stall",
        gap=GapKind.CONTRADICTION,
        title="A next step, and then a delay",
        sections=(),
        draft=Draft(
            statement="A next step was named here, and after it the customer postponed: which of the two holds?",
            citations=(*_citations(agreed.evidence[:1]), *_citations((postponed,))),
            confidence=round(agreed.confidence * stall.moment.confidence, 4),
        ),
    )


def _different_numbers(context: ReviewContext) -> Iterator[GapDraft]:
    """Two sentences of much the same meaning that count the same thing differently, said by different sides."""
    utterances = context.transcript.utterances
    rows: list[tuple[int, str, float]] = []
    for row, utterance in enumerate(utterances):
        if not isinstance(utterance.speaker, Unattributed):
            rows += [(row, unit, value) for unit, value in quantities(utterance.text) if unit]
    best: tuple[float, int, int] | None = None
    for n, (row, unit, value) in enumerate(rows):
        for other, other_unit, other_value in rows[n + 1 :]:
            if unit != other_unit or value == other_value or row == other:
                continue
            if utterances[row].speaker == utterances[other].speaker:
                continue
            alike = float(np.dot(context.vectors[row], context.vectors[other]))
            if alike >= ALIKE and (best is None or alike > best[0]):
                best = (alike, row, other)
    if best is None:
        return
    alike, row, other = best
    yield GapDraft(
        key="different_numbers",
        gap=GapKind.CONTRADICTION,
        title="Two numbers for what may be the same",
        sections=(),
        draft=Draft(
            statement="Two different numbers were named for what may be the same thing.",
            citations=tuple(Citation(utterance_no=utterances[r].no, quote=utterances[r].text) for r in (row, other)),
            # Alike is not the same: the words may count two things.
            confidence=round(min(0.6, alike * 0.7), 4),
        ),
    )


def _shown(found: Found, wanted: re.Pattern[str]) -> tuple[str, Finding] | None:
    """(section, finding) of the surest criterion of that name that the call shows at least in part."""
    matches = [
        (s.section_id, f)
        for s in found.sections
        for f in s.findings
        if wanted.search(f.criterion_id) and f.score is not Score.NO
    ]
    return max(matches, key=lambda m: m[1].claim.confidence, default=None)


def _first(context: ReviewContext, kind: str) -> Moment | None:
    return next((m.moment for m in context.moments if m.moment.type == kind and m.moment.confidence >= SURE), None)


def _rep_after(moment: Moment, context: ReviewContext) -> bool:
    end_ts = moment.evidence[0].end_ts
    after: list[Utterance] = [u for u in context.transcript if u.start_ts >= end_ts]
    return any(context.side_of(u.speaker) is Role.REP for u in after)


def _citations(evidence: Sequence[Evidence]) -> tuple[Citation, ...]:
    return tuple(Citation(utterance_no=e.utterance_no, quote=e.quote) for e in evidence[:3])
