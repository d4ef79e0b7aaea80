"""Opposite words, wider and narrower ones, and order turned around: what a statement may not make of its quote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ridealong.core.errors import Ungrounded
from ridealong.core.faults import Fault
from ridealong.core.numbers import numbers_in
from ridealong.core.tokens import tokens_of, words_of
from ridealong.postcall.stems import stem
from ridealong.postcall.wordings import Clause, Denied, Word

_PAIRS: Final = tuple(
    (frozenset(map(stem, words_of(one))), frozenset(map(stem, words_of(other))))
    for one, other in (
        (
            "increase rise grow growth climb expand double higher",
            "decrease fall drop shrink decline halve lower reduce",
        ),
        ("more", "less fewer"),
        ("cheap cheaper cheapest affordable inexpensive", "expensive dear dearer pricey costly overpriced"),
        ("fast faster fastest quick quicker quickly", "slow slower slowest slowly"),
        ("buy purchase", "sell"),
        ("accept approve agree", "reject refuse decline"),
        ("win", "lose"),
        ("easy easier simple simpler straightforward", "hard harder difficult complicated complex tricky"),
        ("good great excellent", "bad poor terrible awful dreadful"),
        ("better improve improves", "worse worsen deteriorate"),
        (
            "happy happier satisfied pleased content glad delighted",
            "unhappy dissatisfied disappointed annoyed angry upset",
        ),
        ("love enjoy likes liked", "hate dislike"),
        ("early earlier", "late later"),
        ("start begin launch", "stop end quit finish"),
        ("keep stay renew extend continue", "cancel terminate leave"),
        ("include includes included", "exclude excludes excluded extra"),
        ("save saves", "waste"),
        ("possible", "impossible"),
        ("able", "unable"),
        ("likely", "unlikely"),
        ("reliable", "unreliable"),
        ("clear", "unclear"),
        ("safe secure", "unsafe insecure risky"),
        ("always", "never rarely seldom"),
        ("long longer", "short shorter"),
        ("big bigger large larger", "small smaller tiny"),
        ("high higher", "low lower"),
        ("many", "few"),
        ("manual manually", "automatic automatically automated"),
        ("strong stronger", "weak weaker"),
        ("maximum most", "minimum least"),
        ("trust", "distrust mistrust"),
        ("remember", "forget"),
        ("hire hired", "fire fired"),
        ("succeed success", "fail failure"),
        ("internal", "external"),
        ("support supports supported", "oppose opposes opposed"),
        ("necessary", "unnecessary"),
        ("familiar", "unfamiliar"),
        ("profit", "loss"),
        ("full", "empty"),
        ("gain", "lose"),
        ("mandatory compulsory required", "optional voluntary"),
        ("above over", "below under"),
        ("public", "private"),
        ("permanent", "temporary"),
        ("old older", "new newer"),
        ("import", "export"),
        ("busy", "quiet"),
        ("open", "close shut"),
        ("extend lengthen prolong", "shorten"),
        ("success", "failure flop"),
        ("often frequently", "rarely seldom hardly"),
    )
)
_GOES: Final = r"(?:go|goes|going|gone|went|is|are|was|were|come|comes|came|trend\w*|shot|move|moved|moving|tick\w*)"
_UP: Final = re.compile(rf"\b{_GOES}\s+(?:\w+ly\s+)?up\b|\bup\s+(?:by|from)\b", re.IGNORECASE)
_DOWN: Final = re.compile(rf"\b{_GOES}\s+(?:\w+ly\s+)?down\b|\bdown\s+(?:by|from)\b", re.IGNORECASE)
_GROWS: Final = _PAIRS[0]
_AROUND: Final = (("before", "after"), ("until", "since"))
_BOUNDS: Final = (
    re.compile(
        r"\b(?:at least|no less than|not less than|more than|over|above|upwards of|minimum|exceed\w*"
        r"|north of)\b",
        re.I,
    ),
    re.compile(
        r"\b(?:at most|no more than|not more than|less than|fewer than|under|below|up to|maximum|within)\b", re.I
    ),
)
_FROM_TO: Final = re.compile(
    r"\bfrom\s+(?P<a>[^,.;]{1,40}?)\s+(?:down\s+|up\s+)?to\s+(?P<b>[^,.;]{1,40})", re.IGNORECASE
)
_OUT_OF: Final = re.compile(
    r"(?P<a>[\w-]+)\s+(?:out of|in|of)\s+(?:every\s+|our\s+|the\s+|their\s+)?(?P<b>[\w-]+)", re.IGNORECASE
)
_THAN: Final = re.compile(r"\bthan\s+(?:the\s+|their\s+|our\s+)?(?P<what>[\w-]+)", re.IGNORECASE)
_COMPARED: Final = re.compile(r"\b(?:\w{3,}er|more|less|better|worse|fewer)\b", re.IGNORECASE)

_ALL: Final = re.compile(
    r"\b(?:always|every(?:one|body|thing)|entire(?:ly)?|completely|fully|totally|wholly|(?:all"
    r"|every)\s+(?:of\s+)?(?:the|their|its"
    r"|our)?\s*(?!(?:in all|right|over|along|round|told|kinds?|sorts?)\b)[a-z]{3,})\b",
    re.IGNORECASE,
)
_NONE: Final = re.compile(r"\b(?:nobody|no one|none|never)\b", re.IGNORECASE)
_HOLDS_ALL: Final = re.compile(
    r"\b(?:always|every\w*|all|entire\w*|whole|completely|fully|totally|wholly|each|both|any\w*|no|not|none|nobody"
    r"|never|only"
    r"|100|hundred|throughout|across|full|total|per|a|company-wide|daily|weekly|monthly)\b|n['’]t\b",
    re.IGNORECASE,
)
_SOME: Final = re.compile(
    r"\b(?:some|few|several|many|most|mostly|half|couple|part|partly|sometimes|usually|often|occasionally|generally"
    r"|almost"
    r"|nearly|\w+ of (?:the|our) (?:\d+|two|three|four|five|six|seven|eight|nine|ten)|largely|mainly|majority|a third"
    r"|a quarter|tend|rarely|seldom|hardly|now and (?:then|again))\b",
    re.IGNORECASE,
)
_WHOLE: Final = re.compile(
    r"\b(?:always|every\w*|all|entire\w*|whole|completely|fully|totally|wholly|each|both|never|none|nobody"
    r"|no)\b",
    re.I,
)
_MOST: Final = re.compile(r"\b(?:most of|the majority|mostly|nearly all|almost all)\b", re.IGNORECASE)
_HOLDS_MOST: Final = re.compile(
    r"\b(?:most\w*|majority|mainly|nearly|almost|largely|all|every\w*|generally|usually|typically|chiefly|main"
    r"|[6-9]\d|nine"
    r"|eight|seven|bulk|three quarters|two thirds|always)\b",
    re.IGNORECASE,
)
_ONLY: Final = re.compile(
    r"^(?:only|solely|exclusively)\b|\b(?:only|solely|exclusively)\s+(?:uses?|buys?|works?|sells?|has|have"
    r"|by)\b",
    re.I,
)
_HOLDS_ONLY: Final = re.compile(
    r"\b(?:only|just|sole\w*|exclusive\w*|nothing|nobody|alone|no|single|one|apart|except|but)\b|n['’]t\b", re.I
)


def refuse_opposite(
    told: Sequence[Clause], said: Sequence[Clause], sentence: str, quotes: Sequence[str], *, absence: bool
) -> None:
    """Raises Ungrounded where `sentence` (read as `told`) has the opposite of what `quotes` (read as `said`) hold."""
    quoted = " ".join(quotes)
    # "Theirs is cheaper than ours" and "ours is dearer": who compares may turn both.
    if _same_measure(sentence, quoted):
        _antonyms(told, said)
        _directions(told, said, sentence, quoted)
    _compared(sentence, quoted)
    _before_after(sentence, quoted)
    _numbers(sentence, quoted)
    if not absence:
        _quantities(sentence, quoted)


def _same_measure(sentence: str, quoted: str) -> bool:
    """Whether what `sentence` compares with, if it compares, is what the quote compares with."""
    here, there = _THAN.search(sentence), _THAN.search(quoted)
    if here is None:
        return True
    return there is not None and stem(here["what"].casefold()) == stem(there["what"].casefold())


def _antonyms(told: Sequence[Clause], said: Sequence[Clause]) -> None:
    stated = [w for c in told for w in c.words]
    held = [w for c in said for w in c.words if not c.asked]
    mine, theirs = {w.stem for w in stated}, {w.stem for w in held}
    for one, other in _PAIRS:
        for here, there in ((one, other), (other, one)):
            if not here & mine or there & mine or here & theirs or not there & theirs:
                continue
            if _plain(stated, here) and _plain(held, there):
                raise otherwise("says the opposite of a word of the statement")


def _plain(words: Sequence[Word], stems: frozenset[str]) -> bool:
    found = [w for w in words if w.stem in stems]
    return bool(found) and all(w.denied is Denied.NOT for w in found)


def _directions(told: Sequence[Clause], said: Sequence[Clause], sentence: str, quoted: str) -> None:
    grows, falls = _GROWS
    mine, theirs = ({w.stem for c in part for w in c.words if w.denied is Denied.NOT} for part in (told, said))
    up, down = bool(_UP.search(sentence)), bool(_DOWN.search(sentence))
    was_up, was_down = bool(_UP.search(quoted)), bool(_DOWN.search(quoted))
    rises, drops = up or bool(mine & grows), down or bool(mine & falls)
    rose, dropped = was_up or bool(theirs & grows), was_down or bool(theirs & falls)
    if (rises and not drops and dropped and not rose) or (drops and not rises and rose and not dropped):
        raise otherwise("goes the other way, up or down")


def _compared(sentence: str, quoted: str) -> None:
    """The same comparison with the two things in each other's place."""
    here, there = _THAN.search(sentence), _THAN.search(quoted)
    if here is None or there is None:
        return
    mine, theirs = stem(here["what"].casefold()), stem(there["what"].casefold())
    words = {stem(w.casefold()) for w in re.findall(r"[\w'’]+", sentence[: here.start()])}
    if not {stem(w.casefold()) for w in _COMPARED.findall(sentence)} & {
        stem(w.casefold()) for w in _COMPARED.findall(quoted)
    }:
        return
    before = {stem(w.casefold()) for w in re.findall(r"[\w'’]+", quoted[: there.start()])}
    if mine in before and mine != theirs and (theirs in words or theirs in ("you", "yours", "we", "us", "our", "i")):
        raise otherwise("compares them the other way round")


