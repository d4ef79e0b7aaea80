"""What a section's score was made of comes back from the database as it was, and counts into the call's score."""

from __future__ import annotations

from dataclasses import replace

from ridealong.core.rubric import REVIEWER, RUBRIC, NotApplicable
from ridealong.core.rules import Effect, Reach, RuleKind, RuleOutcome, RuleState, Severity
from ridealong.store import Store
from ridealong.store.artifacts import load_artifact
from ridealong.store.calls import load_transcript
from ridealong.store.reviews import assessed_sections, call_effects, finish_review, requeue_review, save_section
from tests.integration.store.conversation import record_call, section


def rule(name: str, state: RuleState, effect: Effect) -> RuleOutcome:
    return RuleOutcome(
        rule_id=name, kind=RuleKind.MUST_SAY, severity=Severity.HIGH, effect=effect, state=state, reason="why"
    )


async def test_workings_are_kept_with_their_section(store: Store) -> None:
    call = await record_call(store)
    async with store.tenant(call.tenant_id) as connection:
        made = section(await load_transcript(connection, call.transcript.id, words=False))
    explained = replace(
        made,
        weight=2.5,
        weights=tuple((f.criterion_id, 0.1) for f in made.findings),
        base=made.score + 20,
        not_applicable=(
            NotApplicable(criterion_id="a", reason="applies in the stage won only", by=RUBRIC),
            NotApplicable(criterion_id="b", reason="it had been settled before this call", by=REVIEWER),
        ),
        rules=(
            rule("of_call", RuleState.BROKEN, Effect(deduct=3.5, cap=40, of=Reach.CALL)),
            rule("of_section", RuleState.BROKEN, Effect(cap=10)),
            rule("kept", RuleState.KEPT, Effect(cap=5, of=Reach.CALL)),
        ),
    )
    nothing = replace(made, section_id="nothing", findings=(), weights=(("c", 1.0),), score=0.0)
    async with store.tenant(call.tenant_id) as connection:
        before = await load_artifact(connection, call.call_id)
        await requeue_review(connection, call.review_id)
        await save_section(connection, call.review_id, explained)
        await save_section(connection, call.review_id, nothing, position=1)
        assert await assessed_sections(connection, call.review_id) == {explained.section_id: explained.score}
        assert await call_effects(connection, call.review_id) == [Effect(deduct=3.5, cap=40, of=Reach.CALL)]
        await finish_review(connection, call.review_id, score=40.0, assessed=True)
        artifact = await load_artifact(connection, call.call_id)
        assert artifact.sections == (explained, nothing)
        await connection.execute("UPDATE review_section SET workings = '{}'")
        older = await assessed_sections(connection, call.review_id)
    assert before.sections == (made,)
    assert list(older) == [explained.section_id], "a review of before there were workings counts by its findings"
