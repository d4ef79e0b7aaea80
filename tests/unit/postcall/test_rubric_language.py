"""The rubric language: what can be written, what is refused with its line, and what the score is made of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ridealong.app.bench.spoken import written_call
from ridealong.app.rubric_trial import try_rubric
from ridealong.core.conditions import CallFacts, When
from ridealong.core.context import CallContext
from ridealong.core.errors import InvalidDocument
from ridealong.core.rules import Effect, Reach, RuleKind, Severity, after_effects
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.review import embed_call
from ridealong.postcall.reviewer import InThreads, ReviewContext
from ridealong.postcall.rubric import load_rubric, shipped_rubric, shipped_rubric_text
from ridealong.postcall.rubric_difference import difference
from ridealong.postcall.rubric_document import rubric_schema
from ridealong.postcall.rules import RuleJudge
from tests.unit.postcall.embedder import LetterEmbedder

SCHEMA = Path(__file__).parents[3] / "docs" / "rubric.schema.json"

TEXT = """\
# yaml-language-server: $schema=rubric.schema.json
id: own-one
title: Our own
sections:
  - id: first
    title: First
    weight: 3
    when:
      call_type: demo
      min_minutes: 1
    criteria:
      - id: asked
        question: Did the rep ask?
        role: rep
        good: Two questions or more.
        partial: One.
        poor: None.
        shown_by: [How do you do that today?]
        anchors:
          - words: And how did it work before?
            score: "yes"
            why: It asks for the past.
          - words: Right?
            score: partly
          - words: I see.
            score: "no"
        when:
          moments: [pain_stated, stall]
    rules:
      - id: recorded
        kind: must_say_before
        role: rep
        shown_as: said that the call is recorded
        phrases: ["call is * recorded"]
        before:
          moments: [price_asked]
          seconds: 60
        effect:
          cap: 40
          of: call
  - id: second
    title: Second
    rules:
      - id: promised
        kind: must_not_say
        role: rep
        severity: high
        shown_as: promised it
        phrases: ["guarantee*"]
        unless: ["no guarantee"]
