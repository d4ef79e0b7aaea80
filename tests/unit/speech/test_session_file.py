from __future__ import annotations

import json
from pathlib import Path

import pytest

from ridealong.core.context import CallContext
from ridealong.core.errors import InvalidDocument
from ridealong.core.transcript import UNATTRIBUTED
from ridealong.speech.session_file import read_session

HEADER = '{"call": "acme", "rep_speaker": 0, "extra": true}'
GOOD: dict[str, object] = {"no": 3, "speaker": 1, "start_ts": 100, "end_ts": 900, "text": "We use it daily."}


def line(**changes: object) -> str:
    return json.dumps(GOOD | changes)


def test_numbers_speakers_and_words_are_kept_and_other_keys_ignored(tmp_path: Path) -> None:
    words = [
        {"text": "Yes", "start_ts": 1_000, "end_ts": 1_200},
        {"text": "we do.", "start_ts": 1_200, "end_ts": 1_400},
    ]
    second = line(no=5, speaker=None, start_ts=1_000, end_ts=1_500, text="Yes we do.", words=words, mood="glad")
    path = tmp_path / "call.jsonl"
    path.write_text("\n".join([HEADER, line(), "", second]))
    session = read_session(path)
    assert (session.call, session.rep_speakers) == ("acme", (0,))
    assert [u.no for u in session.utterances] == [3, 5]
    assert session.utterances[1].speaker is UNATTRIBUTED
    assert [w.text for w in session.utterances[1].words] == ["Yes", "we do."]


def test_the_title_is_what_people_call_it() -> None:
    titled = '{"call": "acme", "title": " First call with Acme "}'
    assert read_session([titled]).title == "First call with Acme"
    assert not read_session([HEADER]).title
    for wrong in ("7", "null", json.dumps("x" * 301), json.dumps("a\0b")):
        with pytest.raises(InvalidDocument, match="title"):
            read_session([f'{{"call": "acme", "title": {wrong}}}'])


def test_overlapping_utterances_may_step_back_a_little() -> None:
    lines = [HEADER, line(start_ts=5_000, end_ts=9_000), line(no=4, start_ts=4_000, end_ts=6_000)]
    assert len(read_session(lines).utterances) == 2


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (line(no=2), "numbers only grow"),
        (line(no=3), "numbers only grow"),
        (line(no=4, start_ts=-1), "start_ts"),
        (line(no=4, end_ts=100), "later than"),
        (line(no=4, text="  "), "text"),
        (line(no=4, text=7), "text"),
        (line(no="4"), "whole number"),
        (line(no=True), "whole number"),
        (line(no=4, speaker="rep"), "whole number"),
        (line(no=4, speaker=-1), "speaker"),
        ('{"no": 4, "start_ts": 1, "end_ts": 2, "text": "a"}', "speaker is missing"),
        ("[1, 2]", "object"),
        ("{", "JSON"),
        (line(no=4, words=[{"text": "Other", "start_ts": 100, "end_ts": 200}]), "spell"),
        (line(no=4, words=[{"text": "We", "start_ts": 0, "end_ts": 200}]), "outside"),
        (line(no=4, text="a\0b"), "NUL"),
        (line(no=4, text="a\ud800b"), "surrogate"),
        (line(no=4, text="a b", words=[{"text": "a\0", "start_ts": 100, "end_ts": 200}]), "NUL"),
        ('{"no":4,"speaker":0,"start_ts":NaN,"end_ts":Infinity,"text":"a"}', "whole number"),
        ('{"no":4,"speaker":0,"start_ts":0,"end_ts":' + "9" * 5000 + ',"text":"a"}', "JSON"),
        (line(no=4, start_ts="0"), "whole number"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_a_mistake_is_told_with_its_line(wrong: str, says: str) -> None:
    with pytest.raises(InvalidDocument, match=says) as told:
        read_session([HEADER, line(), "", wrong])
    assert told.value.line == 4


@pytest.mark.parametrize(("lines", "at"), [([], 1), ([line()], 1), ([HEADER, HEADER], 2)])
def test_a_missing_or_second_header_is_told(lines: list[str], at: int) -> None:
    with pytest.raises(InvalidDocument) as told:
        read_session(lines)
    assert told.value.line == at


def test_lines_far_out_of_order_are_refused() -> None:
    with pytest.raises(InvalidDocument, match="sort the lines"):
        read_session([HEADER, line(start_ts=60_000, end_ts=61_000), line(no=4)])


def test_what_was_said_is_never_in_the_message() -> None:
    with pytest.raises(InvalidDocument) as told:
        read_session([HEADER, line(text="secret", end_ts=1)])
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("call", "says"), [("", "characters"), ("a" * 301, "characters"), ("a\0b", "NUL"), ("a\ud800", "surrogate")]
)
def test_a_name_that_cannot_be_stored_is_refused_with_its_line(call: str, says: str) -> None:
    with pytest.raises(InvalidDocument, match=rf"(?s):1: .*{says}"):
        read_session([json.dumps({"call": call}), line()])


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    said = "one\u2028two\u2029three\x85four\x0cfive"
    path = tmp_path / "call.jsonl"
    path.write_text(
        HEADER + "\r\n" + json.dumps(GOOD | {"text": said.replace("\x0c", "")}, ensure_ascii=False) + "\r\n"
    )
    assert read_session(path).utterances[0].text == said.replace("\x0c", "")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (bytes(range(256)) * 50, "UTF-8"),
        ((HEADER + "\n").encode("utf-16"), "UTF-8"),
        (b"\0" * 100, "JSON"),
    ],
)
def test_what_is_no_transcript_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "call.jsonl"
    path.write_bytes(content)
    with pytest.raises(InvalidDocument, match=says):
        read_session(path)


def test_a_header_alone_is_a_call_in_which_nobody_spoke() -> None:
    assert read_session([HEADER]).utterances == ()


def test_the_header_may_state_the_calls_context() -> None:
    session = read_session(['{"call": "a", "customer": " Acme  Ltd ", "call_type": "demo", "stage": null}'])
    assert session.context == CallContext(customer="Acme Ltd", call_type="demo")
    for wrong, says in (({"stage": "x" * 65}, "64"), ({"deal": 7}, "text"), ({"customer": "a\u202eb"}, "shown")):
        with pytest.raises(InvalidDocument, match=rf"(?s):1: .*{says}"):
            read_session([json.dumps({"call": "a"} | wrong)])


def test_several_reps_are_named_in_a_list_instead_of_the_one_or_beside_it() -> None:
    for header, reps in (
        ({"rep_speakers": [0, 2]}, (0, 2)),
        ({"rep_speaker": 2, "rep_speakers": [0, 2]}, (2, 0)),
        ({"rep_speaker": None, "rep_speakers": [0, 0]}, (0,)),
        ({}, ()),
    ):
        assert read_session([json.dumps({"call": "acme", **header})]).rep_speakers == reps
    for wrong in ({"rep_speakers": 2}, {"rep_speakers": []}, {"rep_speakers": ["2"]}, {"rep_speakers": [2000]}):
        with pytest.raises(InvalidDocument, match="rep_speakers"):
            read_session([json.dumps({"call": "acme", **wrong})])
    with pytest.raises(InvalidDocument, match="name every rep there"):
        read_session([json.dumps({"call": "acme", "rep_speaker": 1, "rep_speakers": [0, 2]})])
