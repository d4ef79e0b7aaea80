"""The transcript: an append-only log, and the one way to prove something from it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridealong.core.errors import InvalidUtterance, Ungrounded
from ridealong.core.transcript import (
    UNATTRIBUTED,
    Citation,
    Evidence,
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

ID = TranscriptId(call_id=UUID(int=1))
REP, CUSTOMER = SpeakerId(0), SpeakerId(1)


def utterance(
    no: int, text: str = "some words", *, speaker: Speaker = CUSTOMER, start_ts: int = 0, end_ts: int = 1_000
) -> Utterance:
    return Utterance(no=no, speaker=speaker, start_ts=start_ts, end_ts=end_ts, text=text)


@pytest.fixture
def transcript() -> Transcript:
    return Transcript.of(
        ID,
        [
            utterance(0, "Hello, how is it going?", speaker=REP, start_ts=0, end_ts=2_000),
            utterance(1, "Badly. We lose two hours a day, two hours!", start_ts=2_500, end_ts=6_000),
            utterance(2, "somebody mumbles", speaker=UNATTRIBUTED, start_ts=6_100, end_ts=7_000),
            utterance(5, "Numbers may skip", start_ts=7_500, end_ts=9_000),
        ],
    )


def test_a_citation_takes_speaker_and_time_from_the_utterance(transcript: Transcript) -> None:
    evidence = transcript.cite(Citation(utterance_no=1, quote="we lose TWO hours"))
    assert (evidence.speaker_id, evidence.start_ts, evidence.end_ts) == (CUSTOMER, 2_500, 6_000)
    assert evidence.quote == "We lose two hours"
    assert evidence.utterance.text[evidence.quote_start : evidence.quote_end] == evidence.quote
    assert evidence.transcript_id == ID


@pytest.mark.parametrize(
    ("no", "quote"),
    [
        (0, "we lose two hours"),  # another utterance's words, another speaker's
        (9, "we lose two hours"),
        (-1, "Numbers may skip"),
        (1, "we lose three hours"),
        (1, "ours a day"),
        (1, ""),
        (1, " …"),
        (2, "somebody mumbles"),
    ],
)
def test_what_the_utterance_does_not_say_cannot_be_cited(transcript: Transcript, no: int, quote: str) -> None:
    with pytest.raises(Ungrounded):
        transcript.cite(Citation(utterance_no=no, quote=quote))


def test_the_error_never_repeats_what_was_said(transcript: Transcript) -> None:
    with pytest.raises(Ungrounded) as error:
        transcript.cite(Citation(utterance_no=1, quote="secret words"))
    assert "secret" not in str(error.value)
    assert "hours" not in str(error.value)


def test_a_whole_utterance_can_be_cited_unless_it_has_no_speaker(transcript: Transcript) -> None:
    assert transcript.cite_whole(0).quote == "Hello, how is it going"
    for no in (2, 3):
        with pytest.raises(Ungrounded):
            transcript.cite_whole(no)


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (3, 3), (4, 3), (0, 999)])
def test_evidence_outside_its_text_cannot_be_made(transcript: Transcript, start: int, end: int) -> None:
    with pytest.raises(Ungrounded):
        Evidence(transcript_id=ID, utterance=transcript[0], quote_start=start, quote_end=end)


def test_evidence_without_a_speaker_cannot_be_made(transcript: Transcript) -> None:
    with pytest.raises(Ungrounded):
        Evidence(transcript_id=ID, utterance=transcript[2], quote_start=0, quote_end=4)


def test_neither_an_utterance_nor_evidence_can_be_changed(transcript: Transcript) -> None:
    evidence = transcript.cite_whole(0)
    for holder, name in ((evidence, "quote_start"), (evidence.utterance, "text"), (evidence.utterance, "speaker")):
        with pytest.raises(FrozenInstanceError):
            setattr(holder, name, 1)
    with pytest.raises((AttributeError, TypeError)):  # which of them depends on the version of Python
        setattr(evidence, "start_ts", 1)  # noqa: B010


@pytest.mark.parametrize(
    "wrong",
    [
        {"no": -1},
        {"start_ts": -1},
        {"end_ts": 0},
        {"start_ts": 1_000},
        {"text": " \n"},
        {"speaker_confidence": 1.1},
        {"speaker_confidence": float("nan")},
    ],
)
def test_an_utterance_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidUtterance):
        replace(utterance(0), **wrong)


def test_numbers_only_grow(transcript: Transcript) -> None:
    for no in (5, 4, 0):
        with pytest.raises(InvalidUtterance):
            transcript.append(utterance(no))
    assert [u.no for u in transcript] == [0, 1, 2, 5]
    assert transcript.next_no == 6


def test_an_empty_transcript_ends_at_zero() -> None:
    empty = Transcript(ID)
    assert (len(empty), empty.end_ts, empty.next_no, 0 in empty) == (0, 0, 0, False)


def test_the_log_cannot_be_changed_through_what_it_shows(transcript: Transcript) -> None:
    assert isinstance(transcript.utterances, tuple)
    assert len(transcript) == 4
    assert 5 in transcript
    assert 3 not in transcript
    with pytest.raises(KeyError):
        transcript[3]


def test_the_end_is_that_of_the_latest_ending_utterance() -> None:
    log = Transcript.of(ID, [utterance(0, start_ts=0, end_ts=9_000), utterance(1, start_ts=3_000, end_ts=3_500)])
    assert log.end_ts == 9_000


def test_the_window_holds_what_ends_within_the_span_before_and_nothing_later(transcript: Transcript) -> None:
    assert [u.no for u in transcript.window(until_no=5, span_ms=3_000)] == [1, 2, 5]
    assert [u.no for u in transcript.window(until_no=5, span_ms=2_999)] == [2, 5]
    assert [u.no for u in transcript.window(until_no=1, span_ms=60_000)] == [0, 1]
    assert [u.no for u in transcript.window(until_no=0, span_ms=0)] == [0]
    with pytest.raises(KeyError):
        transcript.window(until_no=3, span_ms=1_000)


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 200)), min_size=1, max_size=20),
    st.integers(0, 60_000),
    st.data(),
)
def test_the_window_is_what_a_search_of_the_whole_log_finds(
    spans: list[tuple[int, int]], span_ms: int, data: st.DataObject
) -> None:
    # In order of their ends, as a live log grows, with turns of up to 20 s that overlap.
    ends = sorted((start * 100 + length * 100, start * 100) for start, length in spans)
    log = Transcript.of(ID, [utterance(no, start_ts=s, end_ts=e) for no, (e, s) in enumerate(ends)])
    until = data.draw(st.integers(0, len(ends) - 1))
    expected = [u.no for u in log if u.no <= until and u.end_ts >= log[until].end_ts - span_ms]
    assert [u.no for u in log.window(until_no=until, span_ms=span_ms)] == expected


def assigned(speaker: SpeakerId, role: Role, confidence: float = 1.0) -> RoleAssignment:
    return RoleAssignment(speaker_id=speaker, role=role, source=RoleSource.STATED, confidence=confidence)


def test_a_role_is_unknown_until_it_is_assigned() -> None:
    roles = Roles()
    assert roles.role_of(REP) is Role.UNKNOWN
    assert roles.role_of(UNATTRIBUTED) is Role.UNKNOWN
    assert roles.rep is UNATTRIBUTED


def test_assigning_a_role_leaves_earlier_knowledge_as_it_was() -> None:
    before = Roles([assigned(REP, Role.CUSTOMER)])
    after = before.with_role(assigned(REP, Role.REP)).with_role(assigned(CUSTOMER, Role.CUSTOMER))
    assert before.role_of(REP) is Role.CUSTOMER
    assert (after.role_of(REP), after.role_of(CUSTOMER), after.rep) == (Role.REP, Role.CUSTOMER, REP)
    assert set(after) == {REP, CUSTOMER}
    assert len(after) == 2


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_a_role_without_a_possible_confidence_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        assigned(REP, Role.REP, confidence)
