"""A small artifact with something of everything in it: what a template is tried on before it is kept."""

from __future__ import annotations

from uuid import UUID

from ridealong.core.artifact import Artifact, ReviewStep, StepOutcome, StoredMoment
from ridealong.core.claims import AbsenceClaim, Claim, Searched
from ridealong.core.confidence import Signals
from ridealong.core.moments import Moment, Reason, Tier
from ridealong.core.outline import (
    FollowUpPart,
    FollowUpSentence,
    Gap,
    GapKind,
    NextAction,
    Stage,
    StepKind,
    StepResult,
    Who,
)
from ridealong.core.rubric import RUBRIC, CoachingMoment, Finding, NotApplicable, Score, SectionReview
from ridealong.core.rules import Effect, RuleKind, RuleOutcome, RuleState, Severity
from ridealong.core.transcript import (
    Role,
    RoleAssignment,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)


def sample_artifact() -> Artifact:
    """An artifact of an invented call of two utterances."""
    rep, customer = SpeakerId(0), SpeakerId(1)
    transcript = Transcript.of(
        TranscriptId(call_id=UUID(int=0)),
        [
            Utterance(no=0, speaker=rep, start_ts=0, end_ts=2000, text="What does that cost you today?"),
            Utterance(
                no=1, speaker=customer, start_ts=2500, end_ts=5000, text="Too much, and your offer is no cheaper."
            ),
        ],
    )
    asked, objected = transcript.cite_whole(0), transcript.cite_whole(1)
    return Artifact(
        review_id=UUID(int=0),
        transcript_id=transcript.id,
        title="Sample",
        rubric_id="sample",
        rubric_title="Sample",
        reviewer="sample",
        score=50.0,
        assessed=True,
        duration_ms=5000,
        sections=(
            SectionReview(
                section_id="sample",
                title="Sample",
                score=50.0,
                confidence=0.5,
                findings=(
                    Finding(
                        criterion_id="asked",
                        score=Score.YES,
                        claim=Claim(statement="The rep asked what it costs.", confidence=0.9, evidence=(asked,)),
                    ),
                    Finding(
                        criterion_id="answered",
                        score=Score.NO,
                        claim=AbsenceClaim(
                            statement="The objection was not answered.",
                            confidence=0.6,
                            evidence=(objected,),
                            through=1,
                            signals=Signals(own=0.7, absence=True, overlapped=True),
                            searched=Searched(from_no=0, start_ts=1_000, end_ts=4_000, closest=asked, similarity=0.4),
                        ),
                    ),
                ),
                not_assessed=("other",),
                not_applicable=(
                    NotApplicable(criterion_id="left_out", reason="applies in the stage won only", by=RUBRIC),
                ),
                rules=(
                    RuleOutcome(
                        rule_id="answered",
                        kind=RuleKind.MUST_SAY,
                        severity=Severity.MEDIUM,
                        effect=Effect(deduct=15),
                        state=RuleState.BROKEN,
                    ),
                ),
                weights=(("asked", 1.0), ("other", 1.0)),
                base=65.0,
            ),
        ),
        coaching_moments=(
            CoachingMoment(
                title="Objection",
                advice="Ask what is behind it.",
                why="It might have been answered.",
                claim=Claim(statement="The customer objected.", confidence=0.7, evidence=(objected, asked)),
            ),
        ),
        moments=(
            StoredMoment(
                moment_id=UUID(int=0),
                moment=Moment(
                    type="objection_raised",
                    tier=Tier.NUDGE,
                    reason=Reason.DELIVERED,
                    confidence=0.8,
                    nudge="Pause, then ask which part worries them the most.",
                    trigger_ts=5000,
                    evidence=(objected,),
                ),
            ),
        ),
        statistics={},
        speakers=(
            RoleAssignment(speaker_id=rep, role=Role.REP, source=RoleSource.STATED, confidence=1.0),
            RoleAssignment(speaker_id=customer, role=Role.CUSTOMER, source=RoleSource.STATED, confidence=1.0),
        ),
        missing_sections=("missing",),
        dropped_drafts=1,
        removed_claims=1,
        lowered_claims=1,
        unchecked_claims=1,
        checks={"repaired": {"quote_not_found": 1}, "lowered": {}, "dropped": {"wrong_speaker": 1}},
        confidence_version="sample",
        warnings=("A warning.",),
        steps=(
            ReviewStep(
                step="section sample",
                part="draft",
                model="vendor:model",
                outcome=StepOutcome.ANSWERED,
                attempts=1,
                input_tokens=1000,
                cache_read_tokens=900,
                cache_written_tokens=0,
                output_tokens=100,
                cost_usd=0.01,
                seconds=2.0,
                prompt="section-1+guide-1",
            ),
        ),
        outline=(
            Stage.of(
                transcript,
                "discovery",
                0,
                1,
                Claim(statement="They spoke about what it costs.", confidence=0.6, evidence=(asked,)),
            ),
        ),
        gaps=(
            Gap(
                gap=GapKind.CONTRADICTION,
                title="Cost",
                sections=("sample",),
                claim=Claim(statement="The cost was asked and doubted.", confidence=0.5, evidence=(asked, objected)),
            ),
        ),
        next_actions=(
            NextAction(
                who=Who.REP,
                due="today",
                claim=Claim(statement="The rep asks again.", confidence=0.5, evidence=(asked,)),
            ),
        ),
        follow_up=(
            FollowUpSentence(
                part=FollowUpPart.RECAP,
                claim=Claim(statement="You said that it is too much.", confidence=0.5, evidence=(objected,)),
            ),
        ),
        step_results=(
            StepResult(step="section sample", kind=StepKind.MODEL, by="sample", seconds=2.1, made=2, dropped=1),
            StepResult(step="outline", kind=StepKind.LOCAL, by="local-narrator-1", seconds=0.1, made=1),
        ),
    )
