"""Every rubric that ships, on a small written call of its kind, with the model that a server has: what was said is
found, what was not said is not, and the rules bite. No sentence here stands in a rubric.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cache
from uuid import UUID, uuid4

import pytest

from ridealong.app.rubric_trial import try_rubric
from ridealong.core.artifact import Artifact, StoredMoment
from ridealong.core.claims import AbsenceClaim
from ridealong.core.moments import Moment, Reason, Tier
from ridealong.core.rules import RuleState
from ridealong.core.transcript import (
    Role,
    RoleAssignment,
    Roles,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.embedding.minilm import MiniLm, load_embedder
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.review import embed_call
from ridealong.postcall.reviewer import InThreads, ReviewContext
from ridealong.postcall.rubric import SHIPPED, shipped_rubric
from ridealong.postcall.rules import RuleJudge

REP, CUSTOMER = SpeakerId(0), SpeakerId(1)
ROLES = Roles([RoleAssignment(speaker_id=REP, role=Role.REP, source=RoleSource.STATED, confidence=1.0)])


@dataclass(frozen=True, kw_only=True)
class Written:
    """A call, a line an utterance: `R` or `C`, a moment's type in brackets where one is, the words."""

    said: str
    shown: frozenset[str]
    """Criteria of which the call must show something."""
    silent: frozenset[str] = frozenset()
    """Criteria of which it shows nothing."""
    broken: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()


@cache
def embedder() -> MiniLm:
    return load_embedder()


@cache
def judges() -> tuple[InThreads, RuleJudge]:
    return InThreads(LocalReviewer(embedder())), RuleJudge(embedder())


def call_of(said: str) -> ReviewContext:
    transcript = Transcript(TranscriptId(call_id=UUID(int=7)))
    moments: list[StoredMoment] = []
    for no, line in enumerate(line for line in said.strip().splitlines() if line.strip()):
        who, text = line.strip().split(": ", 1)
        side, _, kind = who.partition(" ")
        transcript.append(
            Utterance(
                no=no,
                speaker=REP if side == "R" else CUSTOMER,
                start_ts=no * 10_000,
                end_ts=no * 10_000 + 9_000,
                text=text,
            )
        )
        if kind:
            moment = Moment(
                type=kind.strip("[]"),
                tier=Tier.NOTED,
                reason=Reason.TYPE_IS_NOTED,
                confidence=0.9,
                nudge="",
                trigger_ts=no * 10_000 + 9_000,
                evidence=(transcript.cite_whole(no),),
            )
            moments.append(StoredMoment(moment_id=uuid4(), moment=moment))
    return ReviewContext(
        transcript=transcript,
        roles=ROLES,
        moments=tuple(moments),
        vectors=embed_call(transcript, embedder(), {}),
        duration_ms=transcript.end_ts,
    )


def tried(name: str, said: str) -> Artifact:
    reviewer, rules = judges()
    return asyncio.run(
        try_rubric(
            shipped_rubric(name), call_of(said), reviewer=reviewer, rules=rules, tenant_id=UUID(int=1), title=name
        )
    )


