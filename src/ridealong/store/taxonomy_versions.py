"""The versions of a tenant's own classifier: trained heads, which of them judges calls, and which runs beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid4

from psycopg import AsyncConnection

from ridealong.core.author import Author
from ridealong.core.errors import Refused
from ridealong.core.moments import Decision, Detection, Reason
from ridealong.store.evidence import COLUMN_LIST, VALUE_LIST, columns_of


class VersionState(StrEnum):
    TRAINING = "training"
    FAILED = "failed"
    CANDIDATE = "candidate"
    """Trained, and judging nothing."""
    SHADOW = "shadow"
    """Judges new calls beside the live one; what it finds is noted and never shown."""
    LIVE = "live"
    RETIRED = "retired"


STALE_MINUTES: Final = 10
"""A training that has not ended after this time died with its process."""


_ONE_AT_A_TIME: Final = (
    "SELECT pg_advisory_xact_lock(hashtextextended(current_tenant()::text || 'taxonomy_version', 0))"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredTaxonomyVersion:
    """Without its head. `features` names what an utterance is to it (`live.tuning_base.features_name`)."""

    version: int
    state: VersionState
    features: str
    report: Mapping[str, Any]
    failure: str | None
    author: Author
    created_at: datetime
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredHead:
    version: int
    features: str
    head: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadsInUse:
    live: StoredHead | None
    shadow: StoredHead | None


async def begin_training(connection: AsyncConnection, author: Author) -> int:
    """The number of the version that is trained from now on. Raises Refused('already_training')."""
    await connection.execute(_ONE_AT_A_TIME)
    await connection.execute(
        "UPDATE taxonomy_version SET state = 'failed', failure = 'the process that trained it ended',"
        " changed_at = now() WHERE state = 'training' AND created_at < now() - make_interval(mins => %s)",
        [STALE_MINUTES],
    )
    cursor = await connection.execute(
        "INSERT INTO taxonomy_version (tenant_id, version, state, author_id, author_name, changed_by)"
        " SELECT current_tenant(), coalesce(max(version), 0) + 1, 'training', %s, %s, %s FROM taxonomy_version"
        " HAVING count(*) FILTER (WHERE state = 'training') = 0 RETURNING version",
        [author.member_id, author.name, author.name],
    )
    row = await cursor.fetchone()
    if row is None:
        raise Refused("already_training", "a version is being trained: wait for it, some seconds")
    return int(row[0])


async def finish_training(
    connection: AsyncConnection, version: int, *, head: bytes, features: str, report: Mapping[str, Any]
) -> None:
    """It is a candidate from now on."""
    await connection.execute(
        "UPDATE taxonomy_version SET state = 'candidate', head = %s, features = %s, report = %s, changed_at = now()"
        " WHERE version = %s AND state = 'training'",
        [head, features, json.dumps(report), version],
    )


async def fail_training(connection: AsyncConnection, version: int, why: str) -> None:
    await connection.execute(
        "UPDATE taxonomy_version SET state = 'failed', failure = %s, changed_at = now()"
        " WHERE version = %s AND state = 'training'",
        [why, version],
    )


async def move(connection: AsyncConnection, version: int, state: VersionState, author: Author) -> None:
    """Let that version be live, in shadow, or retired. The one that was steps back.

    Raises Refused('unknown_version' | 'not_trained').
    """
    await connection.execute(_ONE_AT_A_TIME)
    found = await load_version(connection, version)
    if found.state in (VersionState.TRAINING, VersionState.FAILED):
        raise Refused("not_trained", f"version {version} has no head: it is {found.state.value}")
    if state in (VersionState.LIVE, VersionState.SHADOW):
        await connection.execute(
            "UPDATE taxonomy_version SET state = 'retired', changed_at = now(), changed_by = %s"
            " WHERE state = %s AND version <> %s",
            [author.name, state.value, version],
        )
    await connection.execute(
        "UPDATE taxonomy_version SET state = %s, changed_at = now(), changed_by = %s"
        " WHERE version = %s AND state <> %s",
        [state.value, author.name, version, state.value],
    )


async def add_report(connection: AsyncConnection, version: int, more: Mapping[str, Any]) -> None:
    """Put `more` into the version's report."""
    await connection.execute(
        "UPDATE taxonomy_version SET report = report || %s::jsonb WHERE version = %s", [json.dumps(more), version]
    )


