"""What a statement says must stand in the words that it cites: checks that need no model.

A number, a date or a name that the cited words lack, and words put into the mouth of the other side, are refused,
whoever wrote the statement. The reason goes back to its author, and tells the place of the word and never the word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from ridealong.core.errors import Ungrounded
from ridealong.core.facts import Held, currencies_in, held_by, missing_date, missing_number
from ridealong.core.faults import Fault
from ridealong.core.names import known_names, names_in
from ridealong.core.tokens import bare, folded, words_of
from ridealong.core.transcript import Role
from ridealong.postcall.distorted import (
    refuse_cut_denial,
    refuse_invented_words,
    refuse_other_measure,
    refuse_other_speaker,
    refuse_unheard_side,
)
from ridealong.postcall.otherwise import refuse_otherwise

if TYPE_CHECKING:
    from ridealong.core.rubric import Criterion
    from ridealong.core.transcript import Evidence, Transcript
    from ridealong.postcall.reviewer import ReviewContext


@dataclass(slots=True, eq=False)
class CallWords:
    """Names and currencies of one call, looked up when they are first needed."""

    _names: frozenset[str] | None = field(default=None, init=False)
    _currencies: frozenset[str] | None = field(default=None, init=False)

    def names(self, transcript: Transcript) -> frozenset[str]:
        """What stands in the transcript as a name does."""
        if self._names is None:
            self._names = known_names([u.text for u in transcript], ordinary_words())
        return self._names

    def currencies(self, transcript: Transcript) -> frozenset[str]:
        if self._currencies is None:
            self._currencies = currencies_in([u.text for u in transcript])
        return self._currencies


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Allowed:
    """What a statement may say without citing it: the rubric's own words, and who takes part in the call."""

    words: frozenset[str]
    held: Held
    texts: tuple[str, ...] = ()
    """The rubric's own, whose phrases may be repeated."""

    @classmethod
    def of(cls, texts: Sequence[str], names: Sequence[str] = ()) -> Allowed:
        """`texts` of the rubric count with their numbers and dates, `names` only as names."""
        held = held_by(texts)
        return cls(words=_ROLE_WORDS | held.words | held_by(names).words, held=held, texts=tuple(filter(None, texts)))

    @classmethod
    def by(cls, criteria: Sequence[Criterion], context: ReviewContext, *, title: str = "") -> Allowed:
        """What a statement about one of `criteria` may say. Their examples are left out: nobody said them."""
        return cls.of([title, *(t for c in criteria for t in (c.question, c.shown_as))], context.names)


NOTHING_MORE: Final = Held(
    values=frozenset(), percents=frozenset(), spans=frozenset(), currencies=frozenset(), dates=frozenset()
)
_ROLE_WORDS: Final = frozenset(
    words_of(
        "rep reps customer customers speaker speakers seller sellers buyer buyers prospect prospects client clients"
        " salesperson caller manager english"
    )
)


def refuse_uncarried(
    statement: str, evidence: Sequence[Evidence], context: ReviewContext, allowed: Allowed, *, absence: bool = False
) -> None:
    """Raises Ungrounded where `statement` says a number, date, name or side that `evidence` does not.

    `absence`: it says that something did not happen, so what it denies need not be cited.
    """
    quotes = [e.quote for e in evidence]
    refuse_cut_denial(statement, evidence)
    _facts(statement, "the statement", quotes, context, allowed, cited=len(quotes))
    _speakers(statement, evidence, context, absence=absence)
    _distorted(statement, "the statement", evidence, context, allowed, absence=absence)


def refuse_uncarried_title(
    title: str,
    evidence: Sequence[Evidence],
    context: ReviewContext,
    allowed: Allowed,
    *,
    what: str = "the title",
    absence: bool = False,
) -> None:
    """The same for a few words that stand over a statement: they are read first, and often alone."""
    quotes = [e.quote for e in evidence]
    _facts(title, what, quotes, context, allowed, cited=len(quotes), title=True)
    _speakers(title, evidence, context, absence=absence)
    _distorted(title, what, evidence, context, allowed, absence=absence)


