"""The timing moments against the taxonomy's words, on the sample clock alone."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from ridealong.core.moments import Detection
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
from ridealong.live.taxonomy import default_taxonomy
from ridealong.live.timing import CUT_MS, TimingWatch

REP, CUSTOMER = SpeakerId(0), SpeakerId(1)
LONG = "this is more than two words"
KNOWN = Roles(
    RoleAssignment(speaker_id=s, role=r, source=RoleSource.CHANNEL, confidence=1.0)
    for s, r in ((REP, Role.REP), (CUSTOMER, Role.CUSTOMER))
)


class Call:
    """A call as the session feeds it."""

    def __init__(self, roles: Roles = KNOWN) -> None:
        self.roles = roles
        self.transcript = Transcript(TranscriptId(call_id=UUID(int=1)))
        self.watch = TimingWatch(default_taxonomy(), self.transcript, lambda: self.roles)
        self.found: list[Detection] = []

    def say(self, speaker: Speaker, start_ts: int, end_ts: int, text: str = LONG) -> None:
        number = self.transcript.next_no
        utterance = Utterance(no=number, speaker=speaker, start_ts=start_ts, end_ts=end_ts, text=text)
        self.transcript.append(utterance)
        self.found += self.watch.utterance_finished(utterance)

    def activity(self, at_ts: int, speaking: bool) -> None:
        self.found += self.watch.activity(at_ts, speaking)

    def clock(self, ts: int) -> None:
        self.found += self.watch.clock(ts)

    def types(self) -> list[str]:
        return [d.type for d in self.found]


def test_silence_fires_once_while_it_lasts_and_cites_what_was_said_before_it() -> None:
    call = Call()
    call.activity(1000, True)
    call.activity(3000, False)
    call.say(REP, 1000, 3000)
    for ts in range(3100, 20_000, 100):
        call.clock(ts)
    assert call.types() == ["silence"]
    assert call.found[0].trigger_ts == 7000
    assert call.found[0].evidence[0].utterance_no == 0
    assert call.found[0].role_known


def test_exactly_the_limit_is_no_silence_yet() -> None:
    call = Call()
    call.say(REP, 0, 1000)
    call.clock(5000)
    assert call.types() == []
    call.clock(5001)
    assert call.types() == ["silence"]


def test_nothing_said_yet_is_no_silence() -> None:
    call = Call()
    call.clock(60_000)
    call.activity(61_000, True)
    call.clock(70_000)
    assert call.types() == []


def test_an_utterance_still_being_spoken_is_no_silence() -> None:
    call = Call()
    call.say(REP, 0, 1000)
    call.activity(2000, True)
    call.clock(12_000)
    call.activity(13_000, False)
    call.say(CUSTOMER, 2000, 13_000)
    call.clock(17_000)
    assert call.types() == []
    call.clock(17_100)
    assert call.types() == ["silence"]


def test_a_second_silence_fires_again() -> None:
    call = Call()
    for start in (0, 10_000):
        call.activity(start, True)
        call.activity(start + 1000, False)
        call.say(REP, start, start + 1000)
        call.clock(start + 6000)
    assert call.types() == ["silence", "silence"]


def test_an_utterance_that_is_written_late_does_not_begin_its_silence_anew() -> None:
    call = Call()
    call.say(REP, 0, 500)
    call.activity(1000, True)
    call.activity(2000, False)
    call.clock(6500)
    call.say(CUSTOMER, 1000, 2200)  # the recogniser thinks it ended a little later than the voice activity did
    call.clock(20_000)
    assert call.types() == ["silence"]


def test_a_transcript_without_activity_finds_silences_between_its_utterances_and_at_its_end() -> None:
    call = Call()
    call.say(REP, 0, 1000)
    call.say(CUSTOMER, 6000, 7000)
    call.clock(30_000)
    assert [d.trigger_ts for d in call.found] == [5000, 11_000]


def test_missing_audio_is_no_silence_and_no_monologue() -> None:
    call = Call()
    call.say(REP, 0, 12_000)
    call.watch.gap(15_000)
    call.clock(18_000)
    call.say(REP, 18_500, 80_000)
    assert call.types() == []


def test_a_silence_says_who_spoke_last_as_far_as_it_is_known_then() -> None:
    call = Call(Roles())
    call.say(CUSTOMER, 0, 1000)
    call.say(REP, 2000, 3000)
    call.clock(8000)
    call.roles = KNOWN
    call.say(CUSTOMER, 10_000, 11_000)
    call.clock(16_000)
    call.say(REP, 20_000, 21_000)
    call.clock(26_000)
    assert call.types() == ["silence"] * 3
    assert [d.speaker_role for d in call.found] == [Role.UNKNOWN, Role.CUSTOMER, Role.REP]
    assert all(d.role_known for d in call.found)


def test_of_two_who_spoke_at_once_the_one_who_ended_last_is_whose_silence_it_is_not() -> None:
    call = Call()
    call.say(CUSTOMER, 0, 3000)
    call.say(REP, 500, 2000, "mhm")  # written later, and over before
    call.clock(8000)
    assert [(d.evidence[0].utterance_no, d.speaker_role) for d in call.found] == [(0, Role.CUSTOMER)]


def test_nobody_knows_who_spoke_last_behind_words_of_nobody_known_or_missing_audio() -> None:
    muttered, missing = Call(), Call()
    muttered.say(REP, 0, 2000)
    muttered.say(UNATTRIBUTED, 2500, 3000)
    muttered.clock(8000)
    missing.say(REP, 0, 2000)
    missing.watch.gap(4000)
    missing.clock(9000)
    for call in (muttered, missing):
        assert call.types() == ["silence"]
        assert call.found[0].evidence[0].utterance_no == 0
        assert call.found[0].speaker_role is Role.UNKNOWN


def test_audio_that_was_missing_before_the_last_words_or_behind_the_limit_hides_nobody() -> None:
    call = Call()
    call.watch.gap(500)
    call.say(REP, 1000, 2000)
    call.watch.gap(6500)
    call.clock(7000)
    assert call.types() == ["silence"]
    assert call.found[0].speaker_role is Role.REP


def test_a_monologue_fires_once_when_its_length_can_be_cited() -> None:
    call = Call()
    for n in range(10):
        call.say(REP, n * 12_000, n * 12_000 + 11_900)
    assert call.types() == ["monologue"]
    found = call.found[0]
    assert found.evidence[0].utterance_no == 6  # 0 to 83.9 s is the first stretch longer than 76 s
    assert found.evidence[-1].utterance_no == 0
    assert found.trigger_ts == found.evidence[0].end_ts


def test_backchannels_do_not_end_a_monologue_and_an_answer_does() -> None:
    for text, duration, expected in (("yeah right", 2000, 1), ("so what about the price", 900, 1), (LONG, 1100, 0)):
        call = Call()
        call.say(REP, 0, 40_000)
        call.say(CUSTOMER, 40_000, 40_000 + duration, text)
        call.say(REP, 42_500, 80_000)
        assert call.types() == ["monologue"] * expected


def test_a_monologue_of_the_customer_is_a_gift_and_no_moment() -> None:
    call = Call()
    for n in range(9):
        call.say(CUSTOMER, n * 12_000, n * 12_000 + 12_000)
    assert call.types() == []


def test_a_monologue_of_somebody_unknown_is_found_with_its_role_unknown() -> None:
    call = Call(Roles())
    for n in range(7):
        call.say(REP, n * 12_000, n * 12_000 + 12_000)
    assert call.types() == ["monologue"]
    assert not call.found[0].role_known


def test_the_rep_who_talks_over_the_customer_interrupts_whoever_is_written_first() -> None:
    for order in (0, 1):
        call = Call()
        turns = [(CUSTOMER, 0, 5000), (REP, 4000, 7000)]
        for speaker, start, end in turns if order == 0 else reversed(turns):
            call.say(speaker, start, end)
        assert call.types() == ["interruption"]
        assert [e.speaker_id for e in call.found[0].evidence] == [REP, CUSTOMER]


def test_what_is_no_interruption() -> None:
    for customer, rep, text in (
        ((0, 5000), (4700, 7000), LONG),  # 0.3 s is not longer than 0.3 s
        ((0, 5000), (4000, 7000), "yes exactly"),
        ((0, 5000), (4000, 5000), LONG),  # no longer than a second
        ((4000, 7000), (0, 5000), LONG),  # the customer interrupts
        ((0, 5000), (0, 5000), LONG),  # both began at once
    ):
        call = Call()
        call.say(CUSTOMER, *customer)
        call.say(REP, *rep, text)
        assert call.types() == []


def test_a_long_turn_that_was_cut_does_not_interrupt_who_spoke_into_it() -> None:
    call = Call()
    call.say(REP, 0, 12_000)
    call.say(CUSTOMER, 11_000, 13_000)
    call.say(REP, 12_000, 15_000)
    assert call.types() == []


def test_the_reps_own_mhm_while_the_customer_speaks_makes_no_monologue_longer() -> None:
    call = Call()
    call.say(REP, 0, 70_000)
    call.say(REP, 76_500, 77_000, "mhm")  # written before what it falls into
    call.say(CUSTOMER, 71_000, 83_000)
    assert "monologue" not in call.types()


def test_a_last_word_behind_a_pause_belongs_to_the_monologue_once_nobody_else_spoke_meanwhile() -> None:
    call = Call()
    call.activity(0, True)
    call.say(REP, 0, 75_800)
    call.activity(75_800, False)
    call.activity(76_200, True)
    call.activity(76_350, False)
    call.say(REP, 76_200, 76_350, "right")
    assert call.types() == []
    call.clock(77_500)
    assert call.types() == []
    call.clock(77_600)
    assert call.types() == ["monologue"]
    assert call.found[0].trigger_ts == 76_350


def test_an_answer_tells_at_once_that_the_word_before_it_was_the_monologues() -> None:
    call = Call()
    call.say(REP, 0, 75_800)
    call.say(REP, 76_200, 76_350, "right")
    call.say(CUSTOMER, 76_700, 79_000)
    assert call.types() == ["monologue"]


def test_two_halves_of_what_a_customer_says_are_more_than_a_mhm_together() -> None:
    call = Call()
    call.say(REP, 0, 40_000)
    call.say(CUSTOMER, 40_200, 41_000, "we have")
    call.say(CUSTOMER, 41_100, 42_000, "no budget")
    call.say(REP, 42_500, 80_000)
    assert call.types() == []


def test_an_answer_within_a_long_turn_ends_what_was_held_before_it_and_the_rest_counts_from_behind_it() -> None:
    call = Call()
    call.say(REP, 0, 12_000)
    call.say(CUSTOMER, 11_000, 14_000)
    for n in range(1, 7):
        call.say(REP, n * 12_000, n * 12_000 + 12_000)
    call.say(REP, 84_000, 89_000)
    assert "monologue" not in call.types()  # 14 to 89 s
    call.say(REP, 89_000, 96_000)
    assert call.types() == ["monologue"]


def test_what_was_said_before_a_gap_and_written_behind_it_makes_no_monologue_longer() -> None:
    call = Call()
    call.say(REP, 0, 12_000)
    call.watch.gap(24_000)
    call.say(REP, 12_000, 24_000)
    for n in range(2, 8):
        call.say(REP, n * 12_000, n * 12_000 + 12_000)
    assert call.types() == []
    call.say(REP, 96_000, 101_000)
    assert call.types() == ["monologue"]


def test_a_silence_that_an_earlier_process_told_is_not_told_again_while_it_lasts() -> None:
    call = Call()
    call.say(REP, 0, 1000)
    call.watch.silence_told(5000)
    call.clock(20_000)
    assert call.types() == []
    call.say(REP, 21_000, 22_000)
    call.clock(27_000)
    assert call.types() == ["silence"]


def test_the_short_last_piece_of_a_long_turn_belongs_to_the_monologue() -> None:
    call = Call()
    call.say(REP, 0, 75_900)
    call.say(REP, 75_950, 76_500)
    assert call.types() == ["monologue"]
    assert call.found[0].trigger_ts == 76_500


def test_who_breaks_in_where_a_long_turn_is_cut_interrupts_it_all_the_same() -> None:
    call = Call()
    call.say(CUSTOMER, 0, 12_000)
    call.say(REP, 11_900, 15_000)
    assert call.types() == []
    call.say(CUSTOMER, 12_000, 14_000)
    assert call.types() == ["interruption"]
    assert [e.utterance_no for e in call.found[0].evidence] == [1, 0]


def test_an_overlap_counts_from_just_above_its_limit() -> None:
    for overlap, types in ((250, []), (300, []), (301, ["interruption"]), (350, ["interruption"])):
        call = Call()
        call.say(CUSTOMER, 0, 5_000)
        call.say(REP, 5_000 - overlap, 9_000)
        assert call.types() == types, overlap


def test_words_of_nobody_known_are_never_cited() -> None:
    call = Call()
    call.say(UNATTRIBUTED, 0, 5000)
    call.say(REP, 3000, 9000)
    call.say(UNATTRIBUTED, 9000, 10_000)
    call.clock(30_000)
    assert call.types() == ["silence"]
    assert call.found[0].evidence[0].utterance_no == 1


_TURNS = st.lists(
    st.tuples(st.sampled_from([REP, CUSTOMER]), st.integers(-2500, 6000), st.integers(100, 30_000), st.booleans()),
    max_size=25,
)


def _laid_out(turns: list[tuple[SpeakerId, int, int, bool]]) -> list[tuple[SpeakerId, int, int, str]]:
    found: list[tuple[SpeakerId, int, int, str]] = []
    at = 0
    for speaker, gap, length, long in turns:
        start = max(0, at + gap, found[-1][1] if found else 0)
        found.append((speaker, start, start + length, LONG if long else "mhm"))
        at = max(at, start + length)
    return found


@given(_TURNS)
@settings(deadline=None, max_examples=300)
def test_silences_and_interruptions_agree_with_a_slow_reading_of_the_definitions(
    turns: list[tuple[SpeakerId, int, int, bool]],
) -> None:
    said = _laid_out(turns)
    call = Call()
    for turn in said:
        call.say(*turn)
    end = max((t[2] for t in said), default=0) + 4500
    call.clock(end)
    assert [d.trigger_ts for d in call.found if d.type == "silence"] == _silences(said, end)
    interruptions = [d.evidence[0].utterance_no for d in call.found if d.type == "interruption"]
    assert sorted(interruptions) == _interruptions(said)


def _silences(said: list[tuple[SpeakerId, int, int, str]], end: int) -> list[int]:
    found: list[int] = []
    for n in range(len(said)):
        quiet_from = max(t[2] for t in said[: n + 1])
        quiet_until = said[n + 1][1] if n + 1 < len(said) else end
        if quiet_until - quiet_from > 4000:
            found.append(quiet_from + 4000)
    return found


def _interruptions(said: list[tuple[SpeakerId, int, int, str]]) -> list[int]:
    """Whole turns, each a list of the numbers of its pieces."""
    turns: list[list[int]] = []
    for n, (speaker, start, _, _) in enumerate(said):
        own = [t for t in turns if said[t[0]][0] == speaker]
        on = next((t for t in own if abs(start - max(said[i][2] for i in t)) <= CUT_MS), None)
        if on is None:
            turns.append([n])
        else:
            on.append(n)
    found: list[int] = []
    for turn in turns:
        speaker, start, _, _ = said[turn[0]]
        stop = max(said[i][2] for i in turn)
        short = sum(len(said[i][3].split()) for i in turn) <= 2 or stop - start <= 1000
        if speaker != REP or short:
            continue
        for other in turns:
            if said[other[0]][0] != CUSTOMER or said[other[0]][1] >= start:
                continue
            if min(stop, max(said[i][2] for i in other)) - start > 300:
                found.append(turn[0])
                break
    return sorted(found)
