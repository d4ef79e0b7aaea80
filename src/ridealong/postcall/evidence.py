"""Which words of a call best show a criterion, and how surely. Vectorised: one matrix product for each criterion."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.rubric import Criterion
from ridealong.core.transcript import Citation, Role, Transcript, Unattributed, Utterance, find_quote
from ridealong.embedding import DIMENSIONS, Layered
from ridealong.postcall.likeness import layers_of
from ridealong.postcall.reviewer import ReviewContext
from ridealong.postcall.scoring import (
    Calibrator,
    Profile,
    features,
    load_calibrator,
    ordinary_sentences,
    profile,
)

if TYPE_CHECKING:
    from ridealong.embedding import Embedder, Vectors

CANDIDATES: Final = 8
"""Utterances of a criterion that are read sentence by sentence."""
MIN_WORDS: Final = 3
"""Shorter utterances show nothing by themselves."""
UNKNOWN_ROLE: Final = 0.7
"""What is left of a probability where nobody knows who is the rep."""
MAX_PROFILES: Final = 512

_SENTENCE = re.compile(r"[^.?!。？！]+[.?!。？！]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """Words that may show a criterion. `partly` and `fully` are probabilities; `quote` stands in `utterance`.

    `goes_on`: the utterance in which the same speaker goes on, where it takes both to show it.
    """

    utterance: Utterance
    quote: str
    partly: float
    fully: float
    goes_on: Utterance | None = None

    @property
    def confidence(self) -> float:
        """How probably the words show the criterion at least in part."""
        return self.partly + self.fully

    @property
    def citation(self) -> Citation:
        return Citation(utterance_no=self.utterance.no, quote=self.quote)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """`citation`, and all words of the utterance in which it goes on."""
        if self.goes_on is None:
            return (self.citation,)
        return (self.citation, Citation(utterance_no=self.goes_on.no, quote=self.goes_on.text))


class EvidenceFinder:
    """Finds what shows a criterion. Thread-safe; profiles are made on first use and kept."""

    def __init__(self, embedder: Embedder, calibrator: Calibrator | None = None) -> None:
        self._embedder = embedder
        self._calibrator = calibrator or load_calibrator()
        self._profiles: dict[Criterion, Profile] = {}
        self._ordinary: Vectors | None = None
        self._lock = Lock()

    def warm(self, criteria: Sequence[Criterion]) -> None:
        """Make the profiles of `criteria` now (some 70 ms each), so that the first review does not wait for them."""
        for criterion in criteria:
            self._profile(criterion)

    def find(
        self,
        criterion: Criterion,
        context: ReviewContext,
        *,
        from_ts: int | None = None,
        until_ts: int | None = None,
        most: int = CANDIDATES,
    ) -> list[Shown]:
        """The words that best show `criterion`, surest first: at most `most`, one entry for each utterance.

        Only utterances that start in [from_ts, until_ts) ms count, said by the criterion's role. Where no rep is
        known anybody's words count, with less confidence. Words without a speaker never count.
        """
        rows = [
            row
            for row, utterance in enumerate(context.transcript)
            if (from_ts is None or utterance.start_ts >= from_ts)
            and (until_ts is None or utterance.start_ts < until_ts)
            and may_show(criterion, utterance, context)
        ]
        if not rows:
            return []
        of = self._profile(criterion)
        utterances = context.transcript.utterances
        texts = [utterances[row].text for row in rows]
        whole = self._calibrator.probabilities(features(of, texts, context.vectors[rows]))
        best = np.argsort(-(whole[:, 1] + whole[:, 2]), kind="stable")[:most]
        shown = [
            Shown(
                utterance=utterances[rows[i]],
                quote=texts[i],
                partly=float(whole[i, 1]),
                fully=float(whole[i, 2]),
            )
            for i in best
        ]
        read = self._read_sentences(of, shown, context)
        return sorted(
            (self._with_doubt(found, criterion, context) for found in read), key=lambda found: -found.confidence
        )

    def likeness(self, criterion: Criterion, shown: Shown, context: ReviewContext) -> float:
        """Cosine of `shown` to the nearest example of `criterion`, -1 to 1."""
        if shown.quote == shown.utterance.text:
            row = next(n for n, u in enumerate(context.transcript) if u.no == shown.utterance.no)
            vector = context.vectors[row]
        else:
            vector = self._embed([shown.quote], context)[0]
        return float(np.clip((self._profile(criterion).shown @ vector).max(), -1.0, 1.0))

    def _read_sentences(self, of: Profile, shown: Sequence[Shown], context: ReviewContext) -> list[Shown]:
        """Each of `shown`, narrowed to the sentence that shows most where one shows more than the whole."""
        split = [(found, sentence) for found in shown for sentence in sentences(found.utterance.text)]
        if not split:
            return list(shown)
        texts = [sentence for _, sentence in split]
        odds = self._calibrator.probabilities(features(of, texts, self._embed(texts, context)))
        best = {found.utterance.no: found for found in shown}
        for (found, sentence), row in zip(split, odds, strict=True):
            if row[1] + row[2] > best[found.utterance.no].confidence:
                best[found.utterance.no] = Shown(
                    utterance=found.utterance, quote=sentence, partly=float(row[1]), fully=float(row[2])
                )
        return list(best.values())

    def _embed(self, texts: Sequence[str], context: ReviewContext) -> Vectors:
        known = context.sentence_vectors
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new and isinstance(self._embedder, Layered):
            # The layers cost nothing beside the vector, and who grades what is found reads them too.
            layers = layers_of(new, context, self._embedder)
            known.update(zip(new, layers[:, :DIMENSIONS], strict=True))
        elif new:
            known.update(zip(new, self._embedder.embed(new), strict=True))
        return np.stack([known[text] for text in texts])

    def _with_doubt(self, found: Shown, criterion: Criterion, context: ReviewContext) -> Shown:
        """Lower the probabilities by what is not sure about the speaker."""
        factor = found.utterance.speaker_confidence
        if criterion.role is not Role.UNKNOWN:
            known = context.side_of(found.utterance.speaker) is not Role.UNKNOWN
            factor *= context.role_confidence(found.utterance.speaker) if known else UNKNOWN_ROLE
        return Shown(
            utterance=found.utterance,
            quote=found.quote,
            partly=found.partly * factor,
            fully=found.fully * factor,
        )

    def _profile(self, criterion: Criterion) -> Profile:
        with self._lock:
            if criterion not in self._profiles:
                if self._ordinary is None:
                    self._ordinary = self._embedder.embed(ordinary_sentences())
                if len(self._profiles) >= MAX_PROFILES:
                    self._profiles.pop(next(iter(self._profiles)))
                self._profiles[criterion] = profile(criterion, self._embedder, self._ordinary)
            return self._profiles[criterion]


def may_show(criterion: Criterion, utterance: Utterance, context: ReviewContext) -> bool:
    """Whether the utterance has enough words and a speaker whom the criterion is about."""
    if isinstance(utterance.speaker, Unattributed) or len(utterance.text.split()) < MIN_WORDS:
        return False
    if criterion.role is Role.UNKNOWN:
        return True
    side = context.side_of(utterance.speaker)
    return side is criterion.role or (side is Role.UNKNOWN and not context.rep_known)


def sentences(text: str) -> list[str]:
    """The sentences of `text` that can be quoted and have enough words; nothing where there is only one sentence."""
    found = [part.strip() for part in _SENTENCE.findall(text)]
    long = [part for part in found if len(part.split()) >= MIN_WORDS and find_quote(text, part) is not None]
    return long if len(found) > 1 else []


def last_no(transcript: Transcript, *, until_ts: int | None = None) -> int:
    """Number of the last utterance that starts before `until_ts` ms; of the last of all without it."""
    before = [u.no for u in transcript if until_ts is None or u.start_ts < until_ts]
    return before[-1] if before else transcript.utterances[0].no
