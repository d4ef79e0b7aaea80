"""The statistics of a call, against calls small enough to count by hand."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from ridealong.core.stats import call_statistics, length, merge, overlap, question_count
from ridealong.core.transcript import (
    UNATTRIBUTED,
    Role,
    RoleAssignment,
    Roles,
    RoleSource,
    Speaker,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)

R, C = SpeakerId(0), SpeakerId(1)
ROLES = Roles([RoleAssignment(speaker_id=R, role=Role.REP, source=RoleSource.STATED, confidence=1.0)])


def call(*said: tuple[Speaker, float, float, str]) -> Transcript:
    """A transcript from (speaker, start s, end s, text)."""
    return Transcript.of(
        TranscriptId(call_id=UUID(int=1)),
        (
            Utterance(no=no, speaker=who, start_ts=round(start * 1000), end_ts=round(end * 1000), text=text)
            for no, (who, start, end, text) in enumerate(said)
        ),
    )


def words(count: int) -> str:
    return " ".join(["word"] * count) + "."


def test_the_talk_ratio_comes_in_both_denominators() -> None:
    found = call_statistics(call((R, 0, 30, words(60)), (C, 40, 50, words(20))), ROLES, 100_000).values
    assert found["talk_ratio_of_speech"] == 0.75
    assert found["talk_ratio_of_call"] == 0.3


def test_speech_that_overlaps_is_not_counted_twice() -> None:
    found = call_statistics(
        call((R, 0, 10, words(9)), (R, 5, 12, words(9)), (C, 8, 20, words(9))), ROLES, 20_000
    ).values
    assert found["speech_ms"] == 20_000
    assert found["overlap_ms"] == 4_000
    assert found["talk_ratio_of_speech"] == 0.5


def test_a_backchannel_does_not_end_a_monologue_and_an_answer_does() -> None:
    said = [(R, 0, 30, words(60)), (C, 30, 30.8, "Mm-hm."), (R, 31, 60, words(60))]
    assert call_statistics(call(*said), ROLES, 60_000).values["longest_monologue_ms"] == 60_000
    said[1] = (C, 28, 30.8, "But that is not right.")
    assert call_statistics(call(*said), ROLES, 60_000).values["longest_monologue_ms"] == 30_000


def test_a_pause_of_four_seconds_ends_a_monologue() -> None:
    found = call_statistics(call((R, 0, 20, words(9)), (R, 24, 40, words(9))), ROLES, 40_000)
    assert found.values["longest_monologue_ms"] == 20_000
    assert found.stretches["longest_monologue"].last_no == 0


def test_the_longest_customer_story_is_the_customers() -> None:
    found = call_statistics(
        call((R, 0, 50, words(9)), (C, 50, 70, words(9)), (R, 70, 70.5, "Right."), (C, 71, 90, words(9))), ROLES, 90_000
    )
    assert found.values["longest_customer_story_ms"] == 40_000


def test_patience_is_the_median_gap_with_overlaps_as_zero() -> None:
    said = [
        (C, 0, 5, words(9)),
        (R, 6, 8, words(9)),
        (C, 8, 12, words(9)),
        (C, 12, 14, words(9)),
        (R, 17, 20, words(9)),
        (C, 20, 25, words(9)),
        (R, 24, 30, words(9)),
    ]
    assert call_statistics(call(*said), ROLES, 30_000).values["patience_ms"] == 1000


def test_interactivity_counts_changes_of_speaker_over_everybody() -> None:
    said = [
        (R, 0, 10, "One."),
        (C, 10, 20, "Two."),
        (UNATTRIBUTED, 20, 21, "Huh."),
        (C, 21, 30, "Three."),
        (R, 30, 60, "Four."),
    ]
    assert call_statistics(call(*said), ROLES, 60_000).values["interactivity_per_min"] == 2


def test_an_interruption_needs_overlap_a_fresh_start_and_more_than_a_backchannel() -> None:
    base = [(C, 0, 10, words(20)), (R, 8, 12, "Let me stop you there for a moment.")]
    assert call_statistics(call(*base), ROLES, 60_000).values["interruptions_by_rep"] == 1
    late = [base[0], (R, 9.8, 12, base[1][3])]
    assert call_statistics(call(*late), ROLES, 60_000).values["interruptions_by_rep"] == 0
    short = [base[0], (R, 8, 8.9, "Oh yes indeed.")]
    assert call_statistics(call(*short), ROLES, 60_000).values["interruptions_by_rep"] == 0
    # The rep was speaking before the customer began: a cut in the rep's own long turn is no new start.
    going_on = [(R, 0, 5, words(20)), (C, 4, 10, words(20)), (R, 5.1, 12, words(20))]
    found = call_statistics(call(*going_on), ROLES, 60_000).values
    assert (found["interruptions_by_rep"], found["interruptions_by_customer"]) == (0, 1)


def test_questions_are_sentences_with_a_question_mark_and_tags_are_none() -> None:
    assert question_count("So, right? How many are there? And who decides that?") == 2
    assert question_count("No questions here.") == 0


def test_what_cannot_be_computed_is_absent_with_its_reason_and_never_zero() -> None:
    silent = call_statistics(call(), Roles(), 60_000)
    assert "talk_ratio_of_speech" not in silent.values
    assert silent.absent["talk_ratio_of_speech"] == "nobody spoke"
    nobody = call_statistics(call((R, 0, 10, words(20)), (C, 10, 20, words(20))), Roles(), 60_000)
    assert nobody.absent["talk_ratio_of_speech"] == "the rep is not known"
    assert "interactivity_per_min" in nobody.values
    short = call_statistics(call((R, 0, 1, "Hello there.")), ROLES, 1000)
    assert "rep_pace_wpm" in short.absent
    assert "interactivity_per_min" in short.absent
    bare = call_statistics(call((R, 0, 20, "what is it"), (C, 20, 40, "a thing")), ROLES, 40_000)
    assert bare.absent["rep_questions"] == "the transcript has no punctuation"


def test_a_ratio_between_speakers_is_absent_while_much_speech_has_no_speaker() -> None:
    found = call_statistics(
        call((R, 0, 10, "One."), (UNATTRIBUTED, 10, 20, "Two."), (C, 20, 25, "Three.")), ROLES, 60_000
    )
    assert "no known speaker" in found.absent["talk_ratio_of_speech"]


def test_each_speaker_has_their_own_figures_without_any_role() -> None:
    found = call_statistics(call((R, 0, 30, words(60)), (C, 30, 40, words(10))), Roles(), 40_000)
    assert [s.values["words"] for s in found.speakers] == [60, 10]
    assert found.speakers[0].values["pace_wpm"] == 120


def test_fillers_are_counted_in_a_hundred_words() -> None:
    text = words(50) + " Um, I mean, it is, uh, kind of hard."
    found = call_statistics(call((R, 0, 30, text)), ROLES, 30_000).values
    assert found["rep_fillers_per_100_words"] == round(4 * 100 / len(text.split()), 4)


intervals = st.lists(
    st.tuples(st.integers(0, 1000), st.integers(1, 200)).map(lambda t: (t[0], t[0] + t[1])), max_size=20
)


@given(intervals)
def test_the_union_holds_every_millisecond_once(given: list[tuple[int, int]]) -> None:
    assert length(merge(given)) == len({ms for start, end in given for ms in range(start, end)})


@given(intervals, intervals)
def test_overlap_is_the_time_that_two_speak(one: list[tuple[int, int]], two: list[tuple[int, int]]) -> None:
    said = call(*((who, s / 1000, e / 1000, "x") for who, part in ((R, one), (C, two)) for s, e in part))
    first = {ms for start, end in one for ms in range(start, end)}
    second = {ms for start, end in two for ms in range(start, end)}
    assert overlap(said.utterances) == len(first & second)
