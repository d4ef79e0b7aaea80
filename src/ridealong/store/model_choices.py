"""A tenant's own choice of models and its own accounts with their vendors. Keys leave the database sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from psycopg import AsyncConnection

from ridealong.core.errors import InvalidSettings
from ridealong.store.sealing import Sealing, Unreadable

if TYPE_CHECKING:
    from ridealong.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class VendorAccount:
    """A tenant's own account with a vendor: its key, its address, or both.

    `key` is None where there is none, and where it cannot be decrypted: then `unreadable` says why.
    """

    vendor: str
    url: str = ""
    key: str | None = field(default=None, repr=False)
    key_set_at: datetime | None = None
    unreadable: str | None = None
    current: bool = True
    """Whether the key is sealed under the operator's newest key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelChoice:
    """What a tenant chose; None: as the server's settings say. `live_model` is `none`, and `review_models` empty,
    where it wants none.
    """

    live_model: str | None = None
    review_models: tuple[str, ...] | None = None
    verify_model: str | None = None
    accounts: Mapping[str, VendorAccount] = field(default_factory=dict[str, VendorAccount])
    """By vendor."""
    changed_at: datetime | None = None

    @property
    def empty(self) -> bool:
        """Whether all is as the settings say."""
        chosen = (self.live_model, self.review_models, self.verify_model)
        return not self.accounts and all(each is None for each in chosen)


async def load_choice(store: Store, sealing: Sealing, tenant_id: UUID) -> ModelChoice:
    """The tenant's choice with its keys opened, as far as they can be. Raises Unavailable."""
    async with store.tenant(tenant_id) as connection:
        return await choice_within(connection, sealing, tenant_id)


async def choice_within(
    connection: AsyncConnection, sealing: Sealing, tenant_id: UUID, *, to_change: bool = False
) -> ModelChoice:
    """`load_choice` in an open transaction of that tenant; `to_change`: nobody else changes it until that ends."""
    if to_change:
        # There may be no row yet to lock, and a choice is two tables: one lock stands for all of it.
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"models of {tenant_id}"])
    cursor = await connection.execute("SELECT live_model, review_models, verify_model, changed_at FROM model_choice")
    chosen = await cursor.fetchone()
    cursor = await connection.execute("SELECT vendor, url, sealed_key, key_set_at FROM vendor_account ORDER BY vendor")
    accounts: dict[str, VendorAccount] = {}
    for vendor, url, sealed, set_at in await cursor.fetchall():
        key = unreadable = None
        current = True
        if sealed is not None:
            try:
                key = sealing.open(bytes(sealed), bound_to=_bound_to(tenant_id, vendor, url))
                current = sealing.current(bytes(sealed))
            except (Unreadable, InvalidSettings) as error:
                # A bad key file too: a call or review must go on without the key.
                unreadable = str(error)
        accounts[vendor] = VendorAccount(
            vendor=vendor,
            url=url,
            key=key,
            key_set_at=set_at,
            unreadable=unreadable,
            current=current,
        )
    if chosen is None:
        return ModelChoice(accounts=accounts)
    return ModelChoice(
        live_model=chosen[0],
        review_models=None if chosen[1] is None else tuple(chosen[1]),
        verify_model=chosen[2],
        accounts=accounts,
        changed_at=chosen[3],
    )


async def put_models(
    connection: AsyncConnection,
    *,
    live_model: str | None,
    review_models: tuple[str, ...] | None,
    verify_model: str | None,
) -> None:
    """Keep the tenant's models in place of what it chose before."""
    await connection.execute(
        "INSERT INTO model_choice (tenant_id, live_model, review_models, verify_model)"
        " VALUES (current_tenant(), %s, %s, %s) ON CONFLICT (tenant_id) DO UPDATE SET live_model = EXCLUDED.live_model,"
        " review_models = EXCLUDED.review_models, verify_model = EXCLUDED.verify_model, changed_at = now()",
        [live_model, None if review_models is None else list(review_models), verify_model],
    )


async def put_account(
    connection: AsyncConnection, sealing: Sealing, tenant_id: UUID, *, vendor: str, url: str, key: str | None
) -> None:
    """Keep the tenant's account with that vendor in place of an earlier one. Raises as `Sealing.seal`."""
    sealed = None if key is None else sealing.seal(key, bound_to=_bound_to(tenant_id, vendor, url))
    await connection.execute(
        "INSERT INTO vendor_account (tenant_id, vendor, url, sealed_key, key_set_at)"
        " VALUES (current_tenant(), %(vendor)s, %(url)s, %(sealed)s,"
        " CASE WHEN %(sealed)s::bytea IS NOT NULL THEN now() END)"
        " ON CONFLICT (tenant_id, vendor) DO UPDATE"
        " SET url = EXCLUDED.url, sealed_key = EXCLUDED.sealed_key, key_set_at = EXCLUDED.key_set_at",
        {"vendor": vendor, "url": url, "sealed": sealed},
    )


async def drop_account(connection: AsyncConnection, vendor: str) -> None:
    """Forget the tenant's account with that vendor, if there is one."""
    await connection.execute("DELETE FROM vendor_account WHERE vendor = %s", [vendor])


async def seal_anew(store: Store, sealing: Sealing, tenant_id: UUID) -> tuple[int, int]:
    """Seal the tenant's keys under the operator's newest key. (How many were changed, how many cannot be read.)"""
    changed = unreadable = 0
    async with store.tenant(tenant_id) as connection:
        choice = await choice_within(connection, sealing, tenant_id, to_change=True)
        for account in choice.accounts.values():
            if account.unreadable is not None:
                unreadable += 1
            elif account.key is not None and not account.current:
                sealed = sealing.seal(account.key, bound_to=_bound_to(tenant_id, account.vendor, account.url))
                await connection.execute(
                    "UPDATE vendor_account SET sealed_key = %s WHERE vendor = %s", [sealed, account.vendor]
                )
                changed += 1
    return changed, unreadable


def _bound_to(tenant_id: UUID, vendor: str, url: str) -> bytes:
    """Also the address: who can write into the table cannot have the key sent elsewhere."""
    return b"\0".join((b"vendor key", tenant_id.bytes, vendor.encode(), url.encode()))