CALLS = {
    "meddpicc": Written(
        said="""
        R: Once you have decided, what does the paperwork look like at your end, and how long does legal need?
        C: Legal wants about two weeks, and before that you have to be set up as a supplier.
        R: Okay. And who else is in the race besides us?
        C [competitor_mentioned]: We had Axion here last Tuesday, they are cheaper but slower to answer.
        R: What did you like about what they showed you?
        """,
        shown=frozenset({"paper_asked", "paper_described", "competition_asked", "competition_named"}),
        silent=frozenset({"champion_tested", "metrics_quantified"}),
        kept=frozenset({"no_rivals_run_down"}),
    ),
    "sandler": Written(
        said="""
        R: We've got half an hour. You ask, I ask, and at the end we say yes, no, or we fix a next step. Fair?
        C: Sounds good.
        R: And if it turns out that we're not the right people, just say no, I can live with that.
        C [pain_stated]: Alright. We keep losing orders between the phone and the warehouse.
        R: How long has that been going on, and what have you already tried?
        C: Two years. It costs us around thirty thousand a year, and I sat here until nine last night because of it.
        R: Do you have some money set aside to get rid of it, roughly?
        C: Maybe ten.
        R: Who apart from you has to say yes to something like this?
        """,
        shown=frozenset({"contract_made", "no_allowed", "pain_asked", "pain_cost", "budget_asked", "decision_asked"}),
        silent=frozenset({"post_sell"}),
    ),
    "challenger": Written(
        said="""
        R: Most clinics fear the no-shows. What we found is that gaps after cancellations cost twice as much.
        C: Hm, I never looked at it like that.
        R: As the practice manager you answer for utilisation, so let's stay with that one number.
        R: Twelve gaps a week at ninety each, that's more than fifty thousand a year for leaving it as it is.
        C [objection_raised]: It's still too expensive for us.
        R: I'd push back on that, because the cheaper one will not close a single gap.
        R: Okay, since you ask, I can give you ten percent off.
        """,
        shown=frozenset({"insight_given", "reframe_accepted", "tailored", "cost_of_staying", "pushed_back"}),
        silent=frozenset({"path_led"}),
        broken=frozenset({"no_early_discount"}),
    ),
    "demo": Written(
        said="""
        R: Before I share the screen, you told me the lost returns and the double entry hurt the most. Is that still so?
        C: Yes, mainly the returns.
        R: You said nobody can find a return once it's in the building. This is where your people would see it.
        C: Oh nice, then I would not have to phone the warehouse any more.
        R: How would that fit into the way your late shift works?
        C: Pretty well. Can it do the labels too?
        R: That isn't in there yet, but it'll be in the next version, I promise you the next release has it.
        R: Of all that you've seen, what would help the most and what is still missing?
        C [buying_signal]: The returns board. When could we start?
        R: Let's start the trial on Monday, I'll send the invite for ten o'clock right away.
        """,
        shown=frozenset(
            {"needs_recapped", "value_linked", "fit_confirmed", "checked_in", "impression_asked", "next_step"}
        ),
        broken=frozenset({"no_roadmap_promise"}),
    ),
    "negotiation": Written(
        said="""
        C [objection_raised]: We need twenty percent, otherwise procurement won't approve it.
        R: Help me understand, where does the twenty percent come from?
        C: That's what they always ask for.
        R: Apart from the price, is there anything else that is still open for you?
        C: No, only that.
        R: You told me an hour of standstill costs you eight hundred, so it has paid for itself after the sixth one.
        R: If you commit to three years, I can do seven percent.
        C: Alright, we could do three years if you hold that price.
        R: So that's three years, seven percent, start in April, and only the liability clause is open.
        R: When will Mr Hale be able to sign it?
        """,
        shown=frozenset(
            {
                *("interest_asked", "all_demands_known", "value_restated", "concession_traded"),
                *("customer_moved", "agreement_summed_up", "signature_planned"),
            }
        ),
        kept=frozenset({"no_gift", "reason_before_discount"}),
    ),
    "renewal": Written(
        said="""
        R: When you signed you wanted to get the month end down from nine days to five. Where are you now?
        C: We're at four, and the complaints have gone down by half.
        R: Great. And what would you change if you could, what still annoys your people?
        C [pain_stated]: The export breaks every other week.
        R: That should not happen. Our support lead will ring you tomorrow morning about it.
        R: Has anything changed in who decides, or in your plans for next year?
        C: There is a new finance director.
        R: The price goes from five thousand to five thousand two hundred because of inflation.
        R: But look, it renews anyway, you missed the deadline.
        """,
        shown=frozenset(
            {
                *("results_reviewed", "problems_asked", "issue_owned"),
                *("changes_asked", "terms_explained"),
            }
        ),
        broken=frozenset({"no_lock_in"}),
    ),
    "in-home": Written(
        said="""
        R: Good evening, I'm Tom from Lakeside Windows, you asked us to look at the two windows at the back.
        C: Come in.
        R: Should your husband sit with us, so that I only explain it once?
        C: He is at work.
        R: Where do you feel the draught most, and since when?
        C: In the bedroom, since last winter.
        R: Have a look here, the seal is broken on the left one, the right one is still perfectly fine.
        C [price_asked]: And what would it cost?
        R: With fitting, taking the old one away and tax it's one thousand nine hundred in total.
        C [buying_signal]: That sounds alright. When could you do it?
        R: But that price is today only, so you'd have to sign now.
        """,
        shown=frozenset({"introduced", "household_asked", "home_needs_asked", "findings_shown", "total_told"}),
        broken=frozenset({"no_today_only", "cooling_off_told"}),
    ),
    "compliance": Written(
        said="""
        R: Good morning, my name is Anna Berg, I'm calling from Northgate Pensions.
        C: Hello.
        R: What do you need the money for later on, and is there anybody who depends on your income?
        C [price_asked]: My two kids. What would that cost per month?
        R: It's a hundred a month. By the way, this call is recorded.
        C: Okay.
        R: With our fund you can't lose, I guarantee you seven percent.
        C [commitment_offered]: Then I'd like to take it.
        R: Can you tell me in your own words when it would not pay out?
        """,
        shown=frozenset({"situation_asked", "understanding_checked"}),
        broken=frozenset({"recording_disclosed", "no_guarantee", "withdrawal_told"}),
        kept=frozenset({"identity_disclosed", "no_pressure", "no_rivals_run_down"}),
    ),
}


def test_every_rubric_but_the_first_four_has_a_call_here() -> None:
    assert set(CALLS) == set(SHIPPED[4:])


@pytest.mark.parametrize("name", CALLS)
def test_a_shipped_rubric_finds_what_was_said_and_bites(name: str) -> None:
    written = CALLS[name]
    artifact = tried(name, written.said)
    rules = {r.rule_id: r.state for s in artifact.sections for r in s.rules}
    found = {f.criterion_id for s in artifact.sections for f in s.findings if f.score != "no"} - set(rules)
    assert written.shown - found == set(), "said, and not found"
    assert written.silent & found == set(), "found, and not said"
    assert {n for n, state in rules.items() if state is RuleState.BROKEN} == written.broken
    assert written.kept <= {n for n, state in rules.items() if state is RuleState.KEPT}
    for section in artifact.sections:
        for finding in section.findings:
            for evidence in finding.claim.evidence:
                assert evidence.quote in evidence.utterance.text
            if isinstance(finding.claim, AbsenceClaim):
                assert finding.claim.through >= finding.claim.evidence[-1].utterance_no


def test_what_breaks_the_rules_of_a_regulated_sale_caps_its_score() -> None:
    artifact = tried("compliance", CALLS["compliance"].said)
    assert artifact.score <= 40
    assert artifact.as_json()["score"] == round(artifact.score, 1)
