"""What a recogniser makes of a text, imitated: for training and for trials, never for figures of a recogniser.

No capitals and no punctuation; little words lost or said twice, fillers, words that sound alike, word ends dropped.
"""

from __future__ import annotations

import random
import re
from typing import Final

ALIKE: Final = (
    ("there", "their", "they're"),
    ("your", "you're"),
    ("to", "two", "too"),
    ("for", "four"),
    ("by", "buy", "bye"),
    ("its", "it's"),
    ("price", "prize"),
    ("quote", "coat"),
    ("sign", "sine"),
    ("week", "weak"),
    ("month", "months"),
    ("cost", "costs"),
    ("hire", "higher"),
    ("site", "sight"),
    ("know", "no"),
    ("would", "wood"),
    ("won't", "want"),
    ("can't", "can"),
    ("then", "than"),
    ("are", "our"),
    ("we'll", "will", "well"),
    ("i'll", "ill"),
    ("he'll", "hill"),
    ("lease", "least"),
    ("board", "bored"),
    ("sell", "cell"),
    ("pay", "play"),
    ("tier", "tear"),
    ("fee", "free"),
    ("seats", "seeds"),
    ("boss", "bus"),
    ("pilot", "pilots"),
    ("spreadsheet", "spread sheet"),
    ("vendor", "vender"),
    ("invoice", "in voice"),
    ("onboard", "on board"),
    ("rollout", "roll out"),
    ("set up", "setup"),
    ("in", "and", "an"),
    ("a", "the", "uh"),
)
_SOUNDS: Final = {word: tuple(w for w in group if w != word) for group in ALIKE for word in group}
_LITTLE: Final = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "to",
        "in",
        "on",
        "at",
        "is",
        "are",
        "and",
        "so",
        "that",
        "it",
        "i",
        "we",
        "you",
        "do",
        "does",
    ]
)
_FILLERS: Final = ("uh", "um", "like", "you know", "er")


def misheard(text: str, chance: random.Random, strength: float = 1.0) -> str:
    """`text` as it might come out of a recogniser; at `strength` 1 about one word in ten is not what was said."""
    heard: list[str] = []
    for word in re.sub(r"[^\w\s']+", " ", text.lower()).split():
        drawn = chance.random() / strength
        if word in _LITTLE and drawn < 0.06:
            continue
        if word in _SOUNDS and drawn < 0.2:
            heard.append(chance.choice(_SOUNDS[word]))
        elif drawn < 0.02:
            heard.extend((word, word))
        elif drawn < 0.035:
            heard.extend((chance.choice(_FILLERS), word))
        elif drawn < 0.05 and len(word) > 4:
            heard.append(word[:-1] if not word.endswith("s") else word + "es")
        elif drawn < 0.06 and heard and len(heard[-1]) + len(word) < 12:
            heard[-1] += word
        else:
            heard.append(word)
    return " ".join(heard)
