"""The content moments of one utterance: a linear head over its meaning, its wording and its surroundings."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.moments import Detection
from ridealong.core.transcript import UNATTRIBUTED, Citation, Role, Roles, Transcript, Utterance, find_quote
from ridealong.embedding.minilm import EARLIER_TURNS, Earlier
from ridealong.live.features import BESIDE, Reader, Surroundings, Turn, clauses, row, stretches
from ridealong.live.rate import MomentRate
from ridealong.live.sale import LOOK_BACK, SaleBelief
from ridealong.live.trackers import Hit, Phrases
from ridealong.live.wording import Wording

if TYPE_CHECKING:
    from ridealong.embedding import Vectors
    from ridealong.live.head import Head
    from ridealong.live.sale import SaleSense
    from ridealong.live.taxonomy import MomentType, Taxonomy

CONTEXT_MS: Final = 60_000
MOST_TYPES: Final = 2
"""An utterance carries at most two content types."""

TRACKED_CONFIDENCE: Final = 0.82
"""Of a tenant's phrase said by the right role: at the default floors, below a sure judgement of the words."""

TRACKED_BY_OTHER: Final = 0.5
"""Of a tenant's phrase while the role is not known."""

REMEMBERED: Final = 64
"""Vectors of recent turns kept: the turn before is needed again for each answer to it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Classified:
    """What was found in an utterance; `views` are all that the model sees in it (see `live.features.Reader`)."""

    detections: tuple[Detection, ...]
    views: Vectors
    likelihoods: Mapping[str, float] = field(default_factory=dict[str, float])
    """The head's probability of every type that the speaker's role allows, found or not."""
    shadow: tuple[Detection, ...] = ()
    """What the head in shadow found, where there is one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    moment_type: MomentType
    confidence: float
    span: tuple[int, int]
    values: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Seen:
    """What the heads are shown of one utterance: a row of features of each stretch, behind it those of its clauses.

    Of a long text, which has several stretches, `whole` has the row of all of it, then those of its clauses.
    """

    views: Vectors
    rows: Vectors
    spans: Sequence[tuple[int, int]]
    quotable: list[int]
    """Which of them are the smallest pieces."""
    length: int
    whole: Vectors | None
    answer: Vectors | None
    """All of it, read together with the turns before; None where no head asks for that."""
    role: Role
    may_be_cited: bool


