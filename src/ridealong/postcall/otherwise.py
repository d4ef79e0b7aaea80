"""A statement against its own quote: what was denied, asked, possible or conditional, told as a fact.

The quote is true, it stands where it should, and the statement says something else in its words. Both are read clause
by clause (`wording_of`): of each telling word, whether it is denied, only possible, asked, under a condition or past,
and who does it. A word that both have must not change sides. Patterns of English, kept to what can be seen in the words
themselves: what is said in other words falls to the second reading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ridealong.core.transcript import Role
from ridealong.postcall.opposites import otherwise, refuse_opposite
from ridealong.postcall.wordings import HEDGES, Clause, Denied, Word, wording_of

_ASKS: Final = re.compile(
    r"\b(?:ask|question|wonder|check|enquir|inquir|prob|request|propos|suggest|invit|offer|sought|seek|explor|clarif"
    r"|rais|tr(?:y|ies|ied)|test|challeng|play(?:ed|s)? back|summar|recap|repeat|reflect|understood|understand|greet"
    r"|want"
    r"|would like|need|look(?:ed|s|ing)? for|hop|interest|curious|open(?:ed|s)? the|let|gave|giv|bring|brought|push"
    r"|sound"
    r"|confirm\w* (?:whether|if|with)|learn|establish|qualif|find|found|uncover|surfac|identif|discover|discuss"
    r"|mention"
    r"|spoke|talk|address|check|verif|make sure|made sure|ensur|press|urg|encourag|plead|begg|appeal)\w*",
    re.IGNORECASE,
)
"""Where a statement has one of these it may tell a question."""
_OPEN: Final = re.compile(
    r"\b(?:(?-i:may)|might|could|would|maybe|perhaps|possibl[ey]|potential(?:ly)?|if|whether|unless|should|depend\w*"
    r"|condition\w*|consider\w*|hop(?:e|es|ed|ing)|try|tries|tried|trying|think\w*|thought|propos\w*|suggest\w*"
    r"|ask\w*"
    r"|request\w*|likely|probabl[ey]|unsure|uncertain|not sure|open|tentativ\w*|explor\w*|interest\w*|offer\w*"
    r"|want\w*"
    r"|seem\w*|appear\w*|suppos\w*|assum\w*|guess\w*|estimat\w*|imagin\w*|doubt\w*|held out|holds? out|tied|hing\w*"
    r"|rel(?:y|ies) on|when|once|after|provided|subject"
    r"|option\w*|can|in case|hypothe\w*|theor\w*|wish\w*|lik(?:e|es|ed)|prefer\w*|mention\w*|rais\w*|spoke|speak\w*"
    r"|talk\w*"
    r"|discuss\w*|wonder\w*|express\w*|fear\w*|worr\w*|concern\w*|expect\w*|warn\w*|check\w*|need\w*|look\w*"
    r"|aim\w*)\b",
    re.IGNORECASE,
)
"""Where a statement has one of these it tells no certainty."""
_UNCONDITIONAL: Final = re.compile(
    r"\b(?:if|unless|whether|provided|condition\w*|depend\w*|when|once|in case|as long as|should|would|could|might"
    r"|(?-i:may)"
    r"|subject to|in return|in exchange|for (?:a|an|the) \w+ (?:commitment|contract|term)|assum\w*|suppos\w*|after"
    r"|tied|hing\w*|against"
    r"|trade\w*|tied|link\w*|offer\w*|propos\w*|suggest\w*|ask\w*|hypothe\w*|only)\b",
    re.IGNORECASE,
)
_WITHOUT: Final = re.compile(r"\b(?:without|unless|until|before)\b", re.IGNORECASE)
_MISSING: Final = re.compile(
    r"\b(?:missing|absent|lacking|lacks?|impossible|unavailable|gone|ruled out|blocked|problem|obstacle|hurdle|issue"
    r"|complain\w*|trouble|dis\w+ed|un\w+ed)\b",
    re.IGNORECASE,
)
"""Where a statement has one of these it may say without a negation that something is not there."""
_PAST: Final = re.compile(
    r"\b(?:used to|no longer|previous\w*|former\w*|earlier|past|was|were|had|before|stopped|once|in the old days"
    r"|ended"
    r"|last|ago|until|did|quit|gave up|dropped|left|moved|switched|chang\w*|replac\w*|any ?more|history|tried|ex)\b",
    re.IGNORECASE,
)


def refuse_otherwise(text: str, quotes: Sequence[tuple[str, Role]], *, absence: bool = False) -> None:
    """Raises Ungrounded where `text` turns what `quotes` say, each with the side that said it.

    `absence`: it says that something did not happen.
    """
    said = [clause for quote, side in quotes for clause in wording_of(quote, said_by=side)]
    held: dict[str, list[Word]] = {}
    for clause in said:
        for word in clause.words:
            held.setdefault(word.stem, []).append(word)
    for sentence in re.split(r"(?<=[.!?;])\s+", text):
        told = wording_of(sentence, statement=True)
        if not absence:
            _turned(told, held, sentence)
        refuse_opposite(told, said, sentence, [quote for quote, _ in quotes], absence=absence)


def _turned(told: Sequence[Clause], held: dict[str, list[Word]], sentence: str) -> None:
    for clause in told:
        for word in clause.words:
            found = held.get(word.stem)
            if not found:
                continue
            _denied(word, found, sentence)
            if not word.stated or word.stem in HEDGES:
                continue
            if all(w.asked for w in found) and not _ASKS.search(sentence):
                raise otherwise("asks it, and the statement says it: tell that it was asked")
            if word.denied is Denied.NOT and not _OPEN.search(_but_verb(sentence, word)):
                if all(w.possible for w in found):
                    raise otherwise("names it as possible, and the statement as certain: keep that it was not certain")
                if all(w.condition or w.possible for w in found):
                    raise otherwise("makes it a condition, and the statement a fact: keep the condition")
            if (
                (word.sure or word.present)
                and word.denied is Denied.NOT
                and all(w.conditional or w.condition for w in found)
                and not _UNCONDITIONAL.search(sentence)
            ):
                raise otherwise("says it under a condition, which the statement leaves out: keep the condition")
            if all(w.past for w in found) and not _PAST.search(sentence) and word.present:
                raise otherwise("says what was once, and the statement what is: keep that it is over")
            if word.side is not Role.UNKNOWN and all(_other_does(w, word.side) for w in found):
                raise otherwise("says that the other side does it: tell who does what as it was said")


def _other_does(word: Word, side: Role) -> bool:
    """Whether the one who said `word` says that another does it than `side`."""
    if word.side is Role.UNKNOWN:
        return False
    return word.by == ("you" if word.side is side else "i")


def _denied(word: Word, found: Sequence[Word], sentence: str) -> None:
    if any(w.asked for w in found) or (any(w.twice for w in found) and not _WITHOUT.search(sentence)):
        return
    missing = _MISSING.search(_but_verb(sentence, word)) is not None
    if word.denied is Denied.NOT and word.stated and not missing and all(w.denied is Denied.ITSELF for w in found):
        raise otherwise("denies what the statement says: keep the negation")
    if word.denied is Denied.ITSELF and all(w.denied is Denied.NOT and not w.possible for w in found):
        raise otherwise("says what the statement denies: leave the negation out")


def _but_verb(sentence: str, word: Word) -> str:
    """The sentence without the word itself: "hopes" as the very word that is told makes nothing open."""
    return sentence[: word.start] + sentence[word.end :]