"""


def test_everything_of_the_language_is_read() -> None:
    rubric = load_rubric(TEXT, "own.yaml")
    first, second = rubric.sections
    asked = first.criteria[0]
    assert (asked.good, asked.partial, asked.poor) == ("Two questions or more.", "One.", "None.")
    assert asked.shown_by == ("How do you do that today?", "And how did it work before?")
    assert (asked.partly_shown_by, asked.not_shown_by) == (("Right?",), ("I see.",))
    assert asked.anchors[0].why == "It asks for the past."
    assert first.when == When(call_types=("demo",), min_minutes=1)
    assert asked.when.moments == ("pain_stated", "stall")
    recorded, promised = first.rules[0], second.rules[0]
    assert recorded.kind is RuleKind.MUST_SAY_BEFORE
    assert recorded.before is not None
    assert (recorded.before.moments, recorded.before.seconds, recorded.before.words) == (("price_asked",), 60.0, None)
    assert recorded.effect == Effect(cap=40, of=Reach.CALL)
    assert (promised.severity, promised.effect) == (Severity.HIGH, Effect(deduct=30)), "the effect of its severity"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("moments: [pain_stated, stall]", "moments: [pain_state]", 28, "no moment type"),
        ("moments: [price_asked]", "moments: price_ask", 36, "no moment type"),
        ("id: promised", "id: asked", 44, "used twice"),
        ("id: promised", "id: recorded", 44, "used twice"),
        ("kind: must_not_say", "kind: must_say_before", 44, "needs it"),
        ('phrases: ["guarantee*"]', "phrases: []", 44, "how it sounds"),
        ('phrases: ["guarantee*"]', 'phrases: ["* guarantee"]', 49, "begins and ends"),
        ('phrases: ["guarantee*"]', 'phrases: ["gu*rantee"]', 49, "end of a word"),
        ('phrases: ["guarantee*"]', 'phrases: ["!"]', 49, "at least one word"),
        ("cap: 40", "cap: 140", 39, "less than or equal to 100"),
        ("          cap: 40\n", "", 38, "what a broken rule does"),
        ("          moments: [price_asked]\n          seconds: 60", "          role: rep", 35, "before what"),
        ("min_minutes: 1", "min_minutes: 5\n      max_minutes: 2", 8, "no call would match"),
        ("min_minutes: 1", "min_minuten: 1", 10, "not permitted"),
        ('score: "no"', "score: maybe", 26, "'yes', 'partly' or 'no'"),
        ("id: own-one", "id: Own one", 2, "rubric's id"),
    ],
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, line: int, says: str) -> None:
    assert old in TEXT
    with pytest.raises(InvalidDocument, match=says) as told:
        load_rubric(TEXT.replace(old, new, 1), "own.yaml")
    assert told.value.line == line


def facts(**changed: Any) -> CallFacts:
    return CallFacts(**({"call_type": "", "stage": "", "moments": frozenset(), "duration_ms": 600_000} | changed))


@pytest.mark.parametrize(
    ("when", "call", "unmet"),
    [
        (When(), facts(), None),
        (When(call_types=("in-home sale", "demo")), facts(call_type="In_Home  Sale"), None),
        (When(call_types=("demo",)), facts(call_type="renewal"), "applies to calls of the type demo only"),
        (When(call_types=("demo",)), facts(), "applies to calls of the type demo only"),
        (When(call_types=("demo", "unstated")), facts(), None),
        (When(stages=("won", "lost")), facts(stage="open"), "applies in the stage won or lost only"),
        (When(moments=("price_asked",)), facts(), "applies only where this occurred: price asked"),
        (When(moments=("price_asked", "stall")), facts(moments=frozenset({"stall"})), None),
        (When(min_minutes=11), facts(), "applies to calls of 11 minutes or more"),
        (When(max_minutes=9.5), facts(), "applies to calls of 9.5 minutes or less"),
        (When(call_types=("demo",), min_minutes=11), facts(call_type="demo"), "applies to calls of 11 minutes or more"),
    ],
)
def test_a_condition_holds_or_says_why_not(when: When, call: CallFacts, unmet: str | None) -> None:
    assert when.unmet(call) == unmet


def test_broken_rules_act_in_any_order() -> None:
    some, other = Effect(deduct=30), Effect(deduct=10, cap=50)
    assert after_effects(100, [some, other]) == after_effects(100, [other, some]) == 50
    assert after_effects(85, [some, other]) == 45
    assert after_effects(20, [some, some]) == 0
    assert after_effects(20, []) == 20


def tried(text: str, about: CallContext | None = None) -> dict[str, Any]:
    """The artifact's JSON of the written call, as anybody reads it."""
    embedder = LetterEmbedder()
    transcript, roles, moments, duration_ms = written_call()
    context = ReviewContext(
        transcript=transcript,
        roles=roles,
        moments=moments,
        vectors=embed_call(transcript, embedder, {}),
        duration_ms=duration_ms,
        about=about or CallContext(),
    )
    artifact = asyncio.run(
        try_rubric(
            load_rubric(text, "own.yaml"),
            context,
            reviewer=InThreads(LocalReviewer(embedder)),
            rules=RuleJudge(embedder),
            tenant_id=UUID(int=1),
            title="Trial",
        )
    )
    return json.loads(json.dumps(artifact.as_json()))


def computed_again(artifact: Mapping[str, Any]) -> tuple[dict[str, float | None], float | None]:
    """The sections' scores and the call's, by the formula of docs/rubrics.md, from the JSON and nothing else."""

    def effects(section: Mapping[str, Any], of: set[str]) -> list[Mapping[str, Any]]:
        return [r["effect"] for r in section["rules"] if r["state"] == "broken" and r["effect"]["of"] in of]

    def after(score: float, acting: list[Mapping[str, Any]]) -> float:
        return min([max(0.0, score - sum(e["deduct"] for e in acting)), *(e["cap"] for e in acting)])

    scores: dict[str, float | None] = {}
    weighted: list[tuple[float, float]] = []
    of_call: list[Mapping[str, Any]] = []
    for section in artifact["sections"]:
        judged = [f for f in section["findings"] if f["weight"] is not None]
        of_call += effects(section, {"call"})
        broken = effects(section, {"section", "call"})
        applies = len(judged) + len(section["not_assessed"])
        if not judged and not broken and (applies or not section["findings"]):
            scores[section["section_id"]] = None
            continue
        weight = sum(f["weight"] for f in judged)
        base = 100 * sum(f["weight"] * f["points"] for f in judged) / weight if judged else 100.0
        score = after(base, broken)
        scores[section["section_id"]] = score
        weighted.append((section["weight"], score))
    if not weighted:
        return scores, None
    return scores, after(sum(w * s for w, s in weighted) / sum(w for w, _ in weighted), of_call)


