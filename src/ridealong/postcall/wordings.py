"""A text clause by clause: whether each telling word is denied, possible, asked, conditional, past, and by whom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise
from typing import Final

from ridealong.core.tokens import words_of
from ridealong.core.transcript import Role
from ridealong.postcall.stems import stem


class Denied(IntEnum):
    NOT = 0
    AROUND = 1
    """Somewhere behind a negation: what is denied may be another word."""
    ITSELF = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A telling word where it stands."""

    stem: str
    start: int
    end: int
    denied: Denied = Denied.NOT
    possible: bool = False
    asked: bool = False
    condition: bool = False
    """It stands in an if-clause."""
    conditional: bool = False
    """It stands beside one."""
    past: bool = False
    by: str = ""
    """The nearest subject before it: `i`, `you`, `other`, or nothing."""
    stated: bool = False
    """Of a statement: it is what is said, not what is talked about."""
    side: Role = Role.UNKNOWN
    """Of a statement: the side that is its subject; of words that were said: the side that said them."""
    sure: bool = False
    """Of a statement: told as certain to come ("will", "promised to")."""
    present: bool = False
    twice: bool = False
    """Two negations stand in its clause: "can't … without"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clause:
    words: tuple[Word, ...]
    tokens: tuple[str, ...]
    asked: bool


_TOKEN: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[.?!;:,…–—()\"“”]")
_PHRASES: Final = tuple(
    (re.compile(rf"\b(?:{phrase})\b", re.IGNORECASE), word)
    for phrase, word in (
        ("far from|anything but|rather than|instead of", "not"),
        ("turn(?:ed|s)? down|ruled out|rules? out|said no to|say no to", "refuse"),
        ("as long as|in case|on condition|so long as", "if"),
    )
)
"""What stands for one word; never longer than itself, so that places stay."""


_NEGATORS: Final = frozenset(words_of("not never no nobody none nothing neither nor cannot hardly barely without cant"))
_OPPOSES: Final = re.compile(
    r"(?:refus|declin|reject|oppos|doubt|den(?:y|ied|ies)|lack|fail|avoid|unwilling|unable|reluct|ceas|resist"
    r"|dislik)\w*|hates?"
)
_BREAKS: Final = frozenset(
    words_of(
        "but because although though while whereas and so then except however otherwise until , . ; : ! ? … – — ( )"
    )
)
_RELATIVE: Final = frozenset(words_of("that which who whom where when"))
_HOLDS_THAT: Final = frozenset(
    words_of(
        "possibl likely chanc doubt deni deny think say believe mean expect feel sure guarante promis confirm convinc"
        " certain agree guess suppos claim know hear"
        " tell see find worry hop happy accept state"
    )
)
_LIGHT: Final = frozenset(
    words_of(
        "going have has had get got be been being is are was were am really very quite that a an the any to do does"
        " did"
        " even yet my our your their his her us we you i they it me them he she much too so actually honestly would"
        " will"
        " can could should of at in on with for as just ever necessarily exactly this these those there one"
        " particularly"
        " especially anyone anybody anything else think believe guess suppose here all be especially want quite"
        " entirely"
        " fully more than from by up us go get about"
    )
)
_CHAINS: Final = frozenset(
    words_of("like plan intend wish need agree promis allow ready willing able happy keen commit")
)
_MAY: Final = frozenset(
    words_of(
        "might maybe perhaps possibly potentially probably could depends depending wonder wondering hopefully unsure"
    )
)
HEDGES: Final = frozenset(words_of("hop consider try wonder"))
"""Words that make open what follows them, and say so themselves."""
_IF: Final = frozenset(words_of("if unless provided assuming suppose supposing"))
_POLITE: Final = frozenset(
    f"{who} {what}"
    for who, verbs in (
        ("i", "understand understood got get heard hear remember recall may might can could am"),
        ("we", "understand understood may"),
        ("you", "like want don't ask"),
    )
    for what in verbs.split()
) | {"i'm honest", "i'm right", "that's okay", "that's ok", "that's all", "that makes", "it's okay", "that's alright"}
_OPENERS: Final = (
    r"(?:(?:and|so|but|or|okay|ok|well|right|good|then|now|great|sure|yes|no|hm|um|uh|ah|oh|also|sorry|just|listen)"
    r"[ ,.]+)*"
)
_INVERTED: Final = re.compile(
    rf"{_OPENERS}(?:do|does|did|is|are|was|were|can|could|would|will|have|has|had|shall|should|may|might|isn['’]t|aren['’]t"
    r"|don['’]t|doesn['’]t|didn['’]t|wouldn['’]t|won['’]t|couldn['’]t)\s+(?:you|we|i|they|he|she|it|your|that|this"
    r"|there|the)\b",
    re.IGNORECASE,
)
_QUESTION: Final = re.compile(
    rf"{_OPENERS}(?:who|whom|whose|what|what['’]s|how|how['’]s|when|where|why|which|do|does|did|is|are|was|were|can|could"
    r"|would|will|have|has|had|shall|should|may|might|any|isn['’]t|aren['’]t|don['’]t|doesn['’]t|didn['’]t"
    r"|wouldn['’]t"
    r"|won['’]t|couldn['’]t|what if|in which|by when|at what)\b",
    re.IGNORECASE,
)
_SUBJECTS: Final = {
    **dict.fromkeys(words_of("i we"), "i"),
    **dict.fromkeys(words_of("you"), "you"),
    **dict.fromkeys(words_of("he she they it that who which somebody someone everyone everybody"), "other"),
}
_REP: Final = frozenset(words_of("rep reps seller salesperson vendor"))
_CUSTOMER: Final = frozenset(words_of("customer customers buyer prospect client caller lead"))
_SIDES: Final = _REP | _CUSTOMER
_SMALL: Final = frozenset(
    words_of(
        "the a an and or but of to in on at for with by from as is are was were be been am it this that these those"
        " there here"
        " he she they we you i me us them him his her its our your their my not no do does did will would can could"
        " shall"
        " should may might must have has had having so too very just really also then than if when while what which"
        " who how"
        " why where about into over under out up down off again more most some any all each every both few such only"
        " own same"
        " s t d ll ve re m said says say told tell tells rep reps customer customers seller buyer prospect client"
        " speaker call"
        " because until yes well okay ok right sure like get got go going went gone let know think one thing things"
        " something"
        " anything nothing nobody everybody everyone somebody someone maybe perhaps never always still already even"
        " yet now"
        " much many lot bit kind sort way see make made come came take took put want wants wanted"
    )
)
_TELLING_SMALL: Final = frozenset(words_of("want wants wanted use used uses buy own ask call calls like likes liked"))
_BEFORE_STATED: Final = frozenset(
    words_of(
        "get got gets much many no will would could may might must should has have had is are was were can does do"
        " did to confirmed confirms guaranteed guarantees promised promises"
        " approved approves accepted accepts calls called finds found considers already they it he she we i you there"
        " that"
        " wants needs uses still now and currently definitely also really signed said says a an the any their his its"
        " our"
        " very quite another"
    )
)
_ABOUT: Final = re.compile(
    r"(?:about|of|on|for|into|with|without|whether|if|why|how|what|between|around|towards?|against|over|regarding"
    r"|concerning"
    r"|set|put|brought|spoke|sought|tried|understood"
    r"|(?:rais|mention|address|discuss|ask|speak|talk|explain|describ|acknowledg|touch|explor|question|wonder|bring"
    r"|object|complain|handl|play|summar|recap|learn|worr|concern|stress|express|avoid|refus|declin|reject|doubt|deni"
    r"|lack"
    r"|compar|check|clarif|warn|turn|push|problem|issue|obstacle)\w*)$"
)
"""Behind these a word is what somebody speaks of."""
_SURE: Final = frozenset(
    words_of("will shall promised promises guaranteed guarantees committed commits going definitely certainly")
)
_PRESENT: Final = frozenset(words_of("has have is are do does currently still now today"))


@lru_cache(maxsize=2_000)
def wording_of(text: str, *, statement: bool = False, said_by: Role = Role.UNKNOWN) -> tuple[Clause, ...]:
    """The clauses of `text`. `said_by`: the side of a quote. Kept: one quote is held against several texts."""
    found: list[Clause] = []
    for pattern, word in _PHRASES:
        text = pattern.sub(lambda m, word=word: word.ljust(len(m.group())), text)
    for begin, end in _sentences(text):
        found += _sentence(text[begin:end], begin, statement=statement, said_by=said_by)
    return tuple(found)


def _sentences(text: str) -> list[tuple[int, int]]:
    ends = [m.end() for m in re.finditer(r"[.!?;…]+(?=\s|$)", text)]
    bounds = [0, *ends, len(text)]
    return [(a, b) for a, b in pairwise(bounds) if text[a:b].strip()]


@dataclass(slots=True)
class _Token:
    low: str
    start: int
    end: int
    written: str


def _sentence(text: str, offset: int, *, statement: bool, said_by: Role) -> list[Clause]:
    tokens = [
        _Token(m.group().casefold().replace("’", "'"), offset + m.start(), offset + m.end(), m.group())
        for m in _TOKEN.finditer(text)
    ]
    parts = _clauses(tokens)
    marked = text.rstrip().endswith("?") and not statement
    asking = False
    clauses: list[Clause] = []
    for part in parts:
        words = " ".join(t.written for t in part)
        if not statement:
            # A recogniser leaves marks out; then only a verb before its subject shows a question.
            begins = _QUESTION.match(words) if marked else _INVERTED.match(words)
            asking = asking or begins is not None
        clauses.append(_clause(part, asked=asking, statement=statement, said_by=said_by))
    for at in range(len(clauses) - 1):
        # "We don't need anything fancy, just something that prints": it is needed after all.
        ahead = clauses[at + 1].tokens
        goes_on = ahead[1:2] in (("just",), ("only",)) or ahead[:1] == ("but",)
        if goes_on and not _SUBJECTS.keys() & {t.split("'")[0] for t in ahead[1:3]}:
            eased = (replace(w, denied=min(w.denied, Denied.AROUND)) for w in clauses[at].words)
            clauses[at] = replace(clauses[at], words=tuple(eased))
    if any(w.condition for c in clauses for w in c.words):
        clauses = [replace(c, words=tuple(replace(w, conditional=True) for w in c.words)) for c in clauses]
    return clauses


def _conditions(tokens: Sequence[_Token], at: int) -> bool:
    """Whether a condition begins at `at`; "if I understand you right" is none."""
    if tokens[at].low not in _IF or (at and tokens[at - 1].low in ("as", "even")):
        return False
    return " ".join(t.low for t in tokens[at + 1 : at + 3]) not in _POLITE


def _clauses(tokens: Sequence[_Token]) -> list[list[_Token]]:
    parts: list[list[_Token]] = [[]]
    for at, token in enumerate(tokens):
        low = token.low
        opens = _conditions(tokens, at)
        relative = (
            low in _RELATIVE
            and at > 0
            and not {stem(t.low) for t in tokens[max(0, at - 2) : at]} & _HOLDS_THAT
            and tokens[at - 1].low not in ("like", "not", "is", "was", "of", "at", "on", "for", "to", "with", "all")
        )
        if low in _BREAKS or opens or relative:
            parts.append([])
        parts[-1].append(token)
    return [p for p in parts if any(t.low not in _BREAKS for t in p)]


def _negator(tokens: Sequence[_Token], at: int) -> bool:  # noqa: PLR0911 - one case after the other
    low = tokens[at].low
    ahead = tokens[at + 1].low if at + 1 < len(tokens) else ""
    if low.startswith("doubt") and at and tokens[at - 1].low == "no":
        return False
    if low.endswith("n't"):
        return not (low == "can't" and ahead in ("wait", "complain")) and ahead not in ("mind", "hesitate")
    if low not in _NEGATORS:
        return _OPPOSES.fullmatch(low) is not None
    if low in ("no", "nor") and (not ahead or ahead in _BREAKS or ahead in _SUBJECTS):
        return False
    if low == "not" and ahead in ("only", "just", "merely", "to", "", "mind", "bad", "least", "really"):
        return ahead == "really"
    if low == "not" and ahead in ("all", "every", "everyone", "everybody", "everything", "always", "enough", "quite"):
        return False
    if low == "nothing" and ahead in ("but", "else"):
        return False
    if low == "no" and ahead in ("problem", "worries", "matter", "wonder"):
        return at > 0
    return not (low == "no" and ahead in ("doubt", "longer", "less", "fewer"))


_OVER: Final = re.compile(
    r"\b(?<!be )(?<!'re )(?<!get )used to\b|\bno longer\b|\bany ?more\b|\bstopped\b|\bgave up\b|^(?:until"
    r"|before) (?:last|the"
    r" \w+ (?:we|i)|recently)|\bback then\b|\bin those days\b|\bformerly\b|\bpreviously\b"
)


def _clause(tokens: Sequence[_Token], *, asked: bool, statement: bool, said_by: Role) -> Clause:
    lows = [t.low for t in tokens]
    possible = _possible(tokens, lows)
    condition = any(_conditions(tokens, at) for at in range(min(2, len(tokens))))
    joined = " ".join(lows)
    past = _OVER.search(joined) is not None
    by = ""
    behind: Denied = Denied.NOT
    own_denied: Denied = Denied.NOT
    head = False
    negations = spare = 0
    words: list[Word] = []
    for at, token in enumerate(tokens):
        first = token.low.split("'")[0]
        if first == "your" and not by:
            by = "you"
        if first in _SUBJECTS and first not in ("that", "which", "who"):
            by = _SUBJECTS[first]
        if not asked and _negator(tokens, at):
            negations += 1
            own_denied = behind
            behind, head = Denied.AROUND, negations == 1
            # "Nobody on our team has asked": what nobody did stands behind where they are.
            spare = int(
                token.low in ("nobody", "none") and lows[at + 1 : at + 2] in (["on"], ["in"], ["at"], ["of"], ["from"])
            )
            if words and token.low in ("no", "nothing", "nobody", "none"):
                # "We guarantee nothing" denies the verb; "we sell no hardware" may be told either way.
                words[-1] = replace(words[-1], denied=Denied.AROUND if token.low == "no" else Denied.ITSELF)
            if _OPPOSES.fullmatch(token.low) is None:
                continue
        telling = (
            (token.low not in _SMALL and len(first) > 2) or token.low in _TELLING_SMALL or token.written[:3].isupper()
        )
        if not telling or token.low in _BREAKS or token.low in _NEGATORS or token.low.endswith("n't"):
            continue
        denied = behind
        opposes = _OPPOSES.fullmatch(token.low) is not None
        own = stem(token.low)
        if opposes:
            no_doubt = at > 0 and lows[at - 1] == "no"
            denied = Denied.ITSELF if no_doubt else own_denied
            # "Declined the warranty": what is declined may well be what is spoken of.
            head = head and (not statement or lows[at + 1 : at + 2] == ["to"])
        elif head and token.low not in _LIGHT:
            denied = Denied.ITSELF
            ahead = lows[at + 1] if at + 1 < len(lows) else ""
            head = spare > 0 or ((own in _CHAINS or token.low.startswith("want")) and ahead in ("to", "that"))
            spare -= 1
        elif head and token.low in _LIGHT and token.low.startswith("want"):
            denied = Denied.ITSELF
        words.append(
            Word(
                stem=own,
                start=token.start,
                end=token.end,
                denied=denied,
                possible=possible,
                asked=asked,
                condition=condition,
                past=past,
                by=by,
                **(_of_statement(tokens, at) if statement else {"side": said_by}),  # pyright: ignore[reportArgumentType]
            )
        )
    if negations > 1:
        words = [replace(w, twice=True) for w in words]
    return Clause(words=tuple(words), tokens=tuple(lows), asked=asked)


_OPEN: Final = re.compile(
    r"\bnot (?:\w+ )?(?:sure|certain)\b|n't sure\b|\bthink(?:ing)? (?:about|of)\b|\blet me see\b|\bwe'll see\b"
    r"|\b(?:it's|is) possible\b"
    r"|\bpossibility\b|\bchances are\b|\btoying\b|\binclined\b|\btempted\b|\bi (?:guess|suppose)\b|\bimagine\b"
    r"|\blikely\b"
    r"|\bin theory\b|\bsleep on it\b|\bideally\b"
)


def _possible(tokens: Sequence[_Token], lows: Sequence[str]) -> bool:
    if any(low in _MAY for low in lows) or any(stem(low) in HEDGES for low in lows):
        return True
    for at, token in enumerate(tokens):
        # "May" is a month where it is written large, and behind a word that goes with one.
        if (
            token.low == "may"
            and token.written == "may"
            and at
            and lows[at - 1] not in ("in", "of", "by", "since", "until")
        ):
            return True
    joined = " ".join(lows)
    return _OPEN.search(joined) is not None


def _of_statement(tokens: Sequence[_Token], at: int) -> dict[str, bool | Role]:
    """What a statement does with its word at `at`, by the words before it."""
    before = [t.low for t in tokens[:at]]
    # "The rep said that it works": what is said begins anew.
    for back in range(len(before) - 1, 0, -1):
        if before[back] == "that" and stem(before[back - 1]) in _HOLDS_THAT:
            before = before[back + 1 :]
            break
    near = [low for low in before if not low.endswith("ly")][-4:]
    subject = [low for low in before if low not in _ARTICLES]
    stated = len(subject) < _SHORT_SUBJECT and not any(
        _ABOUT.match(low) or low.endswith(("ed", "'s to")) for low in subject
    )
    side, sure = Role.UNKNOWN, False
    if near:
        last = near[-1]
        rest = [low for low in near if low not in _ARTICLES]
        about = any(_ABOUT.match(low) for low in rest)
        feels = (
            len(near) > 1
            and any(_FEELS.fullmatch(low) for low in rest[-2:])
            and rest[-1] in ("about", "with", "of", "by")
        )
        stated = stated or last in _SIDES or (last in _BEFORE_STATED and not about) or feels
        stated = stated or bool(_FINDS & {*rest[-3:]})
        plain = [low for low in near if low not in _PLAIN]
        if stated and plain and plain[-1] in _SIDES:
            side = Role.REP if plain[-1] in _REP else Role.CUSTOMER
        sure = stated and any(low in _SURE or low.endswith("'ll") for low in near)
    own = tokens[at].low
    present = stated and (bool(set(near) & _PRESENT) or (own.endswith("s") and not own.endswith("ss")))
    return {"stated": stated, "side": side, "sure": sure, "present": present}


_FINDS: Final = frozenset(words_of("finds found calls called considers considered"))
_SHORT_SUBJECT: Final = 3
_ARTICLES: Final = frozenset(words_of("the a an any their its our very quite another is be are was were"))
_FEELS: Final = re.compile(
    r"worried|concerned|unhappy|happy|satisfied|afraid|anxious|convinced|sceptical|skeptical|bothered|annoyed"
)
_PLAIN: Final = frozenset(
    words_of(
        "will has have had to promised promises agreed agrees offered offers is are going committed commits also then"
        " now"
        " already would can must should wants wanted needs plans planned intends"
    )
)
