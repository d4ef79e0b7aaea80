"""Past moments under another policy."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from ridealong.core.artifact import StoredMoment
from ridealong.core.errors import InvalidDocument
from ridealong.core.moments import Circumstances, Moment, Reason, Tier
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
from ridealong.live.policy_file import with_policy
from ridealong.live.replay import Replayed, replay
from ridealong.live.taxonomy import Taxonomy, default_taxonomy

TAXONOMY = default_taxonomy()
SAID = Transcript.of(
    TranscriptId(call_id=UUID(int=7)),
    [
        Utterance(no=0, speaker=SpeakerId(1), start_ts=0, end_ts=900, text="How much is it?"),
        Utterance(no=1, speaker=SpeakerId(0), start_ts=1_000, end_ts=9_000, text="It depends on how many you are."),
        Utterance(no=2, speaker=SpeakerId(1), start_ts=200_000, end_ts=201_000, text="And what is the discount?"),
    ],
)
ROLES = Roles().with_role(
    RoleAssignment(speaker_id=SpeakerId(0), role=Role.REP, source=RoleSource.STATED, confidence=1.0)
)


def moment(
    no: int,
    *,
    type_id: str = "price_asked",
    reason: Reason = Reason.DELIVERED,
    confidence: float = 0.9,
    decided: Circumstances | None = None,
) -> StoredMoment:
    cited = SAID.cite_whole(no)
    return StoredMoment(
        moment_id=uuid4(),
        moment=Moment(
            type=type_id,
            tier=Tier.NUDGE if reason is Reason.DELIVERED else Tier.NOTED,
            reason=reason,
            confidence=confidence,
            nudge="Give a clear range, then tie it to their need.",
            trigger_ts=cited.end_ts,
            evidence=(cited,),
            circumstances=decided,
        ),
    )


def at(ts: int, *, rep_speaking: bool = False, role_known: bool = True) -> Circumstances:
    return Circumstances(decided_ts=ts, rep_speaking=rep_speaking, role_known=role_known)


def reasons(moments: list[StoredMoment], taxonomy: Taxonomy = TAXONOMY) -> list[str]:
    return [_reason(m) for m in replay(moments, taxonomy, SAID, ROLES)]


def _reason(of: Replayed) -> str:
    return "not recorded" if of.would is None else of.would.reason.value


def test_under_its_own_policy_a_call_is_decided_as_it_was() -> None:
    moments = [
        moment(0, decided=at(1_000)),
        moment(1, type_id="interruption", reason=Reason.TYPE_IS_NOTED, decided=at(9_000)),
        moment(2, reason=Reason.LOW_CONFIDENCE, confidence=0.45, decided=at(201_000)),
    ]
    assert not any(m.changed for m in replay(moments, TAXONOMY, SAID, ROLES))


def test_a_quiet_beginning_silences_what_came_in_it_and_nothing_else() -> None:
    changed = with_policy(TAXONOMY, "policy: {quiet: {first_s: 120}}", "policy.yaml")
    assert reasons([moment(0, decided=at(1_000)), moment(2, decided=at(201_500))], changed) == [
        "quiet_period",
        "delivered",
    ]


def test_what_the_rep_spoke_over_is_known_from_the_call() -> None:
    changed = with_policy(TAXONOMY, "policy: {quiet: {while_rep_speaks: true}}", "policy.yaml")
    assert reasons([moment(0, decided=at(1_500, rep_speaking=True))], changed) == ["rep_is_speaking"]
    assert reasons([moment(0, decided=at(1_500))], changed) == ["delivered"]


def test_for_an_older_call_the_reps_voice_is_read_from_the_transcript() -> None:
    changed = with_policy(TAXONOMY, "policy: {quiet: {while_rep_speaks: true}}", "policy.yaml")
    [inside] = replay([moment(1, type_id="stall")], changed, SAID, ROLES)
    assert inside.assumed
    assert inside.circumstances.rep_speaking is False  # its trigger is where the rep stops
    assert reasons([moment(0)], changed) == ["delivered"]


def test_whose_silence_it_is_goes_by_the_roles_and_by_whom_it_cites() -> None:
    behind_rep = moment(1, type_id="silence", confidence=1.0, decided=at(9_500))
    behind_other = moment(2, type_id="silence", confidence=1.0, decided=at(201_500))
    assert reasons([behind_rep, behind_other]) == ["customer_is_thinking", "delivered"]
    assert [_reason(m) for m in replay([behind_rep], TAXONOMY, SAID, Roles())] == ["delivered"]


def test_a_silence_that_was_the_customers_is_shown_by_a_policy_that_says_so() -> None:
    was = moment(1, type_id="silence", confidence=1.0, reason=Reason.CUSTOMER_IS_THINKING, decided=at(9_500))
    changed = with_policy(TAXONOMY, "policy: {quiet: {while_customer_thinks: false}}", "policy.yaml")
    assert reasons([was], changed) == ["delivered"]
    assert reasons([was]) == ["customer_is_thinking"]


def test_an_older_moment_that_was_late_stays_late() -> None:
    assert reasons([moment(0, reason=Reason.LATE)]) == ["late"]


def test_an_older_moment_of_an_unknown_role_stays_unknown() -> None:
    assert reasons([moment(0, reason=Reason.ROLE_UNKNOWN)]) == ["role_unknown"]


def test_the_budget_frees_what_it_held_back() -> None:
    spent = moment(2, reason=Reason.BUDGET_SPENT, decided=at(201_500))
    assert reasons([spent]) == ["delivered"]
    none = with_policy(TAXONOMY, "policy: {max_nudges: 0}", "policy.yaml")
    assert reasons([spent], none) == ["budget_spent"]


def test_a_type_moves_between_the_tiers() -> None:
    noted = with_policy(TAXONOMY, "types: [{id: price_asked, tier: noted}]", "policy.yaml")
    assert reasons([moment(0, decided=at(1_000))], noted) == ["type_is_noted"]
    was = moment(1, type_id="interruption", reason=Reason.TYPE_IS_NOTED, confidence=1.0, decided=at(9_000))
    nudged = with_policy(TAXONOMY, "types: [{id: interruption, tier: nudge}]", "policy.yaml")
    assert reasons([was], nudged) == ["delivered"]


def test_a_type_that_the_taxonomy_lost_is_not_recorded() -> None:
    fewer = TAXONOMY.model_copy(update={"types": tuple(t for t in TAXONOMY.types if t.id != "price_asked")})
    assert reasons([moment(0, decided=at(1_000))], fewer) == ["not recorded"]


def test_the_order_is_that_of_the_decisions() -> None:
    changed = with_policy(TAXONOMY, "types: [{id: price_asked, cool_down_s: 300}]", "policy.yaml")
    later, sooner = moment(0, decided=at(2_000)), moment(2, decided=at(201_500))
    found = replay([sooner, later], changed, SAID, ROLES)
    assert [m.circumstances.decided_ts for m in found] == [2_000, 201_500]
    assert [_reason(m) for m in found] == ["delivered", "cooling_down"]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("policy:\n  max_nudges: -1\n", 2, "greater than or equal to 0"),
        ("policy:\n  quiet:\n    first: 120\n", 3, "Extra inputs"),
        ("policy:\n  hold_out: 0.9\n", 2, "less than or equal to 0.5"),
        ("types:\n  - id: price_asked\n  - id: prise_asked\n    tier: noted\n", 3, "no type 'prise_asked'"),
        ("types:\n  - id: stall\n  - id: stall\n", 3, "a second time"),
        ("types:\n  - id: stall\n    floor: 0.2\n", 3, "below detect"),
    ],
)
def test_a_mistake_in_a_policy_is_told_with_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(InvalidDocument, match=says) as told:
        with_policy(TAXONOMY, text, "policy.yaml")
    assert told.value.line == line


def test_what_a_policy_leaves_out_stays_as_the_tenant_has_it() -> None:
    own = with_policy(TAXONOMY, "policy: {max_nudges: 9, quiet: {first_s: 30}}", "own.yaml")
    changed = with_policy(own, "policy: {quiet: {while_rep_speaks: true}}", "policy.yaml")
    assert changed.policy.max_nudges == 9
    assert (changed.policy.quiet.first_s, changed.policy.quiet.while_rep_speaks) == (30, True)


def test_moments_of_the_same_millisecond_are_decided_in_the_order_in_which_they_were() -> None:
    one = TAXONOMY.model_copy(update={"policy": TAXONOMY.policy.model_copy(update={"max_nudges": 1})})
    first = moment(2, type_id="stall", decided=at(201_000))
    second = moment(2, decided=at(201_000), reason=Reason.BUDGET_SPENT)
    assert reasons([first, second], one) == ["delivered", "budget_spent"]
