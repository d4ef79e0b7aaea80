"""What a statement makes of true words: a denial cut off, a rate or a multiple that nobody named, words between marks
that nobody said, and consent or feelings of a side of which nothing is cited.

Each of these cites what was said, where it was said, and says something else. Patterns of English; the reasons tell
what to do and repeat nothing that was said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ridealong.core.errors import Ungrounded
from ridealong.core.faults import Fault
from ridealong.core.numbers import ORDINALS
from ridealong.core.quote import find_quote
from ridealong.core.tokens import bare, folded, tokens_of, words_of
from ridealong.core.transcript import Role

if TYPE_CHECKING:
    from ridealong.core.transcript import Evidence
    from ridealong.postcall.reviewer import ReviewContext

# ------------------------------------------------------------------------------------------------------ a cut denial

_DENIES: Final = re.compile(
    r"\b(?:not|never|no|nobody|none|nothing|neither|nor|cannot|hardly|without|unless)\b|n['’]t\b", re.IGNORECASE
)
_OPPOSES: Final = re.compile(
    r"\b(?:not|never|nobody|none|nothing|neither|nor|cannot|hardly|without|unless)\b|n['’]t\b|(?<!\bsaid )\bno\b"
    r"|\b(?:refus|declin|reject|oppos|object|doubt|den[iy]|disagree|lack|miss|fail|postpon|avoid|unable|unsure|reluct)\w*",
    re.IGNORECASE,
)
_BEFORE: Final = 3
"""Words before a quote in which a denial belongs to it."""
_PAUSE: Final = re.compile(r"[.,;:!?…–—()\"“”]")


def refuse_cut_denial(statement: str, evidence: Sequence[Evidence]) -> None:
    """Raises Ungrounded where a quote begins just behind the "not" that it depends on, or ends before it.

    A statement that denies something itself does not hide it.
    """
    if _OPPOSES.search(statement):
        return
    for piece in evidence:
        text = piece.utterance.text
        before = _PAUSE.split(text[: piece.quote_start])[-1].split()[-_BEFORE:]
        behind = _PAUSE.split(text[piece.quote_end :])[0].split()[:1]
        if _DENIES.search(" ".join(before)) or (behind and _DENIES.fullmatch(behind[0])):
            raise Ungrounded(
                f"the quote of utterance {piece.utterance_no} leaves out a negation beside it: quote it as well",
                fault=Fault.QUOTE_CUT,
            )


# -------------------------------------------------------------------------------------------------- rates, multiples

_RATE: Final = re.compile(
    r"\b(?:a|an|per|each|every)\s+(?P<unit>second|minute|hour|day|night|week|fortnight|month|quarter|year|annum|user|seat"
    r"|head|person|employee|licen[cs]e|order|unit|piece|item|call|site|store|device|truck|vehicle|room)\b"
    r"|\bper\s+(?P<other>(?!cent\b|mille\b)[a-z]{3,})\b",
    re.IGNORECASE,
)
_OF_POINTS: Final = re.compile(
    r"(?:\d|\b\w+(?:teen|ty))\s+points?\b|\b(?:percentage|basis)\s+points?\b|\b(?:bps|pp|per\s?mille)\b|‰",
    re.IGNORECASE,
)
"""Differences of percentages, and thousandths: what was said in percent is neither."""
_RATES: Final = {"daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year"}
_SAME: Final = {"annual": "year", "annually": "year", "annum": "year", "license": "licence"} | _RATES
_NUMBER_WORDS: Final = (
    "hundred thousand million billion k one two three four five six seven eight nine ten eleven twelve dozen"
)
_BEFORE_RATE: Final = re.compile(rf"\d|\b(?:{'|'.join(words_of(_NUMBER_WORDS))}|\w+teen|\w+ty)\b")
_TWICE: Final = "twice double doubled doubles doubling"
_THRICE: Final = "thrice triple tripled triples tripling"
_HALVED: Final = "halved halves halving"
_MULTIPLES: Final = {
    word: frozenset(words_of(held))
    for stated, held in (
        ("dozen dozens", "dozen dozens twelve 12"),
        ("hundreds", "hundred hundreds"),
        ("thousands", "thousand thousands k"),
        ("millions", "million millions mn m"),
        ("billions", "billion billions bn"),
        (_TWICE, f"{_TWICE} two 2 times 2x 200"),
        (_THRICE, f"{_THRICE} three 3 times 3x 300"),
        ("quadruple quadrupled fourfold", "quadruple quadrupled fourfold four 4"),
        ("tenfold", "tenfold ten 10"),
        (_HALVED, f"{_HALVED} half halve 50 fifty"),
    )
    for word in words_of(stated)
}
"""Words for how many or how much more, with those of which one must be cited."""
_TIMES: Final = re.compile(r"\btimes\s+(?:more|less|as|higher|lower|faster|slower|cheaper|bigger|larger|over)\b", re.I)
_SHARE: Final = re.compile(
    r"\b(?:a|one|two|three)[\s-]+(third|quarter|fifth|sixth|seventh|eighth|ninth|tenth|twelfth)s?\b(?=\s+of\b|\W*$|\s*[,.;])",
    re.IGNORECASE,
)
_OF_ORDER: Final = re.compile(
    rf"\b(?P<which>{'|'.join(ORDINALS)})\s+(?:half|week|day|month|year|weekend)\b", re.IGNORECASE
)


def refuse_other_measure(text: str, what: str, quotes: Sequence[str], *, cited: int) -> None:
    """Raises Ungrounded where `text` says a rate, a multiple or the order of a week that `quotes` do not hold."""
    words = {form for quote in quotes for t in tokens_of(quote) for form in (t.text, bare(t.text))}
    units = {_SAME.get(word, word) for word in words}
    low = folded(text)
    for match in _RATE.finditer(low):
        unit = match["unit"] or bare(match["other"])
        if _BEFORE_RATE.search(low[max(0, match.start() - 40) : match.start()]) and _SAME.get(unit, unit) not in units:
            raise _other(what, "a rate (so much a month, per user or the like)")
    for token in tokens_of(text):
        if token.text in _RATES and _RATES[token.text] not in units and _has_number(low):
            raise _other(what, "a rate (so much a month, per user or the like)")
        held = _MULTIPLES.get(token.text)
        counts = token.text in ("twice", "double") and cited == 2
        if held is not None and not counts and not held & words and not low.startswith("-check", token.end):
            raise _other(what, "a multiple or a vague number")
    if _TIMES.search(low) and not words & {"times", "time", "fold", "x"}:
        raise _other(what, "a multiple or a vague number")
    if _OF_POINTS.search(low) and not words & {"point", "points", "bps", "pp", "mille", "permille"}:
        raise _other(what, "points")
    for match in _SHARE.finditer(low):
        if not {match[1], f"{match[1]}s"} & words:
            raise _other(what, "a share")
    for match in _OF_ORDER.finditer(low):
        if match["which"] not in words:
            raise Ungrounded(
                f"{what} says which week, day, month or half, and the cited words do not",
                fault=Fault.DATE_NOT_IN_EVIDENCE,
            )


def _has_number(text: str) -> bool:
    return _BEFORE_RATE.search(text) is not None


def _other(what: str, kind: str) -> Ungrounded:
    return Ungrounded(f"{what} has {kind} that the cited words do not hold", fault=Fault.NUMBER_NOT_IN_EVIDENCE)


# --------------------------------------------------------------------------------------------- words between marks

_MARKED: Final = re.compile(
    r"[\"“„«](?P<a>[^\"“”„«»]{2,})[\"”“»]"
    # An apostrophe is no mark: one begins behind no word and ends before none.
    r"|(?<!\w)['‘](?P<b>[^'‘’]{2,}(?:['’]\w+[^'‘’]*)*)['’](?!\w)"
)


def refuse_invented_words(text: str, what: str, quotes: Sequence[str], free: Sequence[str]) -> None:
    """Raises Ungrounded where `text` puts two words or more between quotation marks that no cited words hold.

    `free`: texts of the rubric, whose words may be repeated.
    """
    for match in _MARKED.finditer(text):
        said = match["a"] or match["b"]
        if len(said.split()) < 2:
            continue
        parts = [part for part in re.split(r"\.\.\.|…|\[[^\]]*\]", said) if part.strip(" .,")]
        if not all(any(find_quote(source, part) for source in (*quotes, *free)) for part in parts):
            raise Ungrounded(
                f"{what} has words between quotation marks that the cited words do not hold",
                fault=Fault.QUOTE_NOT_FOUND,
            )


# ----------------------------------------------------------------------------------------- consent and what one felt

_FEELS: Final = (
    r"delighted|happy|convinced|satisfied|pleased|impressed|enthusiastic|excited|ready|willing|keen|unhappy|frustrated"
    r"|annoyed|sceptical|skeptical|reluctant|hesitant|thrilled|disappointed|on board|in favou?r|interested|eager|angry"
)
_CONSENT: Final = r"acceptance|agreement|consent|approval|buy-in|commitment|go-ahead|confirmation|yes"
_SEEKS: Final = re.compile(
    r"\b(?:ask|sought|seek|want|tried|try|request|check|test|without|lack|no|not|never|invit|need|push|aim|before|if"
    r"|whether|until|hope|expect|fish|press|work|wait|depend|subject|probe|assum|presum|towards?|for)\w*\b|n['’]t\b",
    re.IGNORECASE,
)
_SIDES: Final = {
    Role.REP: r"(?:sales\s)?(?:reps?|sellers?|sales(?:person|man|woman)|vendors?)|account executives?|selling side",
    Role.CUSTOMER: r"(?:customers?|buyers?|prospects?|clients?|callers?|leads?|purchasers?)|(?:buying|buyer) side",
}
_BOTH: Final = re.compile(
    r"\b(?:both(?:\s+(?:sides|parties|of them))?|the\s+(?:two\s+)?(?:parties|two|sides))\s+(?:\w+ly\s+|then\s+)?"
    r"(?:agreed|said|confirmed|accepted|committed|settled|decided)\b",
    re.IGNORECASE,
)
_CONSENTED: Final = re.compile(
    r"\b(?:agreed|accepted|approved|granted|consented|mutual(?:ly)?|consensus|acceptance|took\s+it|got\s+a\s+yes"
    r"|(?:an?|customer|mutual)\s+agreement|agreement\s+(?:was|on)|(?:won|closed)\s+the\s+deal|deal\s+was\s+\w+"
    r"|(?:got|had)\s+the\s+\w+\s+to\s+(?:accept|agree|sign|commit)|well\s+received)\b",
    re.IGNORECASE,
)
_YES: Final = re.compile(
    r"\b(?:agree\w*|accept\w*|approv\w*|grant\w*|yes|yeah|yep|okay|ok|sure|fine|deal|good|great|perfect|works?|happy"
    r"|absolutely|definitely|certainly|exactly|right|of course|let['’]?s|done|settled|please|can do|promis\w*"
    r"|confirm\w*"
    r"|sounds?|sign(?:ed)? (?:it )?off|gladly|love to|no problem|fair enough|all right|alright|let me|consent\w*)\b",
    re.IGNORECASE,
)
"""Words of which an agreement has one, generously."""
_ENGLISH: Final = re.compile(
    r"\b(?:the|and|to|you|we|is|that|it|of|i['’]?(?:m|ll|d|ve)?|have|this|for)\b", re.IGNORECASE
)
_OFFERS: Final = re.compile(r"\b(?:will|shall|can|could|would)\b|['’](?:ll|d)\b", re.IGNORECASE)
"""Words with which somebody agrees to do something."""
_PRONOUN: Final = re.compile(
    r"^(?:he|she)\s+(?:\w+ly\s+)?(?:said|agreed|asked|accepted|promised|confirmed|offered|wanted)\b", re.IGNORECASE
)
_ANY_SIDE: Final = re.compile(rf"\b(?:{'|'.join(_SIDES.values())}|speaker|voice)\b", re.IGNORECASE)


def _felt(side: str) -> re.Pattern[str]:
    return re.compile(
        # A feeling or a will, said of the side itself and not of what somebody else did about it.
        rf"(?P<before>\w+\s+)?\b(?:the\s+|this\s+)?(?:{side})\s+(?:was|were|seemed|appeared|felt|sounded|looked|became"
        rf"|is|are)\s+(?:\w+ly\s+|very\s+|quite\s+|all\s+|so\s+)?(?:{_FEELS})\b"
        rf"|\b(?:impressed|convinced|persuaded|delighted|pleased|won\s+over|thrilled)\s+the\s+(?:{side})\b"
        rf"|\b(?:{_CONSENT})\s+(?:from|of|by)\s+the\s+(?:{side})\b"
        rf"|\b(?:the\s+)?(?:{side})['’]s?\s+(?:\w+\s+)?(?:{_CONSENT})\b"
        rf"|\b(?:reached|made|found|struck)\s+with\s+the\s+(?:{side})\b"
        rf"|\b(?:accepted|agreed|approved|confirmed)\s+(?:to\s+)?by\s+the\s+(?:{side})\b"
        rf"|\b(?:the\s+)?(?:{side})(?:['’]s\s+(?:team|side|people|manager|boss|company|colleagues?|buyer|cfo|director))?"
        rf"(?:,[^,]{{1,60}},|\s*\([^)]{{1,60}}\)|\s+\w+ly,\s+[^,]{{1,60}},)?\s+(?:(?:has|have|had)\s+)?(?:\w+ly\s+)?"
        rf"(?:agreed|accepted|confirmed|approved|promised|committed|consented|signed|said)\b",
        re.IGNORECASE,
    )


_AGREES: Final = {
    role: re.compile(rf"(?:{side})\s+(?:\w+ly\s+)?agreed\b", re.IGNORECASE) for role, side in _SIDES.items()
}
_FELT: Final = {role: _felt(side) for role, side in _SIDES.items()}
_WITHIN: Final = frozenset(
    words_of(
        "what how why where when if whether that which as because after once until before so since though although"
        " while who whom than unless not"
    )
)
_NOT: Final = re.compile(r"\b(?:not|never|no|nothing|without|neither|nor|failed)\b|n['’]t\b", re.IGNORECASE)
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+")


def refuse_unheard_side(text: str, evidence: Sequence[Evidence], context: ReviewContext, *, absence: bool) -> None:
    """Raises Ungrounded where `text` tells what a side agreed to, felt or wanted, and cites no words of that side."""
    sides = {context.side_of(e.utterance.speaker) for e in evidence}
    if Role.UNKNOWN in sides:
        return
    quotes = " ".join(e.quote for e in evidence)
    # In another language people agree with words that are not known here.
    english = len({m.group().lower() for e in evidence for m in _ENGLISH.finditer(e.utterance.text)}) >= 2
    for sentence in _SENTENCE.split(text.strip()):
        if absence and _NOT.search(sentence):
            continue
        if _BOTH.search(sentence) and len(sides) < 2:
            raise _unheard("both sides", "words of one")
        consented = _CONSENTED.search(sentence)
        if consented and not _SEEKS.search(sentence[: consented.start()]) and english and not _YES.search(quotes):
            own = any(_AGREES[side].search(sentence) for side in sides)
            if not (own and _OFFERS.search(quotes)):
                raise Ungrounded(
                    "it says that somebody agreed or accepted, and no cited words do", fault=Fault.WRONG_SPEAKER
                )
        for role, pattern in _FELT.items():
            if role in sides:
                continue
            for match in pattern.finditer(sentence):
                before = sentence[: match.start()] + (match["before"] or "")
                last = before.split()[-1].casefold() if before.split() else ""
                if last in _WITHIN or _SEEKS.search(before) or (_NOT.search(sentence) and absence):
                    continue
                raise _unheard(f"the {role.value}", f"no words of the {role.value}")
    if _PRONOUN.match(text.strip()) and not _ANY_SIDE.search(text):
        raise Ungrounded("it says `he` or `she`: name who spoke as the rep or the customer", fault=Fault.WRONG_SPEAKER)


def _unheard(who: str, cites: str) -> Ungrounded:
    return Ungrounded(f"it tells what {who} agreed to, felt or wanted, and cites {cites}", fault=Fault.WRONG_SPEAKER)


_TOLD: Final = (
    r"(?:also\s+|then\s+|both\s+|\w+ly\s+)?(?:(?:have|had)\s+)?(?:agreed|accepted|said|told|mentioned|confirmed|asked"
    r"|promised|raised|named|offered|committed|approved|decided|preferred|explained|quoted|guaranteed|wanted|described)\b"
)
_YOU: Final = re.compile(rf"(?P<before>\w+\s+)?\byou\s+{_TOLD}", re.IGNORECASE)
_I: Final = re.compile(rf"(?P<before>\w+\s+)?\bI\s+{_TOLD}")
_WE_AGREED: Final = re.compile(
    r"\bwe\s+(?:also\s+|then\s+|both\s+|\w+ly\s+)?(?:have\s+)?(?:agreed|settled|decided)\b", re.IGNORECASE
)


def refuse_unheard_letter(text: str, evidence: Sequence[Evidence], context: ReviewContext) -> None:
    """The same for a letter of the rep to the customer, in which `I` is the one and `you` the other."""
    sides = {context.side_of(e.utterance.speaker) for e in evidence}
    if Role.UNKNOWN in sides:
        return
    for role, pattern in ((Role.CUSTOMER, _YOU), (Role.REP, _I)):
        said = [m for m in pattern.finditer(text) if (m["before"] or "").strip().casefold() not in _WITHIN]
        if said and role not in sides:
            raise _unheard(f"the {role.value}", f"no words of the {role.value}")
    if _WE_AGREED.search(text) and len(sides) < 2 and not _YES.search(" ".join(e.quote for e in evidence)):
        raise _unheard("both sides", "words of one, who agrees to nothing")


# -------------------------------------------------------------------------------------------------- others who speak

_DEPARTMENTS: Final = (
    "purchasing|procurement|finance|it|general|warehouse|office|account|sales|operations|project|product"
)
_POST: Final = (
    rf"decision[- ]maker|(?:(?:{_DEPARTMENTS})\s+)?(?:manager|director|head|lead)|boss|ceo|cfo|cto|coo|cio|owner|board"
    r"|other side|other party|team|finance|procurement|legal"
)
_OTHER: Final = re.compile(
    # Only at the begin: "the customer said that Tom agreed" tells what the customer said.
    rf"^(?:[Hh]ere,?\s+|[Tt]hen,?\s+)?(?:(?:[Tt]he|[Tt]heir|[Oo]ur)\s+(?i:{_POST})"
    r"|(?P<name>[A-Z][\w'’-]+(?:\s[A-Z][\w'’-]+)?))\s+(?:(?:has|have|had)\s+)?(?:\w+ly\s+)?"
    r"(?P<verb>agreed|accepted|said|told|promised|confirmed|approved|committed|signed|offered|guaranteed|admitted|wanted"
    r"|asked|insisted|refused|rejected|stated)\b"
)


def refuse_other_speaker(text: str, quotes: Sequence[str], names: Sequence[str]) -> None:
    """Raises Ungrounded where a sentence lets somebody speak who is no side of the call, and no cited words tell it.

    `names`: of those who take part, who may be named.
    """
    told = folded(" ".join(quotes))
    known = {folded(part) for name in names for part in name.split()}
    for sentence in _SENTENCE.split(text.strip()):
        match = _OTHER.match(sentence)
        if match is None or (match["name"] and {folded(part) for part in match["name"].split()} & known):
            continue
        if match["name"] and folded(match["name"]).split()[0] in _NOBODY:
            continue
        stem = folded(match["verb"])[:4]
        if re.search(rf"\b{re.escape(stem)}", told) is None:
            raise Ungrounded(
                "it says that somebody else spoke or agreed, and the cited words do not tell it: say who said what, as"
                " the rep or the customer",
                fault=Fault.WRONG_SPEAKER,
            )


_NOBODY: Final = frozenset(
    words_of(
        "it this that they he she we both nobody somebody everybody nothing rep reps customer customers speaker buyer"
        " seller prospect client when where here there what who i you one also then"
    )
)
