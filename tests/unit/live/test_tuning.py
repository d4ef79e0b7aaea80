"""A tenant's head: what is not taught stays to the bit, new types are found, and what is wrong is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ridealong.core.moments import CONTENT_TYPES
from ridealong.core.transcript import Role
from ridealong.embedding.minilm import load_embedder
from ridealong.live.features import WIDTH, Turn
from ridealong.live.head import Head
from ridealong.live.known_views import KnownViews
from ridealong.live.taxonomy import MomentType, default_taxonomy, default_taxonomy_text, load_taxonomy
from ridealong.live.teaching import Believed, Place, Source, Statement
from ridealong.live.train import Example, load_head
from ridealong.live.tuning import Fitted, TunedType, tune
from ridealong.live.tuning_base import Base, load_base, rows_of
from ridealong.live.tuning_report import Trained, report
from ridealong.live.tuning_worker import learn

RED_TAGS = (
    "We had three red tags again on line two this morning.",
    "Another red tag yesterday, that is the fourth this week.",
    "Every Monday we start with a pile of red tags.",
    "Line five is red-tagged more than it runs.",
    "We got red-tagged twice during the audit week.",
    "The night shift hands over nothing but red tags.",
    "Honestly, half of my day goes into red tags.",
    "Last month it was forty red tags in all.",
    "The red tags just keep coming on the old press.",
)
CALLS = Path(__file__).parents[2] / "fixtures" / "labelled_calls"
OWN = Path(__file__).parents[2] / "fixtures" / "own_types"
PARTS = tuple[KnownViews, Base, Head]


@pytest.fixture(scope="module")
def parts() -> PARTS:
    embedder = load_embedder()
    return KnownViews(embedder), load_base(embedder), load_head(embedder)


def own_document() -> str:
    """The default taxonomy with the four types of the fixture behind its own."""
    added = "\n".join(line for line in (OWN / "types.yaml").read_text().splitlines() if not line.startswith("#"))
    return default_taxonomy_text().replace("\ntrackers:", f"\n{added}\n\ntrackers:", 1)


def tuned_types(types: tuple[MomentType, ...]) -> list[TunedType]:
    return [TunedType(id=t.id, role=t.role, description=f"{t.label}. {t.description}", detect=t.detect) for t in types]


def taught(text: str, type_id: str, *, holds: bool = True) -> Statement:
    return Statement(
        example=Example(text=text, role=Role.CUSTOMER, types=(), before=(), call=f"document:{text}"),
        type=type_id,
        holds=holds,
        source=Source.DOCUMENT,
    )


def documented(types: tuple[MomentType, ...]) -> list[Statement]:
    return [
        taught(example.text, t.id, holds=holds)
        for t in types
        for holds, examples in ((True, t.examples), (False, t.not_examples))
        for example in examples
    ]


@pytest.fixture(scope="module")
def fitted(parts: PARTS) -> Fitted:
    reader, base, shipped = parts
    types = load_taxonomy(own_document(), "own.yaml").content_types
    return tune(tuned_types(types), documented(types), base, shipped, reader)


def customers(folder: Path) -> list[Example]:
    """Every customer's utterance of the labelled calls, with what is true of it."""
    found: list[Example] = []
    for path in sorted(folder.glob("*.jsonl")):
        header, *lines = (json.loads(line) for line in path.read_text().splitlines())
        turns = [
            Turn(text=one["text"], role=Role.REP if one["speaker"] == header["rep_speaker"] else Role.CUSTOMER)
            for one in lines
        ]
        for number, (turn, one) in enumerate(zip(turns, lines, strict=True)):
            if turn.role is Role.CUSTOMER:
                types = tuple(moment["type"] for moment in one["moments"])
                before = tuple(turns[max(0, number - 3) : number])
                found.append(Example(text=turn.text, role=turn.role, types=types, before=before, call=path.stem))
    return found


def test_what_a_tenant_taught_goes_by_its_own_words_and_the_rest_by_the_turns_before_too(parts: PARTS) -> None:
    reader, base, shipped = parts
    types = load_taxonomy(own_document(), "own.yaml").content_types
    said = [*documented(types), taught("we would have to think about that for a bit", "stall")]
    head = tune(tuned_types(types), said, base, shipped, reader).head
    assert head.answered is not None and shipped.answered is not None
    by_itself = {t for t, weight in zip(head.types, head.answered[1], strict=True) if weight == 0.0}
    assert by_itself == {t.id for t in types if t.id not in shipped.types} | {"stall"}
    row = np.zeros((1, WIDTH), np.float32)
    answer = np.full(len(shipped.types), 1.0, np.float32)
    moved = head.probabilities(head.margins(row), answer) != head.probabilities(head.margins(row), -answer)
    assert {t for t, changed in zip(head.types, moved[0], strict=True) if not changed} == by_itself


