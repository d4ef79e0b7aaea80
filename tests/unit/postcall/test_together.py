"""Steps that ask together: as few questions as may be, each step its own part, and nobody costs another its answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ridealong.core.claims import Claim
from ridealong.core.errors import ModelAway, ModelFailed, ModelRefused
from ridealong.llm import Question
from ridealong.postcall.narrating import list_next_actions, outline_call
from ridealong.postcall.narrator import Found
from ridealong.postcall.review import SectionOutcome, coach_call, review_section
from ridealong.postcall.reviewer import StepLog, Support
from ridealong.postcall.rubric import shipped_rubric
from ridealong.postcall.together import MOST_CLAIMS, MOST_CRITERIA, SharedAnswers, SharedChecks, groups_of
from tests.integration.postcall.frontier import answered, part, prompt_of, well
from tests.unit.postcall.hosted import RUBRIC, begun, model, reviewer
from tests.unit.postcall.virtual import run

RUBRICS = ("discovery", "meddic", "meddpicc", "bant", "spin", "sandler", "challenger", "demo", "negotiation", "renewal")


@pytest.mark.parametrize("name", [*RUBRICS, "in-home", "compliance"])
def test_sections_are_parted_in_their_order_and_no_group_outgrows_an_answer(name: str) -> None:
    sections = shipped_rubric(name).sections
    groups = groups_of(sections)
    asked = [s for s in sections if s.criteria]
    assert [s for group in groups for s in group] == asked
    for group in groups:
        assert len(group) == 1 or sum(len(s.criteria) for s in group) <= MOST_CRITERIA
    fewest = -(-sum(len(s.criteria) for s in asked) // MOST_CRITERIA)
    assert fewest <= len(groups) <= fewest + 1


def test_a_section_of_many_criteria_stays_whole() -> None:
    opening, *others = RUBRIC.sections
    large = replace(opening, criteria=opening.criteria * (MOST_CRITERIA + 1))
    assert (large,) in groups_of([large, *others])
    assert groups_of([]) == []


async def whole(script: Any, *, verify: Any = answered, **changes: Any) -> tuple[list[SectionOutcome], list[Question]]:
    """All sections, planned and asked side by side, and every question."""
    asked: list[Question] = []

    async def noted(question: Question) -> Mapping[str, Any]:
        asked.append(question)
        return await script(question) if asyncio.iscoroutinefunction(script) else script(question)

    judge, call = await begun(reviewer(model(noted), verify=[model(verify, "scripted:quick")], **changes))
    judge.plan(RUBRIC.sections, told=True)
    logs = [StepLog(step=s.id) for s in RUBRIC.sections]
    found = await asyncio.gather(
        *(review_section(judge, s, call, log) for s, log in zip(RUBRIC.sections, logs, strict=True)),
        coach_call(judge, call, StepLog(step="coaching")),
        outline_call(judge.narrator, judge, call, StepLog(step="outline")),
        list_next_actions(judge.narrator, judge, call, StepLog(step="next actions")),
    )
    assert found[-1].found
    assert found[-2].found
    return list(found[: len(RUBRIC.sections)]), asked


def sections_of(question: Question) -> list[str]:
    task = json.loads(part(prompt_of(question), "task") or "{}")
    return [s["section"] for s in task.get("sections", [task] if "section" in task else [])]


def test_a_whole_review_reads_the_call_four_times_and_every_section_has_its_own_findings() -> None:
    (outcomes, asked), _ = run(whole(answered))
    assert [len(sections_of(q)) for q in asked if sections_of(q)] == [3, 3]
    assert len(asked) == 4
    for section, outcome in zip(RUBRIC.sections, outcomes, strict=True):
        assert [f.criterion_id for f in outcome.review.findings] == [c.id for c in section.criteria]
        assert outcome.counts.dropped == 0


def test_a_finding_for_a_criterion_that_does_not_exist_is_counted_once() -> None:
    def lying(question: Question) -> Mapping[str, Any]:
        found = well(prompt_of(question))
        if len(sections_of(question)) > 1 and "opening" in sections_of(question):
            found["findings"].append({**found["findings"][0], "criterion_id": "full_marks"})
        return found

    (outcomes, _), _ = run(whole(lying))
    assert [o.counts.dropped for o in outcomes] == [1, 0, 0, 0, 0, 0]
    assert all(o.review.findings for o in outcomes)


@pytest.mark.parametrize("error", [ModelRefused, RuntimeError])
def test_what_fails_for_several_sections_is_asked_for_each_alone(error: type[Exception]) -> None:
    async def not_together(question: Question) -> Mapping[str, Any]:
        if len(sections_of(question)) > 1:
            raise error
        return answered(question)

    (outcomes, asked), _ = run(whole(not_together))
    assert all(o.review.findings for o in outcomes)
    assert sorted(s for q in asked if len(sections_of(q)) == 1 for s in sections_of(q)) == sorted(
        s.id for s in RUBRIC.sections
    )


def test_a_refused_draft_of_a_shared_answer_is_repaired_by_its_own_section() -> None:
    def wrong_once(question: Question) -> Mapping[str, Any]:
        found = well(prompt_of(question))
        if len(sections_of(question)) > 1 and "opening" in sections_of(question):
            found["findings"][0]["citations"][0]["quote"] = "nobody ever said these words"
        return found

    (outcomes, asked), _ = run(whole(wrong_once))
    (again,) = [q for q in asked if '"refused"' in (part(prompt_of(q), "task") or "")]
    assert sections_of(again) == ["opening"]
    assert outcomes[0].review.findings
    assert outcomes[0].counts.dropped == 0


def test_whoever_waits_for_a_shared_answer_is_told_of_its_failure_and_a_second_try_finds_what_it_took() -> None:
    async def done() -> None:
        shared = SharedAnswers()
        times = 0

        async def ask(log: StepLog) -> str:
            nonlocal times
            times += 1
            await asyncio.sleep(0)
            log.read = 7
            if times > 1:
                raise ModelAway
            return "answer"

        one, other, again = StepLog(step="one"), StepLog(step="other"), StepLog(step="one")
        assert await asyncio.gather(*(shared.get("x", log, ask) for log in (one, other))) == ["answer", "answer"]
        assert await shared.get("x", again, ask) == "answer"
        assert (times, one.read, other.read, again.read) == (1, 7, 7, 7)
        for log in (one, other):
            with pytest.raises(ModelFailed):
                await shared.get("y", log, ask)
        assert times == 2

    run(done())


def test_a_step_that_is_given_up_leaves_the_answer_to_those_that_still_wait() -> None:
    async def done() -> None:
        shared, gate, ended = SharedAnswers(), asyncio.Event(), asyncio.Event()

        async def ask(_log: StepLog) -> str:
            try:
                await gate.wait()
            finally:
                ended.set()
            return "answer"

        first, second = (asyncio.ensure_future(shared.get("x", StepLog(step=s), ask)) for s in "ab")
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        assert not ended.is_set()
        second.cancel()
        await asyncio.wait_for(ended.wait(), 30)

    run(done())


def test_what_is_to_be_checked_at_the_same_time_is_one_question_and_each_step_gets_its_own_verdicts() -> None:
    claims = {name: Claim.__new__(Claim) for name in ("a", "b")}
    asked: list[int] = []

    async def check(together: Mapping[str, Claim], _log: StepLog) -> Mapping[str, Support]:
        asked.append(len(together))
        return {key: Support.NOT if key.startswith("1/") else Support.SUPPORTED for key in together if "b" in key}

    async def done() -> Any:
        checks = SharedChecks(check)
        return await asyncio.gather(*(checks.verdicts(claims, StepLog(step=str(n))) for n in range(3)))

    verdicts, _ = run(done())
    assert asked == [6]
    assert verdicts == [{"b": Support.SUPPORTED}, {"b": Support.NOT}, {"b": Support.SUPPORTED}]


def test_more_claims_than_one_answer_holds_are_checked_by_several_and_a_failure_reaches_who_waits() -> None:
    claims = {str(n): Claim.__new__(Claim) for n in range(MOST_CLAIMS - 1)}
    sizes: list[int] = []

    async def check(together: Mapping[str, Claim], log: StepLog) -> Mapping[str, Support]:
        sizes.append(len(together))
        if log.step == "1":
            raise ModelAway
        return {}

    async def done() -> Any:
        checks = SharedChecks(check)
        return await asyncio.gather(
            *(checks.verdicts(claims, StepLog(step=str(n))) for n in range(2)), return_exceptions=True
        )

    (first, second), _ = run(done())
    assert sizes == [MOST_CLAIMS - 1] * 2
    assert first == {}
    assert isinstance(second, ModelAway)


@pytest.mark.parametrize(("took_s", "asked"), [(2.0, "scripted:one"), (12.0, "scripted:quick")])
def test_where_the_sections_took_long_a_quick_model_writes_what_reads_them(took_s: float, asked: str) -> None:
    async def done() -> str:
        judge, call = await begun(reviewer(model(answered), verify=[model(answered, "scripted:quick")], budget_s=30))
        outcome = await review_section(judge, RUBRIC.section("opening"), call, StepLog(step="opening"))
        await asyncio.sleep(took_s)
        log = StepLog(step="gaps")
        await judge.narrator.draft_gaps(Found(sections=(outcome.review,)), log)
        return log.asked[0].model

    found, _ = run(done())
    assert found == asked
