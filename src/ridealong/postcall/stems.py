"""The forms of an English word brought together, for statements that are held against their quotes.

Exact where search is rough (`retrieval` cuts endings by length): "sold" and "sell" are one here, "wing" stays a wing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_IRREGULAR: Final = {
    form: base.removesuffix("e") if len(base) > 3 else base
    for line in [
        "buy bought",
        "sell sold",
        "pay paid",
        "send sent",
        "give gave given",
        "take took taken",
        "lose lost loss losses",
        "make made",
        "meet met",
        "leave left",
        "keep kept",
        "choose chose chosen",
        "spend spent",
        "run ran",
        "begin began begun",
        "grow grew grown growth",
        "fall fell fallen",
        "rise rose risen",
        "win won",
        "bring brought",
        "tell told",
        "know knew known",
        "think thought",
        "get got gotten",
        "go went gone",
        "have has had",
        "see saw seen",
        "find found",
        "build built",
        "hold held",
        "lead led",
        "write wrote written",
        "speak spoke spoken",
        "break broke broken",
        "drive drove driven",
        "lend lent",
        "teach taught",
        "fight fought",
        "feel felt",
        "mean meant",
        "hear heard",
        "understand understood",
        "shrink shrank shrunk",
        "throw threw thrown",
        "draw drew drawn",
        "forget forgot forgotten",
        "sign signed signature",
        "approve approval",
        "decide decision",
        "renew renewal",
        "cancel cancelled canceled cancellation cancelling",
        "deliver delivery",
        "ship shipment",
        "install installation",
        "refuse refusal",
        "agree agreement",
        "commit committed commitment",
        "need needs needed",
        "happy happier",
        "cheap cheaper",
        "say said says",
        "use used uses using usage",
        "try tried tries",
    ]
    for base, *forms in [line.split()]
    for form in (base, *forms)
}
"""Each form to its base: what endings do not show."""


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """`word` without what its form adds: "signing" and "signed" are one, and so are "worry" and "worries"."""
    word = word.replace("’", "'").split("'")[0]
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for end, least in (("ing", 6), ("ied", 5), ("ies", 5), ("ed", 5), ("es", 5), ("s", 4)):
        if word.endswith(end) and len(word) >= least and not word.endswith(("ss", "us", "is")):
            word = word[: -len(end)] + ("y" if end in ("ied", "ies") else "")
            if end in ("ing", "ed") and len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    word = word.removesuffix("e") if len(word) > 3 else word
    return _IRREGULAR.get(word, word)
