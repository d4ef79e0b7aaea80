"""The hold-out over a whole call: what is kept back by lot is noted, told as such, judged alike and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ridealong.core.effects import rate, uplift
from ridealong.core.events import CallEnded, MomentDecided
from ridealong.core.moments import CONTENT_TYPES, Reason, Tier
from ridealong.core.transcript import SpeakerId, Utterance
from ridealong.live import AudioFormat, CallStart, ChannelLayout, Encoding
from ridealong.live.finished import FinishedTranscript
from ridealong.live.policy import lot
from ridealong.speech.session_file import read_session
from ridealong.web.answers.effects import CallEffects, EffectsAnswer
from tests.integration.pages.conftest import Pages

LABELLED: Final = Path(__file__).parents[2] / "fixtures" / "labelled_calls"
SHARE: Final = 0.5
EVERYTHING: Final = {
    "policy": {"max_nudges": 60, "hold_out": SHARE},
    "types": [{"id": name, "cool_down_s": 0} for name in CONTENT_TYPES],
}
"""Enough attention for every sure moment, so that the lot alone decides."""


def one_after_the_other(paths: Sequence[Path]) -> list[Utterance]:
    """Several calls as one long one; speaker 0 is the rep in each."""
    said: list[Utterance] = []
    for path in paths:
        begin_ts, first = said[-1].end_ts + 1000 if said else 0, len(said)
        said.extend(
            replace(u, no=first + n, start_ts=u.start_ts + begin_ts, end_ts=u.end_ts + begin_ts)
            for n, u in enumerate(read_session(path).utterances)
        )
    return said


async def coached(pages: Pages, said: Sequence[Utterance]) -> tuple[Any, list[MomentDecided]]:
    start = CallStart(
        format=AudioFormat(encoding=Encoding.PCM16, sample_rate=16_000, channels=1),
        layout=ChannelLayout.MIXED,
        rep_id="ben@example.org",
        consent="Both agreed.",
        rep_speakers=(SpeakerId(0),),
    )
    live = await pages.calls.begin(pages.tenant_id, start, source=FinishedTranscript(said))
    events = [n.event async for n in live.watch(after=0, size=1_000_000)]
    assert any(isinstance(e, CallEnded) for e in events)
    return live.call_id, [e for e in events if isinstance(e, MomentDecided)]


async def test_what_is_held_out_of_a_call_is_noted_with_the_reason_and_counted_in_the_uplift(pages: Pages) -> None:
    assert (await pages.ask("PATCH", "/taxonomy", json=EVERYTHING))["policy"]["hold_out"] == SHARE
    call_id, decided = await coached(pages, one_after_the_other(sorted(LABELLED.glob("*.jsonl"))[:3]))

    # On the line: what got as far as the lot is shown or held out by it, and by nothing else.
    drawn = [e.moment for e in decided if e.moment.reason in (Reason.DELIVERED, Reason.HELD_OUT)]
    held = {str(e.moment_id) for e in decided if e.moment.reason is Reason.HELD_OUT}
    assert len(drawn) >= 12
    assert 0 < len(held) < len(drawn)
    for moment in drawn:
        held_out = lot(moment) < SHARE
        assert (moment.tier, moment.reason) == (
            (Tier.NOTED, Reason.HELD_OUT) if held_out else (Tier.NUDGE, Reason.DELIVERED)
        )

    # Stored: the call's moments say the same.
    shown = (await pages.get(f"/calls/{call_id}/moments"))["moments"]
    told = {m["moment_id"]: m for m in shown if m["reason"] == "held_out"}
    assert set(told) == held
    assert {m["tier"] for m in told.values()} == {"noted"}

    # After the review both arms are judged alike, and the team's figure is made of both.
    await pages.reviewed(call_id)
    of_call = (await pages.get(f"/calls/{call_id}/effects", CallEffects))["nudges"]
    assert {n["moment_id"] for n in of_call if n["reason"] == "held_out"} == held
    judged = [n for n in of_call if n["acted_on"] is not None]
    arms = {
        arm: [n["acted_on"] for n in judged if (n["reason"] == "held_out") is arm_is_held]
        for arm, arm_is_held in (("shown", False), ("held", True))
    }
    assert arms["shown"]
    assert arms["held"]
    team = await pages.get("/team/effects", EffectsAnswer)
    assert team["hold_out"] == SHARE
    figures = team["all"]
    assert figures["held_out"] == len(held)
    assert figures["shown"] == sum(n["tier"] == "nudge" for n in of_call)
    assert figures["acted_on"] == rate(sum(arms["shown"]), len(arms["shown"])).as_json()
    assert figures["acted_on_held_out"] == rate(sum(arms["held"]), len(arms["held"])).as_json()
    expected = uplift(sum(arms["shown"]), len(arms["shown"]), sum(arms["held"]), len(arms["held"]))
    assert figures["uplift"] == expected.as_json()
    [rep] = team["reps"]
    assert (rep["rep_id"], rep["held_out"]) == ("ben@example.org", len(held))
