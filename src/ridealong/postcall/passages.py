"""The passages that a question is answered from: which utterances, whose, and which of their words to quote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.transcript import Role, Unattributed, Utterance
from ridealong.postcall.evidence import sentences
from ridealong.postcall.retrieval import MIN_WORDS, Asked, Pool, Relevance, chosen, relevance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ridealong.core.answer import CallNamed
    from ridealong.embedding import Embedder, Vectors
    from ridealong.postcall.reviewer import ReviewContext

QUOTED_WHOLE: Final = 30
"""Words. What is longer is quoted by the sentence of it that comes nearest to the question."""
NEAR: Final = 0.29
"""A passage whose meaning is nearer (a cosine) than this to the question is about it. Sentences that have nothing to do
with each other mostly lie below 0.25."""
NEAR_WITH_WORDS: Final = 0.2
_LAST: Final = -1e6
"""A score below those of all that is ranked."""
WORDS: Final = 0.5
"""So is one that is this near and says this share of what the question's words weigh."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Heard:
    """Stretches of one call. `context.transcript` holds what was read of it, `context.vectors` one row for each of its
    utterances, and `asked_for` the numbers of those that may be cited.
    """

    call: CallNamed
    context: ReviewContext
    asked_for: frozenset[int] | None = None
    """None: all."""
    names: Mapping[int, str] | None = None
    """Names of speakers by their id, where somebody said them."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Passage:
    """One utterance that may answer. `quote` stands in it; `vector` [384] is the quote's."""

    heard: Heard
    utterance: Utterance
    quote: str
    vector: Vectors
    meaning: float
    words: float
    of_its_kind: bool = False
    """Whether it answers because all of its kind were asked for, whatever it is about."""

    @property
    def call(self) -> CallNamed:
        return self.heard.call

    @property
    def near(self) -> bool:
        """Whether it is about the question at all."""
        return self.of_its_kind or self.meaning >= NEAR or (self.meaning >= NEAR_WITH_WORDS and self.words >= WORDS)

    @property
    def side(self) -> Role:
        return self.heard.context.side_of(self.utterance.speaker)


def passages(
    asked: Asked,
    heard: Sequence[Heard],
    embedder: Embedder,
    *,
    role: Role = Role.UNKNOWN,
    most: int,
    all_of_them: bool = False,
) -> list[Passage]:
    """The utterances that answer best, best first, at most `most`, said by that role (UNKNOWN: by anybody). Computes.

    `all_of_them`: whatever may be cited answers, however far it is from the words of the question. What an unknown
    speaker said is left out: it cannot be cited.
    """
    where = [(one, row, utterance) for one in heard for row, utterance in enumerate(one.context.transcript)]
    if not where:
        return []
    pool = _pool(heard, where)
    found = relevance(asked, pool)
    score = found.score.copy()
    for row, (one, _, utterance) in enumerate(where):
        side = one.context.side_of(utterance.speaker)
        wanted = one.asked_for is None or utterance.no in one.asked_for
        if isinstance(utterance.speaker, Unattributed) or not wanted or role not in (Role.UNKNOWN, side):
            score[row] = -np.inf
        elif all_of_them:
            # A short one too: "Too expensive." is an objection, though few words say little by themselves.
            score[row] = max(score[row], _LAST)
    rows = [(*where[row], row) for row in chosen(score, pool, most)]
    return [replace(one, of_its_kind=all_of_them) for one in _quoted(asked, rows, found, embedder)]


def _pool(heard: Sequence[Heard], where: Sequence[tuple[Heard, int, Utterance]]) -> Pool:
    number = {id(one): n for n, one in enumerate(heard)}
    return Pool(
        texts=[utterance.text for _, _, utterance in where],
        vectors=np.concatenate([one.context.vectors for one in heard]),
        calls=np.array([number[id(one)] for one, _, _ in where], dtype=np.int64),
        places=np.array([utterance.no for _, _, utterance in where], dtype=np.int64),
        names=[_names(one, utterance) for one, _, utterance in where],
    )


def _names(one: Heard, utterance: Utterance) -> list[str]:
    if isinstance(utterance.speaker, Unattributed):
        return []
    side = one.context.side_of(utterance.speaker)
    names = [] if one.names is None or utterance.speaker not in one.names else [one.names[utterance.speaker]]
    match side:
        case Role.REP:
            names += ["rep", "reps", one.call.rep_name]
        case Role.CUSTOMER:
            names += ["customer", "customers", one.call.customer]
        case Role.UNKNOWN:
            pass
    return [name.casefold() for name in names if name.strip()]


def _quoted(
    asked: Asked, where: Sequence[tuple[Heard, int, Utterance, int]], found: Relevance, embedder: Embedder
) -> list[Passage]:
    split = {
        row: [s for s in sentences(utterance.text) if len(s.split()) >= MIN_WORDS]
        for _, _, utterance, row in where
        if len(utterance.text.split()) > QUOTED_WHOLE
    }
    parts = list(dict.fromkeys(part for row in split for part in split[row]))
    known: dict[str, NDArray[np.float32]] = dict(zip(parts, embedder.embed(parts), strict=True)) if parts else {}
    passages: list[Passage] = []
    for one, place, utterance, row in where:
        quote, vector = utterance.text, one.context.vectors[place]
        meaning = float(found.meaning[row])
        for part in split.get(row, ()):
            near = float(max(known[part] @ asked.vector, known[part] @ asked.subject_vector))
            if quote is utterance.text or near > meaning:
                quote, vector, meaning = part, known[part], near
        passages.append(
            Passage(
                heard=one,
                utterance=utterance,
                quote=quote,
                vector=vector,
                meaning=meaning,
                words=float(found.words[row]),
            )
        )
    return passages
