"""From one transcript of a call to a better one: the same people under the same ids, the same words under new numbers.

Nothing is carried over on trust. A speaker keeps their id where the two transcripts hear them at the same times; a
moment moves where the words that it quotes stand in the new transcript, said by the same person at the same time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ridealong.core.errors import Ungrounded
from ridealong.core.moments import Moment
from ridealong.core.transcript import (
    Citation,
    Evidence,
    RoleAssignment,
    Roles,
    SpeakerId,
    Transcript,
    Unattributed,
    Utterance,
)

NEAR_MS: Final = 2_000
"""How far the same words may lie from each other in two recognisers' times."""
SHARE: Final = 0.5
"""Two voices are one person when they share this much of the shorter one's speech."""


LEAST_SHARE: Final = 0.1
"""Of what all known speakers say, what somebody says at least who is counted as one: a recogniser that breaks off may
make a second speaker of some words."""


def match_speakers(old: Iterable[Utterance], new: Iterable[Utterance]) -> dict[SpeakerId, SpeakerId]:
    """For each speaker of `new` the id under which it goes on: that of the old speaker heard at the same times.

    The pair with most time in common first, each old speaker once. A voice that was not told apart before gets an id
    that the old transcript does not know.
    """
    before, after = _spans(old), _spans(new)
    shared = {
        (a, b): overlap
        for a, spans in after.items()
        for b, known in before.items()
        if (overlap := _overlap(spans, known)) >= SHARE * min(_length(spans), _length(known))
    }
    found: dict[SpeakerId, SpeakerId] = {}
    for a, b in sorted(shared, key=lambda pair: (-shared[pair], pair)):
        if a not in found and b not in found.values():
            found[a] = b
    unused = max(before, default=-1) + 1
    for a in sorted(after):
        if a not in found:
            found[a] = SpeakerId(unused)
            unused += 1
    return found


def tells_apart(old: Iterable[Utterance], new: Iterable[Utterance]) -> bool:
    """False where `new` knows no two speakers and `old` does, each with a tenth of what is said or more: then all that
    one of them said would go on as another's, or nobody's."""
    return min(_who_speaks(old), 2) <= _who_speaks(new)


def _who_speaks(utterances: Iterable[Utterance]) -> int:
    lengths = [_length(spans) for spans in _spans(utterances).values()]
    return sum(length >= LEAST_SHARE * sum(lengths) for length in lengths)


def renamed(utterances: Iterable[Utterance], names: Mapping[SpeakerId, SpeakerId]) -> tuple[Utterance, ...]:
    """The utterances with their speakers under the ids of `names`."""
    return tuple(u if isinstance(u.speaker, Unattributed) else replace(u, speaker=names[u.speaker]) for u in utterances)


def carried_roles(roles: Roles, utterances: Iterable[Utterance]) -> tuple[RoleAssignment, ...]:
    """The roles of those who speak in `utterances`, whose speakers have their old ids."""
    speakers = {u.speaker for u in utterances}
    return tuple(assignment for speaker, assignment in sorted(roles.items()) if speaker in speakers)


def reanchored(moment: Moment, transcript: Transcript) -> tuple[Evidence, ...] | None:
    """The moment's evidence in `transcript`, whose speakers have their old ids; None where any piece is not there."""
    found: list[Evidence] = []
    for evidence in moment.evidence:
        pieces = _same_words(evidence, transcript)
        if pieces is None:
            return None
        found += pieces
    return tuple(found)


def _same_words(evidence: Evidence, transcript: Transcript) -> tuple[Evidence, ...] | None:
    start_ts, end_ts = spoken_at(evidence)
    near = [
        utterance
        for utterance in transcript
        if utterance.speaker == evidence.utterance.speaker
        and utterance.end_ts >= start_ts - NEAR_MS
        and utterance.start_ts <= end_ts + NEAR_MS
    ]
    best: tuple[int, tuple[Evidence, ...]] | None = None
    for index in range(len(near)):
        pieces = _cited(evidence.quote.split(), near[index:], transcript)
        if pieces is None:
            continue
        away = abs(spoken_at(pieces[0])[0] - start_ts)
        if away <= NEAR_MS and (best is None or away < best[0]):
            best = away, pieces
    return None if best is None else best[1]


def _cited(words: Sequence[str], said: Sequence[Utterance], transcript: Transcript) -> tuple[Evidence, ...] | None:
    """All of `words`, from the first of `said` on: a turn that was one utterance may be cut into several now."""
    if not said:
        return None
    for count in range(len(words), 0, -1):
        try:
            piece = transcript.cite(Citation(utterance_no=said[0].no, quote=" ".join(words[:count])))
        except Ungrounded:
            continue
        if count == len(words):
            return (piece,)
        at_its_end = not any(character.isalnum() for character in said[0].text[piece.quote_end :])
        rest = _cited(words[count:], said[1:], transcript) if at_its_end else None
        if rest is None:
            continue
        at_its_start = not any(c.isalnum() for c in rest[0].utterance.text[: rest[0].quote_start])
        if at_its_start:
            return (piece, *rest)
    return None


def spoken_at(evidence: Evidence) -> tuple[int, int]:
    """(start_ts, end_ts) of the quoted words; of the utterance, where the times of its words are not known."""
    utterance = evidence.utterance
    quoted: list[tuple[int, int]] = []
    at = 0
    for word in utterance.words:
        begins = utterance.text.find(word.text, at)
        if begins < 0:
            return utterance.start_ts, utterance.end_ts
        at = begins + len(word.text)
        if begins < evidence.quote_end and at > evidence.quote_start:
            quoted.append((word.start_ts, word.end_ts))
    if not quoted:
        return utterance.start_ts, utterance.end_ts
    return quoted[0][0], max(end for _, end in quoted)


Spans = Sequence[tuple[int, int]]


def _spans(utterances: Iterable[Utterance]) -> dict[SpeakerId, Spans]:
    """When each speaker speaks: by words where their times are known, so that a pause is nobody's."""
    found: defaultdict[SpeakerId, list[tuple[int, int]]] = defaultdict(list)
    for utterance in utterances:
        if not isinstance(utterance.speaker, Unattributed):
            found[utterance.speaker] += [(w.start_ts, w.end_ts) for w in utterance.words] or [
                (utterance.start_ts, utterance.end_ts)
            ]
    return {speaker: _merged(spans) for speaker, spans in found.items()}


def _merged(spans: Iterable[tuple[int, int]]) -> Spans:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged


def _length(spans: Spans) -> int:
    return sum(end - start for start, end in spans)


def _overlap(one: Spans, other: Spans) -> int:
    total = first = second = 0
    while first < len(one) and second < len(other):
        total += max(0, min(one[first][1], other[second][1]) - max(one[first][0], other[second][0]))
        if one[first][1] < other[second][1]:
            first += 1
        else:
            second += 1
    return total
