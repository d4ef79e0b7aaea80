"""What a tenant is connected with, together: its CRM, its calendars and its mail server, each with a sealed secret."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from ridealong.store.calendars import seal_feeds_anew
from ridealong.store.crm import seal_account_anew
from ridealong.store.mail_accounts import seal_mail_anew
from ridealong.store.sealing import Sealing, Unreadable

if TYPE_CHECKING:
    from ridealong.store import Store


async def seal_connections_anew(store: Store, sealing: Sealing, tenant_id: UUID) -> tuple[int, int]:
    """Seal the secrets under the operator's newest key. (How many were changed, how many cannot be read.)"""
    changed = unreadable = 0
    # One transaction for each: a secret that cannot be read leaves the others changed.
    for seal_anew in (seal_account_anew, seal_feeds_anew, seal_mail_anew):
        try:
            async with store.tenant(tenant_id) as connection:
                changed += int(await seal_anew(connection, sealing, tenant_id))
        except Unreadable:
            unreadable += 1
    return changed, unreadable
