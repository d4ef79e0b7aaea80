"""Writing reviews into tenants' CRMs: once each, again where time may help, beside the review and never in its way.

Writing the same review again asks much and changes nothing: an equal note is known by its digest, an equal value by
reading it first. What somebody wrote into a property by hand stays.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from ridealong.app.background import beside, keep_up
from ridealong.app.crm_accounts import CrmAccounts, problem_of
from ridealong.app.crm_deals import find_deal
from ridealong.core.crm import PASSING, CrmDeal, CrmFailed, CrmFault
from ridealong.core.errors import InvalidDocument, Refused
from ridealong.crm.writing import Wanted, write_up
from ridealong.store import artifacts, calls, tenants
from ridealong.store import crm as stored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ridealong.app.deals import StoredDeals
    from ridealong.core.crm import DealProperty
    from ridealong.crm import Crm
    from ridealong.crm.mapping import CrmMapping
    from ridealong.store import Store
    from ridealong.store.calls import StoredCall

_log = structlog.get_logger(__name__)

PeopleOf = Callable[["UUID", "StoredCall"], Awaitable[Sequence[str]]]
"""The addresses of a call's customers, as the calendars know them."""

AGAIN_S: Final = (30.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0)
"""Waits between attempts: about 32 hours together."""
_LOOK_EVERY_S: Final = 3.0
_AT_ONCE: Final = 4
_LONGEST_S: Final = 150.0
"""Of one writing; shorter than the time for which a call belongs to who writes it."""
LOG_DAYS: Final = 30


