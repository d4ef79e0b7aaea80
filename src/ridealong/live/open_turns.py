"""What stands already of turns that go on: their beginnings, up to the end of a clause, as if they had ended there.

A moment in the middle of a long turn would be told when the turn is over, seconds too late. So its beginning is judged
while the rest is still being said (docs/decisions/0053-before-a-turn-is-over.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ridealong.core.transcript import UNATTRIBUTED, Speaker, Utterance, Word
from ridealong.live.features import JOINT, SENTENCE_END
from ridealong.speech.assemble import PAUSE_MS

if TYPE_CHECKING:
    from ridealong.speech import Partial

BEHIND: Final = 2
"""Words that must follow a clause in a partial: the last ones of it are guessed without what follows them."""

_SAME_MS: Final = 300
"""A recogniser may find the beginning of the same words a little earlier or later each time."""

SHORTEST: Final = 4
"""Words of the least that is judged."""

_CLAUSE_ENDS_HERE: Final = re.compile(r"[.?!,;:]\s*$")


@dataclass(slots=True)
class _Open:
    """One speaker's open turn. `settled`: its words that are final already."""

    start_ts: int
    settled: Utterance | None = None
    heard: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """(words, end_ts) of its partials: so many words had been said by then."""
    judged: str = ""


class OpenTurns:
    """Feed it what is heard of one call, in order. No I/O, no clock of its own.

    Each method returns a beginning that was not judged yet, as an utterance that stands in no transcript, or None.
    Its words' times are exact where they are final, else estimated between the ends of the partials.
    """

    def __init__(self) -> None:
        self._open: dict[Speaker, _Open] = {}

    def partial(self, partial: Partial, *, no: int) -> Utterance | None:
        """`no`: the number that the utterance would have."""
        if partial.speaker is UNATTRIBUTED or not partial.text.strip():
            return None
        turn = self._open.get(partial.speaker)
        settled = turn.settled if turn is not None else None
        goes_on = settled is not None and -PAUSE_MS < partial.start_ts - settled.end_ts < PAUSE_MS
        if turn is None or not (goes_on or abs(partial.start_ts - turn.start_ts) <= _SAME_MS):
            turn = self._open[partial.speaker] = _Open(start_ts=partial.start_ts)
        before = turn.settled.words if turn.settled is not None else ()
        words = partial.text.split()
        while turn.heard and turn.heard[-1][0] >= len(words):
            turn.heard.pop()
        turn.heard.append((len(words), partial.end_ts))
        times = _times(partial.start_ts, turn.heard)
        tail = [Word(text=w, start_ts=a, end_ts=b, estimated=True) for w, (a, b) in zip(words, times, strict=True)]
        return self._beginning(turn, partial.speaker, (*before, *tail), no=no, behind=BEHIND)

    def settled(self, so_far: Utterance) -> Utterance | None:
        """Final words of a turn that may go on: all of them so far."""
        if so_far.speaker is UNATTRIBUTED:
            return None
        turn = self._open.get(so_far.speaker)
        if turn is None or turn.start_ts != so_far.start_ts:
            judged = turn.judged if turn is not None and so_far.text.startswith(turn.judged) else ""
            turn = self._open[so_far.speaker] = _Open(start_ts=so_far.start_ts, judged=judged)
        turn.settled, turn.heard = so_far, []
        behind = 0 if _CLAUSE_ENDS_HERE.search(so_far.text) else BEHIND
        return self._beginning(turn, so_far.speaker, so_far.words, no=so_far.no, behind=behind)

    def finished(self, utterance: Utterance) -> None:
        """The turn is over, or was cut: what goes on behind it is another one."""
        self._open.pop(utterance.speaker, None)

    def _beginning(
        self, turn: _Open, speaker: Speaker, words: tuple[Word, ...], *, no: int, behind: int
    ) -> Utterance | None:
        text = " ".join(word.text for word in words)
        ends = (gap.start() for cut in (SENTENCE_END, JOINT) for gap in cut.finditer(text))
        if behind == 0:
            ends = (*ends, len(text))
        counts = (len(text[:end].split()) for end in ends)
        length = max((count for count in counts if SHORTEST <= count <= len(words) - behind), default=0)
        chosen = words[:length]
        beginning = " ".join(word.text for word in chosen)
        if not length or turn.judged.startswith(beginning):
            return None
        turn.judged = beginning
        start = chosen[0].start_ts
        return Utterance(
            no=no,
            speaker=speaker,
            start_ts=start,
            end_ts=max(*(word.end_ts for word in chosen), start + 1),
            text=beginning,
            words=chosen,
        )


def _times(start_ts: int, heard: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(start_ts, end_ts) of each word, in ms: evenly between the ends of the partials in which they first stood."""
    found: list[tuple[int, int]] = []
    words, at = 0, start_ts
    for count, end_ts in heard:
        share = (max(end_ts, at) - at) / (count - words)
        found += [(round(at + share * i), round(at + share * (i + 1))) for i in range(count - words)]
        words, at = count, max(end_ts, at)
    return found
