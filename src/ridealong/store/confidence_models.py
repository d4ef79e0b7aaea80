"""How a tenant's signals become a probability: versions fitted from its votes, one of them active at most."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from ridealong.core.confidence import Signals
from ridealong.core.errors import Refused


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredConfidence:
    """One version. `weights` holds `intercept` and a number for each feature. Errors: expected calibration error."""

    version: int
    weights: Mapping[str, float]
    agreed: int
    disagreed: int
    error_before: float
    error_after: float
    active: bool
    fitted_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class VotedClaim:
    """What people think of one claim, and what was known of it. `agrees`: the majority; a tie is no vote."""

    claim_id: UUID
    signals: Signals
    agrees: bool


_COLUMNS = "version, weights, agreed, disagreed, error_before, error_after, active, fitted_at"


async def active_confidence(connection: AsyncConnection) -> StoredConfidence | None:
    """The tenant's own; None where the shipped one holds."""
    cursor = await connection.execute(f"SELECT {_COLUMNS} FROM confidence_model WHERE active")
    row = await cursor.fetchone()
    return None if row is None else _stored(row)


async def list_confidence(connection: AsyncConnection) -> list[StoredConfidence]:
    """All versions, newest first."""
    cursor = await connection.execute(f"SELECT {_COLUMNS} FROM confidence_model ORDER BY version DESC")
    return [_stored(row) for row in await cursor.fetchall()]


async def keep_confidence(
    connection: AsyncConnection,
    weights: Mapping[str, float],
    *,
    agreed: int,
    disagreed: int,
    error_before: float,
    error_after: float,
) -> int:
    """Keep new weights as the active version, and give its number."""
    # Two that fit at once must not get the same number.
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('confidence ' || current_tenant()::text))")
    await connection.execute("UPDATE confidence_model SET active = false WHERE active")
    cursor = await connection.execute(
        "INSERT INTO confidence_model (tenant_id, version, weights, agreed, disagreed, error_before, error_after,"
        " active) SELECT current_tenant(), coalesce(max(version), 0) + 1, %s, %s, %s, %s, %s, true"
        " FROM confidence_model"
        " RETURNING version",
        [json.dumps(dict(weights)), agreed, disagreed, error_before, error_after],
    )
    row = await cursor.fetchone()
    return 0 if row is None else row[0]


async def take_up_confidence(connection: AsyncConnection, version: int) -> None:
    """Use an earlier version again; 0: the shipped one. Raises Refused('unknown_version')."""
    await connection.execute("UPDATE confidence_model SET active = false WHERE active")
    if version == 0:
        return
    cursor = await connection.execute("UPDATE confidence_model SET active = true WHERE version = %s", [version])
    if cursor.rowcount == 0:
        raise Refused(
            "unknown_version", f"this tenant has no confidence version {version}: see the list without --back"
        )


async def voted_claims(connection: AsyncConnection) -> list[VotedClaim]:
    """The claims that reviews state now, whose signals are kept and on which more people agree than not, or fewer."""
    cursor = await connection.execute(
        "SELECT c.claim_id, c.signals, sum(CASE v.verdict WHEN 'agree' THEN 1 ELSE -1 END) AS balance FROM claim_vote v"
        " JOIN claim c ON c.claim_id = v.claim_id AND c.call_id = v.call_id WHERE c.signals IS NOT NULL"
        " GROUP BY c.claim_id, c.signals HAVING sum(CASE v.verdict WHEN 'agree' THEN 1 ELSE -1 END) <> 0"
        " ORDER BY c.claim_id"
    )
    found: list[VotedClaim] = []
    for claim_id, stored, balance in await cursor.fetchall():
        signals = Signals.of(stored)
        if signals is not None:
            found.append(VotedClaim(claim_id=claim_id, signals=signals, agrees=balance > 0))
    return found


def _stored(row: tuple[Any, ...]) -> StoredConfidence:
    return StoredConfidence(
        version=row[0],
        weights=row[1],
        agreed=row[2],
        disagreed=row[3],
        error_before=row[4],
        error_after=row[5],
        active=row[6],
        fitted_at=row[7],
    )