class MomentClassifier:
    """Judges the utterances of one call. Blocks for some milliseconds; call it from a worker thread, one at a time.

    The head and the embedder are shared by all calls; what is kept here is the call's own: recent vectors, and which
    wordings of nudges were used.
    """

    def __init__(
        self,
        *,
        taxonomy: Taxonomy,
        embedder: Reader,
        head: Head,
        shadow: Head | None = None,
        sale_sense: SaleSense | None = None,
    ) -> None:
        self._sale = None if sale_sense is None else SaleBelief(sale_sense)
        self._reader = embedder
        self._head = head
        self._shadow = shadow
        self._types = {t.id: t for t in taxonomy.content_types}
        self._rate = self._usual_rate(head)
        self._shadow_rate = None if shadow is None else self._usual_rate(shadow)
        self._phrases = Phrases(taxonomy.trackers)
        self._wording = Wording()
        self._shadow_wording = Wording()
        self._recent: OrderedDict[str, Vectors] = OrderedDict()

    def classify(self, transcript: Transcript, utterance: Utterance, roles: Roles) -> Classified:
        """At most two moments in `utterance`, the surest first. It must already stand in `transcript`."""
        seen = self._see(transcript, utterance, roles)
        self._remember(utterance.text, seen.views)
        self._believe(transcript, utterance, seen.views)
        if not seen.may_be_cited:
            return Classified(detections=(), views=seen.views)
        hits = self._phrases.find(utterance.text)
        candidates, likelihoods = self._judged(self._head, self._rate, seen)
        self._rate.heard(likelihoods)
        shadowed: Sequence[_Candidate] = ()
        if self._shadow is not None and self._shadow_rate is not None:
            shadowed, in_shadow = self._judged(self._shadow, self._shadow_rate, seen)
            self._shadow_rate.heard(in_shadow)
            shadowed = self._surest(shadowed, hits, seen)
        return Classified(
            detections=tuple(
                self._detection(transcript, utterance, c, seen.role, self._wording)
                for c in self._surest(candidates, hits, seen)
            ),
            views=seen.views,
            likelihoods=likelihoods,
            # Its own turns of wording: a shadow must not change what the rep reads.
            shadow=tuple(self._detection(transcript, utterance, c, seen.role, self._shadow_wording) for c in shadowed),
        )

    def ahead(self, transcript: Transcript, so_far: Utterance, roles: Roles) -> tuple[Detection, ...]:
        """What `classify` would find if the open turn `so_far`, which is not in `transcript`, ended with these words.

        Nothing is learned from it: the finished utterance is judged once more, and counts.
        """
        seen = self._see(transcript, so_far, roles)
        if not seen.may_be_cited:
            return ()
        candidates, _ = self._judged(self._head, self._rate, seen)
        surest = self._surest(candidates, self._phrases.find(so_far.text), seen)
        heard = Transcript.of(transcript.id, [so_far])
        return tuple(self._detection(heard, so_far, c, seen.role, self._wording) for c in surest)

    def read(self, text: str) -> None:
        """Read what may become the words of an utterance: if they do, the model has seen them already."""
        for begin, end in stretches(text):
            self._reader.pieces(text[begin:end], clauses(text[begin:end]))

    def _see(self, transcript: Transcript, utterance: Utterance, roles: Roles) -> _Seen:
        text, role = utterance.text, roles.role_of(utterance.speaker)
        window = transcript.before(no=utterance.no, end_ts=utterance.end_ts, span_ms=CONTEXT_MS)
        surroundings = Surroundings.of(role, _others(window, utterance, roles))
        answered = surroundings.answered.text if surroundings.answered is not None else None
        before = self._view(answered) if answered is not None else None

        def features(spans: Sequence[tuple[int, int]], views: Vectors) -> Vectors:
            return np.array([row(text[a:b], v, surroundings, before) for (a, b), v in zip(spans, views, strict=True)])

        spans: list[tuple[int, int]] = []
        quotable: list[int] = []
        read: list[Vectors] = []
        inner: Sequence[tuple[int, int]] = ()
        for begin, end in stretches(text):
            inner = clauses(text[begin:end])
            quotable += range(len(spans) + bool(inner), len(spans) + 1 + len(inner))
            spans += [(begin, end), *((begin + a, begin + b) for a, b in inner)]
            read.append(self._reader.pieces(text[begin:end], inner))
        whole, long = read[0], len(read) > 1
        if long:
            inner = clauses(text)
            whole = self._reader.pieces(text, inner)
        # Nobody to cite, or no word to quote: nothing can be found in it.
        may_be_cited = utterance.speaker is not UNATTRIBUTED and find_quote(text, text) is not None
        rows, whole_rows, answer = np.zeros((0, 0), np.float32), None, None
        if may_be_cited:
            rows = features(spans, np.concatenate(read))
            whole_rows = features([(0, len(text)), *inner], whole) if long else None
            heads = (self._head, self._shadow)
            if any(head is not None and head.asks_for_answers for head in heads):
                facts = (rows if whole_rows is None else whole_rows)[0, -BESIDE:]
                answer = self._reader.answer(text, role, _earlier(window, utterance), facts)
        return _Seen(
            views=whole[0],
            rows=rows,
            spans=spans,
            quotable=quotable,
            length=len(text),
            whole=whole_rows,
            answer=answer,
            role=role,
            may_be_cited=may_be_cited,
        )

    def restored(self, utterances: int, types: Sequence[str]) -> None:
        """The call is taken up in the middle: so many utterances were judged, and these moments recorded."""
        for rate in (self._rate, self._shadow_rate):
            if rate is not None:
                rate.restored(utterances, types)

    def _usual_rate(self, head: Head) -> MomentRate:
        shares = zip(head.types, head.share.tolist(), strict=True)
        return MomentRate({type_id: share for type_id, share in shares if type_id in self._types})

    def _surest(self, candidates: Sequence[_Candidate], hits: Sequence[Hit], seen: _Seen) -> list[_Candidate]:
        """The most that an utterance carries, the tenant's own phrases among them, the surest first."""
        found = self._tracked(candidates, hits, seen.role, seen.length)
        return sorted(found, key=lambda c: (-c.confidence, c.moment_type.id))[:MOST_TYPES]

    def _judged(self, head: Head, rate: MomentRate, seen: _Seen) -> tuple[list[_Candidate], dict[str, float]]:
        spans, margins = seen.spans, head.margins(seen.rows)
        # P(moment) = P(moment | sale) P(sale): elsewhere nothing is one, whatever it sounds like. A tenant's own
        # phrases are another matter: they are what it says they are.
        best = margins.max(axis=0)
        if seen.whole is not None:
            # A stretch may be mistaken for want of what stands around it, all of it drowns what is said in one.
            best = (best + head.margins(seen.whole).max(axis=0)) / 2
        confidence = head.probabilities(best, seen.answer) * (1.0 if self._sale is None else self._sale.likelihood)
        # The quote is the best clause, also where the whole text scored higher: it is what the coach wants to hear.
        clause = np.array(seen.quotable)[margins[seen.quotable].argmax(axis=0)]
        found: list[_Candidate] = []
        likelihoods: dict[str, float] = {}
        for number, type_id in enumerate(head.types):
            moment_type = self._types.get(type_id)
            if moment_type is None or not _may_say(seen.role, moment_type):
                continue
            likelihoods[type_id] = sure = rate.moved(type_id, float(confidence[number]))
            if sure >= moment_type.detect:
                span = spans[int(clause[number])]
                found.append(_Candidate(moment_type=moment_type, confidence=sure, span=span, values={}))
        return found, likelihoods

    def _tracked(
        self, candidates: Sequence[_Candidate], hits: Sequence[Hit], role: Role, length: int
    ) -> list[_Candidate]:
        """The candidates with the tenant's own phrases added: a hit makes a moment or makes one surer."""
        found = {c.moment_type.id: c for c in candidates}
        for hit in hits:
            moment_type = self._types.get(hit.tracker.type)
            if moment_type is None or not _may_say(role, moment_type):
                continue
            known = found.get(moment_type.id)
            if known is not None and known.values:
                continue  # the first name in the utterance is the one to talk about
            values = {"competitor": hit.tracker.name, "answer": hit.tracker.answer}
            known_role = role is not Role.UNKNOWN or moment_type.bound_role is Role.UNKNOWN
            least = TRACKED_CONFIDENCE if known_role else TRACKED_BY_OTHER
            covers = known is not None and known.span[0] <= hit.start and hit.end <= known.span[1]
            found[moment_type.id] = _Candidate(
                moment_type=moment_type,
                confidence=max(least, known.confidence if known is not None else 0.0),
                span=known.span if known is not None and covers else (0, length),
                values=values,
            )
        return list(found.values())

    def _detection(
        self, transcript: Transcript, utterance: Utterance, candidate: _Candidate, role: Role, wording: Wording
    ) -> Detection:
        start, end = candidate.span
        evidence = transcript.cite(Citation(utterance_no=utterance.no, quote=utterance.text[start:end]))
        return Detection(
            type=candidate.moment_type.id,
            confidence=candidate.confidence,
            evidence=(evidence,),
            trigger_ts=end_of(utterance, evidence.quote_end),
            nudge=wording.choose(candidate.moment_type, candidate.values),
            role_known=role is not Role.UNKNOWN or candidate.moment_type.bound_role is Role.UNKNOWN,
            speaker_role=role,
        )

    def _believe(self, transcript: Transcript, utterance: Utterance, views: Vectors) -> None:
        if self._sale is None:
            return
        if not self._sale.begun:
            # A call that is taken up in the middle: what was said last says what it is about.
            for earlier in [u for u in transcript if u.no < utterance.no][-LOOK_BACK:]:
                self._sale.heard(self._view(earlier.text))
        self._sale.heard(views)

    def _view(self, text: str) -> Vectors:
        """The views of an earlier turn, which was judged itself not long ago."""
        if text not in self._recent:
            self._remember(text, self._reader.views([text])[0])
        return self._recent[text]

    def _remember(self, text: str, view: Vectors) -> None:
        self._recent[text] = view
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)