def _before_after(sentence: str, quoted: str) -> None:
    for pair in _AROUND:
        for here, there in (pair, pair[::-1]):
            if re.search(rf"\b{here}\b", quoted, re.IGNORECASE) or re.search(rf"\b{there}\b", sentence, re.IGNORECASE):
                continue
            mine = _behind(here, sentence)
            if mine and mine & _behind(there, quoted):
                raise otherwise(f"says `{there}` where the statement says `{here}`")


def _behind(word: str, text: str) -> set[str]:
    found: set[str] = set()
    for match in re.finditer(rf"\b{word}\s+((?:[\w'’]+\s*){{1,4}})", text, re.IGNORECASE):
        found |= {
            stem(w.casefold()) for w in match[1].split() if len(w) > 2 and w.casefold() not in ("the", "our", "their")
        }
    return found


def _numbers(sentence: str, quoted: str) -> None:
    for pattern in (_FROM_TO, _OUT_OF):
        theirs = [(_values(m["a"]), _values(m["b"])) for m in pattern.finditer(quoted)]
        for match in pattern.finditer(sentence):
            a, b = _values(match["a"]), _values(match["b"])
            if a and b and a != b and any(a & d and b & c and not (a & c and b & d) for c, d in theirs):
                raise otherwise("has these two numbers in the other order", Fault.NUMBER_NOT_IN_EVIDENCE)
    least, most = _BOUNDS
    for here, there in ((least, most), (most, least)):
        if not here.search(sentence) or there.search(sentence) or here.search(quoted) or not there.search(quoted):
            continue
        mine = {v for m in here.finditer(sentence) for v in _values(sentence[m.end() : m.end() + 25])}
        if mine & {v for m in there.finditer(quoted) for v in _values(quoted[m.end() : m.end() + 40])}:
            raise otherwise("sets a bound on the other side of this number", Fault.NUMBER_NOT_IN_EVIDENCE)
    for here, there in (("by", "to"), ("to", "by")):
        mine = {v for m in re.finditer(rf"\b{here}\s+(?=[\w$€£])", sentence) for v in _first(sentence[m.end() :])}
        theirs = {v for m in re.finditer(rf"\b{there}\s+(?=[\w$€£])", quoted) for v in _first(quoted[m.end() :])}
        same = {v for m in re.finditer(rf"\b{here}\s+(?=[\w$€£])", quoted) for v in _first(quoted[m.end() :])}
        if (mine & theirs) - same and (_FROM_TO.search(quoted) or (_MOVES.search(quoted) and _MOVES.search(sentence))):
            raise otherwise(
                "says `by` so much where it moves `to` it, or the other way round", Fault.NUMBER_NOT_IN_EVIDENCE
            )