RULES = """\
    rules:
      - {id: never_said, kind: must_say, role: rep, shown_as: said it, phrases: [zebra crossing], effect: {deduct: 7}}
      - {id: said, kind: must_not_say, role: rep, shown_as: named the price, phrases: [four hundred and twenty],
         effect: {cap: 61, of: call}}
"""


@pytest.mark.parametrize("name", ["discovery", "meddic", "spin"])
@pytest.mark.parametrize("rules", [False, True])
def test_every_score_can_be_computed_again_from_the_json_alone(name: str, rules: bool) -> None:
    text = shipped_rubric_text(name)
    if rules:
        last = text.rindex("  - id: ", 0, text.rindex("    criteria:"))
        text = text[:last] + text[last:].replace("    criteria:\n", RULES + "    criteria:\n", 1)
    artifact = tried(text)
    scores, call = computed_again(artifact)
    shown = {s["section_id"]: s["score"] for s in artifact["sections"]}
    assert shown == {k: None if v is None else pytest.approx(v, abs=0.0501) for k, v in scores.items()}
    assert artifact["score"] == pytest.approx(call, abs=0.0501)
    assert any(s is not None for s in shown.values())
    if rules:
        states = {r["rule_id"]: r["state"] for s in artifact["sections"] for r in s["rules"]}
        assert states == {"never_said": "broken", "said": "broken"}
        assert artifact["score"] <= 61


def test_what_does_not_apply_is_not_judged_and_lowers_nothing() -> None:
    text = TEXT.replace("moments: [pain_stated, stall]", "moments: [silence]")
    left = tried(text)["sections"][0]
    (why,) = left["not_applicable"]
    assert why == {"criterion_id": "asked", "reason": "applies to calls of the type demo only", "by": "rubric"}
    assert left["rules"][0]["state"] == "not_applicable"
    assert (left["score"], left["findings"], left["not_assessed"]) == (None, [], [])
    judged = tried(text, CallContext(call_type="Demo"))["sections"][0]
    assert judged["not_applicable"][0]["reason"] == "applies only where this occurred: silence"
    assert judged["rules"][0]["state"] == "broken"
    assert judged["score"] == 40


def test_the_committed_schema_is_current_and_takes_what_ships() -> None:
    committed = json.loads(SCHEMA.read_text())
    assert committed == json.loads(json.dumps(rubric_schema())), (
        "run: ridealong rubric schema > docs/rubric.schema.json"
    )


def test_a_difference_names_what_was_added_moved_and_changed() -> None:
    assert difference(load_rubric(TEXT, "a"), load_rubric(TEXT, "a")) == []
    new = TEXT.replace("weight: 3", "weight: 2").replace("cap: 40", "cap: 50").replace("id: promised", "id: vowed")
    new = new.replace("Did the rep ask?", "Did the rep ask twice?").replace(
        "[How do you do that today?]", "[How?, Why?]"
    )
    assert difference(load_rubric(TEXT, "a"), load_rubric(new, "b")) == [
        "~ section first: weight 3 → 2",
        "- rule promised (second)",
        '~ criterion asked: question "Did the rep ask?" → "Did the rep ask twice?"; shown_by +2 -1',
        "~ rule recorded: effect.cap 40 → 50",
        "+ rule vowed (second)",
    ]
    lines = difference(shipped_rubric("meddic"), shipped_rubric("meddpicc"))
    assert "+ section paper_process" in lines
    assert "+ criterion competition_asked (competition)" in lines
    assert not [line for line in lines if line.startswith("-")], "MEDDPICC is MEDDIC and more"