def _may_say(role: Role, moment_type: MomentType) -> bool:
    """Whether a speaker of `role` can be the one that the type asks for."""
    return moment_type.bound_role is Role.UNKNOWN or role in (Role.UNKNOWN, moment_type.bound_role)


def _others(window: Sequence[Utterance], utterance: Utterance, roles: Roles) -> list[Turn]:
    """The turns before `utterance` that are not its own speaker's."""
    return [
        Turn(text=u.text, role=roles.role_of(u.speaker))
        for u in window
        if u.speaker != utterance.speaker or u.speaker is UNATTRIBUTED
    ]


def _earlier(window: Sequence[Utterance], utterance: Utterance) -> list[Earlier]:
    """Everybody's last turns. Of a turn that nobody is known to have said it is not known whether it is the same's."""
    return [
        Earlier(text=u.text, same=u.speaker == utterance.speaker and u.speaker is not UNATTRIBUTED)
        for u in window[-EARLIER_TURNS:]
    ]


def end_of(utterance: Utterance, character: int) -> int:
    """When text[:character] had been said, in ms of call audio, by the times of its words.

    Where the words have no times (a transcript from elsewhere), only the utterance's own end is known: a guess in
    proportion would call a moment late, and keep it from the rep, for no better reason than that guess.
    """
    spoken = len(utterance.text[:character].split())
    if len(utterance.words) == len(utterance.text.split()) and spoken > 0:
        return min(max(utterance.words[spoken - 1].end_ts, utterance.start_ts), utterance.end_ts)
    return utterance.end_ts
