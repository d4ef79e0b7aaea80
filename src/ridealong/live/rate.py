"""How often do moments occur in this call? A running belief, by which every probability is moved.

A head's probabilities are right at the rate of the calls that calibrated it. A long, ordinary call holds a third as
many moments; there the same words are as likely to be a story about a cousin, and a confidence of 0.9 is right in half
of the cases. What a classifier says is moved to another rate by the odds of the two (Saerens, Latinne and Decaestecker
2002, "Adjusting the outputs of a classifier to new a priori probabilities"). Their estimate takes all cases at once,
again and again until it stands; a call comes one utterance at a time, so each is moved by what the ones before it gave.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

WORTH: Final = 20
"""Utterances of any call that the usual rate counts for: the first minutes of this one say little.

Chosen among 12, 20, 30, 40 and 80 (docs/decisions/0048-how-often-moments-occur.md).
"""

LEAST: Final = -2.0
"""Log-odds by which a probability is lowered at the most. None is raised: in talk that is no sale, what was taken for a
moment wrongly would make the next mistake surer."""


class MomentRate:
    """Of one call. `usual`: by type, the share of utterances that hold it in the calls that the head is right for.

    Types that are not in `usual`, a tenant's own, count for nothing and are not moved: how often they occur is unknown.
    """

    def __init__(self, usual: Mapping[str, float]) -> None:
        self._usual = {type_id: share for type_id, share in usual.items() if share > 0}
        self._rate = min(sum(self._usual.values()), 0.95)
        self._heard = 0
        self._found = 0.0

    @property
    def shift(self) -> float:
        """Log-odds to be added to the head's, by what was heard so far."""
        if not self._usual:
            return 0.0
        rate = min((WORTH * self._rate + self._found) / (WORTH + self._heard), 0.95)
        return min(max(_log_odds(rate) - _log_odds(self._rate), LEAST), 0.0)

    def moved(self, type_id: str, probability: float) -> float:
        """`probability` as the head says it, at this call's rate."""
        if type_id not in self._usual or not 0 < probability < 1:
            return probability
        return 1 / (1 + math.exp(-_log_odds(probability) - self.shift))

    def heard(self, likelihoods: Mapping[str, float]) -> None:
        """One utterance more, with what was made of it: the probability of each type, moved already."""
        self._heard += 1
        self._found += min(1.0, sum(p for type_id, p in likelihoods.items() if type_id in self._usual))

    def restored(self, utterances: int, types: Sequence[str]) -> None:
        """So many utterances were heard earlier, and these moments found: taken up in the middle of the call."""
        self._heard += utterances
        self._found += sum(type_id in self._usual for type_id in types)


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))