async def load_version(connection: AsyncConnection, version: int) -> StoredTaxonomyVersion:
    """Raises Refused('unknown_version')."""
    found = await list_taxonomy_versions(connection, version=version)
    if not found:
        raise Refused("unknown_version", "the tenant has no such version of its classifier")
    return found[0]


async def list_taxonomy_versions(
    connection: AsyncConnection, *, version: int | None = None
) -> list[StoredTaxonomyVersion]:
    """Newest first."""
    cursor = await connection.execute(
        "SELECT version, state, features, report, failure, author_id, author_name, created_at, changed_at, changed_by"
        " FROM taxonomy_version WHERE version = coalesce(%s, version) ORDER BY version DESC",
        [version],
    )
    return [
        StoredTaxonomyVersion(
            version=row[0],
            state=VersionState(row[1]),
            features=row[2],
            report=row[3],
            failure=row[4],
            author=Author(member_id=row[5], name=row[6]),
            created_at=row[7],
            changed_at=row[8],
            changed_by=row[9],
        )
        for row in await cursor.fetchall()
    ]


async def load_head(connection: AsyncConnection, version: int) -> StoredHead:
    """Raises Refused('unknown_version' | 'not_trained')."""
    await load_version(connection, version)
    found = await _heads(connection, "version = %s", [version])
    if not found:
        raise Refused("not_trained", f"version {version} has no head")
    return found[0][1]


async def heads_in_use(connection: AsyncConnection) -> HeadsInUse:
    """What new calls begin with."""
    found = dict(await _heads(connection, "state IN ('live', 'shadow')", []))
    return HeadsInUse(live=found.get("live"), shadow=found.get("shadow"))