def refuse_uncarried_coaching(
    title: str,
    advice: str,
    evidence: Sequence[Evidence],
    context: ReviewContext,
    allowed: Allowed,
    *,
    why: str = "",
    absence: bool = False,
) -> None:
    """The same for a coaching moment's title, for why it matters, and for what its advice says about the call.

    `why` says what would have been, and may not make up a sum for it: numbers, dates and names in it are cited. Other
    sentences of an advice say what to do next time: a number in them ("wait five seconds") was said by nobody.
    """
    refuse_uncarried_title(title, evidence, context, allowed, absence=absence)
    quotes = [e.quote for e in evidence]
    _facts(why, "`why`", quotes, context, allowed, cited=len(quotes))
    for sentence in _SENTENCE.split(advice):
        asserts = _ASSERTS.search(sentence) is not None
        _facts(sentence, "the advice", quotes, context, allowed, cited=len(quotes), names_only=not asserts)
        if asserts:
            _speakers(sentence, evidence, context, absence=absence)
            _distorted(sentence, "the advice", evidence, context, allowed, absence=absence)


def _distorted(
    text: str, what: str, evidence: Sequence[Evidence], context: ReviewContext, allowed: Allowed, *, absence: bool
) -> None:
    quotes = [e.quote for e in evidence]
    refuse_invented_words(text, what, quotes, allowed.texts)
    # What the rubric itself says of a criterion ("got the customer's commitment") is its wording for what it asks.
    own = text
    for phrase in allowed.texts:
        # A single word ("All", a section's title) is no wording, and may stand inside of another.
        if len(phrase.split()) > 1:
            own = re.sub(rf"(?<!\w){re.escape(phrase.rstrip('.?'))}(?!\w)", "…", own, flags=re.IGNORECASE)
    refuse_other_measure(own, what, quotes, cited=len(quotes))
    refuse_otherwise(own, [(_with_mark(e), context.side_of(e.utterance.speaker)) for e in evidence], absence=absence)
    refuse_unheard_side(own, evidence, context, absence=absence)
    if not absence:
        refuse_other_speaker(own, quotes, context.names)


def _with_mark(evidence: Evidence) -> str:
    """The quote with the question mark behind it, which is no part of its words."""
    return evidence.quote + ("?" if evidence.utterance.text[evidence.quote_end :].lstrip()[:1] == "?" else "")


def _facts(
    text: str,
    what: str,
    quotes: Sequence[str],
    context: ReviewContext,
    allowed: Allowed,
    *,
    cited: int,
    title: bool = False,
    names_only: bool = False,
) -> None:
    held = held_by(quotes)
    if not names_only:
        place = missing_number(
            _without_speaker_numbers(_without_last_small(text) if title else text),
            held,
            cited=cited,
            also=allowed.held,
            call=lambda: context.of_call.currencies(context.transcript),
        )
        if place:
            raise Ungrounded(
                f"{what} has a number, amount or span of time (word {place}) that the cited words do not hold",
                fault=Fault.NUMBER_NOT_IN_EVIDENCE,
            )
        place = missing_date(text, held, also=allowed.held)
        if place:
            raise Ungrounded(
                f"{what} has a day, month or period (word {place}) that the cited words do not hold",
                fault=Fault.DATE_NOT_IN_EVIDENCE,
            )
    known = context.of_call.names(context.transcript)
    for name, place in names_in(text, known=known, ordinary=ordinary_words(), title=title):
        if {name, bare(name)} & (held.words | allowed.words) or _DATE_WORD.fullmatch(name):
            continue
        if _in_parts(name, held.words | allowed.words):
            continue
        raise Ungrounded(
            f"{what} has a name (word {place}) that the cited words do not hold", fault=Fault.NAME_NOT_IN_EVIDENCE
        )


def _without_last_small(title: str) -> str:
    """A title may end in a count of its own: "Second try two"."""
    return re.sub(r"\s(?:one|two|three|four|five)\W*$", "", title, flags=re.IGNORECASE)


def _without_speaker_numbers(text: str) -> str:
    """Prompts name a voice by its number, and so may a statement: `_speakers` checks it."""
    return re.sub(r"\b(speaker|voice)\s+\d+", r"\1", text, flags=re.IGNORECASE)


def _in_parts(name: str, words: frozenset[str]) -> bool:
    """Whether a name in several parts ("Meyer-Schmidt", "Q3's") is held part by part."""
    parts = [part for part in re.split(r"[-&.'’]", name) if part]
    return len(parts) > 1 and all({part, bare(part)} & words for part in parts if len(part) > 1)


