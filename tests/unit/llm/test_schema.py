"""Schemas as vendors take them, answers as they were meant."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridealong.core.errors import BadAnswer
from ridealong.llm import AnswerSchema
from ridealong.llm.failures import duration_s
from ridealong.llm.schema import Schemas, closed_schema, read_object
from tests.vendors.openai_chat import check_strict

FINDING = {
    "type": "object",
    "required": ["statement"],
    "properties": {
        "statement": {"type": "string", "minLength": 1, "description": "What was found"},
        "kind": {"enum": ["gap", "strength"]},
        "note": {"type": ["string", "null"]},
        "at": {"$ref": "#/$defs/place"},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["findings"],
    "properties": {"findings": {"type": "array", "items": FINDING, "maxItems": 3}},
    "$defs": {"place": {"type": "object", "required": ["no"], "properties": {"no": {"type": "integer", "minimum": 1}}}},
}


def read(content: object) -> dict[str, object]:
    prepared = Schemas(None).prepare(AnswerSchema(name="findings", schema=SCHEMA))
    return read_object(content if isinstance(content, str) else json.dumps(content), prepared, who="m")


def test_strict_mode_requires_everything_and_closes_every_object() -> None:
    sent = closed_schema(SCHEMA, all_required=True)
    check_strict(sent)
    item = sent["properties"]["findings"]["items"]
    assert item["required"] == ["statement", "kind", "note", "at"]
    assert item["properties"]["kind"] == {"anyOf": [{"enum": ["gap", "strength"], "type": "string"}, {"type": "null"}]}
    assert item["properties"]["statement"]["description"] == "What was found (at least 1 characters)"


def test_the_schema_that_was_given_stays_as_it_was() -> None:
    before = json.dumps(SCHEMA)
    closed_schema(SCHEMA, all_required=True)
    assert json.dumps(SCHEMA) == before


def test_an_open_map_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="open map"):
        closed_schema({"type": "object", "additionalProperties": {"type": "string"}}, all_required=False)


def test_nulls_for_what_may_be_missing_are_taken_out_and_real_nulls_stay() -> None:
    found = read({"findings": [{"statement": "a", "kind": None, "note": None, "at": None}]})
    assert found == {"findings": [{"statement": "a", "note": None}]}


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ({"findings": [{"statement": ""}]}, "statement/minLength"),
        ({"findings": [{"statement": "a"}] * 4}, "findings/maxItems"),
        ({"findings": [{"statement": "a", "at": {"no": 0}}]}, "no/minimum"),
        ({"findings": [{"statement": None}]}, "statement/type"),
        ({}, "required"),
    ],
)
def test_bounds_are_checked_here_and_the_rule_is_told_without_the_words(content: object, rule: str) -> None:
    with pytest.raises(BadAnswer, match=rule):
        read(content)


def test_a_fence_around_the_json_is_taken_off() -> None:
    assert read('```json\n{"findings": []}\n```') == {"findings": []}


@pytest.mark.parametrize(
    "said",
    [
        '\ufeff{"findings": []}',
        '<think>\nIs it {"findings": 1}? No.\n</think>\n{"findings": []}',
        'Sure! Here it is: {"findings": []}\n',
        'Of {those}, none:\n\n{"findings": []}',
        'Here:\n```json\n{"findings": []}\n```\nAnything else?',
        '{"findings": []}\n\nI hope that this helps!',
        'Of {those}, none:\n{"findings": []}\nAnything else?',
        '<reasoning>hm</reasoning>```\n{"findings": []}\n```',
    ],
)
def test_the_json_is_found_between_what_a_model_without_a_schema_mode_says_beside_it(said: str) -> None:
    assert read(said) == {"findings": []}


@pytest.mark.parametrize(
    "said",
    [
        '```json\n{"findings": []}\n```\nor\n```json\n{"findings": []}\n```',
        '{"findings": []} or {"findings": []}',
        '{"findings": []} and "that" is all',
        '{"findings": []}, "more": 1}',
        '<think>Maybe {"findings": []} or not',
        '<think>{"findings": []}</think>',
        '{"findings": [{"statement": "a", "at": {"no": 3}}',
        "{" * 200_000,
        '{"findings": [{"statement": "' + "a" * 2_000_000 + '"}]}',
    ],
)
def test_of_several_or_cut_objects_none_is_chosen(said: str) -> None:
    with pytest.raises(BadAnswer):
        read(said)


def test_a_whole_number_written_with_a_point_is_an_integer() -> None:
    found = read('{"findings": [{"statement": "a", "at": {"no": 3.0}}]}')
    number = found["findings"][0]["at"]["no"]  # type: ignore[index]
    assert (number, type(number)) == (3, int)


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud83d"])
def test_text_that_no_database_can_hold_is_a_bad_answer(escape: str) -> None:
    with pytest.raises(BadAnswer):
        read('{"findings": [{"statement": "a' + escape + '"}]}')


def test_escaped_text_is_read() -> None:
    assert read('{"findings": [{"statement": "\\ud83d\\ude00 \\u00e4"}]}') == {
        "findings": [{"statement": "\U0001f600 ä"}]
    }


def test_an_endless_number_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer):
        read('{"findings": [], "more": 1e999}')


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_at_all_breaks_reading_otherwise_than_as_a_bad_answer(text: str) -> None:
    try:
        read(text)
    except BadAnswer as told:
        assert not text.strip() or len(text) < 12 or text not in str(told)


def test_deep_nesting_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer):
        read('{"findings":' + "[" * 100_000)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360.0),
        ("1.2s", 1.2),
        ("24m3.6s", 1443.6),
        ("320ms", 0.32),
        ("1h0m5s", 3605.0),
        ("7", 7.0),
        ("0", 0.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("soon", None),
        ("nan", None),
        ("-3", None),
        ("", None),
        (None, None),
    ],
)
def test_durations_of_headers_are_understood(text: str | None, seconds: float | None) -> None:
    assert duration_s(text) == (None if seconds is None else pytest.approx(seconds))
