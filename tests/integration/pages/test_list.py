"""The list of calls: filters, orders and pages, over many calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from ridealong.web.answers.artifact import MomentTypesAnswer
from ridealong.web.answers.calls import CallPage
from tests.integration.pages.conftest import Pages

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
CALL_3 = UUID("00000000-0000-4000-8000-000000000003")


async def many(pages: Pages, count: int) -> list[UUID]:
    """Calls a minute apart, oldest first: reps 0 to 2 in turn, every second reviewed with its number as score, every
    third with a stall nudged and a price asked. Made by SQL: what is listed are rows, however they came.
    """
    async with pages.store.tenant(pages.tenant_id) as connection:
        await connection.execute(
            "INSERT INTO rep (tenant_id, rep_id, name) SELECT current_tenant(), 'rep-' || n, CASE n WHEN 0 THEN 'Anna'"
            " ELSE '' END FROM generate_series(0, 2) n"
        )
        await connection.execute(
            "INSERT INTO call (tenant_id, call_id, rep_id, title, consent, encoding, sample_rate, channels, layout,"
            " language, status, started_at, ended_at, ended_reason, audio_ms) SELECT current_tenant(),"
            " ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'rep-' || n %% 3,"
            " 'Call ' || n || ' 100%% of _it', 'yes', 'pcm16', 16000, 1, 'mixed', 'en', 'ended',"
            # Two calls begin at each minute: pages must not lose one of them.
            " %(start)s + make_interval(mins => n / 2), %(start)s, 'stopped', n * 1000"
            " FROM generate_series(0, %(count)s - 1) n",
            {"start": START, "count": count},
        )
        await connection.execute(
            "INSERT INTO transcript (tenant_id, call_id, revision) SELECT tenant_id, call_id, 1 FROM call"
        )
        await connection.execute(
            "INSERT INTO utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text)"
            " SELECT tenant_id, call_id, 1, 0, 0, 0, 900, 'How much is it?' FROM call WHERE audio_ms / 1000 % 3 = 0"
        )
        await connection.execute(
            "INSERT INTO moment (tenant_id, moment_id, call_id, revision, type, tier, reason, confidence, nudge,"
            " trigger_ts, utterance_no, speaker_id, start_ts, end_ts, text_length, quote_start, quote_end)"
            " SELECT tenant_id, gen_random_uuid(), call_id, 1, kind.type, kind.tier, 'delivered', 0.9, 'x', 900,"
            " 0, 0, 0, 900, text_length, 0, text_length FROM utterance,"
            " (VALUES ('stall', 'nudge'), ('price_asked', 'noted')) AS kind (type, tier)"
        )
        await connection.execute(
            "INSERT INTO review (tenant_id, review_id, call_id, revision, status, reviewer, rubric_id, rubric_title,"
            " score, assessed, finished_at) SELECT tenant_id, gen_random_uuid(), call_id, 1, 'finished', 'local', 'r',"
            " 'R', (audio_ms / 1000) % 101, true, now() FROM call WHERE audio_ms / 1000 % 2 = 0"
        )
        cursor = await connection.execute("SELECT call_id FROM call ORDER BY audio_ms")
        return [row[0] for row in await cursor.fetchall()]


async def listed(pages: Pages, **asked: Any) -> list[int]:
    """The numbers of the calls that the filters let through, by pages of seven."""
    found: list[int] = []
    asked = {name.rstrip("_"): value for name, value in asked.items()}
    before: str | None = None
    while True:
        params = {"limit": 7, **asked, **({} if before is None else {"before": before})}
        page = await pages.get("/calls", CallPage, params=params)
        found += [int(call["call_id"][-12:], 16) for call in page["calls"]]
        before = page["next"]
        if before is None:
            assert page["total"] == len(found)
            return found


async def test_filters_orders_and_pages_show_each_call_once(pages: Pages) -> None:
    await many(pages, 60)
    everything = list(range(60))
    assert sorted(await listed(pages)) == everything
    assert await listed(pages, sort="duration", order="asc") == everything
    assert await listed(pages, sort="duration") == everything[::-1]
    newest = await listed(pages)
    assert newest == sorted(everything, key=lambda n: (n // 2, n), reverse=True)
    by_score = await listed(pages, sort="score")
    assert by_score[:30] == everything[58::-2], "best first"
    assert sorted(by_score[30:]) == everything[1::2], "those without a score come last"
    assert (await listed(pages, sort="score", order="asc"))[:30] == everything[::2]
    assert sorted(await listed(pages, rep_id="rep-1")) == everything[1::3]
    assert sorted(await listed(pages, moment="stall")) == everything[::3]
    assert sorted(await listed(pages, moment=["price_asked", "silence"])) == everything[::3]
    assert await listed(pages, moment="silence") == []
    assert sorted(await listed(pages, score_min=10, score_max=20)) == [10, 12, 14, 16, 18, 20]
    assert sorted(await listed(pages, duration_min_s=57.5)) == [58, 59]
    assert sorted(await listed(pages, duration_max_s=1)) == [0, 1]
    assert sorted(await listed(pages, review="none")) == everything[1::2]
    assert sorted(await listed(pages, review="done")) == everything[::2]
    assert await listed(pages, review="failed") == await listed(pages, status="live") == []
    span = {"from": (START + timedelta(minutes=5)).isoformat(), "to": (START + timedelta(minutes=6)).isoformat()}
    assert sorted(await listed(pages, **span)) == [10, 11]
    assert await listed(pages, q="CALL 7 100% OF _IT") == [7], "signs of LIKE are letters"
    assert await listed(pages, q="call 7 %") == []
    assert sorted(await listed(pages, rep_id="rep-0", moment="stall", score_min=30, sort="score")) == [
        30,
        36,
        42,
        48,
        54,
    ]
    row = (await pages.get("/calls", params={"q": "Call 6 "}))["calls"][0]
    assert (row["rep_name"], row["score"], row["moment_counts"]) == ("Anna", 6.0, {"stall": 1, "price_asked": 1})
    assert (row["nudges"], row["comments"], row["review"]["status"]) == (1, 0, "finished")


async def test_a_page_of_another_list_is_refused(pages: Pages) -> None:
    await many(pages, 3)
    following = (await pages.get("/calls", params={"limit": 1}))["next"]
    for asked in ({"before": "x"}, {"before": "2026-11-02T09:00:00+00:00"}, {"before": following, "sort": "score"}):
        await pages.refused("GET", "/calls", 422, "bad_request", params=asked)
    for wrong in ({"moment": "No Type"}, {"score_min": 101}, {"from": "yesterday"}, {"q": "a\x00"}, {"order": "up"}):
        await pages.refused("GET", "/calls", 422, "bad_request", params=wrong)


async def test_every_type_of_moment_that_there_is_can_be_asked_for(pages: Pages) -> None:
    assert (await pages.get("/moment-types", MomentTypesAnswer))["types"] == []
    await many(pages, 7)
    async with pages.store.tenant(pages.tenant_id) as connection:
        await connection.execute(
            "INSERT INTO moment (tenant_id, moment_id, type, call_id, revision, tier, reason, confidence, nudge,"
            " trigger_ts, utterance_no, speaker_id, start_ts, end_ts, text_length, quote_start, quote_end)"
            " SELECT tenant_id, gen_random_uuid(), 'own_type', call_id, revision, tier, reason, confidence, nudge,"
            " trigger_ts, utterance_no, speaker_id, start_ts, end_ts, text_length, quote_start, quote_end"
            " FROM moment WHERE type = 'stall'"
            " AND call_id = %s",
            [CALL_3],
        )
    types = (await pages.get("/moment-types", MomentTypesAnswer))["types"]
    assert types == ["own_type", "price_asked", "stall"]
    assert await listed(pages, moment="own_type") == [3]


async def test_the_list_goes_by_the_newest_review_as_it_stands(pages: Pages) -> None:
    first, second, _ = await many(pages, 3)
    async with pages.store.tenant(pages.tenant_id) as connection:
        # Heard again: a second revision, whose review is asked for; then the first one's is written once more.
        await connection.execute(
            "INSERT INTO transcript (tenant_id, call_id, revision) VALUES (current_tenant(), %s, 2)", [first]
        )
        await connection.execute(
            "INSERT INTO review (tenant_id, review_id, call_id, revision)"
            " VALUES (current_tenant(), gen_random_uuid(), %s, 2)",
            [first],
        )
        await connection.execute("UPDATE review SET score = 99 WHERE call_id = %s AND revision = 1", [first])
        await connection.execute(
            "INSERT INTO review (tenant_id, review_id, call_id, revision, status, failure)"
            " VALUES (current_tenant(), gen_random_uuid(), %s, 1, 'failed', 'no model answered')",
            [second],
        )
    assert await listed(pages, review="running") == [0]
    assert await listed(pages, review="done", sort="score") == [2]
    failed = (await pages.get("/calls", params={"review": "failed"}))["calls"]
    assert [(row["score"], row["review"]["failure"]) for row in failed] == [(None, "no model answered")]
    async with pages.store.tenant(pages.tenant_id) as connection:
        await connection.execute(
            "UPDATE review SET status = 'finished', reviewer = 'local', rubric_id = 'r', rubric_title = 'R',"
            " score = 40, assessed = true, finished_at = now() WHERE call_id = %s AND revision = 2",
            [first],
        )
    assert await listed(pages, review="done", sort="score") == [0, 2]
    assert await listed(pages, score_min=40, score_max=40) == [0]
