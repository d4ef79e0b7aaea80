"""A tenant's models, keys and tokens as the web and the command line change and show them. No key is ever shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from ridealong.app.tenant_models import can_ask, live_name, review_names, verify_names
from ridealong.core.errors import InvalidSettings, Refused
from ridealong.core.usage import DayLimits, DayTokens
from ridealong.llm import VENDORS, split_name
from ridealong.llm.endpoint import checked_url
from ridealong.store import model_choices, token_counts
from ridealong.store.model_choices import ModelChoice, VendorAccount
from ridealong.store.token_counts import StoredBudget

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ridealong.app.tenant_models import TenantModels
    from ridealong.app.token_counts import TokenCounts
    from ridealong.config import Settings
    from ridealong.llm.house import ModelHouse

_FOR_TENANTS: Final = tuple(vendor for vendor in VENDORS if vendor != "scripted")
"""`scripted` reads a file of the server's, which is none of a tenant's business."""
_LONGEST_KEY: Final = 1_000
_A_QUESTION: Final = 1_200
"""Tokens that one during a call takes, about; a review's take many more."""
_NEARLY_SPENT: Final = 0.25
"""Of a day's tokens: with less than this a review may not be asked whole."""
_SHOWS_ITS_END: Final = 16
"""The last four characters of a shorter key would tell too much of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredModels:
    """Implements `web.services.ModelChoices`."""

    settings: Settings
    house: ModelHouse
    tenants: TenantModels
    counts: TokenCounts

    async def read(self, tenant_id: UUID) -> Mapping[str, object]:
        choice = await model_choices.load_choice(self.tenants.store, self.tenants.sealing, tenant_id)
        return self._shown(tenant_id, choice, await self.counts.look(tenant_id))

    async def write(self, tenant_id: UUID, change: Mapping[str, object]) -> Mapping[str, object]:
        """Keep what `change` holds; its keys are those of `web.models.ModelsChange`. Raises Refused or MissingPart."""
        try:
            async with self.tenants.store.tenant(tenant_id) as connection:
                was = await model_choices.choice_within(connection, self.tenants.sealing, tenant_id, to_change=True)
                if change.keys() & {"live_model", "review_models", "verify_model"}:
                    await model_choices.put_models(
                        connection,
                        live_model=_live(change, was),
                        review_models=_review(change, was),
                        verify_model=_verify(change, was),
                    )
                if change.keys() & {"tokens_per_day", "live_tokens_per_day"}:
                    stored = await token_counts.load_budget(connection)
                    await token_counts.put_budget(connection, self._budget(change, stored))
                accounts = cast("Mapping[str, Mapping[str, str | None] | None]", change.get("vendors") or {})
                for vendor, account in accounts.items():
                    await self._change_account(connection, tenant_id, vendor, account, was.accounts.get(vendor))
        finally:
            # Also where the answer was lost: it may have been kept all the same.
            self.tenants.forget(tenant_id)
        return await self.read(tenant_id)

    async def allow(self, tenant_id: UUID, change: Mapping[str, int | None]) -> Mapping[str, object]:
        """The operator's word on what the tenant may choose: `tokens_per_day`, `live_tokens_per_day`.

        0: no limit. None: as the settings say. What is left out stays.
        """
        async with self.tenants.store.tenant(tenant_id) as connection:
            await model_choices.choice_within(connection, self.tenants.sealing, tenant_id, to_change=True)
            stored = await token_counts.load_budget(connection)
            allowed = replace(
                stored,
                allowed_total=change.get("tokens_per_day", stored.allowed_total),
                allowed_live=change.get("live_tokens_per_day", stored.allowed_live),
            )
            await token_counts.put_budget(connection, allowed)
        return await self.read(tenant_id)

    def _budget(self, change: Mapping[str, object], was: StoredBudget) -> StoredBudget:
        """Raises Refused for more than the operator allows: told at once, rather than cut down without a word."""
        total = cast("int | None", change.get("tokens_per_day", was.total))
        live = cast("int | None", change.get("live_tokens_per_day", was.live))
        ceiling = was.ceiling(self.house.day_limits)
        for name, wanted, before, most in (
            ("tokens_per_day", total, was.total, ceiling.total),
            ("live_tokens_per_day", live, was.live, ceiling.live),
        ):
            # What stays as it was is cut down where the operator allows less by now, and the answer says so.
            if wanted is not None and wanted != before and 0 < most < wanted:
                raise Refused(
                    "bad_request", f"`{name}`: the operator of this server allows {most} at most (null: just that)"
                )
        if total is not None and live is not None and live > total:
            raise Refused(
                "bad_request", f"`live_tokens_per_day`: {live} for calls are more than the {total} of the day"
            )
        return replace(was, total=total, live=live)

    async def _change_account(
        self,
        connection: AsyncConnection,
        tenant_id: UUID,
        vendor: str,
        account: Mapping[str, str | None] | None,
        was: VendorAccount | None,
    ) -> None:
        if vendor not in _FOR_TENANTS:
            # Not repeated: somebody may have put a key in its place.
            raise Refused("bad_request", f"`vendors`: a vendor is one of {', '.join(_FOR_TENANTS)}")
        if account is None:
            await model_choices.drop_account(connection, vendor)
            return
        had_key = was is not None and was.key_set_at is not None
        url_was = was.url if was is not None else ""
        url = self._url(vendor, account["url"]) if "url" in account else url_was
        if "key" in account:
            key = _checked_key(vendor, account["key"])
        elif had_key and url != url_was:
            # Or whoever may change the address could have the key sent to one of their own.
            raise Refused("bad_request", f"`vendors.{vendor}`: with another `url` give the `key` again, or null")
        elif was is not None and was.unreadable is not None:
            raise Refused("bad_request", f"`vendors.{vendor}`: the key cannot be decrypted: give it again, or null")
        else:
            key = was.key if was is not None else None
            if key is not None:
                return  # nothing changes, not even since when it is there
        if key is None and not url:
            await model_choices.drop_account(connection, vendor)
            return
        await model_choices.put_account(connection, self.tenants.sealing, tenant_id, vendor=vendor, url=url, key=key)

    def _url(self, vendor: str, url: str | None) -> str:
        if not url:
            return ""
        try:
            return checked_url(
                vendor,
                url,
                allow_http=self.settings.models_allow_http,
                allow_inside=self.settings.models_private,
                setting=f"`vendors.{vendor}.url`",
            )
        except InvalidSettings as error:
            raise Refused("bad_request", str(error)) from None

    def _shown(self, tenant_id: UUID, choice: ModelChoice, stored: StoredBudget) -> Mapping[str, object]:
        review = choice.review_models
        budget = self.house.budget(str(tenant_id))
        limits, spent, ceiling = budget.limits, budget.spent_today, stored.ceiling(self.house.day_limits)
        return {
            "live_model": choice.live_model,
            "review_models": None if review is None else list(review),
            "verify_model": choice.verify_model,
            "tokens_per_day": stored.total,
            "live_tokens_per_day": stored.live,
            "allowed": {"tokens_per_day": ceiling.total or None, "live_tokens_per_day": ceiling.live or None},
            "vendors": {vendor: _account_json(account) for vendor, account in choice.accounts.items()},
            "in_use": {
                "live_model": live_name(self.settings, choice),
                "review_models": list(review_names(self.settings, choice)),
                "verify_models": list(verify_names(self.settings, choice, self.house)),
            },
            "tokens": {
                "per_minute": _limit_json(budget.minute()),
                "per_day": _limit_json(limits.total and (limits.total, max(0, limits.total - spent.total))),
                "live_per_day": _limit_json(limits.live and (limits.live, limits.left(spent, live=True) or 0)),
                "day_ends_at": datetime.combine(budget.today + timedelta(days=1), datetime.min.time(), UTC).isoformat(),
            },
            "warnings": [
                *self.warnings(choice, today=date.today()),
                *_cut_down(stored, ceiling),
                *_spent(
                    limits,
                    spent,
                    in_calls=live_name(self.settings, choice) is not None,
                    in_reviews=bool(review_names(self.settings, choice)),
                ),
            ],
        }

    def warnings(self, choice: ModelChoice, *, today: date) -> Sequence[str]:
        """What in the tenant's choice will not work, or not for long."""
        found = [
            f"the key for {account.vendor} cannot be decrypted, so its models are not asked: {account.unreadable}"
            for account in choice.accounts.values()
            if account.unreadable is not None
        ]
        chosen = [choice.live_model, *(choice.review_models or ()), choice.verify_model]
        for name in dict.fromkeys(each for each in chosen if each is not None and each != "none"):
            vendor, _ = split_name(name)
            can = self.house.capability(name)
            if not self.house.knows(name):
                found.append(f"{name} is not in the table of models: it is asked with care, and its cost is not known")
            elif can.retires is not None and can.retires <= today:
                successor = f": its successor is {can.successor}" if can.successor else ""
                found.append(f"{name} was retired on {can.retires}{successor}")
            own = choice.accounts.get(vendor)
            if (own is None or own.unreadable is None) and not can_ask(self.house, choice, vendor):
                wanted = "a `url`" if vendor == "compatible" else "a `key`"
                found.append(f"{name} cannot be asked: give `vendors.{vendor}` {wanted}")
        return found