async def heads_of_call(connection: AsyncConnection, call_id: UUID) -> HeadsInUse | None:
    """What that call began with; None where nothing was kept of it, which is a call that has not begun."""
    cursor = await connection.execute(
        "SELECT live_version, shadow_version FROM call_taxonomy WHERE call_id = %s", [call_id]
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    found = {head.version: head for _, head in await _heads(connection, "version = ANY (%s)", [list(row)])}
    return HeadsInUse(live=found.get(row[0]), shadow=found.get(row[1]))


async def _heads(connection: AsyncConnection, where: str, values: Sequence[object]) -> list[tuple[str, StoredHead]]:
    cursor = await connection.execute(
        f"SELECT state, version, features, head FROM taxonomy_version WHERE {where} AND head IS NOT NULL",  # pyright: ignore[reportArgumentType] - words of ours
        values,
    )
    return [
        (row[0], StoredHead(version=row[1], features=row[2], head=bytes(row[3]))) for row in await cursor.fetchall()
    ]


async def keep_heads_of_call(connection: AsyncConnection, call_id: UUID, live: int | None, shadow: int | None) -> None:
    """With the call's own row: a call goes on with what it began with, also after a restart."""
    await connection.execute(
        "INSERT INTO call_taxonomy (tenant_id, call_id, live_version, shadow_version)"
        " VALUES (current_tenant(), %s, %s, %s) ON CONFLICT (tenant_id, call_id) DO NOTHING",
        [call_id, live, shadow],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ShadowMoment:
    """What a head in shadow found; `would`: what policy would have made of it."""

    version: int
    detection: Detection
    would: Decision


async def record_shadow_moments(connection: AsyncConnection, found: Sequence[ShadowMoment]) -> None:
    async with connection.cursor() as writing:
        await writing.executemany(
            "INSERT INTO shadow_moment (tenant_id, shadow_moment_id, version, type, confidence, would, trigger_ts,"
            f" {COLUMN_LIST}) VALUES (current_tenant(), %(shadow_moment_id)s, %(version)s, %(type)s, %(confidence)s,"
            f" %(would)s, %(trigger_ts)s, {VALUE_LIST})",
            [
                {
                    "shadow_moment_id": uuid4(),
                    "version": one.version,
                    "type": one.detection.type,
                    "confidence": one.detection.confidence,
                    "would": one.would.reason.value,
                    "trigger_ts": one.detection.trigger_ts,
                    **columns_of(one.detection.evidence[0]),
                }
                for one in found
            ],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredShadowMoment:
    shadow_moment_id: UUID
    version: int
    call_id: UUID
    type: str
    confidence: float
    would: Reason
    trigger_ts: int
    revision: int
    utterance_no: int
    start_ts: int
    end_ts: int
    quote: str


async def list_shadow_moments(
    connection: AsyncConnection, *, version: int, call_id: UUID | None = None, limit: int = 500
) -> list[StoredShadowMoment]:
    """Newest calls first, each in its order."""
    cursor = await connection.execute(
        "SELECT s.shadow_moment_id, s.version, s.call_id, s.type, s.confidence, s.would, s.trigger_ts, s.revision,"
        " s.utterance_no, s.start_ts, s.end_ts, substr(u.text, s.quote_start + 1, s.quote_end - s.quote_start)"
        " FROM shadow_moment s JOIN call c USING (call_id)"
        " JOIN utterance u USING (call_id, revision, utterance_no)"
        " WHERE s.version = %s AND s.call_id = coalesce(%s, s.call_id)"
        " ORDER BY c.started_at DESC, s.call_id, s.trigger_ts LIMIT %s",
        [version, call_id, limit],
    )
    return [
        StoredShadowMoment(
            shadow_moment_id=row[0],
            version=row[1],
            call_id=row[2],
            type=row[3],
            confidence=row[4],
            would=Reason(row[5]),
            trigger_ts=row[6],
            revision=row[7],
            utterance_no=row[8],
            start_ts=row[9],
            end_ts=row[10],
            quote=row[11],
        )
        for row in await cursor.fetchall()
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShadowCount:
    """Of one type over the calls that the shadow heard: what both found at an utterance, and what one alone."""

    type: str
    both: int
    live_only: int
    shadow_only: int
    live_nudged: int
    shadow_would_nudge: int


async def compare_shadow(
    connection: AsyncConnection, version: int, timing_types: Sequence[str]
) -> tuple[int, list[ShadowCount]]:
    """(how many calls it heard, what both heads found on them); types of the clock are left out."""
    cursor = await connection.execute("SELECT count(*) FROM call_taxonomy WHERE shadow_version = %s", [version])
    row = await cursor.fetchone()
    cursor = await connection.execute(
        "WITH heard AS (SELECT call_id FROM call_taxonomy WHERE shadow_version = %(version)s),"
        " live AS (SELECT DISTINCT ON (call_id, revision, utterance_no, type)"
        "  call_id, revision, utterance_no, type, tier FROM moment JOIN heard USING (call_id)"
        "  WHERE type <> ALL (%(timing)s)),"
        " shadow AS (SELECT DISTINCT ON (call_id, revision, utterance_no, type)"
        "  call_id, revision, utterance_no, type, would FROM shadow_moment WHERE version = %(version)s)"
        " SELECT type, count(*) FILTER (WHERE l.tier IS NOT NULL AND s.would IS NOT NULL),"
        " count(*) FILTER (WHERE s.would IS NULL), count(*) FILTER (WHERE l.tier IS NULL),"
        " count(*) FILTER (WHERE l.tier = 'nudge'), count(*) FILTER (WHERE s.would = 'delivered')"
        " FROM live l FULL JOIN shadow s USING (call_id, revision, utterance_no, type) GROUP BY type ORDER BY type",
        {"version": version, "timing": list(timing_types)},
    )
    counts = [
        ShadowCount(type=r[0], both=r[1], live_only=r[2], shadow_only=r[3], live_nudged=r[4], shadow_would_nudge=r[5])
        for r in await cursor.fetchall()
    ]
    return (0 if row is None else int(row[0])), counts
