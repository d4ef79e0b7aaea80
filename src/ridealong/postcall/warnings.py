"""What a reader must know before believing a review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ridealong.core.stats import MAX_UNATTRIBUTED
from ridealong.core.transcript import Role, RoleSource, Unattributed

if TYPE_CHECKING:
    from ridealong.core.rubric import Rubric
    from ridealong.postcall.reviewer import ReviewContext

SURE_OF_ROLE: Final = 0.8
SHORT_MS: Final = 60_000


def review_warnings(
    context: ReviewContext, *, assessed: bool, coached: bool = True, heard_again: bool = True, dropped: int = 0
) -> tuple[str, ...]:
    """One sentence for each thing that limits the review. None of them holds words of the call.

    `dropped`: how many statements nothing proved.
    `heard_again` False: a better transcript was to be made of the recording, and could not be.
    """
    found: list[str] = []
    utterances = context.transcript.utterances
    if not utterances:
        found.append("Nobody spoke in this call: there is nothing to review.")
    elif not assessed and dropped:
        found.append(f"Nothing in the call proves what the reviewer said of it (left out: {dropped}): it has no score.")
    elif not assessed:
        found.append("The call shows nothing that the rubric asks for: it has no score.")
    speakers = {u.speaker for u in utterances if not isinstance(u.speaker, Unattributed)}
    if len(speakers) == 1:
        found.append("Only one speaker was heard.")
    if utterances and not context.rep_known:
        found.append(
            "Nobody knows which speaker is the rep: only what the words alone show is reviewed, with less confidence, "
            "and nothing is called missing."
        )
    guessed = [
        a
        for a in context.roles.values()
        if a.role is Role.REP and (a.source is RoleSource.HEURISTIC or a.confidence < SURE_OF_ROLE)
    ]
    if guessed:
        found.append("Which speaker is the rep is a guess.")
    spoken = sum(u.duration_ms for u in utterances)
    unattributed = sum(u.duration_ms for u in utterances if isinstance(u.speaker, Unattributed))
    if spoken and unattributed > MAX_UNATTRIBUTED * spoken:
        found.append("Much of the speech has no known speaker; it is shown and never cited.")
    if utterances and context.duration_ms < SHORT_MS:
        found.append("The call is shorter than a minute.")
    if not heard_again:
        found.append("The recording could not be transcribed again: the review stands on what was heard live.")
    if not coached:
        found.append("The coaching moments could not be made.")
    return tuple(found)


def step_warnings(
    rubric: Rubric,
    *,
    missing: Sequence[str],
    read: Mapping[str, int],
    coaching_read: int | None,
    utterances: int,
    unchecked: int,
    stood_in: bool,
    tokens_spent: bool = False,
) -> tuple[str, ...]:
    """One sentence for each thing that the steps could not do in full.

    `missing`: ids of sections without an outcome. `read`: by section id, of how many utterances it was judged where
    that is not all of the call's `utterances`; `coaching_read` the same for the coaching moments. `unchecked`: claims
    that were not read a second time. `stood_in`: no model answered, and another reviewer made the review.
    `tokens_spent`: some question was not asked, because the tenant's own tokens were used up.
    """
    title = {s.id: s.title for s in rubric.sections}
    found: list[str] = []
    if tokens_spent:
        found.append(
            "The organisation's tokens for hosted models were used up: ask for the review again when some are back."
        )
    if stood_in:
        found.append("No hosted model answered: the local reviewer made this review, which understands less.")
    if missing:
        names = ", ".join(title[i] for i in missing)
        found.append(f"Missing, and no part of the score, because no answer came in time: {names}.")
    parts = {title[i]: count for i, count in read.items()}
    if coaching_read is not None:
        parts["the coaching moments"] = coaching_read
    if parts:
        found.append(
            f"The call is longer than the model reads at once. Of its {utterances} utterances these were searched, "
            "those nearest in meaning with what was said around them: "
            f"{', '.join(f'{name} {count}' for name, count in parts.items())}. Nothing is called missing there."
        )
    if unchecked:
        found.append(f"Statements that were not read a second time, for want of time: {unchecked}.")
    return tuple(found)


def narrator_warnings(*, missing: Sequence[str], stood_in: Sequence[str]) -> tuple[str, ...]:
    """The same for the steps around the sections: `missing` could not be made, `stood_in` were made without a model."""
    found: list[str] = []
    if stood_in:
        found.append(f"Made by rules, because no model answered in time: {', '.join(stood_in)}.")
    if missing:
        found.append(f"Could not be made: {', '.join(missing)}.")
    return tuple(found)