_DATE_WORD: Final = re.compile(
    # Checked as dates, which know more spellings.
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|(?:tues?|thu|thurs|fri)|january|february|march|april|may|june|july"
    r"|august|september|october|november|december|jan|feb|apr|jul|aug|sept?|oct|nov|dec|q|christmas|easter|k|m|mn|bn"
    r"|usd|eur|gbp|chf|inr|jpy|am|pm"
)
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+")

# ------------------------------------------------------------------------------------------------------- who said it

_REP: Final = r"rep|seller|salesperson|sales rep|salesman|saleswoman|account executive|vendor"
_CUSTOMER: Final = r"customer|buyer|prospect|client|caller|lead|purchaser"
_SIDE: Final = rf"(?:the|this|our|their|a|an)?\s*(?P<side>{_REP}|{_CUSTOMER})"
_ADVERBS: Final = r"(?:(?:\w+ly|also|then|first|only|later|again|even|still|just|twice|already|once|openly)\s+){0,3}"
_SPOKE: Final = (
    r"(?:said|says|asked|asks|told|tells|stated|states|mentioned|mentions|named|names|raised|raises|objected|objects"
    r"|agreed|agrees|confirmed|confirms|offered|offers|promised|promises|explained|explains|described|describes|claimed"
    r"|claims|quoted|quotes|proposed|proposes|suggested|suggests|admitted|admits|complained|complains|wanted|wants"
    r"|requested|requests|demanded|demands|replied|replies|answered|answers|acknowledged|acknowledges|guaranteed"
    r"|guarantees|postponed|postpones|committed|commits|insisted|insists|stressed|stresses|warned|warns|thanked|thanks"
    r"|invited|invites|summari[sz]ed|summari[sz]es|recapped|greeted|greets|introduced|introduces|pitched|pitches"
    r"|announced|announces|noted|notes|expressed|expresses|disagreed|accepted|accepts|rejected|rejects|declined"
    r"|declines|refused|refuses|shared|shares|revealed|reveals|reported|reports|indicated|indicates|compared|compares"
    r"|called|calls|gave|gives|set|stated|disclosed|negotiated|haggled|pushed back|brought up|pointed out)\b"
)
_SAYS: Final = re.compile(rf"(?P<before>(?:\w+\s+)?)\b{_SIDE}\s+{_ADVERBS}{_SPOKE}", re.IGNORECASE)
_BEGINS: Final = re.compile(
    rf"^(?:in part[^:]*:\s*)?(?:here,?\s+|then,?\s+)?{_SIDE}\b(?!['’])\s+{_ADVERBS}(?P<verb>\w+)(?P<rest>.*)",
    re.IGNORECASE,
)
_BY: Final = re.compile(
    rf"\b(?:according to|as stated by|(?:raised|said|asked|stated|mentioned|made|offered|named|given|quoted|voiced"
    rf"|proposed|promised|put)\s+(?:forward\s+)?by)\s+{_SIDE}\b(?!['’]s\b)",
    re.IGNORECASE,
)
_WORDS_OF: Final = re.compile(rf"\b{_SIDE}['’]s\s+(?:own\s+)?(?:words|answer|reply|statement)\b", re.IGNORECASE)
_NUMBERED: Final = re.compile(rf"\b(?:speaker|voice)\s+(?P<number>\d+)\s+{_ADVERBS}(?:{_SPOKE})", re.IGNORECASE)
_ASSERTS: Final = re.compile(
    rf"\b(?:{_REP}|{_CUSTOMER}|they|she|he|you|speaker \d+)\s+{_ADVERBS}(?:{_SPOKE}|were|was|had|spent|paid|lost)",
    re.IGNORECASE,
)
_EMBEDDED: Final = frozenset(
    words_of(
        "what how why where when if whether that which as because after once until before so words everything something"
        " anything all things points reasons since though although while who whom than"
    )
)
"""Before "the customer said" these make it a part of what somebody else did ("played back what the customer said")."""
_UNDERGOES: Final = frozenset(
    words_of("was were is are got gets received heard had has did does never would could may can")
)
_NOT: Final = re.compile(r"\b(?:not|never|no|nothing|without|n['’]t|neither|nor|failed)\b|n['’]t\b", re.IGNORECASE)


