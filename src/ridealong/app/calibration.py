"""`ridealong review calibrate` and `/v1/confidence`: confidence learns from a tenant's votes, or goes back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from ridealong.postcall.confidence import LEAST_OF_A_KIND, LEAST_VOTES, Fit, confidence_of, fit_votes
from ridealong.store import Store
from ridealong.store.confidence_models import (
    StoredConfidence,
    active_confidence,
    keep_confidence,
    list_confidence,
    take_up_confidence,
    voted_claims,
)
from ridealong.store.tenants import find_tenant

if TYPE_CHECKING:
    from ridealong.config import Settings


async def calibrate(store: Store, tenant_id: UUID) -> tuple[int, Fit]:
    """Fit the tenant's weights from its votes and use them for reviews from now on. Gives their version.

    Raises Refused('too_few_votes').
    """
    async with store.tenant(tenant_id) as connection:
        claims = await voted_claims(connection)
        before = confidence_of(await active_confidence(connection))
        fit = await asyncio.to_thread(fit_votes, [(c.signals, c.agrees) for c in claims], before)
        version = await keep_confidence(
            connection,
            fit.weights,
            agreed=fit.agreed,
            disagreed=fit.disagreed,
            error_before=fit.error_before,
            error_after=fit.error_after,
        )
    return version, fit


Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class StoredCalibration:
    """Implements `web.confidence.ConfidenceOfTenants`."""

    store: Store

    async def versions(self, tenant_id: UUID) -> Json:
        async with self.store.tenant(tenant_id) as connection:
            found, claims = await list_confidence(connection), await voted_claims(connection)
        agreed = sum(claim.agrees for claim in claims)
        return {
            "versions": [_version_json(version) for version in found],
            "agreed": agreed,
            "disagreed": len(claims) - agreed,
            "needed": LEAST_VOTES,
            "needed_of_each": LEAST_OF_A_KIND,
        }

    async def calibrate(self, tenant_id: UUID) -> Json:
        made, _ = await calibrate(self.store, tenant_id)
        async with self.store.tenant(tenant_id) as connection:
            return next(_version_json(v) for v in await list_confidence(connection) if v.version == made)

    async def take_up(self, tenant_id: UUID, version: int) -> Json:
        async with self.store.tenant(tenant_id) as connection:
            await take_up_confidence(connection, version)
        return await self.versions(tenant_id)


def _version_json(version: StoredConfidence) -> Json:
    return {
        "version": version.version,
        "agreed": version.agreed,
        "disagreed": version.disagreed,
        "error_before": round(version.error_before, 4),
        "error_after": round(version.error_after, 4),
        "active": version.active,
        "fitted_at": version.fitted_at.isoformat(),
    }


async def run_calibration(settings: Settings, *, tenant: str, back: int | None, listed: bool) -> str:
    """What the command prints. Raises Refused."""
    store = await Store.open(settings)
    try:
        tenant_id = (await find_tenant(store, tenant)).tenant_id
        if listed:
            return await _versions(store, tenant_id)
        if back is not None:
            async with store.tenant(tenant_id) as connection:
                await take_up_confidence(connection, back)
            return f"Reviews from now on use {'the shipped weights' if back == 0 else f'version {back}'}."
        version, fit = await calibrate(store, tenant_id)
        return (
            f"Version {version} stands on {fit.agreed} claims that people agree with and {fit.disagreed} that they do"
            f" not.\nExpected calibration error on them: {fit.error_before:.3f} before, {fit.error_after:.3f} now"
            " (each claim weighed without having been learned from).\nReviews from now on use it; `ridealong review"
            f" calibrate --back {version - 1}` takes it back."
        )
    finally:
        await store.close()


async def _versions(store: Store, tenant_id: UUID) -> str:
    async with store.tenant(tenant_id) as connection:
        found = await list_confidence(connection)
    lines = [
        f"{'*' if v.active else ' '} {v.version:>3}  {v.fitted_at:%Y-%m-%d %H:%M}  {v.agreed} agreed,"
        f" {v.disagreed} not, error {v.error_before:.3f} -> {v.error_after:.3f}"
        for v in found
    ]
    return "\n".join([*lines, f"{' ' if any(v.active for v in found) else '*'}   0  as shipped"])
