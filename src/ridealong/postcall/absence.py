"""A claim that something did not happen is complete only where a search for the opposite found nothing better.

Whoever wrote it, the span that it names is searched here by the criterion's examples. What comes near makes the claim
less sure; what would itself have been a finding refuses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.claims import AbsenceClaim, CitedAs, Searched
from ridealong.core.transcript import Unattributed
from ridealong.postcall.evidence import Shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ridealong.core.rubric import CoachingMoment, Criterion, Rubric
    from ridealong.embedding import Embedder, Vectors
    from ridealong.postcall.evidence import EvidenceFinder
    from ridealong.postcall.reviewer import ReviewContext

BETTER: Final = 0.30
"""Where words show it with this probability a person found it in four of five calls: nothing may be called absent."""
NEAR: Final = 0.15
"""From this probability on the claim is less sure."""
ALIKE: Final = 0.35
"""Words less like each example than this, as a cosine, do not come near. Of the surest words for criteria that a person
saw shown three in four are at least as alike, for those they did not see less than half."""
ABOUT: Final = 0.45
"""A statement without a criterion is about the criterion that its words are this near to, as a cosine."""
MOST: Final = 12
MIN_WORDS: Final = 3
MOST_ASKED: Final = 2_000
"""Criteria whose questions are kept as vectors."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The outcome of one search. `probability`: that the utterance `best_no` shows it after all."""

    searched: Searched
    probability: float = 0.0
    best_no: int | None = None