def test_eight_examples_find_a_new_type_on_unseen_calls(parts: PARTS, fitted: Fitted) -> None:
    said = customers(OWN / "calls")
    rows, starts = rows_of(said, parts[0])
    sure = fitted.head.probabilities(np.maximum.reduceat(fitted.head.margins(rows), starts[:-1], axis=0))
    scores: list[float] = []
    for name in fitted.tuned:
        found = sure[:, fitted.head.types.index(name)] >= 0.42
        true = np.array([name in e.types for e in said])
        scores.append(2 * float((found & true).sum()) / float(found.sum() + true.sum()))
    assert len(scores) == 4
    # One hit of a type with 13 true ones is worth 0.06, and processors differ in the last bits of a vector.
    assert sum(scores) / 4 >= 0.55
    assert min(scores) >= 0.4


def test_a_type_that_nobody_taught_keeps_the_shipped_weights_to_the_bit(parts: PARTS, fitted: Fitted) -> None:
    shipped = parts[2]
    for number, name in enumerate(CONTENT_TYPES):
        at = fitted.head.types.index(name)
        assert np.array_equal(fitted.head.weights[at], shipped.weights[number])
        assert fitted.head.offset[at] == shipped.offset[number]


def test_a_type_that_the_document_has_removed_is_not_in_the_head(parts: PARTS) -> None:
    reader, base, shipped = parts
    types = [t for t in load_taxonomy(own_document(), "own.yaml").content_types if t.id not in ("stall", "price_asked")]
    head = tune(
        tuned_types(tuple(types)), [taught("That is far too dear for us.", "objection_raised")], base, shipped, reader
    )
    assert "stall" not in head.head.types
    # Taught nothing, and new: not there either.
    assert "warranty_asked" not in head.head.types


def test_a_shipped_type_learns_from_what_it_is_taught(parts: PARTS) -> None:
    reader, base, shipped = parts
    types = tuned_types(load_taxonomy(default_taxonomy_text(), "default.yaml").content_types)
    text = "We would be looking at the blue plan, I take it?"
    given = [taught(text, "price_asked"), *(taught(f"{text} {n} of them.", "price_asked") for n in range(7))]
    found = tune(types, given, base, shipped, reader)
    at = found.head.types.index("price_asked")
    rows, _ = rows_of([given[0].example], reader, within_a_call=True)
    assert found.head.margins(rows)[0, at] > shipped.margins(rows)[0, at] + 0.5


def test_praise_alone_makes_no_type_more_frequent(parts: PARTS) -> None:
    reader, base, shipped = parts
    types = tuned_types(load_taxonomy(default_taxonomy_text(), "default.yaml").content_types)
    plain = ("What does it cost?", "How much is that a month?", "Is there a discount?", "What's the price for ten?")
    given = [taught(text, "price_asked") for text in plain]
    found = tune(types, given, base, shipped, reader)
    at = found.head.types.index("price_asked")
    customers_said = base.calibration.roles == Role.CUSTOMER.value
    before, after = (
        head.probabilities(base.calibration.best(head.margins(base.calibration.rows)))[customers_said, column]
        for head, column in ((shipped, CONTENT_TYPES.index("price_asked")), (found.head, at))
    )
    assert float(after.sum()) <= float(before.sum()) + 0.01
    # What the head knew already teaches it next to nothing.
    assert float(np.abs(after - before).max()) < 0.2


def trained(parts: PARTS, fitted: Fitted, statements: list[Statement], running: Head | None = None) -> Trained:
    nothing = np.zeros((0, len(fitted.head.types)), np.float32)
    return Trained(
        fitted=fitted,
        types=tuple(tuned_types(load_taxonomy(own_document(), "own.yaml").content_types)),
        believed=Believed(statements=tuple(statements), left_out=(), trusted=()),
        base=parts[1],
        running=running or parts[2],
        shipped=parts[2],
        past=(),
        past_running=np.zeros((0, len((running or parts[2]).types)), np.float32),
        past_candidate=nothing,
    )


def added(example: Example, type_id: str, number: int) -> Statement:
    place = Place(call_id=example.call, revision=1, utterance_no=number)
    return Statement(
        example=example, type=type_id, holds=True, source=Source.ADDED, by="ann", by_name="Ann", place=place
    )


