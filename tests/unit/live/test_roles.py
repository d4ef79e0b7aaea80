"""Who is the rep: the surest source wins, and a guess is only a guess."""

from __future__ import annotations

import numpy as np

from ridealong.core.transcript import UNATTRIBUTED, Role, RoleSource, SpeakerId, Utterance
from ridealong.live.roles import KNOWN_FROM, RoleTracker

A, B, C = SpeakerId(0), SpeakerId(1), SpeakerId(2)


def said(no: int, speaker: SpeakerId, odds: float) -> tuple[Utterance, np.ndarray]:
    """An utterance whose vector carries its own log-odds."""
    utterance = Utterance(no=no, speaker=speaker, start_ts=no * 1000, end_ts=no * 1000 + 900, text="words")
    return utterance, np.array([odds], np.float32)


def tracker() -> RoleTracker:
    return RoleTracker(lambda vector: float(vector[0]))


def test_nobody_is_the_rep_until_the_words_have_told_enough() -> None:
    roles = tracker()
    assert roles.met(*said(0, A, 1.0)) == []
    assert roles.met(*said(1, B, -1.0)) == []
    assert roles.roles.rep is UNATTRIBUTED


def test_enough_words_make_a_guess_with_a_confidence() -> None:
    roles = tracker()
    changed = []
    for no in range(0, 8, 2):
        changed += roles.met(*said(no, A, 1.0)) + roles.met(*said(no + 1, B, -1.0))
    assert roles.roles.rep == A
    assert roles.roles.role_of(B) is Role.CUSTOMER
    assert {a.source for a in changed} == {RoleSource.HEURISTIC}
    assert all(KNOWN_FROM <= a.confidence < 1.0 for a in changed)


def test_one_odd_sentence_does_not_decide() -> None:
    roles = tracker()
    roles.met(*said(0, A, 50.0))
    roles.met(*said(1, B, -0.1))
    assert roles.roles.rep is UNATTRIBUTED


def test_a_guess_that_turns_out_wrong_is_taken_back() -> None:
    roles = tracker()
    for no in range(0, 8, 2):
        roles.met(*said(no, A, 1.0))
        roles.met(*said(no + 1, B, -1.0))
    for no in range(10, 40, 2):
        roles.met(*said(no, A, -1.0))
        roles.met(*said(no + 1, B, 1.0))
    assert roles.roles.rep == B
    assert roles.roles.role_of(A) is Role.CUSTOMER


def test_a_tap_beats_a_guess_and_a_channel_beats_a_tap() -> None:
    roles = tracker()
    for no in range(0, 8, 2):
        roles.met(*said(no, A, 1.0))
        roles.met(*said(no + 1, B, -1.0))
    roles.state(B, RoleSource.STATED)
    assert roles.roles.rep == B
    assert roles.roles.role_of(A) is Role.CUSTOMER
    roles.from_channels(A, B)
    assert roles.roles.rep == A
    assert roles.state(B, RoleSource.STATED) == []


def test_words_do_not_move_what_was_stated() -> None:
    roles = tracker()
    roles.state(A, RoleSource.STATED)
    for no in range(20):
        roles.met(*said(no, B, 1.2))
    assert roles.roles.rep == A


def test_a_speaker_who_joins_late_is_a_customer() -> None:
    roles = tracker()
    roles.state(A, RoleSource.STATED)
    changed = roles.met(*said(9, C, 1.0))
    assert [(a.speaker_id, a.role) for a in changed] == [(C, Role.CUSTOMER)]


def test_with_a_stated_rep_a_new_voice_is_a_customers_from_its_first_word() -> None:
    roles = tracker()
    roles.state(A, RoleSource.STATED)
    assert [(a.speaker_id, a.role) for a in roles.arrived(B)] == [(B, Role.CUSTOMER)]
    assert roles.arrived(B) == []


def test_a_guessed_rep_makes_nobody_a_customer_at_first_sight() -> None:
    roles = tracker()
    for no in range(0, 8, 2):
        roles.met(*said(no, A, 1.0))
        roles.met(*said(no + 1, B, -1.0))
    assert roles.arrived(C) == []


def test_several_named_reps_all_stay_reps_and_everybody_else_is_a_customer() -> None:
    roles = tracker()
    roles.state(A, RoleSource.STATED, others=[C])
    roles.arrived(B)
    for no in range(20):
        roles.met(*said(no, C, -1.2))
    assert (roles.roles.reps, roles.roles.role_of(B)) == ((A, C), Role.CUSTOMER)


def test_a_tap_or_a_known_voice_of_one_of_several_reps_takes_nothing_from_the_others() -> None:
    for source in (RoleSource.STATED, RoleSource.ENROLLED_VOICE):
        roles = tracker()
        roles.state(A, RoleSource.STATED, others=[C])
        roles.arrived(B)
        roles.state(C, source)
        assert set(roles.roles.reps) == {A, C}
        assert roles.roles.role_of(B) is Role.CUSTOMER
        # Of somebody who was not named it says that the names were wrong.
        roles.state(B, source)
        assert roles.roles.reps == (B,)


def test_on_a_page_each_speaker_is_named_alone() -> None:
    roles = tracker()
    for no in range(0, 8, 2):
        roles.met(*said(no, A, 1.0))
        roles.met(*said(no + 1, B, -1.0))
    roles.name(B, Role.REP)
    assert roles.roles.reps == (B,)  # A was a guess alone
    roles.name(C, Role.REP)
    assert set(roles.roles.reps) == {B, C}
    roles.name(B, Role.CUSTOMER)
    assert roles.roles.reps == (C,)


def test_who_was_named_a_customer_is_not_guessed_to_be_the_rep() -> None:
    roles = tracker()
    roles.arrived(A)
    roles.name(A, Role.CUSTOMER)
    for no in range(0, 30, 2):
        roles.met(*said(no, A, 1.5))
        roles.met(*said(no + 1, B, -1.5))
    assert roles.roles.role_of(A) is Role.CUSTOMER
    assert roles.roles.reps == ()
    roles.name(B, Role.REP)
    assert (roles.roles.reps, roles.roles[A].source) == ((B,), RoleSource.STATED)


def test_a_channel_is_surer_than_what_a_page_says() -> None:
    roles = tracker()
    roles.from_channels(A, B)
    assert roles.name(B, Role.REP) == []


def test_a_colleague_of_a_rep_whose_voice_is_known_may_be_named_and_stays() -> None:
    roles = tracker()
    roles.state(A, RoleSource.ENROLLED_VOICE, 0.9)
    roles.arrived(C)
    roles.name(C, Role.REP)
    roles.state(A, RoleSource.ENROLLED_VOICE, 0.9)
    assert set(roles.roles.reps) == {A, C}
    assert roles.name(A, Role.CUSTOMER) == []