class AbsenceSearch:
    """Searches the spans that claims of absence name. Computes; thread-safe as its finder is."""

    def __init__(self, finder: EvidenceFinder, embedder: Embedder) -> None:
        self._finder = finder
        self._embedder = embedder
        self._lock = Lock()
        self._asked: dict[str, NDArray[np.float32]] = {}
        """Vectors of what rubrics ask, which every call is compared with: no words of a call are kept here."""

    def search(self, claim: AbsenceClaim, criterion: Criterion | None, context: ReviewContext) -> Found:
        """What comes closest to showing `criterion` in the claim's span, besides what the claim says called for it.

        A finding's span begins with the call. A coaching moment's begins with what called for it, unless it was the
        last thing searched: then the call before it is meant.
        """
        utterances = context.transcript.utterances
        from_no = utterances[0].no
        if criterion is None:
            return Found(searched=Searched.of(context.transcript, from_no=from_no, through=claim.through))
        last = context.transcript[claim.through]
        shown = self._finder.find(criterion, context, until_ts=last.start_ts + 1, most=MOST)
        cause = {e.utterance_no for e in claim.evidence} if claim.called_for else frozenset[int]()
        found = self._closest(criterion, shown, context, cited=cause, from_no=from_no, through=claim.through)
        if claim.cited_as is CitedAs.SPAN:
            return replace(found, searched=Searched.of(context.transcript, from_no=from_no, through=claim.through))
        if claim.cited_as is not CitedAs.NEAREST:
            return found
        # Who wrote the claim read more of these words than their likeness: what it cites as nearest is it.
        first = claim.evidence[0]
        # A quote ends before the last mark: then it was the whole utterance that was compared.
        text = first.utterance.text
        quote = text if first.quote_start == 0 and first.quote_end >= len(text) - 1 else first.quote
        named = Shown(utterance=first.utterance, quote=quote, partly=0.0, fully=0.0)
        return replace(
            found,
            searched=Searched.of(
                context.transcript,
                from_no=from_no,
                through=claim.through,
                closest_no=first.utterance_no,
                similarity=self._finder.likeness(criterion, named, context),
            ),
        )

    def search_coaching(self, claim: AbsenceClaim, title: str, rubric: Rubric | None, context: ReviewContext) -> Found:
        """The same for a coaching moment, by the criterion of `rubric` that it is about, where there is one."""
        first, last = min(e.utterance_no for e in claim.evidence), max(e.utterance_no for e in claim.evidence)
        before = claim.through <= last
        from_no = context.transcript.utterances[0].no if before else first
        criterion = None if rubric is None else self.about(f"{title}. {claim.statement}", rubric, context)
        if criterion is None:
            return self._closest_by_meaning(claim, from_no, context)
        until_ts = context.transcript[claim.through].start_ts + 1
        from_ts = None if before else context.transcript[first].start_ts
        shown = self._finder.find(criterion, context, from_ts=from_ts, until_ts=until_ts, most=MOST)
        cited = {e.utterance_no for e in claim.evidence}
        return self._closest(criterion, shown, context, cited=cited, from_no=from_no, through=claim.through)

    def _closest_by_meaning(self, claim: AbsenceClaim, from_no: int, context: ReviewContext) -> Found:
        """Where no criterion says how it would sound: the words nearest to the statement, which prove nothing."""
        cited = {e.utterance_no for e in claim.evidence}
        rows = [
            row
            for row, u in enumerate(context.transcript)
            if from_no <= u.no <= claim.through and u.no not in cited and len(u.text.split()) >= MIN_WORDS
            if not isinstance(u.speaker, Unattributed)
        ]
        if not rows:
            return Found(searched=Searched.of(context.transcript, from_no=from_no, through=claim.through))
        similar = context.vectors[rows] @ self._embed([claim.statement], context)[0]
        best = int(np.argmax(similar))
        return Found(
            searched=_searched(
                context,
                from_no=from_no,
                through=claim.through,
                no=context.transcript.utterances[rows[best]].no,
                similarity=float(np.clip(similar[best], -1.0, 1.0)),
            )
        )

    def subject(self, coaching: CoachingMoment, rubric: Rubric, context: ReviewContext) -> Criterion | None:
        """The criterion of which the moment says that it was done or (a claim of absence) was not done.

        Only where the words that it cites show that criterion can it say that it was done.
        """
        criterion = self.about(f"{coaching.title}. {coaching.claim.statement}", rubric, context)
        if criterion is None or isinstance(coaching.claim, AbsenceClaim):
            return criterion
        for evidence in coaching.claim.evidence:
            at = evidence.start_ts
            shown = self._finder.find(criterion, context, from_ts=at, until_ts=at + 1, most=1)
            if shown and shown[0].utterance.no == evidence.utterance_no and shown[0].confidence >= BETTER:
                return criterion
        return None

    def about(self, text: str, rubric: Rubric, context: ReviewContext) -> Criterion | None:
        """The criterion that `text` is about, by meaning; None where it is near to none of them."""
        criteria = [c for s in rubric.sections for c in s.criteria]
        if not criteria:
            return None
        similar = self._asks([f"{c.question} {c.shown_as}" for c in criteria]) @ self._embed([text], context)[0]
        best = int(np.argmax(similar))
        return criteria[best] if similar[best] >= ABOUT else None

    def _closest(
        self,
        criterion: Criterion,
        shown: Sequence[Shown],
        context: ReviewContext,
        *,
        cited: AbstractSet[int],
        from_no: int,
        through: int,
    ) -> Found:
        others = [s for s in shown if s.utterance.no not in cited and s.utterance.no <= through]
        if not others:
            return Found(searched=Searched.of(context.transcript, from_no=from_no, through=through))
        best = others[0]
        similarity = self._finder.likeness(criterion, best, context)
        return Found(
            searched=_searched(context, from_no=from_no, through=through, no=best.utterance.no, similarity=similarity),
            probability=best.confidence,
            best_no=best.utterance.no,
        )

    def _asks(self, questions: Sequence[str]) -> Vectors:
        with self._lock:
            return self._asks_locked(questions)

    def _asks_locked(self, questions: Sequence[str]) -> Vectors:
        new = [q for q in dict.fromkeys(questions) if q not in self._asked]
        if new:
            if len(self._asked) + len(new) > MOST_ASKED:
                self._asked.clear()
                new = list(dict.fromkeys(questions))
            self._asked.update(zip(new, self._embedder.embed(new), strict=True))
        return np.stack([self._asked[q] for q in questions])

    def _embed(self, texts: Sequence[str], context: ReviewContext) -> Vectors:
        known = context.sentence_vectors
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, self._embedder.embed(new), strict=True))
        return np.stack([known[text] for text in texts])


def _searched(context: ReviewContext, *, from_no: int, through: int, no: int, similarity: float) -> Searched:
    """Utterance `no` is the closest, where it is near at all."""
    near = similarity >= ALIKE
    return Searched.of(
        context.transcript,
        from_no=from_no,
        through=through,
        closest_no=no if near else None,
        similarity=similarity if near else 0.0,
    )
