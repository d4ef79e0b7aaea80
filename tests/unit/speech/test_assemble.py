from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ridealong.core.transcript import UNATTRIBUTED, Speaker, SpeakerId, Utterance
from ridealong.speech import HeardThrough, Partial, SpokenWord, Words
from ridealong.speech.assemble import LIMIT_MS, PAUSE_MS, Assembler

ANN = SpeakerId(0)


def word(text: str, start_ts: int, end_ts: int, speaker: Speaker = ANN) -> SpokenWord:
    return SpokenWord(text=text, start_ts=start_ts, end_ts=end_ts, speaker=speaker)


def assemble(*events: Words, first_no: int = 0) -> list[Utterance]:
    assembler = Assembler(first_no)
    made = [utterance for event in events for utterance in assembler.feed(event)]
    return made + assembler.flush()


def test_an_utterance_is_cut_word_by_word_where_the_speaker_changes() -> None:
    a, b = SpeakerId(0), SpeakerId(1)
    words = (word("so", 0, 100, a), word("yes", 100, 200, b), word("then", 200, 300, a))
    assert [(u.speaker, u.text) for u in assemble(Words(words=words))] == [(a, "so"), (b, "yes"), (a, "then")]


def test_a_pause_cuts_and_a_shorter_one_does_not() -> None:
    short = assemble(Words(words=(word("a", 0, 100), word("b", 99 + PAUSE_MS, 900))))
    long = assemble(Words(words=(word("a", 0, 100), word("b", 100 + PAUSE_MS, 900))))
    assert [u.text for u in short] == ["a b"]
    assert [u.text for u in long] == ["a", "b"]


def test_hearing_past_a_pause_finishes_the_open_utterance_without_a_further_word() -> None:
    assembler = Assembler()
    assembler.feed(Words(words=(word("a", 0, 100),)))
    assert assembler.feed(HeardThrough(ts=99 + PAUSE_MS)) == []
    assert [u.text for u in assembler.feed(HeardThrough(ts=100 + PAUSE_MS))] == ["a"]


def test_the_end_of_a_turn_finishes_and_a_partial_never_does() -> None:
    assembler = Assembler()
    assert assembler.feed(Partial(speaker=SpeakerId(0), start_ts=0, end_ts=50, text="hel")) == []
    assert [u.text for u in assembler.feed(Words(words=(word("hello", 0, 100),), ends_turn=True))] == ["hello"]
    assert assembler.flush() == []


def test_a_monologue_is_cut_at_its_best_gap() -> None:
    words = [word(f"w{i}", i * 500, i * 500 + 500) for i in range(30)]
    words[15] = word("w15.", 7_500, 8_000)
    first = assemble(Words(words=tuple(words)))[0]
    assert first.text.endswith("w15.")


def test_words_without_a_speaker_make_an_utterance_without_one() -> None:
    made = assemble(Words(words=(word("a", 0, 100, UNATTRIBUTED), word("b", 100, 200))))
    assert [u.speaker for u in made] == [UNATTRIBUTED, SpeakerId(0)]


def test_numbers_go_on_from_the_first_one() -> None:
    assert [u.no for u in assemble(Words(words=(word("a", 0, 1), word("b", 5_000, 5_001))), first_no=7)] == [7, 8]


speakers = st.sampled_from([SpeakerId(0), SpeakerId(1), UNATTRIBUTED])


@st.composite
def sessions(draw: st.DrawFn) -> list[Words]:
    at, count, events = 0, 0, []
    for _ in range(draw(st.integers(0, 8))):
        words: list[SpokenWord] = []
        for _ in range(draw(st.integers(0, 12))):
            at += draw(st.integers(0, 1_500))
            words.append(word(f"w{count}", at, at + draw(st.integers(1, 3_000)), draw(speakers)))
            count += 1
        events.append(Words(words=tuple(words), ends_turn=draw(st.booleans())))
    return events


@given(sessions())
def test_no_word_is_lost_or_doubled_and_their_order_is_kept(events: list[Words]) -> None:
    made = assemble(*events)
    said = [w for event in events for w in event.words]
    assert " ".join(u.text for u in made).split() == [w.text for w in said]
    assert [w.text for u in made for w in u.words] == [w.text for w in said]
    assert [u.no for u in made] == list(range(len(made)))
    who = {w.text: w.speaker for w in said}
    for utterance in made:
        assert utterance.duration_ms <= LIMIT_MS or len(utterance.words) == 1
        assert {who[w.text] for w in utterance.words} == {utterance.speaker}
        assert utterance.start_ts == min(w.start_ts for w in utterance.words)
        assert utterance.end_ts == max(w.end_ts for w in utterance.words)
