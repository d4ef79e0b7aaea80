"""The local reviewer's claims about judged calls, and whether the person who answered these would agree with each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from ridealong.app.bench.agreement import NOT_APPLICABLE, rubric_of
from ridealong.app.rubric_commands import Trials
from ridealong.app.rubric_trial import try_rubric
from ridealong.config import Settings
from ridealong.core.rubric import Score
from ridealong.postcall.absence import AbsenceSearch
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.reviewer import InThreads
from ridealong.postcall.rules import RuleJudge

if TYPE_CHECKING:
    from ridealong.app.bench.judged import JudgedAnswer, JudgedCall
    from ridealong.core.confidence import Signals
    from ridealong.core.rubric import Finding
    from ridealong.embedding import Layered
    from ridealong.postcall.grader import Grader


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedClaim:
    """A claim of the local reviewer about one criterion. `holds`: the person's answer says the same; see `holds`."""

    call: str
    rubric: str
    criterion: str
    score: Score
    signals: Signals
    confidence: float
    """As it was shown."""
    holds: bool


async def judged_claims(
    calls: Sequence[JudgedCall], embedder: Layered, grader_of: Callable[[JudgedCall], Grader | None]
) -> list[JudgedClaim]:
    """What the local reviewer claims about `calls`, each graded by `grader_of` (None: as shipped)."""
    rules = RuleJudge(embedder)
    trials = Trials(Settings(), "")
    found: list[JudgedClaim] = []
    for call in calls:
        local = LocalReviewer(embedder, grader=grader_of(call))
        search = AbsenceSearch(local.finder, embedder)
        to_try = await trials.call(str(call.transcript))
        for name, answers in call.answers.items():
            artifact = await try_rubric(
                await rubric_of(call, name, trials),
                to_try.context,
                reviewer=InThreads(local),
                rules=rules,
                tenant_id=UUID(int=0),
                title=to_try.title,
                search=search,
            )
            for finding in (f for section in artifact.sections for f in section.findings):
                judged = answers.get(finding.criterion_id)
                signals = finding.claim.signals
                if judged is None or judged.answer == NOT_APPLICABLE or signals is None:
                    continue
                found.append(
                    JudgedClaim(
                        call=call.name,
                        rubric=name,
                        criterion=finding.criterion_id,
                        score=finding.score,
                        signals=signals,
                        confidence=finding.claim.confidence,
                        holds=holds(finding, judged),
                    )
                )
    return found


def holds(finding: Finding, judged: JudgedAnswer) -> bool:
    """Whether a person who gave `judged` would agree with `finding`.

    Of "no": they answered no. Of "yes" and "partly": they saw it at least in part, and one of the utterances that they
    pointed at is cited. Words that prove nothing are no claim that holds, even where other words would have.
    """
    if finding.score is Score.NO:
        return judged.answer == "no"
    cited = {e.utterance_no for e in finding.claim.evidence}
    return judged.answer in ("yes", "partly") and (not judged.at or bool(cited & {*judged.at}))