_MOVES: Final = re.compile(
    r"\b(?:increas|ris|rose|grow|grew|rais|cut|reduc|fell|fall|drop|go(?:es)?|went|lower|com(?:e|ing)|bring|brought"
    r"|climb|down|up)\w*",
    re.IGNORECASE,
)


def _first(text: str) -> set[float]:
    tokens = tokens_of(text[:40])
    number = next(iter(numbers_in(tokens)), None)
    return set(number.values) if number is not None and number.place <= 2 else set()


def _values(text: str) -> set[float]:
    return {v for number in numbers_in(tokens_of(text)) for v in number.values}


def _quantities(sentence: str, quoted: str) -> None:
    quoted = _NEARLY.sub("most", quoted)
    if _ALL.search(sentence) and not _OTHER_ALL.search(sentence):
        if _SOME.search(quoted) and not _WHOLE.search(quoted):
            raise otherwise("says it of some, and the statement of all")
        if not _HOLDS_ALL.search(quoted) and _STRICT_ALL.search(sentence):
            raise otherwise("does not say it of all")
    if _NO_ONE.search(sentence) and _SOME.search(quoted):
        raise otherwise("says it of some, and the statement of none")
    if _NONE.search(sentence) and _SOME.search(quoted) and not _WHOLE.search(quoted) and not _NOT.search(quoted):
        raise otherwise("says it of some, and the statement of none")
    if _MOST.search(sentence) and not _HOLDS_MOST.search(quoted):
        raise otherwise("does not say it of most")
    if re.search(r"\b(?:only|solely|exclusively)\b", sentence, re.IGNORECASE) and re.search(
        r"\bmost", quoted, re.IGNORECASE
    ):
        raise otherwise("does not say that it is the only one")
    if _ONLY.search(sentence) and not _HOLDS_ONLY.search(quoted):
        raise otherwise("does not say that it is the only one")


_NEARLY: Final = re.compile(r"\b(?:nearly|almost|not|practically|virtually)\s+(?:all|every\w*|always)\b", re.IGNORECASE)
_NO_ONE: Final = re.compile(r"^(?:no\s+\w+|none|nobody)\b", re.IGNORECASE)
_NOT: Final = re.compile(r"n['’]t\b|\bnot\b", re.IGNORECASE)
_OTHER_ALL: Final = re.compile(
    r"\b(?:at all|after all|all in all|almost all|nearly all|not all|not every\w*|partly|all (?:\d|two|three|four"
    r"|five|six))\b",
    re.I,
)
_STRICT_ALL: Final = re.compile(r"\b(?:always|everyone|everybody)\b", re.IGNORECASE)


def otherwise(why: str, fault: Fault = Fault.SAID_OTHERWISE) -> Ungrounded:
    """What to raise where `the quote {why}`."""
    return Ungrounded(f"the cited words tell it otherwise: the quote {why}", fault=fault)
