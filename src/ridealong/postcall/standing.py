"""Which of the words found for a criterion may stand as its proof, in sight of all else that the rubric asks.

A grade says how probably a criterion is shown at all; that alone would put "yes" over whatever came nearest. Here each
utterance is contested by the criteria of the rubric, and words that need something before them must have it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from ridealong.postcall.scoring import usual_words
from ridealong.postcall.stems import stem

if TYPE_CHECKING:
    from ridealong.core.rubric import Criterion
    from ridealong.core.transcript import Utterance
    from ridealong.postcall.evidence import Shown
    from ridealong.postcall.grader import Grade
    from ridealong.postcall.reviewer import ReviewContext

LEAST: Final = 0.23
"""Words that show a criterion less probably than this by themselves are no proof, whatever else speaks for it."""
ALONE: Final = 0.5
"""Words that show it as probably as this stand though another criterion fits them better."""
CLEARLY: Final = 1.0
"""Log odds by which another criterion must fit an utterance better to have it for itself."""
TAKEN_UP: Final = 2
"""Words of content that who takes something up shares with what was said before."""
COMMON_FROM: Final = 12
"""A word in so many of the sentences that the calibrator stands on (some 580) is no word of content."""

_WORD = re.compile(r"\d+|[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """All that a rubric asks of a call. `grades` fills while the sections are judged, which may be side by side."""

    criteria: tuple[Criterion, ...]
    grades: dict[Criterion, Grade | None] = field(default_factory=lambda: {})


def standing(
    criterion: Criterion, grades: Mapping[Criterion, Grade | None], context: ReviewContext
) -> tuple[Shown, ...]:
    """The evidence of `criterion` that is proof, surest first. `grades` of all criteria that contest for words."""
    grade = grades[criterion]
    if grade is None:
        return ()
    # Only a criterion's best words are its own: one that has better ones elsewhere leaves these to others.
    best = [
        max(g.fits.items(), key=lambda fit: fit[1]) for c, g in grades.items() if c is not criterion and g is not None
    ]
    found: list[Shown] = []
    for shown in grade.evidence:
        no = shown.utterance.no
        better = max((fit for at, fit in best if at == no), default=-float("inf")) - grade.fits[no]
        if shown.confidence < LEAST or (better > CLEARLY and shown.confidence < ALONE):
            continue
        said = (shown.utterance,) if shown.goes_on is None else (shown.utterance, shown.goes_on)
        if any(takes_up(criterion, utterance, context) for utterance in said):
            found.append(shown)
    return tuple(found)


def takes_up(criterion: Criterion, utterance: Utterance, context: ReviewContext) -> bool:
    """Whether `utterance` has words in common with what the side of `criterion.takes_up` had said by then.

    A greeting plays nothing back. True where the criterion asks for nothing of the kind, or the sides are not known.
    """
    if criterion.takes_up is None or not context.rep_known:
        return True
    said = (
        u.text
        for u in context.transcript
        if u.start_ts < utterance.start_ts and context.side_of(u.speaker) is criterion.takes_up
    )
    return len(_content([utterance.text]) & _content(list(said))) >= TAKEN_UP


def _content(texts: Sequence[str]) -> set[str]:
    words = {word for text in texts for word in _WORD.findall(text.casefold())}
    return {stem(word) for word in words - _common()}


@cache
def _common() -> frozenset[str]:
    return frozenset(word for word, count in usual_words().items() if count >= COMMON_FROM)
