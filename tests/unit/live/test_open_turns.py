"""Which beginnings of an open turn are judged, and when their words are taken to have been said."""

from __future__ import annotations

from ridealong.core.transcript import UNATTRIBUTED, Speaker, SpeakerId, Utterance, Word
from ridealong.live.open_turns import OpenTurns
from ridealong.speech import Partial

CUSTOMER = SpeakerId(1)


def partial(text: str, *, start_ts: int = 1_000, end_ts: int = 5_000, speaker: Speaker = CUSTOMER) -> Partial:
    return Partial(speaker=speaker, start_ts=start_ts, end_ts=end_ts, text=text)


def settled(text: str, *, start_ts: int = 1_000, word_ms: int = 300) -> Utterance:
    words = tuple(
        Word(text=w, start_ts=start_ts + i * word_ms, end_ts=start_ts + (i + 1) * word_ms)
        for i, w in enumerate(text.split())
    )
    return Utterance(
        no=4, speaker=CUSTOMER, start_ts=start_ts, end_ts=words[-1].end_ts, text=" ".join(text.split()), words=words
    )


def text_of(found: Utterance | None) -> str | None:
    return None if found is None else found.text


def test_a_clause_is_judged_once_two_words_follow_it() -> None:
    turns = OpenTurns()
    assert turns.partial(partial("That is too much for us."), no=4) is None
    assert turns.partial(partial("That is too much for us, and"), no=4) is None
    found = turns.partial(partial("That is too much for us, and I"), no=4)
    assert text_of(found) == "That is too much for us,"
    assert found is not None
    assert (found.no, found.speaker, found.start_ts) == (4, CUSTOMER, 1_000)
    assert turns.partial(partial("That is too much for us, and I said"), no=4) is None


def test_a_beginning_grows_by_clauses_and_is_whole() -> None:
    turns = OpenTurns()
    turns.partial(partial("We had a quote last week. It was"), no=0)
    found = turns.partial(partial("We had a quote last week. It was half of that but it"), no=0)
    assert text_of(found) == "We had a quote last week. It was half of that"


def test_a_beginning_of_three_words_is_none() -> None:
    assert OpenTurns().partial(partial("Well, you know, it was"), no=0) is None


def test_nobody_s_words_are_not_judged() -> None:
    assert OpenTurns().partial(partial("That is too much for us, and I", speaker=UNATTRIBUTED), no=0) is None
    assert OpenTurns().partial(partial("  "), no=0) is None


def test_words_are_timed_between_the_partials_in_which_they_first_stood() -> None:
    turns = OpenTurns()
    turns.partial(partial("That is too much", end_ts=3_000), no=0)
    found = turns.partial(partial("That is too much for us, and I", end_ts=5_000), no=0)
    assert found is not None
    assert [(w.start_ts, w.end_ts) for w in found.words] == [
        (1_000, 1_500),
        (1_500, 2_000),
        (2_000, 2_500),
        (2_500, 3_000),
        (3_000, 3_500),
        (3_500, 4_000),
    ]
    assert all(w.estimated for w in found.words)
    assert found.end_ts == 4_000


def test_a_partial_with_fewer_words_than_before_does_not_run_time_backwards() -> None:
    turns = OpenTurns()
    turns.partial(partial("That is too much for you and", end_ts=4_000), no=0)
    found = turns.partial(partial("That's too much for us, and I", end_ts=5_000), no=0)
    assert found is not None
    assert [w.start_ts for w in found.words] == sorted(w.start_ts for w in found.words)
    assert found.end_ts <= 5_000


def test_final_words_are_judged_at_the_end_of_a_clause_with_their_own_times() -> None:
    turns = OpenTurns()
    found = turns.settled(settled("that is too much for us,"))
    assert found is not None
    assert (found.text, found.end_ts) == ("that is too much for us,", 2_800)
    assert not any(w.estimated for w in found.words)
    assert turns.settled(settled("that is too much for us, and that")) is None


def test_final_words_and_the_partial_behind_them_are_one_turn() -> None:
    turns = OpenTurns()
    assert turns.settled(settled("that is too much")) is None
    found = turns.partial(partial("for us because we have", start_ts=2_250, end_ts=3_750), no=4)
    assert found is not None
    assert (found.text, found.start_ts, found.end_ts) == ("that is too much for us", 1_000, 2_850)
    assert [w.estimated for w in found.words] == [False] * 4 + [True] * 2


def test_a_partial_after_a_pause_begins_another_turn() -> None:
    turns = OpenTurns()
    turns.settled(settled("that is too much"))
    found = turns.partial(partial("for us it is because we have", start_ts=4_000, end_ts=6_000), no=4)
    assert text_of(found) == "for us it is"


def test_a_beginning_that_is_heard_a_little_later_is_the_same_turn() -> None:
    turns = OpenTurns()
    assert turns.partial(partial("That is too much for us, and I"), no=0) is not None
    assert turns.partial(partial("That is too much for us, and I said", start_ts=1_250), no=0) is None


def test_a_finished_turn_is_over() -> None:
    turns = OpenTurns()
    said = partial("That is too much for us, and I")
    assert turns.partial(said, no=0) is not None
    turns.finished(settled("That is too much for us, and I said so"))
    assert turns.partial(said, no=1) is not None
