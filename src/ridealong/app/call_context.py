"""What the CRM and the calendars know of a call, filled in before its review: a rubric may depend on it.

A person's word stays, and so does what the call began with. The CRM goes before the calendar: it knows the customer by
name. Nothing here ever keeps a review: what does not answer in time is not waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from ridealong.app.crm_deals import find_deal, stage_of
from ridealong.core.context import LONGEST, CallContext
from ridealong.core.crm import ContextSource, CrmFailed, CrmFault, Stated
from ridealong.core.errors import InvalidDocument, Refused
from ridealong.store import calls
from ridealong.store import crm as stored
from ridealong.store.context_sources import fill_context, load_sources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ridealong.app.calendars import Met, StoredCalendars
    from ridealong.app.crm_accounts import CrmAccounts
    from ridealong.store import Store
    from ridealong.store.calls import StoredCall

_log = structlog.get_logger(__name__)

BEFORE_REVIEW_S: Final = 10.0
"""A review waits no longer for what CRM and calendars know."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """Which parts were filled, and why others were not."""

    parts: Mapping[str, Stated]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextIn:
    """Fills calls' contexts."""

    store: Store
    accounts: CrmAccounts
    calendars: StoredCalendars

    async def before_review(self, tenant_id: UUID, call_id: UUID) -> int:
        """How many parts were filled. Raises nothing that would keep a review, Unavailable apart."""
        try:
            async with asyncio.timeout(BEFORE_REVIEW_S):
                filled = await self.pull(tenant_id, call_id)
        except TimeoutError:
            _log.info("context_too_late", call_id=str(call_id))
            return 0
        except (Refused, InvalidDocument) as error:
            _log.info("context_not_filled", call_id=str(call_id), error=type(error).__name__)
            return 0
        return len(filled.parts)

    async def pull(self, tenant_id: UUID, call_id: UUID) -> Filled:
        """Look now. Raises Refused('unknown_call') or Unavailable."""
        async with self.store.tenant(tenant_id) as connection:
            call = await calls.load_call(connection, call_id)
            sources = await load_sources(connection, call_id)
        met = await self.calendars.meeting_of(tenant_id, call)
        from_crm, reasons = await self._from_crm(tenant_id, call, met, sources)
        found: dict[str, Stated] = {}
        if met is not None and met.meeting is not None:
            detail = f"meeting {met.meeting.uid}"
            found = {
                part: Stated(value=value, source=ContextSource.CALENDAR, detail=detail)
                for part, value in met.context.items()
            }
        found |= from_crm
        async with self.store.tenant(tenant_id) as connection:
            filled = await fill_context(connection, call_id, found)
        return Filled(parts=filled, reasons=(*(() if met is None else met.reasons), *reasons))

    async def people_of(self, tenant_id: UUID, call: StoredCall) -> Sequence[str]:
        """Addresses of the customer's people, as the calendars know them."""
        met = await self.calendars.meeting_of(tenant_id, call)
        return () if met is None else met.people

    async def _from_crm(
        self, tenant_id: UUID, call: StoredCall, met: Met | None, sources: Mapping[str, Stated]
    ) -> tuple[dict[str, Stated], tuple[str, ...]]:
        try:
            account, mapping = await self.accounts.account(tenant_id)
        except Refused:
            return {}, ()
        async with self.store.tenant(tenant_id) as connection:
            linked = await stored.load_crm_call(connection, call.call_id)
        try:
            async with self.accounts.opened(tenant_id, account, mapping) as crm:
                deal = await find_deal(
                    crm,
                    _known(call.context, met, sources),
                    () if met is None else met.people,
                    known_id="" if linked is None else linked.deal_id,
                )
        except CrmFailed as error:
            if error.fault not in (CrmFault.NO_DEAL, CrmFault.SEVERAL_DEALS):
                _log.info("crm_not_asked", call_id=str(call.call_id), fault=error.fault.value, answer=error.answer)
            return {}, (f"crm: {error.fault.value}: {error}",)
        async with self.store.tenant(tenant_id) as connection:
            await stored.link_deal(connection, call.call_id, account.vendor, deal.deal_id, by_person=False)
        said = {"customer": deal.customer, "deal": deal.name, "stage": stage_of(mapping, deal)}
        detail = f"{account.vendor.value} deal {deal.deal_id}"
        return {
            part: Stated(value=tidy, source=ContextSource.CRM, detail=detail)
            for part, value in said.items()
            if (tidy := " ".join(value.split())) and len(tidy) <= LONGEST[part] and tidy.isprintable()
        }, ()


def _known(context: CallContext, met: Met | None, sources: Mapping[str, Stated]) -> CallContext:
    """What is known to look by. What the CRM said itself before is not: a deal may have been renamed, or left."""
    said = {
        part: "" if part in sources and sources[part].source is ContextSource.CRM else value
        for part, value in context.as_json().items()
    }
    own = CallContext(**said)
    if met is None:
        return own
    # A domain is no name of a company; only what a description says is looked by.
    stated = {} if met.meeting is None else met.meeting.said()
    return own.over(CallContext(**stated))
