"""A tenant's CRM for the web: `web.crm.Crms`, put together from its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ridealong.core.errors import Refused
from ridealong.store import calls, reviews
from ridealong.store import crm as stored
from ridealong.store.context_sources import load_sources
from ridealong.web.crm import (
    CallContextTold,
    CheckedCrm,
    ContextOrigin,
    CrmCall,
    CrmMappingRead,
    CrmMappingText,
    CrmSettings,
    CrmStatus,
    NewCrm,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ridealong.app.call_context import ContextIn
    from ridealong.app.crm_accounts import CrmAccounts
    from ridealong.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredCrms:
    """Implements `web.crm.Crms`."""

    store: Store
    accounts: CrmAccounts
    context_in: ContextIn

    async def read(self, tenant_id: UUID) -> CrmSettings | None:
        return await self.accounts.read(tenant_id)

    async def write(self, tenant_id: UUID, new: NewCrm) -> CrmSettings:
        return await self.accounts.write(tenant_id, new)

    def read_mapping(self, written: CrmMappingText) -> CrmMappingRead:
        return self.accounts.read_mapping(written)

    async def drop(self, tenant_id: UUID) -> None:
        await self.accounts.drop(tenant_id)

    async def check(self, tenant_id: UUID) -> CheckedCrm:
        return await self.accounts.check(tenant_id)

    async def log(self, tenant_id: UUID, *, status: CrmStatus | None, limit: int) -> list[CrmCall]:
        async with self.store.tenant(tenant_id) as connection:
            return [_told(one) for one in await stored.list_crm_calls(connection, status=status, limit=limit)]

    async def of_call(self, tenant_id: UUID, call_id: UUID) -> CrmCall | None:
        async with self.store.tenant(tenant_id) as connection:
            await stored.known_call(connection, call_id)
            found = await stored.list_crm_calls(connection, call_id=call_id)
        return _told(found[0]) if found else None

    async def state_deal(self, tenant_id: UUID, call_id: UUID, deal_id: str) -> None:
        account, mapping = await self.accounts.account(tenant_id)
        if not self.accounts.opened(tenant_id, account, mapping).is_deal_id(deal_id):
            raise Refused("bad_request", f"`deal_id`: {account.vendor.value} has no deals with such an id")
        async with self.store.tenant(tenant_id) as connection:
            await stored.known_call(connection, call_id)
            await stored.link_deal(connection, call_id, account.vendor, deal_id, by_person=True)

    async def push(self, tenant_id: UUID, call_id: UUID) -> None:
        account, _ = await self.accounts.account(tenant_id)
        async with self.store.tenant(tenant_id) as connection:
            await stored.known_call(connection, call_id)
            review = await _review(connection, call_id)
            if review is None or review.status is not reviews.ReviewStatus.FINISHED:
                raise Refused("not_reviewed", "the call has no review yet: there is nothing to write")
            await stored.wish(connection, call_id, account.vendor)

    async def context(self, tenant_id: UUID, call_id: UUID) -> CallContextTold:
        return await self._context(tenant_id, call_id, ())

    async def pull(self, tenant_id: UUID, call_id: UUID) -> CallContextTold:
        filled = await self.context_in.pull(tenant_id, call_id)
        return await self._context(tenant_id, call_id, filled.reasons)

    async def _context(self, tenant_id: UUID, call_id: UUID, reasons: Sequence[str]) -> CallContextTold:
        async with self.store.tenant(tenant_id) as connection:
            call = await calls.load_call(connection, call_id)
            sources = await load_sources(connection, call_id)
        return CallContextTold(
            **call.context.as_json(),
            sources={
                part: ContextOrigin(source=one.source.value, detail=one.detail, stated_at=one.stated_at)
                for part, one in sources.items()
            },
            reasons=list(reasons),
        )


async def _review(connection: Any, call_id: UUID) -> reviews.StoredReview | None:
    try:
        return await reviews.find_review(connection, call_id)
    except Refused:
        return None


def _told(one: stored.LoggedCrmCall) -> CrmCall:
    return CrmCall.model_validate(one, from_attributes=True)