def _account_json(account: VendorAccount) -> dict[str, object]:
    key = account.key or ""
    return {
        "url": account.url or None,
        "key_set": account.key_set_at is not None,
        "key_set_at": None if account.key_set_at is None else account.key_set_at.isoformat(),
        "key_ends_with": key[-4:] if len(key) >= _SHOWS_ITS_END else None,
        "key_readable": None if account.key_set_at is None else account.unreadable is None,
    }


def _limit_json(limit: tuple[int, int] | int | None) -> dict[str, int] | None:
    return {"limit": limit[0], "left": limit[1]} if isinstance(limit, tuple) else None


def _cut_down(stored: StoredBudget, ceiling: DayLimits) -> list[str]:
    """The operator may have lowered what is allowed after the tenant chose."""
    return [
        f"of the {chosen} of `{name}` the operator of this server allows {most}: that is what holds"
        for name, chosen, most in (
            ("tokens_per_day", stored.total, ceiling.total),
            ("live_tokens_per_day", stored.live, ceiling.live),
        )
        if chosen is not None and 0 < most < chosen
    ]


def _spent(limits: DayLimits, spent: DayTokens, *, in_calls: bool, in_reviews: bool) -> list[str]:
    """`in_calls`, `in_reviews`: whether models are asked there at all."""
    live, others = limits.left(spent, live=True), limits.left(spent, live=False)
    until = "until 00:00 UTC, or until there are more"
    spent_live = in_calls and live is not None and live < _A_QUESTION
    spent_others = in_reviews and others is not None and others < _A_QUESTION
    by_live = limits.live > 0 and limits.live - spent.live < _A_QUESTION
    if spent_live and spent_others:
        return [
            f"today's tokens are used up: moments are decided and calls are reviewed on the server itself {until} "
            "(`tokens_per_day`)"
        ]
    found: list[str] = []
    if spent_live:
        which = "live_tokens_per_day" if by_live else "tokens_per_day"
        found.append(
            f"today's tokens for calls are used up: moments are decided on the server itself {until} (`{which}`)"
        )
    if spent_others:
        found.append(
            f"today's tokens for reviews are used up: calls are reviewed on the server itself {until} "
            "(`tokens_per_day`); what is left is set aside for calls"
        )
    left = limits.total - spent.total
    if not found and limits.total > 0 and left < limits.total * _NEARLY_SPENT:
        found.append(
            f"of today's {limits.total} tokens {left} are left: what is not asked then is decided and reviewed on the "
            "server itself (`tokens_per_day`)"
        )
    return found


