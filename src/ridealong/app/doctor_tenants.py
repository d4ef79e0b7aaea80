"""Whether this server can open the keys that tenants gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ridealong.app.checks import Check, Outcome
from ridealong.core.errors import RidealongError
from ridealong.store import tenants
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
