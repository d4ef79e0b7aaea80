"""Past calls under another policy, and what became of their nudges, over HTTP and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

from ridealong.core.artifact import StoredMoment
from ridealong.core.events import NudgeSighted
from ridealong.core.moments import Circumstances, Moment, Reason, Sight, Tier
from ridealong.store import calls, effects, moments
from ridealong.web.answers.effects import CallEffects, EffectsAnswer
from ridealong.web.answers.policy import ReplayAnswer
from tests.integration.pages.conftest import Pages, closed


async def nudged_call(pages: Pages) -> UUID:
    """The written call, not reviewed yet, with each of its moments nudged."""
    call_id = await pages.call(reviewed=False)
    async with pages.store.tenant(pages.tenant_id) as conn:
        transcript = await calls.load_transcript(conn, await calls.latest_revision(conn, call_id))
        found = await moments.load_moments(conn, transcript)
        nudged = [
            StoredMoment(moment_id=uuid4(), moment=replace(m.moment, tier=Tier.NUDGE, reason=Reason.DELIVERED))
            for m in found
        ]
        await moments.record_moments(conn, nudged)
    return call_id


async def test_a_past_call_is_decided_again_and_the_differences_are_told(pages: Pages) -> None:
    call_id = await nudged_call(pages)
    nudged = [m for m in (await pages.get(f"/calls/{call_id}/moments"))["moments"] if m["tier"] == "nudge"]
    assert nudged
    wanted = {"call_ids": [str(call_id)], "policy": "policy: {max_nudges: 0}"}
    answer = await pages.ask("POST", "/policy/replay", json=wanted)
    closed(ReplayAnswer, answer)
    [found] = answer["calls"]
    assert (found["was"]["nudges"], found["would"]["nudges"]) == (len(nudged), 0)
    assert {c["moment_id"] for c in found["changes"]} >= {m["moment_id"] for m in nudged}
    assert answer["total"]["would"]["reasons"].get("delivered") is None
    # Its moments were stored without what policy went by, and the answer says so.
    assert len(answer["notes"]) == 2


async def test_under_its_own_policy_a_call_is_what_it_was_also_where_two_moments_share_a_millisecond(
    pages: Pages,
) -> None:
    call_id = await pages.call(reviewed=False)
    async with pages.store.tenant(pages.tenant_id) as conn:
        transcript = await calls.load_transcript(conn, await calls.latest_revision(conn, call_id))
        cited = transcript.cite_whole(next(u.no for u in transcript if u.speaker == 1))
        # The later words were surer, so they were decided first, and spent the budget.
        decided = [
            (cited.end_ts, "objection_raised", Tier.NUDGE, Reason.DELIVERED),
            (cited.end_ts - 400, "price_asked", Tier.NOTED, Reason.BUDGET_SPENT),
        ]
        found = [
            StoredMoment(
                # Numbered against their order: nothing but the order of decisions can tell it.
                moment_id=UUID(int=uuid4().int >> 8 | (9 - place) << 120),
                moment=Moment(
                    type=type_id,
                    tier=tier,
                    reason=reason,
                    confidence=0.95 - place / 20,
                    nudge="Acknowledge it, then ask what is behind the concern.",
                    trigger_ts=trigger_ts,
                    evidence=(cited,),
                    circumstances=Circumstances(decided_ts=cited.end_ts + 5, rep_speaking=False, role_known=True),
                ),
            )
            for place, (trigger_ts, type_id, tier, reason) in enumerate(decided)
        ]
        await moments.record_moments(conn, found)
    wanted = {"call_ids": [str(call_id)], "policy": "policy: {max_nudges: 1}"}
    answer = await pages.ask("POST", "/policy/replay", json=wanted)
    [call] = answer["calls"]
    # The written call's own moments come later, and were stored without what policy went by.
    ours = {str(m.moment_id) for m in found}
    assert not [m for m in call["changes"] if m["moment_id"] in ours]
    assert [m["moment_id"] for m in call["kept"]] == [str(found[0].moment_id)]


async def test_a_mistake_in_a_replayed_policy_is_told_with_its_line(pages: Pages) -> None:
    call_id = await pages.call(reviewed=False)
    wanted = {"call_ids": [str(call_id)], "policy": "policy:\n  max_nudges: many\n"}
    problem = await pages.refused("POST", "/policy/replay", 422, "bad_document", json=wanted)
    assert problem["line"] == 2, problem


async def test_nobody_replays_another_tenants_call(pages: Pages) -> None:
    call_id = await pages.call(reviewed=False)
    theirs = await pages.other_tenant()
    wanted = {"call_ids": [str(call_id)]}
    await pages.refused("POST", "/policy/replay", 404, "unknown_call", json=wanted, headers=theirs)
    await pages.refused("GET", f"/calls/{call_id}/effects", 404, "unknown_call", headers=theirs)
    await pages.refused("POST", "/policy/replay", 404, "unknown_call", json={"call_ids": [str(uuid4())]})


async def test_after_the_review_each_nudge_says_whether_it_was_seen_and_acted_on(pages: Pages) -> None:
    call_id = await nudged_call(pages)
    await pages.reviewed(call_id)
    of_call = await pages.get(f"/calls/{call_id}/effects", CallEffects)
    assert of_call["nudges"]
    assert of_call["score"] is not None
    judged = [n for n in of_call["nudges"] if n["acted_on"] is not None]
    assert judged
    for nudge in judged:
        assert (nudge["evidence"] is not None) == nudge["acted_on"]
    first = of_call["nudges"][0]
    seen = NudgeSighted(moment_id=first["moment_id"], sight=Sight.SEEN, at_ts=first["trigger_ts"] + 900)
    async with pages.store.tenant(pages.tenant_id) as conn:
        await effects.record_sighting(conn, call_id, seen)
    team = await pages.get("/team/effects", EffectsAnswer)
    assert team["all"]["shown"] == len(of_call["nudges"])
    assert team["all"]["acted_on"]["n"] == len(judged)
    assert round(team["all"]["seen"]["value"] * team["all"]["shown"]) == 1
    assert team["all"]["seen"]["low"] < team["all"]["seen"]["value"] < team["all"]["seen"]["high"]
    assert "Nothing was held out" in team["all"]["in_words"]
    assert [r["rep_id"] for r in team["reps"]] == ["ben@example.org"]