@dataclass(slots=True)
class _Done:
    """What was done so far: an attempt that fails in its middle tells what it had written."""

    note: str = "untouched"
    written: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def attempt(self, began: float, error: CrmFailed | None) -> stored.CrmAttempt:
        outcome, reason = "unchanged", ""
        if self.written or self.note != "untouched":
            outcome = "written"
        if self.missing:
            outcome, reason = "partly", f"{CrmFault.PROPERTY_MISSING.value}: {', '.join(self.missing)}"
        if error is not None:
            named = f" ({', '.join(error.properties)})" if error.properties else ""
            outcome, reason = "failed", f"{error.fault.value}: {error}{named}"
        return stored.CrmAttempt(
            outcome=outcome,
            reason=reason,
            note=self.note,
            written=self.written,
            kept=self.kept,
            missing=self.missing,
            answer=None if error is None else error.answer,
            duration_ms=round((time.monotonic() - began) * 1000),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CrmWriter:
    """Writes what waits, of all tenants. `home`: the address that people open, where the links lead."""

    store: Store
    accounts: CrmAccounts
    deals: StoredDeals
    people_of: PeopleOf
    home: str

    def writing(self) -> AbstractAsyncContextManager[None]:
        """Write inside the `async with`."""
        return beside(
            keep_up(self.write_due, self.tidy, at_once=_AT_ONCE, look_every_s=_LOOK_EVERY_S, waits="crm_waits")
        )

    async def write_due(self) -> int:
        """Try what is due now, once; how many calls were. Raises Unavailable."""
        due = await stored.due_calls(self.store, limit=_AT_ONCE)
        await asyncio.gather(*(self.write(tenant_id, call_id) for tenant_id, call_id in due))
        return len(due)

    async def write(self, tenant_id: UUID, call_id: UUID) -> stored.CrmAttempt | None:
        """Try that call, if it is due and nobody else does; what came of it."""
        async with self.store.tenant(tenant_id) as connection:
            taken = await stored.take(connection, call_id)
        if taken is None:
            return None
        began, done, failed = time.monotonic(), _Done(), None
        try:
            async with asyncio.timeout(_LONGEST_S):
                await self._write(tenant_id, taken, done)
        except CrmFailed as error:
            failed = error
        except TimeoutError:
            failed = CrmFailed(CrmFault.LATE, "it took too long altogether")
        except Refused as error:
            fault = CrmFault.NO_REVIEW if error.code == "not_reviewed" else CrmFault.NOT_SET_UP
            failed = CrmFailed(fault, str(error))
        except InvalidDocument as error:
            failed = CrmFailed(CrmFault.NOT_SET_UP, str(error))
        attempt = done.attempt(began, failed)
        if failed is not None:
            _log.info("crm_not_written", call_id=str(call_id), fault=failed.fault.value, answer=failed.answer)
        again = None
        if failed is not None and failed.fault in PASSING and taken.attempts <= len(AGAIN_S):
            again = max(AGAIN_S[taken.attempts - 1], failed.wait_s)
        status = "dead" if failed is not None else "partly" if done.missing else "written"
        async with self.store.tenant(tenant_id) as connection:
            await stored.settle(connection, taken, attempt, status=status, again_in_s=again)
        return attempt

    async def _write(self, tenant_id: UUID, call: stored.CrmCall, done: _Done) -> None:
        account, mapping = await self.accounts.account(tenant_id)
        async with self.store.tenant(tenant_id) as connection:
            artifact = await artifacts.load_artifact(connection, call.call_id)
            about = await calls.load_call(connection, call.call_id)
        async with self.accounts.opened(tenant_id, account, mapping) as crm:
            if not call.deal_id:
                deal = await find_deal(crm, about.context, await self.people_of(tenant_id, about))
                call = replace(call, deal_id=deal.deal_id)
                async with self.store.tenant(tenant_id) as connection:
                    await stored.link_deal(connection, call.call_id, call.vendor, deal.deal_id, by_person=False)
            known = await crm.properties()
            places = [place for place in mapping.places() if _fit(place.property, known) and _fit(place.link, known)]
            wanted_names = [name for place in places for name in (place.property, place.link) if name is not None]
            deal = await crm.deal(call.deal_id, wanted_names)
            done.missing = tuple(name for name in mapping.properties() if not _fit(name, known))
            async with self.store.tenant(tenant_id) as connection:
                of_deal = await stored.calls_of_deal(connection, call.vendor, call.deal_id)
            fields = await self.deals.of_calls(tenant_id, of_deal)
            writing = write_up(artifact, fields, mapping, started_at=about.started_at, home=self.home)
            if mapping.note:
                note, text = writing.note, crm.note_text(writing.note)
                digest = hashlib.sha256(text.encode()).digest()
                if not call.note_id or call.note_digest != digest:
                    note_id = call.note_id or await crm.find_note(call.deal_id, note.mark)
                    made = await crm.write_note(call.deal_id, note, note_id)
                    async with self.store.tenant(tenant_id) as connection:
                        await stored.keep_note(connection, call.call_id, made, digest)
                    done.note = "rewritten" if note_id == made else "made"
            async with self.store.tenant(tenant_id) as connection:
                outdated = await stored.later_call_written(connection, call)
            wanted = [*writing.of_deal, *(() if outdated else writing.of_call)]
            await self._write_values(
                tenant_id,
                crm,
                deal,
                [one for one in wanted if one.place in places],
                mapping=mapping,
                known=known,
                done=done,
            )

    async def _write_values(
        self,
        tenant_id: UUID,
        crm: Crm,
        deal: CrmDeal,
        wanted: list[Wanted],
        *,
        mapping: CrmMapping,
        known: Mapping[str, DealProperty],
        done: _Done,
    ) -> None:
        async with self.store.tenant(tenant_id) as connection:
            account = await stored.load_account(connection)
            vendor = None if account is None else account.vendor
            digests = {} if vendor is None else await stored.load_digests(connection, vendor, deal.deal_id)
        if vendor is None:
            return
        texts: dict[str, str] = {}
        kept: list[str] = []
        for one in wanted:
            written = one.written(known)
            if not written:
                done.missing = (*done.missing, one.place.property)
                continue
            # A value and its link go together, or somebody's words would stand beside a link that proves others.
            theirs = [
                name
                for name in written
                if deal.values[name].strip() and _digest(deal.values[name]) != digests.get(name)
            ]
            theirs = [name for name in theirs if _digest(deal.values[name]) != _digest(written[name])]
            if theirs and mapping.overwrite == "own":
                kept += theirs
                continue
            texts |= written
        done.kept = tuple(kept)
        changed = {name: text for name, text in texts.items() if _digest(deal.values[name]) != _digest(text)}
        if changed:
            await crm.write(deal.deal_id, changed)
        done.written = tuple(changed)
        if texts:
            async with self.store.tenant(tenant_id) as connection:
                await stored.keep_digests(
                    connection, vendor, deal.deal_id, {name: _digest(text) for name, text in texts.items()}
                )

    async def tidy(self) -> None:
        """Forget attempts that nobody looks up any more, of all tenants. Raises Unavailable."""
        for tenant in await tenants.list_tenants(self.store):
            async with self.store.tenant(tenant.tenant_id) as connection:
                await stored.forget_attempts(connection, days=LOG_DAYS)


def _fit(name: str | None, known: Mapping[str, DealProperty]) -> bool:
    return name is None or problem_of(name, known) is None


def _digest(text: str) -> bytes:
    """Of the words alone: a CRM may change spaces and the ends of lines."""
    return hashlib.sha256(" ".join(text.split()).encode()).digest()
