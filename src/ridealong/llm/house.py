"""Models by name: one pool of connections, one table of what they can do, for everything that a process asks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import structlog

from ridealong.config import Settings
from ridealong.core.errors import InvalidSettings, ModelFailed
from ridealong.core.usage import DayLimits
from ridealong.llm import Model, adapter_class, split_name
from ridealong.llm.breaker import Breaker
from ridealong.llm.budget import Budgeted, TokenBudget
from ridealong.llm.capabilities import Capabilities, Capability, Transcription, load_capabilities
from ridealong.llm.deadline import Deadline
from ridealong.llm.endpoint import Endpoint, checked_url, usual_url
from ridealong.llm.fallback import Fallback
from ridealong.llm.metering import Metered, Spent
from ridealong.llm.retry import Retry
from ridealong.llm.vendor_limits import VendorLimits
from ridealong.llm.wire import Wire

_NEEDS_NO_KEY = ("compatible", "scripted")


@dataclass(kw_only=True, slots=True)
class _Account:
    """What is known of one model under one key. The adapter is kept, since it keeps the schemas that it made ready."""

    breaker: Breaker
    limits: VendorLimits
    model: Model | None = None


class ModelHouse:
    """Gives out models. What it gives out needs no closing of its own; close the house when everything has ended."""

    def __init__(
        self,
        settings: Settings,
        *,
        wire: Wire | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`clock` counts seconds, `now` says the time. Raises InvalidDocument where the operator's file of models has a
        mistake.
        """
        self._settings = settings
        self._clock = clock
        self._now = now
        self._accounts: dict[tuple[str, str], _Account] = {}
        self._budgets: dict[str, TokenBudget] = {}
        self._wire = wire or Wire()
        # A tenant's own address is a tenant's own words: it must not lead to what only this server can reach.
        self._tenants_wire = self._wire if settings.models_private else Wire(outside=True)
        self._capabilities: Capabilities = load_capabilities(settings.models_file)

    def capability(self, name: str) -> Capability:
        """What the model `vendor:id` can do."""
        return self._capabilities.of(name)

    def transcription(self, name: str) -> Transcription | None:
        """What hearing a recording costs by `vendor:id`; None where the table has no price."""
        return self._capabilities.transcription.get(name)

    def knows(self, name: str) -> bool:
        """Whether the table of models has the model `vendor:id`."""
        return self._capabilities.knows(name)

    def can_ask(self, vendor: str) -> bool:
        """Whether the settings have what that vendor needs: a key, or for `compatible` an address."""
        if vendor == "compatible":
            return self._settings.model_url(vendor) is not None
        return vendor in _NEEDS_NO_KEY or self._settings.model_key(vendor) is not None

    def model(self, name: str, *, key: str | None = None, url: str | None = None) -> Model:
        """The model `vendor:id`, bare: without deadline, retry or budget.

        `key` and `url` are a tenant's own; without them those of the settings. With a `url` of its own the key of the
        settings is not used, since it would go to wherever the tenant says. Raises InvalidSettings for a name, key or
        address that cannot work.
        """
        account = self._account(name, key, url)
        if account.model is None:
            account.model = self._adapter(name, key, url)
        return account.model

    def guarded(
        self,
        name: str,
        *,
        tenant_id: str,
        deadline_s: float,
        live: bool = False,
        attempts: int = 1,
        given_up_s: float = math.inf,
        key: str | None = None,
        url: str | None = None,
        spent: Callable[[Spent], None] | None = None,
    ) -> Model:
        """The model with everything that stands between it and a call: from the outside in the deadline of the whole,
        retries within it, the tenant's budget with the vendor's limits, the breaker, the metering, a try's deadline.

        Breaker and limits are shared by all who ask the same model under the same key; the budget by all of a tenant,
        outside the breaker, since one tenant's empty budget says nothing about the vendor. The parts are light: make
        one of these a call or a review. `live`: a call asks it. `given_up_s`: see Breaker, for an asker with deadlines
        of its own.
        """
        account = self._account(name, key, url)
        # The innermost deadline is what the breaker learns from: a question that is cancelled teaches it nothing.
        model: Model = Deadline(self.model(name, key=key, url=url), seconds=deadline_s)
        model = account.breaker.guard(
            Metered(model, price=self.capability(name).price, spent=spent), given_up_s=given_up_s
        )
        model = Budgeted(model, budget=self.budget(tenant_id), limits=account.limits, live=live)
        if attempts > 1:
            model = Deadline(Retry(model, attempts=attempts, within_s=deadline_s), seconds=deadline_s)
        return model

    def in_order(
        self,
        names: Sequence[str],
        *,
        tenant_id: str,
        deadline_s: float,
        attempts: int = 2,
        keys: Mapping[str, str] | None = None,
        spent: Callable[[Spent], None] | None = None,
        passed_over: Callable[[str, ModelFailed], None] | None = None,
    ) -> Model:
        """The models, guarded, each with `deadline_s` of its own; the next answers where one fails.

        `keys`: a tenant's own, by vendor. Raises InvalidSettings where `names` is empty.
        """
        if not names:
            raise InvalidSettings(
                "no model is named: set RIDEALONG_REVIEW_MODELS, for example anthropic:claude-opus-5-5"
            )
        models = [
            self.guarded(
                name,
                tenant_id=tenant_id,
                deadline_s=deadline_s,
                attempts=attempts,
                key=(keys or {}).get(split_name(name)[0]),
                spent=spent,
            )
            for name in names
        ]
        return Fallback(models, passed_over=passed_over) if len(models) > 1 else models[0]

    def breaker(self, name: str, *, key: str | None = None, url: str | None = None) -> Breaker:
        """The breaker of that model under that key: to look at, or to listen to."""
        return self._account(name, key, url).breaker

    def budget(self, tenant_id: str) -> TokenBudget:
        """The tenant's tokens, within the limits of the settings until somebody knows better (`TokenBudget.know`)."""
        found = self._budgets.get(tenant_id)
        if found is None:
            found = self._budgets[tenant_id] = TokenBudget(
                per_minute=self._settings.tenant_tokens_per_minute,
                limits=self.day_limits,
                clock=self._clock,
                now=self._now,
            )
        return found

    @property
    def day_limits(self) -> DayLimits:
        """What the settings allow every tenant on one day."""
        return DayLimits(total=self._settings.tenant_tokens_per_day, live=self._settings.tenant_live_tokens_per_day)

    async def close(self) -> None:
        """Close the connections. What is still being asked fails with ModelAway."""
        await self._wire.close()
        await self._tenants_wire.close()

    def _account(self, name: str, key: str | None, url: str | None) -> _Account:
        secret = f"{key or ''} {url or ''}".encode()
        at = (name, sha256(secret).hexdigest())
        found = self._accounts.get(at)
        if found is None:
            breaker = Breaker(name, clock=self._clock, changed=_log_breaker)
            found = self._accounts[at] = _Account(breaker=breaker, limits=VendorLimits(clock=self._clock))
        return found

    def _adapter(self, name: str, key: str | None, url: str | None) -> Model:
        vendor, model_id = split_name(name)
        found_key = key or (None if url else self._settings.model_key(vendor)) or ""
        if not found_key and vendor not in _NEEDS_NO_KEY:
            raise InvalidSettings(f"'{name}' needs a key: set RIDEALONG_{vendor.upper()}_API_KEY")
        return adapter_class(vendor)(
            Endpoint(
                vendor=vendor,
                model_id=model_id,
                capability=self.capability(name),
                wire=self._tenants_wire if url else self._wire,
                base_url="" if vendor == "scripted" else self._url(vendor, url),
                key=found_key,
            )
        )

    def _url(self, vendor: str, url: str | None) -> str:
        found = url or self._settings.model_url(vendor) or usual_url(vendor)
        if not found:
            raise InvalidSettings(f"'{vendor}' has no address of its own: set RIDEALONG_{vendor.upper()}_URL")
        return checked_url(
            vendor,
            found,
            allow_http=self._settings.models_allow_http,
            allow_inside=not url or self._settings.models_private,
        )


def _log_breaker(name: str, is_open: bool, reason: str) -> None:
    log = structlog.get_logger()
    if is_open:
        log.warning("model_left_alone", model=name, reason=reason)
    else:
        log.info("model_answers_again", model=name)
