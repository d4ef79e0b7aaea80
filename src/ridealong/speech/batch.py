"""Whole recordings: any transcriber as a batch one, and utterances from all the words of a call at once."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from dataclasses import replace

from ridealong.core.errors import InvalidSettings, Unavailable
from ridealong.core.transcript import Speaker, Utterance
from ridealong.speech import Audio, Hearing, NotHeard, SpokenWord, Transcriber, Words
from ridealong.speech.assemble import PAUSE_MS, Assembler


class HeardToTheEnd:
    """A `BatchTranscriber` of the transcribers that also hear live. `by_channels`: which one hears how many channels.

    `owned`: they are closed with this; else they belong to whoever made them.
    """

    def __init__(self, by_channels: Mapping[int, Transcriber], *, owned: bool = False) -> None:
        self._by_channels = dict(by_channels)
        self._owned = owned

    async def transcribe(self, audio: AsyncIterable[Audio], hearing: Hearing) -> Sequence[SpokenWord]:
        """See `BatchTranscriber.transcribe`. Raises InvalidSettings where nobody hears that many channels."""
        if hearing.channels not in self._by_channels:
            raise InvalidSettings(f"no transcriber hears {hearing.channels} channels")
        words: list[SpokenWord] = []
        async for heard in self._by_channels[hearing.channels].hear(audio, replace(hearing, partials=False)):
            if isinstance(heard, Words):
                words += heard.words
            elif isinstance(heard, NotHeard):
                raise Unavailable("a part of the recording could not be heard: it is left for another try")
        return sorted(words, key=lambda word: word.start_ts)

    async def close(self) -> None:
        """See `BatchTranscriber.close`."""
        if self._owned:
            for transcriber in set(self._by_channels.values()):
                await transcriber.close()


def utterances_of(words: Iterable[SpokenWord]) -> tuple[Utterance, ...]:
    """The utterances of a whole call, in order of their start, numbered from 0.

    Words of two people who speak at once alternate in time. Each of them is still one turn: a turn ends at a pause, or
    where somebody else says a word in between, and not where others speak over it.
    """
    found: list[Utterance] = []
    for turn in _turns(sorted(words, key=lambda word: (word.start_ts, word.end_ts))):
        found += Assembler().feed(Words(words=tuple(turn), ends_turn=True))
    found.sort(key=lambda utterance: (utterance.start_ts, utterance.end_ts))
    return tuple(replace(utterance, no=no) for no, utterance in enumerate(found))


def _turns(words: Sequence[SpokenWord]) -> list[list[SpokenWord]]:
    turns: list[list[SpokenWord]] = []
    open_turns: dict[Speaker, list[SpokenWord]] = {}
    answered: dict[Speaker, int] = {}
    """Of an open turn: when the first word ended that somebody else began behind its last one."""
    for word in words:
        turn = open_turns.get(word.speaker)
        if (
            turn is None
            or word.start_ts - turn[-1].end_ts >= PAUSE_MS
            or (word.speaker in answered and answered[word.speaker] <= word.start_ts)
        ):
            turn = open_turns[word.speaker] = []
            turns.append(turn)
        turn.append(word)
        answered.pop(word.speaker, None)
        for other, theirs in open_turns.items():
            if other != word.speaker and word.start_ts >= theirs[-1].end_ts:
                answered[other] = min(word.end_ts, answered.get(other, word.end_ts))
    return turns
