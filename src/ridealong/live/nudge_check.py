"""Which of a model's own wordings may be shown: short, plain, in the call's language, and nobody's personal data.

Strict on purpose: what is refused costs nothing, because the taxonomy's wording is shown instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from ridealong.core.moments import word_count
from ridealong.live.taxonomy import MAX_WORDS, MIN_WORDS


class Flaw(StrEnum):
    """Why a wording is not shown."""

    LENGTH = "length"
    """Not 6 to 12 words, and no clause of that length to cut it to."""
    MARKUP = "markup"
    """Line breaks, markup, links, symbols or anything else that is no plain sentence."""
    PERSONAL = "personal"
    """A name, a number, an amount or an address."""
    LANGUAGE = "language"
    """Another language than the call's."""


def checked(nudge: str, *, said: Sequence[str], language: str, allowed: Iterable[str] = ()) -> str | Flaw:
    """`nudge` as it may be shown, cut at the end of a clause where it is too long; else what is wrong with it.

    `said` are the texts of the window that the model saw, `language` is the call's (BCP 47), and `allowed` are names
    that the tenant's own document holds, so that they may be named.
    """
    text = unicodedata.normalize("NFC", nudge).strip(" ")
    if not text or len(text) > 400 or not all(_is_plain(character) for character in text) or _LINK.search(text):
        # A number or an address is told as what it is: the figures in the metrics should say what models do wrong.
        return Flaw.PERSONAL if _is_personal(text, said, allowed, language) else Flaw.MARKUP
    if _is_personal(text, said, allowed, language):
        return Flaw.PERSONAL
    if not _is_in(text, said, language):
        return Flaw.LANGUAGE
    return _cut(text) or Flaw.LENGTH


_PUNCTUATION: Final = frozenset(
    " .,;:!?'\u2019\u2018\"\u201c\u201d\u201e\u00ab\u00bb-\u2013\u2014\u2026\u00bf\u00a1()/&"
)
_LINK: Final = re.compile(r"://|\bwww\.|\w\.(?:com|org|net|io|co|ai|de|info|biz)\b|/\w*/", re.IGNORECASE)


def _is_plain(character: str) -> bool:
    return character in _PUNCTUATION or unicodedata.category(character)[0] in "LM" or character.isdigit()


def _cut(text: str) -> str | None:
    """`text`, or its beginning up to the last clause that ends at 6 to 12 words."""
    words = word_count(text)
    if words < MIN_WORDS:
        return None
    if words <= MAX_WORDS:
        return text
    pieces = text.split()
    for count in range(MAX_WORDS, MIN_WORDS - 1, -1):
        if pieces[count - 1][-1] in ".;:!?,\u2014":
            return " ".join(pieces[:count]).rstrip(",;:\u2014 ")
    return None


# ---- personal data

_AMOUNTS: Final = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
    " nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands million"
    " millions billion percent dollar dollars euro euros pound pounds"
    " zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig vierzig fünfzig hundert tausend"
    " millionen prozent deux trois quatre cinq sept huit neuf dix vingt trente cent cents mille"
    " dos tres cuatro cinco seis siete ocho nueve diez veinte treinta cien mil ciento"
)
_AMOUNT_WORDS: Final = frozenset(_AMOUNTS.split())
"""Numbers as they are spoken. Refused where they were said on the call; "one" is too common a word to tell anything."""

_INTRODUCER: Final = re.compile(
    r"(?:^|\W)(?:mr|mrs|ms|mister|missus|miss|doctor|dr|herr|frau|monsieur|madame|señor|señora|my name is|my name's"
    r"|i am called|mein name ist|ich heiße|je m'appelle|me llamo)\.?\s+(?:[^\W\d_]+\s+)?$"
)
"""Ends where a name begins (or its second part), as people state names: found in transcripts without capitals too."""
_INTRODUCER_LENGTH: Final = 40

_WORD: Final = re.compile(r"[^\W_][\w'\u2019-]*")
_SENTENCE_END: Final = ".!?;:\u2014\u2026\n"
_OPENING: Final = " \"'\u2018\u201c\u201e("
_OWN_CAPITALS: Final = frozenset(("I", "I'm", "I'll", "I'd", "I've", "I\u2019m", "I\u2019ll", "I\u2019d", "I\u2019ve"))