def _live(change: Mapping[str, object], was: ModelChoice) -> str | None:
    if "live_model" not in change:
        return was.live_model
    name = cast("str | None", change["live_model"])
    if name is None or name.lower() == "none":
        return name and "none"
    return _checked_name("live_model", name)


def _review(change: Mapping[str, object], was: ModelChoice) -> tuple[str, ...] | None:
    if "review_models" not in change:
        return was.review_models
    names = cast("Sequence[str] | None", change["review_models"])
    if names is None:
        return None
    checked = tuple(_checked_name("review_models", name) for name in names)
    if len(set(checked)) != len(checked):
        raise Refused("bad_request", "`review_models`: a model stands there twice")
    return checked


def _verify(change: Mapping[str, object], was: ModelChoice) -> str | None:
    if "verify_model" not in change:
        return was.verify_model
    name = cast("str | None", change["verify_model"])
    return None if name is None else _checked_name("verify_model", name)


def _checked_name(field: str, name: str) -> str:
    try:
        vendor, model_id = split_name(name)
    except InvalidSettings:
        vendor = model_id = ""
    if vendor not in _FOR_TENANTS:
        example = "groq:openai/gpt-oss-20b"
        raise Refused(
            "bad_request",
            f"`{field}`: write vendor:model, for example {example}; a vendor is one of {', '.join(_FOR_TENANTS)}",
        )
    return f"{vendor}:{model_id}"


def _checked_key(vendor: str, key: str | None) -> str | None:
    if key is None:
        return None
    key = key.strip()
    # It becomes a header: nothing may stand in it that ends one.
    if not key or len(key) > _LONGEST_KEY or not all("!" <= character <= "~" for character in key):
        raise Refused(
            "bad_request", f"`vendors.{vendor}.key`: a key is 1 to {_LONGEST_KEY} visible ASCII characters, no spaces"
        )
    return key
