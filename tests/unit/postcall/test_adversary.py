"""Answers that lie: none gets through, whoever asks and however often; the honest ones do."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence

from ridealong.core.claims import Claim
from ridealong.core.rubric import Criterion, Score, Section
from ridealong.core.transcript import Citation, Role
from ridealong.postcall.review import coach_call, review_section
from ridealong.postcall.reviewer import (
    CallReviewer,
    CoachingDraft,
    CriterionDraft,
    Draft,
    Refusal,
    ReviewContext,
    StepLog,
    Support,
)
from tests.unit.postcall.adversary import lies, truth
from tests.unit.postcall.test_review import context

LIES = 1600


class Liar:
    """Answers each criterion, and each coaching moment, with one draft; the same again where it is refused."""

    name = "liar"
    otherwise: CallReviewer | None = None

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self.drafts = {f"c{n}": draft for n, draft in enumerate(drafts)}
        self.asked_again = 0

    async def draft_section(
        self, section: Section, log: StepLog, refused: Sequence[Refusal] = ()
    ) -> Sequence[CriterionDraft]:
        assert section.criteria
        assert log.step
        self.asked_again += bool(refused)
        return [CriterionDraft(criterion_id=key, score=Score.YES, draft=draft) for key, draft in self.drafts.items()]

    def plan(self, sections: Sequence[Section], *, told: bool) -> None: ...

    async def draft_coaching(self, log: StepLog, refused: Sequence[Refusal] = ()) -> Sequence[CoachingDraft]:
        assert log.step
        self.asked_again += bool(refused)
        return [
            CoachingDraft(key=key, title="Worth a look", advice="Ask once more.", draft=draft)
            for key, draft in self.drafts.items()
        ]

    async def verify(self, claims: Mapping[str, Claim], log: StepLog) -> Mapping[str, Support] | None:
        # It doubts nothing: what is refused here is refused without any model.
        assert log.step
        return dict.fromkeys(claims, Support.SUPPORTED)


def section(count: int) -> Section:
    return Section(
        id="all",
        title="All",
        criteria=tuple(
            Criterion(id=f"c{n}", question="Was it done?", role=Role.UNKNOWN, shown_by=("We did it.",))
            for n in range(count)
        ),
    )


def test_none_of_a_thousand_and_more_lies_gets_through_as_a_finding() -> None:
    call = context()
    told = list(lies(call.transcript, LIES, seed=7))
    liar = Liar([lie.draft for lie in told])
    outcome = asyncio.run(review_section(liar, section(LIES), call, StepLog(step="section")))
    through = [(told[int(f.criterion_id[1:])].kind, f.claim.statement) for f in outcome.review.findings]
    assert through == []
    assert outcome.counts.dropped == LIES
    assert sum(outcome.tally.flat().values()) == LIES
    assert liar.asked_again == 1
    assert Counter(lie.kind for lie in told).most_common()[-1][1] >= 100


def test_none_of_them_gets_through_as_a_coaching_moment() -> None:
    call = context()
    told = list(lies(call.transcript, 480, seed=8))
    outcome = asyncio.run(coach_call(Liar([lie.draft for lie in told]), call, StepLog(step="coaching moments")))
    assert outcome.coaching_moments == ()
    assert outcome.counts.dropped == 480


def test_each_lie_is_counted_by_what_is_wrong_with_it() -> None:
    call = context()
    expected = {
        "wrong number": {"number_not_in_evidence"},
        "changed number": {"number_not_in_evidence"},
        "wrong date": {"date_not_in_evidence", "number_not_in_evidence"},
        "wrong name": {"name_not_in_evidence"},
        "name of elsewhere": {"name_not_in_evidence"},
        "swapped speaker": {"wrong_speaker", "quote_cut"},
        "fused quote": {"quote_not_found"},
        "quote of another call": {"quote_not_found"},
        "invented utterance": {"no_such_utterance"},
        "wrong time": {"number_not_in_evidence"},
    }
    told = list(lies(call.transcript, 320, seed=9))
    for kind, faults in expected.items():
        drafts = [lie.draft for lie in told if lie.kind == kind]
        outcome = asyncio.run(review_section(Liar(drafts), section(len(drafts)), call, StepLog(step="section")))
        assert {name.partition(":")[2] for name in outcome.tally.flat()} <= faults, kind


def test_honest_statements_with_figures_names_and_dates_get_through() -> None:
    call = context()
    chance = random.Random(3)
    drafts = [truth(chance, call.transcript) for _ in range(200)]
    for statement, quote in (
        ("The rep quoted 420 a month.", "For your size it's four hundred and twenty a month"),
        ("The customer has set aside about 3,000 for the year.", "We've set aside about three thousand for the year"),
        ("The customer named Packfast as an alternative.", "We also looked at Packfast last month"),
        ("The rep proposed Thursday at 10.", "we go through it together on Thursday at ten"),
        ("The customer wants it by the end of October.", "by the end of October at the latest"),
        ("The customer said that a courier run is £60 to £80.", "every courier run is sixty to eighty pounds"),
        ("The rep promised savings of at least 50% of the courier costs.", "save at least half of the courier costs"),
        (
            "The rep pointed to a customer in Derby that went live in 9 days.",
            "We have a customer in Derby, a parts dealer with the same kind of shelves, who went live in nine days",
        ),
        ("Approval takes two weeks, Martin signs last.", "then Martin signs. It takes about two weeks"),
    ):
        no = next(u.no for u in call.transcript if quote in u.text)
        drafts.append(truth_of(statement, no, quote))
    outcome = asyncio.run(review_section(Liar(drafts), section(len(drafts)), call, StepLog(step="section")))
    refused = set(range(len(drafts))) - {int(f.criterion_id[1:]) for f in outcome.review.findings}
    assert [drafts[n].statement for n in sorted(refused)] == []


def truth_of(statement: str, no: int, quote: str) -> Draft:
    return Draft(statement=statement, citations=(Citation(utterance_no=no, quote=quote),), confidence=0.9)


def said_of(call: ReviewContext, statement: str, quote: str, *, through: int | None = None) -> list[str]:
    """The faults of one draft."""
    no = next(u.no for u in call.transcript if quote in u.text)
    draft = truth_of(statement, no, quote)
    if through is not None:
        draft = Draft(statement=statement, citations=draft.citations, confidence=0.9, through=through)
    outcome = asyncio.run(review_section(Liar([draft]), section(1), call, StepLog(step="section")))
    return list(outcome.tally.flat())


def test_what_somebody_did_not_do_or_only_heard_needs_no_words_of_theirs() -> None:
    call = context()
    objection = "That's quite a lot more than we wanted to spend"
    last = call.transcript.utterances[-1].no
    assert said_of(call, "The rep did not answer it.", objection, through=last) == []
    assert said_of(call, "The customer raised an objection. The rep never asked why.", objection, through=last) == []
    assert said_of(call, "The rep was told that it costs too much.", objection) == []
    assert said_of(call, "The rep asked why.", objection) == ["dropped:wrong_speaker"]
    played_back = "So if I understand you right, you lose around thirty orders a month"
    assert said_of(call, "The rep played back what the customer said.", played_back) == []
    assert said_of(call, "The customer said that orders get lost.", played_back) == ["dropped:wrong_speaker"]


def test_a_search_that_does_not_reach_its_own_evidence_is_refused() -> None:
    call = context()
    assert said_of(call, "Nothing came of it.", "Thursday at ten is good", through=3) == ["dropped:malformed"]
