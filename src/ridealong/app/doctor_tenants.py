"""Whether this server can use what tenants have of their own: the keys that they gave it, and their classifiers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ridealong.app.checks import Check, Outcome
from ridealong.core.errors import RidealongError
from ridealong.live.tuning_base import features_name
from ridealong.store import taxonomy_versions, tenants
from ridealong.store.model_choices import load_choice
from ridealong.store.sealing import Sealing

if TYPE_CHECKING:
    from ridealong.config import Settings
    from ridealong.store import Store

_NAME: Final = "tenants' keys"


async def check_tenants(settings: Settings, store: Store) -> Check:
    """Never raises because something is broken. Names tenants and vendors, never a key."""
    closed: list[str] = []
    own = keys = old = 0
    try:
        sealing = Sealing.of_settings(settings)
        for tenant in await tenants.list_tenants(store):
            choice = await load_choice(store, sealing, tenant.tenant_id)
            own += not choice.empty
            held = [account for account in choice.accounts.values() if account.key_set_at is not None]
            keys += len(held)
            old += sum(account.unreadable is None and not account.current for account in held)
            closed += [f"{tenant.slug} ({a.vendor}: {a.unreadable})" for a in held if a.unreadable is not None]
    except RidealongError as error:
        return Check(name=_NAME, outcome=Outcome.FAIL, message=str(error))
    if closed:
        more = f", and {len(closed) - 3} more" if len(closed) > 3 else ""
        message = f"{len(closed)} of {keys} cannot be decrypted: {'; '.join(closed[:3])}{more}"
        return Check(name=_NAME, outcome=Outcome.FAIL, message=message)
    if old:
        message = f"{old} of {keys} are encrypted under an old key: run `ridealong models rotate`"
        return Check(name=_NAME, outcome=Outcome.WARN, message=message)
    if not own:
        return Check(name=_NAME, outcome=Outcome.OK, message="no tenant has models or keys of its own")
    message = f"tenants with models or keys of their own: {own}; keys that can be decrypted: {keys} of {keys}"
    return Check(name=_NAME, outcome=Outcome.OK, message=message)


async def check_heads(store: Store) -> Check:
    """Whether tenants' own classifiers fit this server's text model. Never raises because something is broken."""
    name, live, old = "tenants' classifiers", 0, list[str]()
    try:
        features = await asyncio.to_thread(features_name)
        for tenant in await tenants.list_tenants(store):
            async with store.tenant(tenant.tenant_id) as conn:
                found = (await taxonomy_versions.heads_in_use(conn)).live
            live += found is not None
            if found is not None and found.features != features:
                old.append(tenant.slug)
    except RidealongError as error:
        return Check(name=name, outcome=Outcome.FAIL, message=str(error))
    if old:
        message = (
            f"{len(old)} of {live} were trained for another text model, and the shipped one judges in their place: "
            f"run `ridealong taxonomy train --tenant {old[0]}`"
        )
        return Check(name=name, outcome=Outcome.WARN, message=message)
    return Check(
        name=name, outcome=Outcome.OK, message=f"{live} trained by tenants judge their calls" if live else "none"
    )
