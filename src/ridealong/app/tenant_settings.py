"""Tenants' settings for the web, and what follows from them: calls that are past their time are erased."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog
from psycopg import AsyncConnection

from ridealong.app.background import beside
from ridealong.app.documents import shipped_document
from ridealong.app.library import erase_everywhere
from ridealong.core.errors import InvalidDocument, Refused, RidealongError
from ridealong.postcall.chosen_rubric import RUBRIC_NAME
from ridealong.postcall.rubric import DEFAULT_RUBRIC
from ridealong.store import Store, tenants
from ridealong.store import tenant_settings as stored
from ridealong.store.tenants import DocumentKind
from ridealong.web.settings import Consent, TenantSettings

if TYPE_CHECKING:
    from ridealong.live.registry import LiveCalls
    from ridealong.recording.folder import Recordings

_log = structlog.get_logger(__name__)

DEFAULT_TEMPLATE: Final = "manager"
DEFAULT_CONSENT: Final = Consent(
    region="Everywhere",
    text="I would like to record our conversation, so that I can listen to you instead of taking notes."
    " Is that all right with you?",
)
EVERY_S: Final = 24 * 3600.0
AGAIN_S: Final = 600.0
"""After a sweep that broke off, for example because the database was away."""
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """Implements `web.settings.SettingsOfTenants`."""

    store: Store

    async def read(self, tenant_id: UUID) -> TenantSettings:
        async with self.store.tenant(tenant_id) as connection:
            return await self._read(connection)

    async def write(self, tenant_id: UUID, settings: TenantSettings) -> TenantSettings:
        _refuse_twice(settings.consents)
        async with self.store.tenant(tenant_id) as connection:
            await _refuse_unknown(connection, DocumentKind.RUBRIC, settings.default_rubric)
            await _refuse_unknown(connection, DocumentKind.TEMPLATE, settings.default_template)
            await stored.put_settings(
                connection,
                stored.TenantSettings(
                    retention_days=settings.retention_days,
                    default_rubric=settings.default_rubric,
                    default_template=settings.default_template,
                ),
            )
            await _put_consents(connection, settings.consents)
            return await self._read(connection)

    async def write_consents(self, tenant_id: UUID, consents: list[Consent]) -> list[Consent]:
        _refuse_twice(consents)
        async with self.store.tenant(tenant_id) as connection:
            await _put_consents(connection, consents)
            return (await self._read(connection)).consents

    async def _read(self, connection: AsyncConnection) -> TenantSettings:
        chosen = await stored.load_settings_of(connection)
        consents = await stored.load_consents(connection)
        rubric = chosen.default_rubric
        if rubric is None:
            own = await tenants.active_document(connection, DocumentKind.RUBRIC, RUBRIC_NAME)
            rubric = DEFAULT_RUBRIC if own is None else RUBRIC_NAME
        return TenantSettings(
            retention_days=chosen.retention_days,
            default_rubric=rubric,
            default_template=chosen.default_template or DEFAULT_TEMPLATE,
            consents=[Consent(region=c.region, text=c.text) for c in consents] or [DEFAULT_CONSENT],
        )


async def _put_consents(connection: AsyncConnection, consents: list[Consent]) -> None:
    # The product's own words are not kept as the tenant's: a better wording of ours should reach it.
    own = [] if consents == [DEFAULT_CONSENT] else consents
    await stored.put_consents(connection, [stored.ConsentWording(region=c.region, text=c.text) for c in own])


def _refuse_twice(consents: list[Consent]) -> None:
    if len({consent.region for consent in consents}) < len(consents):
        raise Refused("bad_request", "`consents`: a region is named twice")


async def _refuse_unknown(connection: AsyncConnection, kind: DocumentKind, name: str) -> None:
    """Raises Refused('not_found') where neither the tenant nor the product has such a document."""
    stored_name = f"{name}.html" if kind is DocumentKind.TEMPLATE else name
    if await tenants.active_document(connection, kind, stored_name) is None:
        try:
            await asyncio.to_thread(shipped_document, kind.value, stored_name)
        except (Refused, InvalidDocument):
            raise Refused("not_found", f"there is no {kind} of that name: write it first") from None


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """Erases calls that are past their tenant's time."""

    store: Store
    recordings: Recordings
    running: LiveCalls

    def sweeping(self) -> AbstractAsyncContextManager[None]:
        """Sweep now and once a day, inside the `async with`."""
        return beside(self._sweep_for_ever())

    async def sweep(self) -> int:
        """Erase all that is past its time; how many calls that were. Raises Unavailable."""
        erased = 0
        for tenant_id, days in await stored.retentions(self.store):
            failed: set[UUID] = set()
            while True:
                async with self.store.tenant(tenant_id) as connection:
                    due = await stored.calls_past(connection, days, limit=_AT_ONCE + len(failed))
                due = [call_id for call_id in due if call_id not in failed]
                if not due:
                    break
                for call_id in due:
                    try:
                        await erase_everywhere(self.store, self.recordings, tenant_id, call_id, running=self.running)
                        erased += 1
                    except (Refused, OSError) as error:
                        # Another server was faster, or its files cannot be deleted: the others go all the same.
                        failed.add(call_id)
                        _log.warning("call_not_erased", call_id=str(call_id), error=type(error).__name__)
        return erased

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                erased = await self.sweep()
                if erased:
                    _log.info("calls_past_their_time_erased", calls=erased)
                await asyncio.sleep(EVERY_S)
            except (RidealongError, OSError) as error:
                _log.warning("retention_sweep_failed", error=type(error).__name__)
                await asyncio.sleep(AGAIN_S)
