"""Judging a rubric's rules: by the words themselves, on this machine, the same whoever reviews the criteria.

A rule is no matter of taste. So no model decides it, nothing that is said on a call can talk it round, and the same
transcript always gives the same outcome. A hosted reviewer reads what was found a second time, like any other claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ridealong.core.artifact import StoredMoment
from ridealong.core.claims import CitedAs
from ridealong.core.conditions import SURE
from ridealong.core.rubric import Criterion, Section
from ridealong.core.rules import Before, Rule, RuleKind, RuleOutcome, RuleState, Words
from ridealong.core.transcript import Citation, Role, Speaker, Unattributed, Utterance
from ridealong.postcall.evidence import UNKNOWN_ROLE, EvidenceFinder, last_no
from ridealong.postcall.missing import Cited, called_for, nearest, span
from ridealong.postcall.phrases import matches, negated
from ridealong.postcall.reviewer import Draft, JudgedRule, ReviewContext
from ridealong.postcall.wording import MOMENT_WORDS, name_of

if TYPE_CHECKING:
    from ridealong.embedding import Embedder
    from ridealong.postcall.scoring import Calibrator

PHRASE: Final = 0.95
"""How sure a phrase is, before the doubt about who said it: the recogniser may have heard other words."""
SAID: Final = 0.40
"""From this probability on a thing was said that has to be said."""
NOT_SAID: Final = 0.15
"""Below this it was not; between the two it is left open."""
BREAKS: Final = 0.50
"""From this probability on words are held against somebody."""
LEFT_OPEN: Final = "it may have been said: the words leave it open"
MOST_EVIDENCE: Final = 3
COMPARED: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """Words that say it. `at` orders them within the call: time, number, place in the utterance."""

    utterance: Utterance
    quote: str
    at: tuple[int, int, int]
    confidence: float

    @property
    def citation(self) -> Citation:
        return Citation(utterance_no=self.utterance.no, quote=self.quote)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Came:
    """What a thing has to be said before, where it came."""

    citation: Citation
    at: tuple[int, int, int]
    confidence: float
    statement: str


@dataclass(slots=True)
class RuleJudge:
    """Judges rules. Blocks while it computes; thread-safe."""

    embedder: Embedder
    calibrator: Calibrator | None = None
    _finder: EvidenceFinder = field(init=False)

    def __post_init__(self) -> None:
        self._finder = EvidenceFinder(self.embedder, self.calibrator)

    def judge(self, section: Section, context: ReviewContext) -> list[JudgedRule]:
        """The outcome of every rule of the section, in its order."""
        return [self._judge(rule, section, context) for rule in section.rules]

    def _judge(self, rule: Rule, section: Section, context: ReviewContext) -> JudgedRule:
        unmet = section.when.unmet(context.facts) or rule.when.unmet(context.facts)
        if unmet is not None:
            return _without(rule, RuleState.NOT_APPLICABLE, unmet)
        if not any(_may_say(rule.said.role, u, context) for u in context.transcript):
            return _without(rule, RuleState.NOT_ASSESSED, "nobody spoke whom the rule is about")
        match rule.kind:
            case RuleKind.MUST_SAY:
                return self._must_say(rule, context)
            case RuleKind.MUST_NOT_SAY:
                return self._must_not_say(rule, context)
            case RuleKind.MUST_SAY_BEFORE:
                return self._must_say_before(rule, context)

    def _must_say(self, rule: Rule, context: ReviewContext) -> JudgedRule:
        said = sorted(self._said(rule.id, rule.said, context), key=lambda s: -s.confidence)
        best = said[0].confidence if said else 0.0
        if best >= SAID:
            strong = [s for s in said if s.confidence >= SAID]
            return _judged(
                rule,
                RuleState.KEPT,
                Draft(
                    statement=_did(rule.said, strong[0].utterance.speaker, context),
                    citations=_citations(strong),
                    confidence=round(best, 4),
                ),
            )
        doubt = _why_not_absent(rule, best, context)
        if doubt is not None:
            return _without(rule, RuleState.NOT_ASSESSED, doubt)
        return _judged(rule, RuleState.BROKEN, _absent(rule, self._cited(rule, context), 1 - best, context))

    def _must_not_say(self, rule: Rule, context: ReviewContext) -> JudgedRule:
        found = [s for s in self._said(rule.id, rule.said, context) if s.confidence >= BREAKS]
        if rule.said.role is not Role.UNKNOWN and not context.rep_known:
            return _without(rule, RuleState.NOT_ASSESSED, "it is not known who is the rep")
        if not found:
            return JudgedRule(outcome=_outcome(rule, RuleState.KEPT))
        found.sort(key=lambda s: -s.confidence)
        same = [s for s in found if s.utterance.speaker == found[0].utterance.speaker]
        return _judged(
            rule,
            RuleState.BROKEN,
            Draft(
                statement=_did(rule.said, same[0].utterance.speaker, context),
                citations=_citations(same),
                confidence=round(same[0].confidence, 4),
            ),
        )

    def _must_say_before(self, rule: Rule, context: ReviewContext) -> JudgedRule:
        said = self._said(rule.id, rule.said, context)
        surely = sorted((s for s in said if s.confidence >= SAID), key=lambda s: s.at)
        came = None if rule.before is None else self._came(rule, rule.before, context)
        if came is None:
            if surely and rule.before is not None and rule.before.seconds is not None:
                return _judged(rule, RuleState.KEPT, _kept(rule, surely[0], None, context))
            return _without(rule, RuleState.NOT_APPLICABLE, "nothing came that it would have to be said before")
        if surely and surely[0].at < came.at:
            return _judged(rule, RuleState.KEPT, _kept(rule, surely[0], came, context))
        return self._not_in_time(rule, came, said, context)

    def _not_in_time(self, rule: Rule, came: _Came, said: Sequence[_Said], context: ReviewContext) -> JudgedRule:
        # What may have been said in time is nobody's failing.
        doubt: str | None = LEFT_OPEN
        if max((s.confidence for s in said if s.at < came.at), default=0.0) < NOT_SAID:
            late = min((s for s in said if s.confidence >= SAID), key=lambda s: s.at, default=None)
            if late is not None:
                afterwards = _lower(_did(rule.said, late.utterance.speaker, context))
                return _judged(
                    rule,
                    RuleState.BROKEN,
                    Draft(
                        statement=f"{came.statement} Only afterwards: {afterwards}",
                        citations=(came.citation, late.citation),
                        confidence=round(came.confidence * _sureness(rule.said.role, context), 4),
                    ),
                )
            best = max((s.confidence for s in said), default=0.0)
            doubt = _why_not_absent(rule, best, context)
            if doubt is None:
                cited = Cited(
                    says=came.statement,
                    citations=(came.citation,),
                    cited_as=CitedAs.CALLED_FOR,
                    sure=came.confidence,
                )
                return _judged(rule, RuleState.BROKEN, _absent(rule, cited, 1 - best, context))
        return _without(rule, RuleState.NOT_ASSESSED, doubt or LEFT_OPEN)

    def _came(self, rule: Rule, before: Before, context: ReviewContext) -> _Came | None:
        """The first thing that the rule has to be kept before."""
        came: list[_Came] = []
        if before.words is not None:
            for s in self._said(f"{rule.id}:before", before.words, context):
                if s.confidence >= BREAKS:
                    who = name_of(s.utterance.speaker, context)
                    what = before.words.shown_as.rstrip(".") or "came to this point"
                    came.append(
                        _Came(citation=s.citation, at=s.at, confidence=s.confidence, statement=f"{who} {what} here.")
                    )
        for stored in _moments(before.moments, context):
            moment = stored.moment
            first = moment.evidence[0]
            words = MOMENT_WORDS.get(moment.type, "came to this point")
            came.append(
                _Came(
                    citation=Citation(utterance_no=first.utterance_no, quote=first.quote),
                    at=(first.start_ts, first.utterance_no, first.quote_start),
                    confidence=moment.confidence,
                    statement=f"{name_of(first.speaker_id, context)} {words}.",
                )
            )
        if before.seconds is not None:
            late = next(
                (
                    u
                    for u in context.transcript
                    if u.start_ts >= before.seconds * 1000 and not isinstance(u.speaker, Unattributed)
                ),
                None,
            )
            if late is not None:
                came.append(
                    _Came(
                        citation=Citation(utterance_no=late.no, quote=late.text),
                        at=(late.start_ts, late.no, 0),
                        confidence=PHRASE,
                        statement=f"By these words the first {before.seconds:g} seconds of the call were over.",
                    )
                )
        return min(came, key=lambda c: c.at, default=None)

    def _cited(self, rule: Rule, context: ReviewContext) -> Cited:
        """What a broken rule cites: a moment of its condition, what came nearest, or the ends of the call."""
        moments = _moments(rule.when.moments, context)
        if moments:
            return called_for(moments[:1], context) or span(_could_say(rule, context), context)
        near = None
        if rule.said.shown_by:
            criterion = _as_criterion(rule.id, rule.said)
            near = nearest(criterion, self._finder.find(criterion, context, most=COMPARED), self._finder, context)
        return near or span(_could_say(rule, context), context)

    def _said(self, name: str, words: Words, context: ReviewContext) -> list[_Said]:
        """Where it was said, one entry for each utterance and place, unordered."""
        found: dict[tuple[int, int, int], _Said] = {}
        for utterance in context.transcript:
            if words.phrases and _may_say(words.role, utterance, context):
                for match in matches(utterance.text, words.phrases, words.unless):
                    at = (utterance.start_ts, utterance.no, match.start)
                    sure = PHRASE * _doubt(words.role, utterance, context)
                    found[at] = _Said(utterance=utterance, quote=match.quote, at=at, confidence=sure)
        if words.shown_by:
            for shown in self._finder.find(_as_criterion(name, words), context, most=COMPARED):
                if _turned_around(shown.quote, words) or matches(shown.quote, words.unless):
                    continue
                at = (shown.utterance.start_ts, shown.utterance.no, max(0, shown.utterance.text.find(shown.quote)))
                before = found.get(at)
                if before is None or before.confidence < shown.confidence:
                    found[at] = _Said(utterance=shown.utterance, quote=shown.quote, at=at, confidence=shown.confidence)
        return list(found.values())


def _as_criterion(name: str, words: Words) -> Criterion:
    return Criterion(
        id=name,
        question=words.shown_as or words.shown_by[0],
        role=words.role,
        shown_by=words.shown_by,
        not_shown_by=words.not_shown_by,
        shown_as=words.shown_as,
    )


def _turned_around(quote: str, words: Words) -> bool:
    """Whether the quote denies what no example denies: sentence embeddings hear no "not"."""
    return negated(quote) and not any(negated(example) for example in words.shown_by)


def _may_say(role: Role, utterance: Utterance, context: ReviewContext) -> bool:
    if isinstance(utterance.speaker, Unattributed):
        return False
    side = context.side_of(utterance.speaker)
    return role is Role.UNKNOWN or side is role or (side is Role.UNKNOWN and not context.rep_known)


def _doubt(role: Role, utterance: Utterance, context: ReviewContext) -> float:
    """What is left of a certainty by the doubt about who spoke."""
    if role is Role.UNKNOWN:
        return utterance.speaker_confidence
    known = context.side_of(utterance.speaker) is not Role.UNKNOWN
    return utterance.speaker_confidence * (context.role_confidence(utterance.speaker) if known else UNKNOWN_ROLE)


def _sureness(role: Role, context: ReviewContext) -> float:
    """How sure it is who is on that side."""
    if role is Role.UNKNOWN:
        return 1.0
    return max((a.confidence for a in context.roles.values() if a.role is Role.REP), default=0.0)


def _why_not_absent(rule: Rule, best: float, context: ReviewContext) -> str | None:
    """What forbids to say that it was not said; None where nothing does."""
    if rule.said.role is not Role.UNKNOWN and not context.rep_known:
        return "it is not known who is the rep"
    if best >= NOT_SAID:
        return LEFT_OPEN
    unheard = (u for u in context.transcript if isinstance(u.speaker, Unattributed))
    if any(matches(u.text, rule.said.phrases, rule.said.unless) for u in unheard):
        return "somebody said it, and it is not known who"
    return None


def _could_say(rule: Rule, context: ReviewContext) -> list[Utterance]:
    return [u for u in context.transcript if _may_say(rule.said.role, u, context)]


def _moments(types: Sequence[str], context: ReviewContext) -> list[StoredMoment]:
    return [m for m in context.moments if m.moment.type in types and m.moment.confidence >= SURE]


def _citations(said: Sequence[_Said]) -> tuple[Citation, ...]:
    return tuple(s.citation for s in said[:MOST_EVIDENCE])


def _absent(rule: Rule, cited: Cited, unsaid: float, context: ReviewContext) -> Draft:
    """`unsaid`: how probably nothing of the call says it."""
    return Draft(
        statement=cited.statement(_owed(rule.said)),
        citations=cited.citations,
        confidence=round(cited.sure * unsaid * _sureness(rule.said.role, context), 4),
        through=last_no(context.transcript),
        cited_as=cited.cited_as,
    )


def _kept(rule: Rule, said: _Said, came: _Came | None, context: ReviewContext) -> Draft:
    first = _did(rule.said, said.utterance.speaker, context)
    return Draft(
        statement=first if came is None else f"{first} That was in time: {_lower(came.statement)}",
        citations=(said.citation,) if came is None else (said.citation, came.citation),
        confidence=round(said.confidence, 4),
    )


def _did(words: Words, speaker: Speaker, context: ReviewContext) -> str:
    return f"{name_of(speaker, context)} {words.shown_as.rstrip('.')}."


def _owed(words: Words) -> str:
    who = {Role.REP: "The rep", Role.CUSTOMER: "The customer"}.get(words.role, "Somebody")
    return f"{who} {words.shown_as.rstrip('.')}."


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _outcome(rule: Rule, state: RuleState, reason: str = "") -> RuleOutcome:
    return RuleOutcome(
        rule_id=rule.id, kind=rule.kind, severity=rule.severity, effect=rule.effect, state=state, reason=reason
    )


def _judged(rule: Rule, state: RuleState, draft: Draft) -> JudgedRule:
    return JudgedRule(outcome=_outcome(rule, state), draft=draft)


def _without(rule: Rule, state: RuleState, reason: str) -> JudgedRule:
    return JudgedRule(outcome=_outcome(rule, state, reason))
