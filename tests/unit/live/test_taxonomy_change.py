"""A taxonomy changed in its parts, its document kept as people wrote it."""

from __future__ import annotations

import difflib
from typing import Any

import pytest

from ridealong.core.errors import InvalidDocument
from ridealong.live.taxonomy import default_taxonomy_text, load_taxonomy
from ridealong.live.taxonomy_change import TaxonomyChange, changed_text

OWN = """\
# Ours, since spring.
policy:
  max_nudges: 3   # agreed with the team
types:
  - id: price_asked
    label: 'Price'
    role: customer
    description: Asks what it costs.
    nudges: ["Give a clear range, then tie it to their need."]

    # what it sounds like
    examples:
      - How much is it?
      - {text: And with support?, after: It is forty a seat.}
trackers:
  - name: Fleet Garden   # the big one
    type: price_asked
    phrases: [fleet garden]
"""


def changed(text: str, **change: Any) -> str:
    return changed_text(text, TaxonomyChange.model_validate(change))


def difference(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def test_a_changed_number_changes_its_line_and_no_other() -> None:
    shipped = default_taxonomy_text()
    after = changed(
        shipped,
        policy={"max_nudges": 2, "quiet": {"first_s": 120.0}},
        types=[{"id": "stall", "tier": "noted", "cool_down_s": 90}],
    )
    lines = zip(shipped.splitlines(), after.splitlines(), strict=True)
    assert [(old.strip(), new.strip()) for old, new in lines if old != new] == [
        ("max_nudges: 6", "max_nudges: 2"),
        ("first_s: 0", "first_s: 120"),
        ("tier: nudge", "tier: noted"),
        ("cool_down_s: 60", "cool_down_s: 90"),
    ]


def test_what_was_not_written_down_yet_is_added_and_comments_stay() -> None:
    after = changed(OWN, policy={"hold_out": 0.1}, types=[{"id": "price_asked", "tier": "noted"}])
    assert difference(OWN, after) == ["+  hold_out: 0.1", "+    tier: noted"]
    assert load_taxonomy(after, "own").policy.hold_out == 0.1


def test_a_document_that_says_nothing_of_it_leaves_the_customer_to_think_until_it_says_otherwise() -> None:
    assert load_taxonomy(OWN, "own").policy.quiet.while_customer_thinks
    after = changed(OWN, policy={"quiet": {"while_customer_thinks": False}})
    assert difference(OWN, after) == ["+  quiet:", "+    while_customer_thinks: false"]
    assert not load_taxonomy(after, "own").policy.quiet.while_customer_thinks


def test_examples_and_trackers_are_whole_lists_and_what_stood_there_stays_as_it_was_written() -> None:
    after = changed(
        OWN,
        types=[
            {
                "id": "price_asked",
                "examples": ["How much is it?", {"text": "And with support?", "after": "It is forty a seat."}, "Cost?"],
            }
        ],
        trackers=[
            {"name": "Fleet Garden", "type": "price_asked", "phrases": ["fleet garden"], "answer": "we plan by phone"},
            {"name": "Acme", "type": "price_asked", "phrases": ["acme", "#acme: no"]},
        ],
    )
    taxonomy = load_taxonomy(after, "own")
    assert [e.text for e in taxonomy.types[0].examples] == ["How much is it?", "And with support?", "Cost?"]
    assert [(t.name, t.phrases, t.answer) for t in taxonomy.trackers] == [
        ("Fleet Garden", ("fleet garden",), "we plan by phone"),
        ("Acme", ("acme", "#acme: no"), ""),
    ]
    for kept in ("# the big one", "{text: And with support?, after: It is forty a seat.}", "# what it sounds like"):
        assert kept in after
    assert load_taxonomy(changed(after, trackers=[]), "own").trackers == ()


def test_what_changes_nothing_leaves_the_text_as_it_is() -> None:
    odd = (
        OWN.replace("      - ", "    -   ")
        .replace("\n  - name: Fleet", "\n  -   name: Fleet")
        .replace("\n    type", "\n      type")
    )
    odd = odd.replace("\n    phrases", "\n      phrases")
    assert changed(odd, policy={"max_nudges": 3}) == odd


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"types": [{"id": "no_such", "tier": "noted"}]}, "no type 'no_such'"),
        ({"types": [{"id": "price_asked", "floor": 0.1}]}, "must not be above floor"),
        ({"trackers": [{"name": "Acme", "type": "silence", "phrases": ["acme"]}]}, "no content type 'silence'"),
        ({"trackers": [{"name": "Ac\x00me", "type": "price_asked", "phrases": ["acme"]}]}, "control characters"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_with_what_is_wrong(change: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidDocument, match=told):
        changed(OWN, **change)


def test_a_change_that_would_move_another_part_too_is_refused() -> None:
    shared = OWN.replace("      - How much is it?", "      - &same How much is it?")
    two = shared.replace(
        "trackers:",
        "  - &a\n    id: stall\n    label: Stall\n    role: customer\n    description: x\n"
        "    tier: noted\n    cool_down_s: 5\n  - <<: *a\n    id: pain_stated\ntrackers:",
    )
    with pytest.raises(InvalidDocument, match="change it as text"):
        changed(two, types=[{"id": "stall", "cool_down_s": 7}])
