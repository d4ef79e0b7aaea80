"""How far the reviewer's answers agree with a person's: `python -m ridealong.app.bench.agreement [FOLDER]`.

FOLDER holds calls whose criteria a person has answered (`judged.py` says how). Each is reviewed under the rubrics that
were answered, as `rubric try` does it, and three weighted kappas are told (`kappa.py` has formula and sources):

- `kappa`: over the criteria that the person graded (yes, partly, no). What the reviewer left open counts as "no",
  since a score that lacks is no yes either.
- `kappa_open_apart`: over all criteria, with "open" (left open or not applicable, by either judge) as an answer of its
  own that agrees with nothing else. The strictest of the three.
- `kappa_assessed`: over those that both graded. Says what a finding is worth and nothing about those that lack:
  `coverage` beside it is the share of the person's grades for which there is one.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from ridealong.app.bench.judged import JudgedCall, judged_calls
from ridealong.app.bench.kappa import Pair, interval, linear, weighted_kappa, with_apart
from ridealong.app.bench.measure import Row
from ridealong.app.rubric_commands import CallToTry, Trials
from ridealong.app.rubric_trial import try_rubric
from ridealong.config import Settings
from ridealong.embedding.minilm import load_embedder
from ridealong.postcall.absence import AbsenceSearch
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.reviewer import InThreads
from ridealong.postcall.rules import RuleJudge

if TYPE_CHECKING:
    from ridealong.core.artifact import Artifact
    from ridealong.core.rubric import Rubric
    from ridealong.postcall.reviewer import Reviewer

FOLDER: Final = Path(__file__).parents[4] / "tests" / "fixtures" / "judged_calls"
GRADES: Final = ("no", "partly", "yes")
OPEN: Final = "open"
NOT_APPLICABLE: Final = "not_applicable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """One criterion of one call: `person` and `reviewer` are a grade or "open"."""

    call: str
    rubric: str
    criterion: str
    person: str
    reviewer: str
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Kappa:
    value: float
    low: float
    high: float
    answers: int

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    kappa: Kappa
    kappa_open_apart: Kappa
    kappa_assessed: Kappa
    coverage: float
    confusion: dict[str, dict[str, int]]
    """By the person's answer, then the reviewer's."""
    by_criterion: dict[str, dict[str, int]]
    """For each criterion, how often "person→reviewer" was answered."""


def agreement(answers: Sequence[Answered]) -> Agreement:
    """The figures of `answers`, which are not empty."""
    graded = [a for a in answers if a.person != OPEN]
    both = [a for a in graded if a.reviewer != OPEN]
    confusion = {person: dict(Counter(a.reviewer for a in answers if a.person == person)) for person in (*GRADES, OPEN)}
    by_criterion: dict[str, Counter[str]] = {}
    for a in answers:
        by_criterion.setdefault(a.criterion, Counter())[f"{a.person}→{a.reviewer}"] += 1
    return Agreement(
        kappa=_kappa(graded, lambda word: 0 if word == OPEN else GRADES.index(word), apart=False),
        kappa_open_apart=_kappa(answers, (*GRADES, OPEN).index, apart=True),
        kappa_assessed=_kappa(both, GRADES.index, apart=False),
        coverage=len(both) / max(1, len(graded)),
        confusion=confusion,
        by_criterion={name: dict(found) for name, found in sorted(by_criterion.items())},
    )


def _kappa(answers: Sequence[Answered], place: Callable[[str], int], *, apart: bool) -> Kappa:
    disagreement = with_apart(len(GRADES)) if apart else linear(len(GRADES))
    by_call: dict[str, list[Pair]] = {}
    for a in answers:
        by_call.setdefault(a.call, []).append((place(a.person), place(a.reviewer)))
    pairs = [pair for found in by_call.values() for pair in found]
    low, high = interval(by_call, disagreement) if pairs else (float("nan"), float("nan"))
    return Kappa(value=weighted_kappa(pairs, disagreement), low=low, high=high, answers=len(pairs))


def answers_of(call: JudgedCall, rubric: str, artifact: Artifact) -> list[Answered]:
    """What person and reviewer say about each criterion that the person answered."""
    found = {f.criterion_id: f for section in artifact.sections for f in section.findings}
    return [
        Answered(
            call=call.name,
            rubric=rubric,
            criterion=name,
            person=OPEN if judged.answer == NOT_APPLICABLE else judged.answer,
            reviewer=found[name].score.value if name in found else OPEN,
            confidence=round(found[name].claim.confidence, 3) if name in found else None,
        )
        for name, judged in call.answers[rubric].items()
    ]


async def review_calls(calls: Sequence[JudgedCall]) -> list[Answered]:
    """Review each call under each rubric that was answered. Raises InvalidDocument."""
    embedder = load_embedder()
    local = LocalReviewer(embedder)
    rules = RuleJudge(embedder)
    search = AbsenceSearch(local.finder, embedder)
    trials = Trials(Settings(), "")

    async def review(reviewer: Reviewer, rubric: Rubric, to_try: CallToTry) -> Artifact:
        return await try_rubric(
            rubric,
            to_try.context,
            reviewer=reviewer,
            rules=rules,
            tenant_id=UUID(int=0),
            title=to_try.title,
            search=search,
        )

    found: list[Answered] = []
    for call in calls:
        to_try = await trials.call(str(call.transcript))
        for name in call.answers:
            rubric = await rubric_of(call, name, trials)
            reviewer: Reviewer = InThreads(local)
            found += answers_of(call, name, await review(reviewer, rubric, to_try))
    return found


async def rubric_of(call: JudgedCall, name: str, trials: Trials) -> Rubric:
    """The rubric that the answers of `call` name: a file beside the call, or one that ships. Raises InvalidDocument."""
    return await trials.rubric(str(call.transcript.with_name(name)) if name.endswith(".yaml") else name)


def as_json(found: Agreement, answers: Sequence[Answered]) -> dict[str, object]:
    return {**asdict(found), "answers": [asdict(a) for a in answers]}


def rows() -> list[Row]:
    """The rows of `ridealong bench`: the calls that nothing was chosen by."""
    if not FOLDER.is_dir():
        return [Row(part="agreement", what="criterion agreement", value="not measured: the judged calls are not here")]
    answers = asyncio.run(review_calls(judged_calls(FOLDER / "test")))
    found = agreement(answers)
    return [
        Row(
            part="agreement",
            what=f"weighted kappa of {found.kappa.answers} criteria of unseen calls, left open counts as no",
            value=f"{found.kappa}, coverage {found.coverage:.0%}",
            floor="≥ 0.45",
            aim="0.65",
            ok=found.kappa.value >= 0.45,
            numbers={"kappa": found.kappa.value, "coverage": found.coverage},
        ),
        Row(
            part="agreement",
            what="the same, left open as an answer of its own",
            value=str(found.kappa_open_apart),
            numbers={"kappa": found.kappa_open_apart.value},
        ),
    ]


def main(
    folder: Annotated[Path, typer.Argument(help="Folder with judged calls.")] = FOLDER / "test",
    answers: Annotated[bool, typer.Option(help="Also each answer.")] = False,
) -> None:
    """Print the figures as JSON."""
    found = asyncio.run(review_calls(judged_calls(folder)))
    sys.stdout.write(json.dumps(as_json(agreement(found), found if answers else ()), indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