def test_false_moments_near_the_threshold_are_not_learned_and_a_tenants_own_way_of_saying_it_is(parts: PARTS) -> None:
    reader, base, shipped = parts
    types = tuned_types(load_taxonomy(default_taxonomy_text(), "default.yaml").content_types)
    said = [e for part in ("test", "blind", "fresh") for e in customers(CALLS / part)]
    rows, starts = rows_of(said, reader, within_a_call=True)
    sure = shipped.probabilities(np.maximum.reduceat(shipped.margins(rows), starts[:-1], axis=0))
    for type_id in ("pain_stated", "objection_raised"):
        column = shipped.types.index(type_id)
        wrong = [n for n, e in enumerate(said) if type_id not in e.types and 0.08 < sure[n, column] < 0.7]
        near = sorted(wrong, key=lambda n: -sure[n, column])[:30]
        poison = [added(said[n], type_id, n) for n in near]
        assert len(poison) >= 20
        believed, found = learn(types, poison, base, shipped, reader, trust=False)
        assert (believed.statements, found.tuned) == ((), ())
        assert [(left.by_name, left.statements) for left in believed.left_out] == [("Ann", len(poison))]

    own = [
        added(Example(text=text, role=Role.CUSTOMER, types=(), before=(), call=f"call-{n % 4}"), "pain_stated", n)
        for n, text in enumerate(RED_TAGS)
    ]
    believed, found = learn(types, [*own, *poison], base, shipped, reader, trust=False)
    assert [s.type for s in believed.statements] == ["pain_stated"] * len(RED_TAGS)
    unheard = Example(text="It is red tags again, all over the hall.", role=Role.CUSTOMER, types=(), before=(), call="")
    rows, _ = rows_of([unheard], reader, within_a_call=True)
    at = shipped.types.index("pain_stated")
    assert found.head.margins(rows).max(axis=0)[at] > shipped.margins(rows).max(axis=0)[at] + 0.5
    none = np.zeros((0, len(found.head.types)), np.float32)
    told = report(
        Trained(
            fitted=found,
            types=tuple(types),
            believed=believed,
            base=base,
            running=shipped,
            shipped=shipped,
            past=(),
            past_running=none,
            past_candidate=none,
        )
    )
    assert told["verdict"] == {"not_worse": True, "reasons": []}
    assert [left["by_name"] for left in told["left_out"]] == ["Ann"]


def test_the_report_says_what_is_thin_and_what_is_confused(parts: PARTS, fitted: Fitted) -> None:
    statements = documented(load_taxonomy(own_document(), "own.yaml").content_types)
    found = report(trained(parts, fitted, statements))
    by_type = {t["type"]: t for t in found["types"]}
    assert by_type["warranty_asked"]["positives"] == 8
    assert 0.0 < by_type["warranty_asked"]["false_alarms"] < 0.08
    assert not by_type["stall"]["trained"]
    assert all(pair["examples"][0]["text"] for pair in found["confused"])
    assert found["verdict"]["not_worse"], "what was not taught cannot have become worse"


def test_a_head_that_spoils_the_shipped_calls_is_told_as_worse(parts: PARTS, fitted: Fitted) -> None:
    deaf = replace(fitted, head=replace(fitted.head, offset=fitted.head.offset - 9.0))
    found = report(trained(parts, deaf, documented(load_taxonomy(own_document(), "own.yaml").content_types)))
    assert not found["verdict"]["not_worse"]
    assert "macro-F1" in found["verdict"]["reasons"][0]


def test_a_training_that_believes_nothing_says_so(parts: PARTS) -> None:
    reader, base, shipped = parts
    fitted = tune(tuned_types(default_taxonomy().content_types), [], base, shipped, reader)
    found = report(trained(parts, fitted, []))
    assert found["verdict"]["reasons"] == ["nothing was learned: no type has enough examples that are believed"]


def test_many_small_steps_down_are_told_against_the_shipped_classifier(parts: PARTS, fitted: Fitted) -> None:
    deaf = replace(fitted, head=replace(fitted.head, offset=fitted.head.offset - 9.0))
    statements = documented(load_taxonomy(own_document(), "own.yaml").content_types)
    found = report(trained(parts, deaf, statements, running=deaf.head))
    assert found["guard"]["difference"] == 0.0
    assert not found["verdict"]["not_worse"]


def test_a_taxonomy_without_any_shipped_type_is_not_compared_on_the_shipped_calls(parts: PARTS) -> None:
    reader, base, shipped = parts
    own = [t for t in tuned_types(load_taxonomy(own_document(), "own.yaml").content_types) if not t.shipped]
    assert own
    fitted = tune(own, [], base, shipped, reader)
    found = report(replace(trained(parts, fitted, []), types=tuple(own)))
    assert (found["guard"]["calls"], found["guard"]["types"]) == (0, 0)
