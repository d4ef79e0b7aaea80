"""Plays the words of a recorded session when the audio clock passes them."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from pathlib import Path
from typing import Final

from ridealong.core.transcript import Utterance
from ridealong.speech import Activity, Audio, Heard, HeardThrough, Hearing, SpokenWord, Words
from ridealong.speech.session_file import RecordedSession, read_session

_HEARD_EVERY_MS: Final = 500


class ReplayTranscriber:
    """Each utterance comes as one `Words` that ends a turn, when the audio has passed its end.

    `source`: a transcript file, its lines, or a session that was read already. Raises InvalidDocument.
    """

    def __init__(self, source: Path | Iterable[str] | RecordedSession) -> None:
        self._session = source if isinstance(source, RecordedSession) else read_session(source)

    async def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        waiting = [u for u in self._session.utterances if u.start_ts >= hearing.resumed_at_ts]
        # The earliest start among what is still to come, at each place of the list.
        earliest = [u.start_ts for u in waiting]
        for at in range(len(waiting) - 2, -1, -1):
            earliest[at] = min(earliest[at], earliest[at + 1])
        following = 0
        told = now = hearing.resumed_at_ts
        async for piece in audio:
            now = piece.start_ts + piece.duration_ms
            # In the file's order, so that its numbers are kept: who speaks into a long turn waits for its end.
            while following < len(waiting) and waiting[following].end_ts <= now:
                for heard in _spoken(waiting[following]):
                    yield heard
                following += 1
            if now - told >= _HEARD_EVERY_MS:
                told = now
                yield HeardThrough(ts=min([now, *earliest[following : following + 1]]))
        # Who ends before the last sample was said whole; what the audio never reached was not said.
        yield HeardThrough(ts=now)

    async def close(self) -> None:
        """Nothing was loaded."""


def _spoken(utterance: Utterance) -> Iterable[Heard]:
    words = tuple(
        SpokenWord(
            text=word.text,
            start_ts=word.start_ts,
            end_ts=word.end_ts,
            speaker=utterance.speaker,
            estimated=word.estimated,
        )
        for word in utterance.words
    ) or spread(utterance)
    yield Activity(at_ts=utterance.start_ts, speaking=True)
    yield Words(words=words, ends_turn=True)
    yield Activity(at_ts=utterance.end_ts, speaking=False)


def spread(utterance: Utterance) -> tuple[SpokenWord, ...]:
    """The utterance's time shared out by the lengths of its words; each gets at least a millisecond."""
    texts = utterance.text.split()
    total = sum(len(text) + 1 for text in texts)
    words: list[SpokenWord] = []
    passed = 0
    for text in texts:
        start_ts = utterance.start_ts + utterance.duration_ms * passed // total
        passed += len(text) + 1
        end_ts = utterance.start_ts + utterance.duration_ms * passed // total
        words.append(
            SpokenWord(
                text=text,
                start_ts=min(start_ts, utterance.end_ts - 1),
                end_ts=max(end_ts, min(start_ts, utterance.end_ts - 1) + 1),
                speaker=utterance.speaker,
                estimated=True,
            )
        )
    return tuple(words)
