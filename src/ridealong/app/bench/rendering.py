"""How long a template takes to lay out the review of a 60-minute call: `ridealong bench render`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from typing import Final

from ridealong.app.bench.measure import Row, percentile
from ridealong.app.bench.spoken import written_call
from ridealong.app.sample_artifact import sample_artifact
from ridealong.core.artifact import Artifact
from ridealong.core.claims import Claim
from ridealong.core.rubric import CoachingMoment, Finding, Score, SectionReview
from ridealong.core.transcript import Transcript
from ridealong.postcall.forms import Format
from ridealong.postcall.render import render, shipped_templates
from ridealong.postcall.rubric import DEFAULT_RUBRIC, shipped_rubric

_RUNS: Final = 40
_EVIDENCE_OF_EACH: Final = 2


def artifact(minutes: float = 60.0) -> Artifact:
    """The largest review that the shipped rubric can make of a written call: a finding for each of its criteria."""
    transcript, roles, moments, duration_ms = written_call(minutes=minutes)
    numbers = cycle(u.no for u in transcript)
    return replace(
        sample_artifact(),
        transcript_id=transcript.id,
        duration_ms=duration_ms,
        moments=moments,
        speakers=tuple(roles.values()),
        sections=tuple(
            SectionReview(
                section_id=section.id,
                title=section.title,
                score=50.0,
                confidence=0.5,
                findings=tuple(
                    Finding(criterion_id=criterion.id, score=Score.YES, claim=_claim(transcript, numbers))
                    for criterion in section.criteria
                ),
            )
            for section in shipped_rubric(DEFAULT_RUBRIC).sections
        ),
        coaching_moments=tuple(
            CoachingMoment(title="Objection", advice="Ask what is behind it.", claim=_claim(transcript, numbers))
            for _ in range(5)
        ),
    )


def _claim(transcript: Transcript, numbers: Iterator[int]) -> Claim:
    evidence = tuple(transcript.cite_whole(next(numbers)) for _ in range(_EVIDENCE_OF_EACH))
    return Claim(statement="The rep asked how orders come in and who picks them.", confidence=0.8, evidence=evidence)


def rows() -> list[Row]:
    """The manager's report in each form, read once and then rendered again and again, as a server does."""
    made = artifact()
    found: list[Row] = []
    forms: list[Format] = [form for name, form in shipped_templates() if name == "manager"]
    for form in forms:
        times: list[float] = []
        for _ in range(_RUNS):
            began = time.thread_time()
            render(made, "manager", form, lambda start_ts, _end_ts: f"https://calls.example/calls/1?t={start_ts}")
            times.append((time.thread_time() - began) * 1000)
        p50, p95 = percentile(times, 50), percentile(times, 95)
        findings = sum(len(section.findings) for section in made.sections)
        found.append(
            Row(
                part="render",
                what=f"template manager.{form} of a 60-minute call ({findings} findings, {len(made.moments)} moments)",
                value=f"p50 {p50:.1f} ms, p95 {p95:.1f} ms of computing",
                floor="p95 ≤ 50 ms",
                aim="≤ 10 ms",
                ok=p95 <= 50,
                numbers={"p50_ms": p50, "p95_ms": p95},
            )
        )
    return found
