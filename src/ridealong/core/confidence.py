"""How surely a claim holds: raw signals in, one probability and its words out.

A logistic model in plain Python, so that whatever shows a claim can weigh it. It is fitted elsewhere
(`app.bench.confidence_fit`), shipped as a file with a version, and fitted anew for a tenant from its managers' votes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

SUPPORTED: Final = "supported"
PARTLY: Final = "partly"
"""What a second reading may have said; a claim of which it said `not_supported` is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signals:
    """What is known of one claim before it is weighed. Holds nothing that was said."""

    own: float
    """The reviewer's own probability, 0 to 1."""
    hosted: bool = False
    """Written by a language model; the local reviewer's own probability is fitted already."""
    second: str | None = None
    """`supported` or `partly` by a second reading; None where there was none."""
    likeness: float = 0.0
    """Cosine of the statement and the nearest of the cited words, -1 to 1."""
    shared: float = 0.0
    """Share of the statement's telling words that the cited words hold, 0 to 1."""
    speaker: float = 1.0
    """The diariser's certainty of the cited speakers, 0 to 1; the least of them."""
    role: float = 1.0
    """How surely the cited speakers are on the side that the claim is about, 0 to 1."""
    role_guessed: bool = False
    overlapped: bool = False
    estimated: float = 0.0
    """Share of the cited words for which the recogniser gave no time, 0 to 1."""
    nearest: float = 0.0
    """For a claim of absence: how probably the closest words of the searched span show it after all, 0 to 1."""
    repaired: bool = False
    contradicted: bool = False
    absence: bool = False

    def as_json(self) -> dict[str, object]:
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Signals | None:
        """As stored; None where nothing is. What a later version added is left at its default."""
        if not stored or "own" not in stored:
            return None
        names = cls.__dataclass_fields__
        return cls(**{name: value for name, value in stored.items() if name in names})


FEATURES: Final = (
    "own",  # log odds
    "hosted",
    "supported",
    "partly",
    "likeness",
    "shared",
    "speaker",  # log of the probability, of hosted claims: the local reviewer's own holds it already
    "role",  # the same
    "overlapped",
    "estimated",
    "nearest",  # log of the probability that they do not show it, of hosted claims
    "repaired",
    "contradicted",
    "absence",
)


def features(signals: Signals) -> tuple[float, ...]:
    """In the order of `FEATURES`."""
    own = min(0.98, max(0.02, signals.own))
    return (
        math.log(own / (1 - own)),
        float(signals.hosted),
        float(signals.second == SUPPORTED),
        float(signals.second == PARTLY),
        signals.likeness,
        signals.shared,
        signals.hosted * math.log(max(0.05, signals.speaker)),
        signals.hosted * math.log(max(0.05, signals.role)),
        float(signals.overlapped),
        signals.estimated,
        signals.hosted * math.log(max(0.05, 1 - signals.nearest)),
        float(signals.repaired),
        float(signals.contradicted),
        float(signals.absence),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfidenceModel:
    """Signals to a probability. `version` names it in every artifact that it weighed."""

    version: str
    intercept: float
    weights: Mapping[str, float]

    def probability(self, signals: Signals) -> float:
        """1 / (1 + e^-(intercept + sum of weight x feature)), kept from saying 0 or 1."""
        score = self.intercept + sum(
            self.weights.get(name, 0.0) * value for name, value in zip(FEATURES, features(signals), strict=True)
        )
        return min(0.99, max(0.01, 1 / (1 + math.exp(-max(-40.0, min(40.0, score))))))


WORDS: Final = (
    (0.90, "almost certain"),
    (0.70, "likely"),
    (0.50, "more likely than not"),
    (0.30, "uncertain"),
    (0.0, "doubtful"),
)
"""From which probability on a claim is called what."""


def in_words(probability: float) -> str:
    """The word for a probability, after it was rounded as it is shown: "0.70" is never called otherwise than 0.70."""
    return next(word for least, word in WORDS if round(probability, 2) >= least)


SURE_OF_SPEAKER: Final = 0.75
SURE_OF_ROLE: Final = 0.8
MANY: Final = 0.3
NEAR: Final = 0.15


def doubts(signals: Signals | None) -> tuple[str, ...]:
    """One sentence for each thing that makes a claim shaky. None of them holds words of the call."""
    if signals is None:
        return ()
    found = [
        (signals.overlapped, "two people talk at once here"),
        (signals.speaker < SURE_OF_SPEAKER, "who spoke is not sure"),
        (signals.estimated > MANY, "the recogniser was unsure of these words: their times are estimated"),
        (signals.role_guessed or signals.role < SURE_OF_ROLE, "which speaker is the rep is a guess"),
        (signals.second == PARTLY, "a second reading found the words to carry this only in part"),
        (signals.absence and signals.nearest >= NEAR, "some words come near to what is called missing"),
        (signals.contradicted, "another statement of this review says otherwise"),
    ]
    return tuple(sentence for holds, sentence in found if holds)
