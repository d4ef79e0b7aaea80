"""Which models a tenant's calls ask and under whose key: its own choice first, else the server's settings."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from ridealong.config import DEFAULT_LIVE_MODEL
from ridealong.core.errors import InvalidSettings, ModelRefused
from ridealong.llm import split_name
from ridealong.store.model_choices import ModelChoice, load_choice

if TYPE_CHECKING:
    from ridealong.app.token_counts import TokenCounts
    from ridealong.config import Settings
    from ridealong.llm import Answer, Model, Question
    from ridealong.llm.house import ModelHouse
    from ridealong.store import Store
    from ridealong.store.sealing import Sealing

_log = structlog.get_logger(__name__)

KEPT_S: Final = 30.0
"""How long another process of this database may go on with a choice that was changed."""


class TenantModels:
    """What each tenant chose, with its keys opened; kept in memory for `KEPT_S`, so that a call costs no look-up.

    `counts`: where a tenant's tokens are counted in more than memory; its budget is known before its models are asked.
    """

    def __init__(
        self,
        store: Store,
        sealing: Sealing,
        *,
        counts: TokenCounts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self.sealing = sealing
        self._counts = counts
        self._clock = clock
        self._kept: dict[UUID, tuple[float, ModelChoice]] = {}
        self._changes: dict[UUID, int] = {}

    async def of(self, tenant_id: UUID) -> ModelChoice:
        """Raises Unavailable while the database is away."""
        if self._counts is not None:
            await self._counts.ready(tenant_id)
        kept = self._kept.get(tenant_id)
        if kept is not None and self._clock() < kept[0]:
            return kept[1]
        changes = self._changes.get(tenant_id, 0)
        choice = await load_choice(self.store, self.sealing, tenant_id)
        if self._changes.get(tenant_id, 0) == changes:
            # Else it was changed while it was read, and what was read may be older than the change.
            self._kept[tenant_id] = (self._clock() + KEPT_S, choice)
        return choice

    def forget(self, tenant_id: UUID) -> None:
        """The tenant's choice was changed: the next question reads it anew."""
        self._changes[tenant_id] = self._changes.get(tenant_id, 0) + 1
        self._kept.pop(tenant_id, None)


@dataclass(frozen=True, slots=True)
class Access:
    """A tenant's own key and address for a model; empty where it has none."""

    key: str | None = None
    url: str | None = None


def live_name(settings: Settings, choice: ModelChoice) -> str | None:
    """The model that calls ask; None: the local classifier alone."""
    if choice.live_model is not None:
        return None if choice.live_model == "none" else choice.live_model
    own = choice.accounts.get("groq")
    if settings.live_model is None and own is not None and own.key_set_at is not None:
        return DEFAULT_LIVE_MODEL
    return settings.live_model_name


def review_names(settings: Settings, choice: ModelChoice) -> tuple[str, ...]:
    """The models that review, best first; empty: the local reviewer."""
    return settings.review_model_names if choice.review_models is None else choice.review_models


def verify_names(settings: Settings, choice: ModelChoice, house: ModelHouse) -> tuple[str, ...]:
    """A model chosen for it must work; the live one is used where it can be, and where not, nobody need know."""
    named = choice.verify_model or settings.verify_model
    if named:
        return (named,)
    live = live_name(settings, choice)
    return (live,) if live is not None and can_ask(house, choice, live.partition(":")[0]) else ()


def can_ask(house: ModelHouse, choice: ModelChoice, vendor: str) -> bool:
    """Whether there is what that vendor needs: the tenant's own account, or else the server's."""
    own = choice.accounts.get(vendor)
    if own is None:
        return house.can_ask(vendor)
    if vendor == "compatible":
        return own.unreadable is None and (bool(own.url) or house.can_ask(vendor))
    return own.key is not None


def access(choice: ModelChoice, name: str) -> Access:
    """The tenant's own access to that model.

    Raises InvalidSettings where the tenant has a key that cannot be decrypted: what it wants to be asked on its own
    account is not asked on the server's.
    """
    vendor, _ = split_name(name)
    own = choice.accounts.get(vendor)
    if own is None:
        return Access()
    if own.unreadable is not None:
        raise InvalidSettings(f"the tenant's own key for {vendor} cannot be decrypted: {own.unreadable}")
    return Access(key=own.key, url=own.url or None)


def refusing(tenant_id: UUID, name: str, error: InvalidSettings) -> Model:
    """In place of a model that a tenant's choice makes unusable: it fails as a vendor that refuses us, so that the next
    one is asked, the local decision stands, and whoever watches is warned.
    """
    _log.warning("tenant_model_not_usable", tenant_id=str(tenant_id), model=name, reason=str(error))
    return _Refusing(name=name, reason=str(error))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Refusing:
    name: str
    reason: str

    async def answer(self, question: Question) -> Answer:  # noqa: ARG002 - it is not even read
        raise ModelRefused(self.reason)

    async def close(self) -> None:
        return
