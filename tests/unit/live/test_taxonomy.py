"""The taxonomy document: what it says, and that every mistake is told with its line."""

from __future__ import annotations

from importlib.resources import files
from itertools import pairwise

import pytest

from ridealong.core.errors import InvalidDocument
from ridealong.core.moments import CONTENT_TYPES, TIMING_TYPES
from ridealong.live.taxonomy import (
    MAX_WORDS,
    MIN_WORDS,
    PolicySettings,
    TimingSettings,
    default_taxonomy,
    load_taxonomy,
    nudge_texts,
)
from ridealong.live.wording import Wording

TEXT = (files("ridealong.live") / "taxonomy.yaml").read_text(encoding="utf-8")
TRACKER = (
    "trackers:\n  - name: Acme Dialer\n    type: competitor_mentioned\n    phrases: [acme]\n    answer: {answer}\n"
)


def with_tracker(answer: str, type_id: str = "competitor_mentioned") -> str:
    changed = TRACKER.format(answer=answer).replace("competitor_mentioned", type_id)
    return TEXT.replace("trackers: []\n", changed)


def test_the_default_taxonomy_has_the_twelve_types() -> None:
    assert [t.id for t in default_taxonomy().types] == [*CONTENT_TYPES, *TIMING_TYPES]


def test_every_nudge_of_the_default_has_six_to_twelve_words() -> None:
    taxonomy = load_taxonomy(with_tracker("recordings cost nothing extra with us"), "mine.yaml")
    for moment_type in taxonomy.types:
        for values in ({}, {"competitor": "Acme"}, {"competitor": "Acme", "answer": taxonomy.trackers[0].answer}):
            texts = nudge_texts(moment_type, values)
            assert texts
            assert all(MIN_WORDS <= len(t.split()) <= MAX_WORDS for t in texts)


@pytest.mark.parametrize(
    ("old", "new", "wrong_line"),
    [
        ("  - id: stall\n", "  - id: price_asked\n", "  - id: price_asked"),
        ("    label: Silence\n", "    label: Silence\n    colour: red\n", "    colour: red"),
        ("    floor: 0.0\n    cool_down_s: 120\n", "    floor: 3\n    cool_down_s: 120\n", "    floor: 3"),
        ("  silence_s: 4.0\n", "  silence_s: never\n", "  silence_s: never"),
        ("  - id: pain_stated\n", "  - id: my_own\n", "  - id: my_own"),
        ("trackers: []\n", TRACKER.format(answer="x").replace("competitor_m", "m"), "    type: mentioned"),
    ],
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, wrong_line: str) -> None:
    changed = TEXT.replace(old, new) if old.startswith("  - id") else TEXT.replace(old, new, 1)
    with pytest.raises(InvalidDocument) as caught:
        load_taxonomy(changed, "mine.yaml")
    lines = [n for n, line in enumerate(changed.splitlines(), start=1) if line == wrong_line]
    assert caught.value.line == lines[-1]
    assert str(caught.value).startswith(f"mine.yaml:{lines[-1]}: ")


@pytest.mark.parametrize(
    "nudge", ["Too short a nudge.", "Ask about {colour} and what they like most there.", "{ x y z a b c"]
)
def test_a_nudge_that_cannot_be_read_in_a_glance_is_refused(nudge: str) -> None:
    with pytest.raises(InvalidDocument, match="nudge"):
        load_taxonomy(TEXT.replace("Break the silence with one short open question.", f'"{nudge}"'), "mine.yaml")


def test_an_answer_that_fits_no_nudge_is_refused() -> None:
    with pytest.raises(InvalidDocument, match="6 to 12 words"):
        load_taxonomy(with_tracker("we have " + "very " * 20 + "many words"), "mine.yaml")


def test_a_competitor_and_the_answer_to_it_stand_in_the_nudge() -> None:
    taxonomy = load_taxonomy(with_tracker("recordings cost nothing extra with us"), "mine.yaml")
    moment_type = taxonomy.find("competitor_mentioned")
    assert moment_type is not None
    chosen = Wording().choose(moment_type, {"competitor": "Acme Dialer", "answer": taxonomy.trackers[0].answer})
    assert chosen == "Acme Dialer came up: recordings cost nothing extra with us"


def test_no_wording_is_shown_twice_in_a_row() -> None:
    for moment_type in default_taxonomy().types:
        wording = Wording()
        shown = [wording.choose(moment_type) for _ in range(7)]
        assert all(a != b for a, b in pairwise(shown))


def test_a_tenant_may_remove_a_type() -> None:
    start, end = TEXT.index("  - id: stall"), TEXT.index("  - id: decision_process")
    assert load_taxonomy(TEXT[:start] + TEXT[end:], "mine.yaml").find("stall") is None


def test_a_document_that_says_nothing_of_timing_has_the_limits_of_the_default() -> None:
    assert TimingSettings() == default_taxonomy().timing


def test_a_document_that_says_nothing_of_policy_has_the_policy_of_the_default() -> None:
    assert PolicySettings() == default_taxonomy().policy


def test_a_shipped_type_that_says_no_floor_has_that_of_the_default() -> None:
    text = """
types:
  - {id: price_asked, label: Price, role: customer, description: Asks what it costs., tier: noted}
  - {id: refund_asked, label: Refund, role: customer, description: Asks for money back., tier: noted}
trackers:
  - {name: Refund, type: refund_asked, phrases: [money back]}
"""
    found, shipped = load_taxonomy(text, "own.yaml"), default_taxonomy().find("price_asked")
    assert shipped is not None
    assert [t.floor for t in found.types] == [shipped.floor, 0.55]
