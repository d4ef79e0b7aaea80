"""Telling tenants' webhooks: signed (Standard Webhooks), tried again for a day, and never inside the network.

A message holds which call it is about and nothing that was said: whoever may know more asks the API.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import structlog

from ridealong.core.errors import Refused, RidealongError
from ridealong.outside import Outside, lies_inside
from ridealong.store import Store
from ridealong.store import webhooks as stored
from ridealong.store.sealing import Sealing
from ridealong.web.webhooks import Event, Webhook

_log = structlog.get_logger(__name__)

AGAIN_S: Final = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0)
"""Waits between attempts, as Standard Webhooks advises: about 32 hours together."""
_LOOK_EVERY_S: Final = 2.0
_AT_ONCE: Final = 8
_MOST_WEBHOOKS: Final = 20
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)
_SECRET: Final = "whsec_"  # noqa: S105 - the mark of such secrets, not one


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredWebhooks:
    """Implements `web.webhooks.WebhooksOfTenants`."""

    store: Store
    sealing: Sealing
    allow_private: bool = False
    """Whether messages may go to addresses inside the network, and by http."""

    async def all(self, tenant_id: UUID) -> list[Webhook]:
        async with self.store.tenant(tenant_id) as connection:
            return [_shown(webhook) for webhook in await stored.list_webhooks(connection)]

    async def add(self, tenant_id: UUID, *, url: str, events: list[Event]) -> tuple[Webhook, str]:
        check_url(url, allow_private=self.allow_private)
        secret = base64.b64encode(secrets.token_bytes(32)).decode()
        async with self.store.tenant(tenant_id) as connection:
            if len(await stored.list_webhooks(connection)) >= _MOST_WEBHOOKS:
                raise Refused("bad_request", f"a tenant has at most {_MOST_WEBHOOKS} webhooks: remove one first")
            made = await stored.add_webhook(connection, self.sealing, tenant_id, url=url, events=events, secret=secret)
        return _shown(made), _SECRET + secret

    async def change(
        self, tenant_id: UUID, webhook_id: UUID, *, url: str | None, events: list[Event] | None, active: bool | None
    ) -> Webhook:
        if url is not None:
            check_url(url, allow_private=self.allow_private)
        async with self.store.tenant(tenant_id) as connection:
            return _shown(await stored.change_webhook(connection, webhook_id, url=url, events=events, active=active))

    async def remove(self, tenant_id: UUID, webhook_id: UUID) -> None:
        async with self.store.tenant(tenant_id) as connection:
            await stored.remove_webhook(connection, webhook_id)


def _shown(webhook: stored.Webhook) -> Webhook:
    return Webhook.model_validate(webhook, from_attributes=True)


def check_url(url: str, *, allow_private: bool) -> None:
    """Raises Refused('bad_request') for an address that messages cannot or may not go to."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None or parts.fragment:
        raise Refused("bad_request", "`url`: write an address such as https://crm.example/hooks, without user or #")
    if allow_private:
        return
    if parts.scheme != "https":
        raise Refused("bad_request", "`url` must begin with https://")
    if lies_inside(parts.hostname):
        raise Refused("bad_request", "`url` lies inside the server's network: RIDEALONG_WEBHOOKS_PRIVATE allows that")


def signature(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of Standard Webhooks. `secret`: base64, without its mark."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(base64.b64decode(secret), signed, "sha256")).decode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Messenger:
    """Delivers what waits, of all tenants."""

    store: Store
    sealing: Sealing
    allow_private: bool = False

    @contextlib.asynccontextmanager
    async def delivering(self) -> AsyncGenerator[None]:
        """Deliver inside the `async with`."""
        task = asyncio.create_task(self._deliver_for_ever())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def deliver_due(self) -> int:
        """Try what is due now, once; how many were. Raises Unavailable."""
        due = await stored.due_deliveries(self.store, limit=_AT_ONCE)
        if not due:
            return 0
        resolver = None if self.allow_private else Outside()
        async with aiohttp.ClientSession(
            timeout=_TIMEOUT,
            connector=aiohttp.TCPConnector(resolver=resolver, force_close=True),
            # What one tenant's address sets is not sent to another's.
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            await asyncio.gather(*(self._deliver(session, tenant_id, delivery) for tenant_id, delivery in due))
        return len(due)

    async def _deliver(self, session: aiohttp.ClientSession, tenant_id: UUID, delivery_id: UUID) -> None:
        async with self.store.tenant(tenant_id) as connection:
            delivery = await stored.take_delivery(connection, delivery_id)
        if delivery is None:
            return
        status: int | None = None
        try:
            status = await self._send(session, tenant_id, delivery)
        except (aiohttp.ClientError, TimeoutError, OSError, RidealongError) as error:
            _log.info("webhook_not_reached", webhook_id=str(delivery.webhook_id), error=type(error).__name__)
        taken = status is not None and 200 <= status < 300
        gone = status == 410
        later = AGAIN_S[delivery.attempts] if delivery.attempts < len(AGAIN_S) else None
        async with self.store.tenant(tenant_id) as connection:
            await stored.settle_delivery(
                connection, delivery, status=status, again_in_s=None if taken or gone else later
            )
            if gone:
                # Its owner says that there is nobody any more.
                await stored.change_webhook(connection, delivery.webhook_id, active=False)

    async def _send(self, session: aiohttp.ClientSession, tenant_id: UUID, delivery: stored.Delivery) -> int:
        check_url(delivery.url, allow_private=self.allow_private)
        secret = self.sealing.open(delivery.sealed_secret, bound_to=stored.bound_to(tenant_id, delivery.webhook_id))
        body = json.dumps(
            {
                "type": delivery.event,
                "timestamp": delivery.happened_at.astimezone(UTC).isoformat(),
                "data": {"call_id": str(delivery.call_id)},
            }
        ).encode()
        # The same at each attempt, so that who gets it twice can tell.
        message_id, now = f"msg_{delivery.delivery_id.hex}", int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Ridealong",
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(secret, message_id=message_id, timestamp=now, body=body),
        }
        async with session.post(delivery.url, data=body, headers=headers, allow_redirects=False) as answer:
            return answer.status

    async def _deliver_for_ever(self) -> None:
        while True:
            try:
                if await self.deliver_due() == _AT_ONCE:
                    continue
            except (RidealongError, OSError) as error:
                _log.warning("webhooks_wait", error=type(error).__name__)
            await asyncio.sleep(_LOOK_EVERY_S)
