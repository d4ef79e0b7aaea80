"""A model that lies in every way it can think of, from a seed: answers that must not get through."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ridealong.app.bench.spoken import CUSTOMER, REP
from ridealong.core.transcript import Citation, Transcript, Utterance
from ridealong.postcall.reviewer import Draft

OTHER_CALL: Final = (
    "The refrigerated lorries break down every other Tuesday near Rotterdam.",
    "Our auditors refused the ledger twice, and Mister Okafor was furious about it.",
    "Ninety-one clinics already switched over to the violet scanners.",
    "I would rather keep Bluefin, their onboarding lasted four mornings only.",
)

NUMBERS: Final = (
    "17,250", "17250", "$88,000", "€4,400", "97%", "ninety-seven percent", "seventeen thousand", "3.75 million", "61k",
    "nineteen months", "53 minutes", "eleven hundred", "1234567", "two hundred and ninety-nine", "０９９", "83.5",
)  # fmt: skip
DATES: Final = ("Saturday", "in February", "by Q2", "the fourth quarter", "on August 19th", "next quarter", "in July")
NAMES: Final = ("Globex", "Ms Hargreaves", "Salesforce", "Wolverhampton", "Initech", "Dr. Nakamura", "BlueRiver")


_DENIES: Final = re.compile(r"n['’]t\b|\b(?:no|not|never|no\w+|cannot|hardly|without|unless|neither)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Lie:
    kind: str
    draft: Draft


def lies(transcript: Transcript, count: int, seed: int) -> Iterator[Lie]:
    """`count` drafts of which each is false in a way that the call itself can show, taking turns between the kinds."""
    chance = random.Random(seed)
    kinds = list(_KINDS.items())
    for number in range(count):
        name, make = kinds[number % len(kinds)]
        yield Lie(name, make(chance, transcript))


def truth(chance: random.Random, transcript: Transcript) -> Draft:
    """An honest draft: few words of one utterance, and a statement about who said them."""
    utterance, quote = _quoted(chance, transcript)
    while _DENIES.search(utterance.text):
        # Who cuts a negation off is not honest.
        utterance, quote = _quoted(chance, transcript)
    return _draft(f"The {_side(utterance)} spoke about it.", utterance.no, quote)


def _draft(statement: str, no: int, quote: str, through: int | None = None) -> Draft:
    return Draft(
        statement=statement, citations=(Citation(utterance_no=no, quote=quote),), confidence=0.9, through=through
    )


def _side(utterance: Utterance) -> str:
    return "rep" if utterance.speaker == REP else "customer"


def _utterance(chance: random.Random, transcript: Transcript, least: int = 5) -> Utterance:
    return chance.choice([u for u in transcript if len(u.text.split()) >= least])


def _quoted(chance: random.Random, transcript: Transcript) -> tuple[Utterance, str]:
    utterance = _utterance(chance, transcript)
    words = utterance.text.split()
    begin = chance.randrange(len(words) - 3)
    return utterance, " ".join(words[begin : begin + chance.randint(3, 6)])


def _wrong_number(chance: random.Random, transcript: Transcript) -> Draft:
    utterance, quote = _quoted(chance, transcript)
    how = chance.choice(("said that it is about {}", "spoke of {}", "named {} as the figure", "put it at {} a month"))
    return _draft(f"The {_side(utterance)} {how.format(chance.choice(NUMBERS))}.", utterance.no, quote)


def _changed_number(chance: random.Random, transcript: Transcript) -> Draft:
    """A number of the call, one off or of another size, with its true quote."""
    spoken = {
        "four hundred and twenty a month": ("430 a month", "$42", "4,200", "four hundred and forty", "402"),
        "thirty": ("13", "thirty thousand", "thirty-one", "300", "30%"),
        "three thousand": ("13,000", "three hundred", "3 million", "30k", "two thousand"),
        "two weeks": ("three weeks", "two months", "2 days", "two years", "fourteen weeks"),
        "sixty to eighty pounds": ("$60", "sixteen pounds", "60 to 90 pounds", "€80", "eighteen pounds"),
        "nine days": ("nine weeks", "ninety days", "19 days", "9 hours", "eight days"),
    }
    quote = chance.choice(list(spoken))
    utterance = next(u for u in transcript if quote in u.text)
    return _draft(f"The {_side(utterance)} spoke of {chance.choice(spoken[quote])}.", utterance.no, quote)


def _wrong_date(chance: random.Random, transcript: Transcript) -> Draft:
    utterance, quote = _quoted(chance, transcript)
    return _draft(f"The {_side(utterance)} wanted to have it {chance.choice(DATES)}.", utterance.no, quote)


def _wrong_name(chance: random.Random, transcript: Transcript) -> Draft:
    utterance, quote = _quoted(chance, transcript)
    name = chance.choice(NAMES)
    told = chance.choice((f"The {_side(utterance)} compared it with {name}.", f"{name} came up as an alternative."))
    return _draft(told, utterance.no, quote)


def _name_of_elsewhere(chance: random.Random, transcript: Transcript) -> Draft:
    """A name that the call has, put beside words that do not hold it; in small letters too."""
    name = chance.choice(("Packfast", "Derby", "Priya", "Martin", "packfast", "PRIYA"))
    while True:
        utterance, quote = _quoted(chance, transcript)
        if name.casefold() not in quote.casefold():
            return _draft(f"The {_side(utterance)} brought up {name} here.", utterance.no, quote)


def _swapped_speaker(chance: random.Random, transcript: Transcript) -> Draft:
    utterance, quote = _quoted(chance, transcript)
    other = "customer" if utterance.speaker == REP else "rep"
    told = chance.choice(
        (
            "The {} said this.", "The {} openly agreed to it.", "Here the {} confirmed the point.",
            "It was raised by the {}.", "According to the {} this matters.", "The {} asked about it.",
            "This was clear, and the {} promised it.", "In the {}'s own words this is what counts.",
            "The {} really wanted it.", "Speaker {n} said so.",
        )
    )  # fmt: skip
    number = CUSTOMER if utterance.speaker == REP else REP
    return _draft(told.replace("{n}", str(number)).format(other), utterance.no, quote)


def _fused(chance: random.Random, transcript: Transcript) -> Draft:
    """The end of one utterance and the begin of the next as one quote."""
    utterances = transcript.utterances
    at = chance.randrange(len(utterances) - 1)
    first, second = utterances[at].text.split(), utterances[at + 1].text.split()
    joint = chance.choice((" ", " ... ", ", ", " … ", "\n", " / "))
    quote = joint.join((" ".join(first[-3:]), " ".join(second[:3])))
    return _draft("It was said.", utterances[at + chance.randint(0, 1)].no, quote)


def _left_out(chance: random.Random, transcript: Transcript) -> Draft:
    """The begin and the end of a long utterance without its middle."""
    words = _utterance(chance, transcript, 12)
    parts = words.text.split()
    gap = chance.choice(("...", "", "[…]"))
    return _draft("It was said.", words.no, f"{' '.join(parts[:3])} {gap} {' '.join(parts[-3:])}")


def _another_call(chance: random.Random, transcript: Transcript) -> Draft:
    return _draft("It was said.", _utterance(chance, transcript).no, chance.choice(OTHER_CALL))


def _another_utterance(chance: random.Random, transcript: Transcript) -> Draft:
    utterance, quote = _quoted(chance, transcript)
    others = [u for u in transcript if _plain(quote) not in _plain(u.text)]
    return _draft(f"The {_side(utterance)} spoke.", chance.choice(others).no, quote)


def _no_such_utterance(chance: random.Random, transcript: Transcript) -> Draft:
    _, quote = _quoted(chance, transcript)
    no = chance.choice((-1, -(10**6), len(transcript), len(transcript) + chance.randrange(9999), 2**31, 10**18))
    return _draft("It was said.", no, quote)


def _near_miss(chance: random.Random, transcript: Transcript) -> Draft:
    """A true quote with one word changed, dropped, doubled, turned around or cut."""
    while True:
        utterance, quote = _quoted(chance, transcript)
        words = quote.split()
        at = chance.randrange(len(words))
        change = chance.choice(("change", "drop", "double", "turn", "cut", "not"))
        if change == "change":
            words[at] = chance.choice(("violet", "never", "zebra", "unless"))
        elif change == "drop" and 0 < at < len(words) - 1:
            del words[at]
        elif change == "double":
            words.insert(at, words[at])
        elif change == "turn":
            words.reverse()
        elif change == "cut" and "'" not in words[-1]:
            words[-1] = words[-1][: max(1, len(words[-1]) // 2)]
        elif change == "not":
            words.insert(at, "not")
        changed = " ".join(words)
        if not re.search(rf"(?<!\w){re.escape(_plain(changed))}(?!\w)", _plain(utterance.text)) and _plain(
            changed
        ) != _plain(quote):
            return _draft("It was said.", utterance.no, changed)


def _unicode(chance: random.Random, transcript: Transcript) -> Draft:
    """Letters that look alike, and words hidden behind what nobody sees."""
    utterance, quote = _quoted(chance, transcript)
    alike = str.maketrans("aeopcx", "аеорсх")
    hidden = "".join(chr(0xE0000 + ord(c)) for c in "yes")
    changed = chance.choice(
        (
            quote.translate(alike) if set(quote) & set("aeopcx") else f"{quote} да",
            f"{quote}\u202e dluow ew",
            f"{quote} {hidden} agreed",
            f"{quote}\u0301\u0301 of course",
            quote.replace(" ", "") + "x",
            "\u200b\u200c\u2060",
            f"{hidden}",
        )
    )
    return _draft("It was said.", utterance.no, changed)


def _wrong_time(chance: random.Random, transcript: Transcript) -> Draft:
    """A time written into the statement, which nobody said."""
    utterance, quote = _quoted(chance, transcript)
    at = chance.choice(("at 07:41", "at 61 minutes", "after 44 seconds", "in minute 59", "at 0:07:41"))
    return _draft(f"The {_side(utterance)} said it {at}.", utterance.no, quote)


def _false_absence(chance: random.Random, transcript: Transcript) -> Draft:
    utterance, quote = _quoted(chance, transcript)
    through = chance.choice((utterance.no - 1, -1, len(transcript), 10**9))
    return _draft("Nothing of the kind was done.", utterance.no, quote, through)


def _malformed(chance: random.Random, transcript: Transcript) -> Draft:
    utterance, quote = _quoted(chance, transcript)
    citation = Citation(utterance_no=utterance.no, quote=quote)
    return chance.choice(
        (
            Draft(statement="  ", citations=(citation,), confidence=0.9),
            Draft(statement="It was said.", citations=(), confidence=0.9),
            Draft(statement="It was said.", citations=(citation,), confidence=float("nan")),
            Draft(statement="It was said.", citations=(citation,), confidence=1.01),
            Draft(statement="very " * 200, citations=(citation,), confidence=0.9),
            Draft(statement="It was said.", citations=(citation,) * 9, confidence=0.9),
            Draft(
                statement="It was said.",
                citations=(citation, Citation(utterance_no=9999, quote="x")),
                confidence=0.9,
            ),
        )
    )


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", "", text.casefold()).split())


_KINDS: Final[dict[str, Callable[[random.Random, Transcript], Draft]]] = {
    "wrong number": _wrong_number,
    "changed number": _changed_number,
    "wrong date": _wrong_date,
    "wrong name": _wrong_name,
    "name of elsewhere": _name_of_elsewhere,
    "swapped speaker": _swapped_speaker,
    "fused quote": _fused,
    "quote without its middle": _left_out,
    "quote of another call": _another_call,
    "quote of another utterance": _another_utterance,
    "invented utterance": _no_such_utterance,
    "near miss": _near_miss,
    "unicode": _unicode,
    "wrong time": _wrong_time,
    "false absence": _false_absence,
    "malformed": _malformed,
}
