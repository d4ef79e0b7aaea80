"""Utterances from what was heard. This is the only place that makes them.

An utterance is cut

- where the speaker changes, word by word: never by majority;
- at a pause of `PAUSE_MS` or more between two words, or before the point up to which everything has been heard;
- where the transcriber says that a turn ended;
- before it grows longer than `LIMIT_MS`, at the best gap between words, so that nobody waits for a monologue to end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ridealong.core.transcript import Utterance, Word
from ridealong.speech import Heard, HeardThrough, SpokenWord, Words

PAUSE_MS: Final = 700
"""Pauses inside a thought are mostly shorter, pauses between two thoughts mostly longer."""
LIMIT_MS: Final = 12_000
_EARLIEST_CUT_MS: Final = 5_000
"""A cut before this leaves a fragment that says too little to be classified."""
_SENTENCE_BONUS_MS: Final = 400
_CLAUSE_BONUS_MS: Final = 150
"""What a mark of punctuation is worth, in milliseconds of gap: estimated word times show no gaps."""


class Assembler:
    """Makes numbered utterances. Pure and synchronous: the same events give the same utterances.

    `first_no` is the number of the first utterance (after a restart: the transcript's `next_no`).
    """

    def __init__(self, first_no: int = 0) -> None:
        self._next_no = first_no
        self._open: list[SpokenWord] = []

    def feed(self, heard: Heard) -> list[Utterance]:
        """Take one event; return the utterances that it finished, in order."""
        if isinstance(heard, HeardThrough):
            return self.flush() if self._open and heard.ts - _end(self._open) >= PAUSE_MS else []
        if not isinstance(heard, Words):
            return []
        finished: list[Utterance] = []
        for word in heard.words:
            if word.text.strip():
                finished += self._add(word)
        if heard.ends_turn:
            finished += self.flush()
        return finished

    def flush(self) -> list[Utterance]:
        """Finish the open utterance, if there is one."""
        words, self._open = self._open, []
        return [self._numbered(words)] if words else []

    def so_far(self) -> Utterance | None:
        """The open utterance as it stands, which may get more words; None where nothing is open."""
        return self._utterance(self._open) if self._open else None

    def _add(self, word: SpokenWord) -> list[Utterance]:
        finished: list[Utterance] = []
        if self._open and (word.speaker != self._open[-1].speaker or word.start_ts - _end(self._open) >= PAUSE_MS):
            finished += self.flush()
        self._open.append(word)
        while len(self._open) > 1 and _end(self._open) - _start(self._open) > LIMIT_MS:
            at = _best_cut(self._open)
            finished.append(self._numbered(self._open[:at]))
            self._open = self._open[at:]
        return finished

    def _numbered(self, words: Sequence[SpokenWord]) -> Utterance:
        made = self._utterance(words)
        self._next_no += 1
        return made

    def _utterance(self, words: Sequence[SpokenWord]) -> Utterance:
        start = _start(words)
        weights = [max(1, word.end_ts - word.start_ts) for word in words]
        confidence = sum(w.speaker_confidence * weight for w, weight in zip(words, weights, strict=True)) / sum(weights)
        return Utterance(
            no=self._next_no,
            speaker=words[0].speaker,
            start_ts=start,
            end_ts=max(_end(words), start + 1),
            # No database keeps a NUL, and no recogniser means one.
            text=" ".join(word.text.strip() for word in words).replace("\0", ""),
            words=tuple(
                Word(
                    text=word.text.strip(),
                    start_ts=max(0, word.start_ts),
                    end_ts=max(word.end_ts, word.start_ts + 1),
                    estimated=word.estimated,
                )
                for word in words
            ),
            overlapped=any(word.overlapped for word in words),
            speaker_confidence=min(1.0, max(0.0, confidence)),
        )


def _start(words: Sequence[SpokenWord]) -> int:
    return max(0, min(word.start_ts for word in words))


def _end(words: Sequence[SpokenWord]) -> int:
    return max(word.end_ts for word in words)


def _best_cut(words: Sequence[SpokenWord]) -> int:
    """How many words to finish: the widest gap (punctuation counts) behind which both parts keep the limit."""
    start = _start(words)
    fitting = [at for at in range(1, len(words)) if _end(words[:at]) - start <= LIMIT_MS]
    if not fitting:
        return 1
    late = [at for at in fitting if _end(words[:at]) - start >= _EARLIEST_CUT_MS] or fitting[-1:]
    return max(late, key=lambda at: (_gap_worth(words[at - 1], words[at]), at))


def _gap_worth(before: SpokenWord, after: SpokenWord) -> int:
    worth = after.start_ts - before.end_ts
    if before.text.rstrip().endswith((".", "?", "!")):
        worth += _SENTENCE_BONUS_MS
    elif before.text.rstrip().endswith((",", ";", ":")):
        worth += _CLAUSE_BONUS_MS
    return worth