def _is_personal(text: str, said: Sequence[str], allowed: Iterable[str], language: str) -> bool:
    if "@" in text or any(c.isdigit() or unicodedata.category(c) == "Sc" for c in text):
        return True
    permitted = {word for name in allowed for word in _words(name)}
    # A line all in capitals tells nothing by them.
    spoken = "\n".join(_lower(line) if line.isupper() else line for line in said)
    low = _lower(spoken)
    for match in _WORD.finditer(text):
        word, bare = match.group(), _bare(_lower(match.group()))
        if bare in permitted or word in _OWN_CAPITALS:
            continue
        # A capital inside a sentence is a name, whether or not it was said (a recogniser may spell it differently); in
        # German it is any noun, so there only those count that were said.
        if word[0].isupper() and _code(language) != "de" and _is_inside(text, match.start()):
            return True
        amount = bare in _AMOUNT_WORDS
        if (amount or word[0].isupper() or bare not in _FUNCTION_WORDS) and any(
            amount or _is_name(spoken, low, at) for at in _occurrences(low, bare)
        ):
            return True
    return False


def _is_name(spoken: str, low: str, at: int) -> bool:
    """Whether the word at `at` is written, or introduced, as a name."""
    if spoken[at].isupper() and _is_inside(spoken, at):
        return True
    return _INTRODUCER.search(low, max(0, at - _INTRODUCER_LENGTH), at) is not None


def _is_inside(text: str, at: int) -> bool:
    """Whether a sentence has begun before the word at `at`."""
    before = text[max(0, at - 80) : at].rstrip(_OPENING)
    return bool(before) and before[-1] not in _SENTENCE_END


def _occurrences(low: str, word: str) -> Iterator[int]:
    """Where `word` stands in `low` as a whole word."""
    at = low.find(word)
    while at >= 0:
        end = at + len(word)
        if not (at and low[at - 1].isalnum()) and not (end < len(low) and low[end].isalnum()):
            yield at
        at = low.find(word, at + 1)


def _lower(text: str) -> str:
    """In small letters, character by character, so that every index stays where it is."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _words(text: str) -> list[str]:
    return [_bare(_lower(word.group())) for word in _WORD.finditer(text)]


def _bare(word: str) -> str:
    return word.replace("\u2019", "'").removesuffix("'s")


# ---- language

_FREQUENT: Final = {
    "en": "the a an to of and you your they them their is are was what which who how it this that with for on in ask"
    " then do not be have has before now say about if or by at from their could would",
    "de": "der die das den dem ein eine einen und zu sie ihr ihre ihnen ist sind was wer wie es mit für auf nicht"
    " haben hat fragen frage dann jetzt nach ob oder von im am bei wenn noch um",
    "fr": "le la les un une des et vous votre vos est sont que qui quoi comment ce cette avec pour sur pas demandez"
    " puis avant ou par ne leur leurs ils elle ses dans du au quel quelle",
    "es": "el la los las un una y a usted su sus es son que qué quién cómo esto con para por no pregunte pregunta"
    " luego antes o del al le les lo en se cuál",
    "it": "il lo la i gli le un una e di che chi come è sono con per non chiedi chieda poi prima o del al loro suo"
    " sua nel cosa quale",
    "nl": "de het een en u uw jij je is zijn wat wie hoe dit met voor op niet vraag dan nu of van hun hen naar aan bij",
    "pt": "o a os as um uma e você seu sua é são que quem como isto com para por não pergunte depois antes ou do da"
    " ao lhe no na qual",
}
"""Frequent short words by language. Six to twelve words hold a few of them: enough to tell these apart."""

_BY_LANGUAGE: Final = {code: frozenset(words.split()) for code, words in _FREQUENT.items()}
_FUNCTION_WORDS: Final = frozenset(word for words in _BY_LANGUAGE.values() for word in words)


def _code(language: str) -> str:
    return language.partition("-")[0].casefold()


def _is_in(text: str, said: Sequence[str], language: str) -> bool:
    """Whether `text` can be of `language`. One without a list is judged by its script alone: the transcript's."""
    code = _code(language)
    own = _BY_LANGUAGE.get(code)
    latin = _latin_share(text)
    if own is None:
        return abs(latin - _latin_share(" ".join(said))) < 0.5
    if latin < 1.0:
        return False
    words = _words(text)
    hits = {name: sum(word in known for word in words) for name, known in _BY_LANGUAGE.items()}
    return hits[code] >= 1 and hits[code] >= max(hits.values())


def _latin_share(text: str) -> float:
    letters = [unicodedata.name(c, "").startswith("LATIN") for c in text if c.isalpha()]
    return sum(letters) / len(letters) if letters else 0.0
