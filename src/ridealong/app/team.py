"""The calls that run now, and how reps and the team do over weeks, each number with the calls behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode
from uuid import UUID

from ridealong.core.artifact import moment_json
from ridealong.core.errors import Refused
from ridealong.store import Store, calls, moments
from ridealong.store.call_list import CallFilter, list_page
from ridealong.store.team import Mean, Span, TeamFigures, team_figures

if TYPE_CHECKING:
    from ridealong.live.registry import LiveCalls

Json = Mapping[str, object]
LAST_MOMENTS: Final = 3
MOST_LIVE: Final = 500


@dataclass(frozen=True, slots=True)
class StoredTeam:
    """Implements `web.shelves.Team`."""

    store: Store
    running: LiveCalls

    async def live(self, tenant_id: UUID) -> Sequence[Json]:
        going = set(self.running.running(tenant_id))
        await asyncio.gather(*(self.running.caught_up(call_id) for call_id in going))
        found: list[Json] = []
        async with self.store.tenant(tenant_id) as conn:
            page = await list_page(conn, CallFilter(status="live"), limit=MOST_LIVE)
            for listed in page.calls:
                call_id = listed.call.call_id
                if call_id not in going:
                    # Another process has it, or nobody yet after a restart.
                    continue
                try:
                    running = await self.running.find(tenant_id, call_id)
                except Refused:
                    # It ended since: the others are still to be shown.
                    continue
                transcript_id = await calls.latest_revision(conn, call_id)
                transcript = await calls.load_transcript(conn, transcript_id, words=False)
                last = (await moments.load_moments(conn, transcript))[-LAST_MOMENTS:]
                found.append(
                    {
                        "call_id": str(call_id),
                        "title": listed.call.title,
                        "rep_id": listed.call.rep_id,
                        "rep_name": listed.rep_name,
                        "started_at": listed.call.started_at.isoformat(),
                        "audio_ms": running.audio_ms(),
                        "last_moments": [
                            {
                                "moment_id": str(m.moment_id),
                                **moment_json(m.moment),
                                "decided_by": m.moment.decided_by,
                            }
                            for m in last
                        ],
                    }
                )
        return found

    async def figures(
        self, tenant_id: UUID, *, started_from: datetime | None, started_to: datetime | None, rep_id: str | None
    ) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            span = Span(started_from=started_from, started_to=started_to, rep_id=rep_id)
            reps = await team_figures(conn, "rep", span)
            weeks = await team_figures(conn, "week", span)
        asked = {"status": "ended"}
        asked_span = {
            **({} if started_from is None else {"from": started_from.isoformat()}),
            **({} if started_to is None else {"to": started_to.isoformat()}),
        }
        by_rep = {} if rep_id is None else {"rep_id": rep_id}
        return {
            "reps": [
                {"rep_id": of.key, "name": of.name, **_numbers(of, {**asked, "rep_id": of.key, **asked_span})}
                for of in reps
            ],
            "weeks": [
                {
                    "week": _week(of.key),
                    **_numbers(of, {**asked, **by_rep, **_within(of.key, started_from, started_to)}),
                }
                for of in weeks
            ],
        }


def _week(monday: str) -> str:
    year, week, _ = datetime.fromisoformat(monday).isocalendar()
    return f"{year}-W{week:02d}"


def _within(monday: str, started_from: datetime | None, started_to: datetime | None) -> dict[str, str]:
    """The week's own span, cut to what was asked for: so the link leads to exactly the calls that were counted."""
    begins = datetime.fromisoformat(monday).replace(tzinfo=UTC)
    ends = begins + timedelta(days=7)
    return {
        "from": max(begins, started_from or begins).isoformat(),
        "to": min(ends, started_to or ends).isoformat(),
    }


def _numbers(of: TeamFigures, asked: Mapping[str, str]) -> dict[str, object]:
    def query(**more: str) -> str:
        return "?" + urlencode({**asked, **more})

    def mean(number: Mean, digits: int, **more: str) -> dict[str, object]:
        value = None if number.value is None else round(number.value, digits)
        return {"value": value, "n": number.n, "calls_query": query(**more)}

    def count(number: int, **more: str) -> dict[str, object]:
        return {"value": float(number), "n": of.calls, "calls_query": query(**more)}

    return {
        "calls": count(of.calls),
        "talk_ratio": mean(of.talk_ratio, 4, review="done"),
        "questions_per_call": mean(of.questions, 2, review="done"),
        "score": mean(of.score, 1, review="done"),
        "moments": {type_: count(number, moment=type_) for type_, number in of.moments.items()},
        "nudges": count(of.nudges),
        "nudges_helpful": count(of.nudges_helpful),
        "nudges_wrong": count(of.nudges_wrong),
    }
