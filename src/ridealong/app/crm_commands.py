"""`ridealong crm …`: the same as `/v1/crm`, for who sits at the server."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from ridealong.app.calendars import StoredCalendars
from ridealong.app.call_context import ContextIn
from ridealong.app.crm import StoredCrms
from ridealong.app.crm_accounts import CrmAccounts
from ridealong.app.crm_writing import CrmWriter
from ridealong.app.deals import StoredDeals
from ridealong.core.errors import Refused
from ridealong.store import Store, tenants
from ridealong.store.sealing import Sealing
from ridealong.web.crm import NewCrm

if TYPE_CHECKING:
    from ridealong.config import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class _Desk:
    store: Store
    tenant_id: UUID
    crms: StoredCrms


async def show_crm(settings: Settings, *, tenant: str) -> str:
    """The tenant's CRM as JSON, without its secret. Raises Refused('not_found')."""
    async with _desk(settings, tenant) as desk:
        found = await desk.crms.read(desk.tenant_id)
    if found is None:
        raise Refused("not_found", "this tenant has no CRM: set one up with `ridealong crm set`")
    return found.model_dump_json(indent=2)


async def set_crm(settings: Settings, *, tenant: str, new: NewCrm) -> str:
    """Set it up. Raises Refused, InvalidDocument with the line of a mistake in the mapping, or MissingPart."""
    async with _desk(settings, tenant) as desk:
        return (await desk.crms.write(desk.tenant_id, new)).model_dump_json(indent=2)


async def check_crm(settings: Settings, *, tenant: str) -> tuple[str, bool]:
    """What the CRM says to our token and the mapping, and whether all of it works."""
    async with _desk(settings, tenant) as desk:
        checked = await desk.crms.check(desk.tenant_id)
    return checked.model_dump_json(indent=2), checked.works


async def push_call(settings: Settings, *, tenant: str, call_id: UUID, deal_id: str | None) -> tuple[str, bool]:
    """Write the call's review now; what came of it, and whether all was written."""
    from ridealong.embedding.minilm import load_embedder  # noqa: PLC0415 - only this command reads deals
    from ridealong.postcall.evidence import EvidenceFinder  # noqa: PLC0415

    async with _desk(settings, tenant) as desk:
        if deal_id is not None:
            await desk.crms.state_deal(desk.tenant_id, call_id, deal_id)
        await desk.crms.push(desk.tenant_id, call_id)
        embedder = load_embedder()
        with ThreadPoolExecutor(1, "deals") as threads:
            deals = StoredDeals(store=desk.store, embedder=embedder, finder=EvidenceFinder(embedder), threads=threads)
            writer = CrmWriter(
                store=desk.store,
                accounts=desk.crms.accounts,
                deals=deals,
                people_of=desk.crms.context_in.people_of,
                home=settings.public_url or f"http://{settings.host}:{settings.port}",
            )
            # A server on the same database may be faster: what it did stands in the log.
            await writer.write(desk.tenant_id, call_id)
        found = await desk.crms.of_call(desk.tenant_id, call_id)
    if found is None:
        raise Refused("unknown_call", "the call was erased meanwhile")
    return found.model_dump_json(indent=2), found.status == "written"


async def pull_call(settings: Settings, *, tenant: str, call_id: UUID) -> str:
    """What CRM and calendars know of the call, filled in, as JSON."""
    async with _desk(settings, tenant) as desk:
        return (await desk.crms.pull(desk.tenant_id, call_id)).model_dump_json(indent=2)


async def list_pushes(settings: Settings, *, tenant: str, limit: int) -> str:
    """The log as JSON."""
    async with _desk(settings, tenant) as desk:
        calls = await desk.crms.log(desk.tenant_id, status=None, limit=limit)
    return json.dumps([call.model_dump(mode="json") for call in calls], indent=2)


@asynccontextmanager
async def _desk(settings: Settings, tenant: str) -> AsyncGenerator[_Desk]:
    store = await Store.open(settings)
    try:
        found = await tenants.find_tenant(store, tenant)
        sealing = Sealing.of_settings(settings)
        accounts = CrmAccounts(store=store, sealing=sealing, allow_private=settings.crm_private)
        calendars = StoredCalendars(store=store, sealing=sealing, allow_private=settings.crm_private)
        context_in = ContextIn(store=store, accounts=accounts, calendars=calendars)
        crms = StoredCrms(store=store, accounts=accounts, context_in=context_in)
        yield _Desk(store=store, tenant_id=found.tenant_id, crms=crms)
    finally:
        await store.close()
