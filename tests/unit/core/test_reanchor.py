"""A better transcript: who is who in it, and where a moment's words went."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest

from ridealong.core.moments import Moment, Reason, Tier
from ridealong.core.reanchor import carried_roles, match_speakers, reanchored, renamed, spoken_at
from ridealong.core.transcript import (
    UNATTRIBUTED,
    Citation,
    Role,
    RoleAssignment,
    Roles,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
    Word,
)

CALL = UUID(int=7)


def line(no: int, speaker: int | None, start_ts: int, text: str, end_ts: int | None = None) -> Utterance:
    texts = text.split()
    end_ts = end_ts or start_ts + 300 * len(texts)
    each = (end_ts - start_ts) // len(texts)
    words = tuple(
        Word(text=t, start_ts=start_ts + i * each, end_ts=start_ts + (i + 1) * each) for i, t in enumerate(texts)
    )
    who = UNATTRIBUTED if speaker is None else SpeakerId(speaker)
    return Utterance(no=no, speaker=who, start_ts=start_ts, end_ts=end_ts, text=text, words=words)


OLD = (
    line(0, 0, 0, "Thanks for taking the time today."),
    line(1, 1, 3_000, "Sure. But it is too expensive for us right now."),
    line(2, 0, 8_000, "I see. Compared with what?"),
    line(3, 1, 11_000, "It is too expensive."),
)


def transcript(*said: Utterance, revision: int = 2) -> Transcript:
    return Transcript.of(TranscriptId(call_id=CALL, revision=revision), said)


def moment(no: int, quote: str) -> Moment:
    evidence = transcript(*OLD, revision=1).cite(Citation(utterance_no=no, quote=quote))
    return Moment(
        type="objection_raised",
        tier=Tier.NUDGE,
        reason=Reason.DELIVERED,
        confidence=0.9,
        nudge="Ask what they compare the price with.",
        trigger_ts=evidence.end_ts,
        evidence=(evidence,),
    )


def moved(no: int, quote: str, *said: Utterance) -> list[tuple[int, str]] | None:
    found = reanchored(moment(no, quote), transcript(*said))
    return None if found is None else [(e.utterance_no, e.quote) for e in found]


def test_speakers_keep_their_ids_where_they_are_heard_at_the_same_times() -> None:
    swapped = [line(u.no, 1 - int(u.speaker), u.start_ts + 150, u.text) for u in OLD]  # type: ignore[arg-type]
    names = match_speakers(OLD, swapped)
    assert names == {0: 1, 1: 0}
    assert [u.speaker for u in renamed(swapped, names)] == [u.speaker for u in OLD]


def test_a_voice_that_was_not_told_apart_before_gets_an_id_of_its_own() -> None:
    new = [*OLD[:3], line(3, 2, 11_000, "It is too expensive.")]
    assert match_speakers(OLD, new) == {0: 0, 1: 1, 2: 2}


def test_two_voices_that_were_one_before_do_not_both_become_it() -> None:
    one = [line(0, 0, 0, "a b c d e f g h"), line(1, 0, 5_000, "i j k l")]
    two = [line(0, 5, 0, "a b c d e f g h"), line(1, 6, 5_000, "i j k l")]
    assert match_speakers(one, two) == {5: 0, 6: 1}


def test_a_touch_at_a_border_makes_nobody_the_same_person() -> None:
    old = [line(0, 0, 0, "a b c d e f g h i j", 3_000)]
    new = [line(0, 0, 2_900, "k l m n o p q r s t", 5_900)]
    assert match_speakers(old, new) == {0: 1}


def test_words_without_a_speaker_match_nobody_and_stay_without() -> None:
    new = [line(0, None, 0, "Thanks for taking the time today.")]
    assert match_speakers(OLD, new) == {}
    assert renamed(new, {}) == tuple(new)


def test_roles_go_with_those_who_still_speak() -> None:
    roles = Roles(
        RoleAssignment(speaker_id=SpeakerId(s), role=r, source=RoleSource.STATED, confidence=1.0)
        for s, r in ((0, Role.REP), (1, Role.CUSTOMER))
    )
    assert [a.speaker_id for a in carried_roles(roles, OLD[:1])] == [0]


def test_a_moment_moves_to_the_same_words_whatever_they_look_like_now() -> None:
    better = [line(0, 1, 3_100, "SURE, but it is too expensive for us, right now!")]
    assert moved(1, "it is too expensive for us", *better) == [(0, "it is too expensive for us")]


@pytest.mark.parametrize(
    "said",
    [
        [line(0, 1, 3_000, "Sure. But it is two expensive for us right now.")],
        [line(0, 0, 3_000, "Sure. But it is too expensive for us right now.")],
        [line(0, None, 3_000, "Sure. But it is too expensive for us right now.")],
        [line(0, 1, 40_000, "Sure. But it is too expensive for us right now.")],
        [line(0, 1, 3_000, "Sure. But it is too"), line(1, 1, 5_000, "very expensive for us right now.")],
        [line(0, 1, 3_000, "Sure. But it is too bad"), line(1, 1, 5_000, "expensive for us right now.")],
        [],
    ],
    ids=["other words", "another person", "nobody", "another time", "words between", "words after", "silence"],
)
def test_a_moment_stays_where_its_words_are_not_there_any_more(said: Sequence[Utterance]) -> None:
    assert moved(1, "it is too expensive for us", *said) is None


def test_words_that_were_said_twice_are_found_at_their_own_time() -> None:
    better = [
        line(0, 1, 3_000, "Sure. But it is too expensive for us right now."),
        line(1, 1, 11_100, "It is too expensive."),
    ]
    assert moved(3, "It is too expensive", *better) == [(1, "It is too expensive")]


def test_a_quote_over_a_new_border_becomes_two_pieces() -> None:
    better = [line(0, 1, 3_000, "Sure. But it is too"), line(1, 1, 4_600, "expensive for us right now.")]
    assert moved(1, "it is too expensive for us", *better) == [(0, "it is too"), (1, "expensive for us")]


def test_the_time_of_a_quote_is_that_of_its_words() -> None:
    evidence = transcript(*OLD, revision=1).cite(Citation(utterance_no=1, quote="too expensive"))
    assert spoken_at(evidence) == (3_000 + 4 * 300, 3_000 + 6 * 300)