def _speakers(text: str, evidence: Sequence[Evidence], context: ReviewContext, *, absence: bool) -> None:
    """Raises Ungrounded where `text` lets a side speak of whom nothing is cited."""
    if not text:
        return
    sides = {context.side_of(e.utterance.speaker) for e in evidence}
    for side in _speaking(text, absence=absence):
        if side not in sides and Role.UNKNOWN not in sides:
            raise Ungrounded(
                f"it says that the {side.value} spoke, and cites no words of the {side.value}",
                fault=Fault.WRONG_SPEAKER,
            )
    voices = {int(e.speaker_id) for e in evidence}
    for match in _NUMBERED.finditer(text):
        if int(match["number"]) not in voices:
            raise Ungrounded(
                "it says that one speaker spoke, and cites no words of that speaker", fault=Fault.WRONG_SPEAKER
            )


def _speaking(text: str, *, absence: bool) -> set[Role]:
    """The sides that `text` says spoke or did something in words. What somebody is said not to have done counts not."""
    found: set[Role] = set()
    for sentence in _SENTENCE.split(text):
        spoke = [m for m in _SAYS.finditer(sentence) if m["before"].strip().casefold() not in _EMBEDDED]
        for match in (*spoke, *_BY.finditer(sentence), *_WORDS_OF.finditer(sentence)):
            if not (absence and _NOT.search(sentence, 0, match.start("side"))):
                found.add(_role(match["side"]))
        begins = _BEGINS.match(sentence.strip())
        if begins is None or begins["verb"].casefold() in _UNDERGOES or _NOT.search(sentence):
            continue
        found.add(_role(begins["side"]))
    return found


def _role(word: str) -> Role:
    return Role.REP if re.fullmatch(_REP, word, re.IGNORECASE) else Role.CUSTOMER


# ------------------------------------------------------------------------------------------------------------- words

_COMMON: Final = (
    "a an the this that these those it its there here he she they we you i his her their our your my one both"
    " each every"
    " some any no none nobody nothing everybody somebody something anything all most many few several such"
    " other another"
    " and or but so yet nor if then than as at by for from in into of off on onto out over to up with within without"
    " about above across after against along among around before behind below beneath beside between beyond"
    " despite down"
    " during except inside like near outside past per since through throughout toward towards under until upon via when"
    " while where whether which who whom whose why how what not never always often sometimes rarely later earlier early"
    " late once twice again also only just even still already soon instead therefore however although though because"
    " while unless meanwhile overall finally initially originally next last first second third in part is are"
    " was were be"
    " been being do does did done has have had having can could may might must shall should will would good better best"
    " bad worse worst long short strong weak clear unclear open closed missed missing handled left right great"
    " well very"
    " objection objections price pricing budget timeline decision maker authority need needs next step steps"
    " agenda close"
    " closing opening discovery value question questions answer answers listening talk talking monologue interruption"
    " promise risk risky commitment follow followed summary summarise summarize praise rapport competitor competition"
    " urgency pain impact implication payoff situation problem problems buying signal signals stall stalled postponed"
    " worth look repeating try ask asked asking keep stop start let give gave take took make made say said"
    " tell told show"
    " showed get got put name named offer offered propose proposed confirm confirmed acknowledge acknowledged explore"
    " explored raise raised state stated explain explained mention mentioned request requested agree agreed want wanted"
    " use used using avoid check clarify probe pause wait speaking speaker interest concern concerns delivery contract"
    " renewal demo onboarding quote discount terms negotiation stakeholder stakeholders champion process"
    " criteria economic"
    " buyer metrics identify unaddressed addressed unanswered answered ignored vague specific direct honest"
    " according whether apart aside besides furthermore moreover similarly likewise instead later until accordingly"
    " after-call tried played used call calls meeting meetings product team company business today yes"
)


@cache
def ordinary_words() -> frozenset[str]:
    """Words that are no names at the begin of a sentence: words that our own texts write small."""
    listed = files("ridealong.postcall").joinpath("calibration", "words.txt").read_text(encoding="utf-8")
    return frozenset(folded(word) for word in (*_COMMON.split(), *listed.split()))
