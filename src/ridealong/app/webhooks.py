"""Telling tenants' webhooks: signed (Standard Webhooks), tried again for a day, and never inside the network.

A message holds which call it is about and nothing that was said: whoever may know more asks the API.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import secrets
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC
from functools import partial
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import structlog

from ridealong.app.audiences import SentReports
from ridealong.app.background import beside, keep_up_side_by_side
from ridealong.app.mail import NotSent
from ridealong.app.tenant_mail import TenantMail
from ridealong.core.errors import InvalidDocument, MissingPart, Refused, RidealongError
from ridealong.core.people import read_email
from ridealong.outside import Outside, lies_inside
from ridealong.store import Store, tenants
from ridealong.store import webhooks as stored
from ridealong.store.events import events_after, forget_events, number_events
from ridealong.store.sealing import Sealing, Unreadable
from ridealong.waits import wait_s
from ridealong.web.events import EventTold
from ridealong.web.webhooks import Event, LoggedDelivery, NewWebhook, Replay, Webhook, WebhookChange

_log = structlog.get_logger(__name__)

AGAIN_S: Final = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0)
"""Waits between attempts, as Standard Webhooks advises: about 32 hours together."""
_LOOK_EVERY_S: Final = 2.0
TOLD_AT_ONCE: Final = 16
_AT_ONCE_OF_TENANT: Final = 4
"""How many of its webhooks may be told at once: the slow ones of a tenant keep nobody else's waiting."""
_LOOKED_THROUGH: Final = 256
_MOST_WEBHOOKS: Final = 20
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)
_LONGEST_WAIT_S: Final = 3_600.0
_ANSWER_BYTES: Final = 4_096
LOG_DAYS: Final = 30
FEED_DAYS: Final = 90
_SECRET: Final = "whsec_"  # noqa: S105 - the mark of such secrets, not one


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredWebhooks:
    """Implements `web.webhooks.WebhooksOfTenants`."""

    store: Store
    sealing: Sealing
    allow_private: bool = False
    """Whether messages may go to addresses inside the network, and by http."""
    mail: TenantMail | None = None
    """By which tenants' mail goes out; None: this server sends none."""

    async def all(self, tenant_id: UUID) -> list[Webhook]:
        async with self.store.tenant(tenant_id) as connection:
            return [_shown(webhook) for webhook in await stored.list_webhooks(connection)]

    async def add(self, tenant_id: UUID, new: NewWebhook) -> tuple[Webhook, str]:
        mail = self.mail is not None and await self.mail.sends(tenant_id)
        self._check(new.kind, new.url, new.events, mail=mail)
        secret = base64.b64encode(secrets.token_bytes(32)).decode()
        async with self.store.tenant(tenant_id) as connection:
            if len(await stored.list_webhooks(connection)) >= _MOST_WEBHOOKS:
                raise Refused("bad_request", f"a tenant has at most {_MOST_WEBHOOKS} webhooks: remove one first")
            made = await stored.add_webhook(
                connection,
                self.sealing,
                tenant_id,
                url=_shown_url(new.kind, new.url),
                events=new.events,
                # Whoever knows an address of Slack can write there: it is kept as secrets are.
                secret=new.url if new.kind == "slack" else secret,
                kind=new.kind,
                audience=new.audience or ("rep" if new.url == "mailto:rep" else "manager"),
            )
        return _shown(made), _SECRET + secret if new.kind == "webhook" else ""

    async def change(self, tenant_id: UUID, webhook_id: UUID, change: WebhookChange) -> Webhook:
        mail = self.mail is not None and await self.mail.sends(tenant_id)
        async with self.store.tenant(tenant_id) as connection:
            known = await stored.find_webhook(connection, webhook_id)
            self._check(known.kind, change.url, change.events, mail=mail)
            sealed = None
            if known.kind == "slack" and change.url is not None:
                sealed = self.sealing.seal(change.url, bound_to=stored.bound_to(tenant_id, webhook_id))
            return _shown(
                await stored.change_webhook(
                    connection,
                    webhook_id,
                    url=None if change.url is None else _shown_url(known.kind, change.url),
                    events=change.events,
                    active=change.active,
                    audience=change.audience,
                    sealed_secret=sealed,
                )
            )

    async def remove(self, tenant_id: UUID, webhook_id: UUID) -> None:
        async with self.store.tenant(tenant_id) as connection:
            await stored.remove_webhook(connection, webhook_id)

    async def deliveries(
        self, tenant_id: UUID, webhook_id: UUID, *, status: str | None, limit: int
    ) -> list[LoggedDelivery]:
        async with self.store.tenant(tenant_id) as connection:
            # Whoever reads the log sends things again by their positions.
            await number_events(connection)
            found = await stored.list_deliveries(connection, webhook_id, status=status, limit=limit)
        return [LoggedDelivery.model_validate(one, from_attributes=True) for one in found]

    async def replay(self, tenant_id: UUID, webhook_id: UUID, wanted: Replay) -> int:
        async with self.store.tenant(tenant_id) as connection:
            await number_events(connection)
            return await stored.replay(connection, webhook_id, after=wanted.after, until=wanted.until)

    def _check(self, kind: str, url: str | None, events: Sequence[str] | None, *, mail: bool) -> None:
        """Raises Refused('bad_request'), or MissingPart where nobody sends the tenant's mail."""
        if events is not None and kind != "webhook" and set(events) != {"review.done"}:
            raise Refused("bad_request", "`events`: a report is sent when there is one: use review.done alone")
        if kind != "email":
            if url is not None:
                check_url(url, allow_private=self.allow_private)
            return
        if not mail:
            raise MissingPart(
                "there is no mail server: set one for this tenant, or have the operator set RIDEALONG_SMTP_HOST"
            )
        if url is not None and url not in ("mailto:rep", "mailto:managers"):
            if not url.startswith("mailto:"):
                raise Refused("bad_request", "`url`: write mailto:rep, mailto:managers or mailto:somebody@firm.example")
            if read_email(url.removeprefix("mailto:")) != url.removeprefix("mailto:") or _NO_ADDRESS & set(url):
                raise Refused("bad_request", "`url`: write the address in lower case, and nothing else")


_NO_ADDRESS: Final = frozenset('?,;<>"()')


def _shown_url(kind: str, url: str) -> str:
    return f"https://{urlsplit(url).hostname}/***" if kind == "slack" else url


@dataclass(frozen=True, slots=True)
class StoredEvents:
    """Implements `web.events.Events`."""

    store: Store

    async def after(self, tenant_id: UUID, position: int, *, types: list[Event] | None, limit: int) -> list[EventTold]:
        async with self.store.tenant(tenant_id) as connection:
            found = await events_after(connection, position, types=types, limit=limit)
        return [
            EventTold.model_validate(
                {
                    "event_id": e.event_id,
                    "position": e.position,
                    "type": e.type,
                    "timestamp": e.happened_at,
                    "data": {"call_id": e.call_id, "subject_id": e.subject_id},
                }
            )
            for e in found
        ]


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


def _says_that_it_failed(answer: bytes) -> bool:
    try:
        found: object = json.loads(answer)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and (found.get("ok") is False or found.get("success") is False)


@dataclass(frozen=True, slots=True)
class _Sent:
    """What came of one attempt. `not_before_s`: how long the other side asks us to wait."""

    outcome: str
    answer: int | None = None
    for_good: bool = False
    not_before_s: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Messenger:
    """Delivers what waits, of all tenants."""

    store: Store
    sealing: Sealing
    allow_private: bool = False
    mail: TenantMail | None = None
    home: str = ""
    """The address that people open: where the links of what is sent lead."""

    def delivering(self) -> AbstractAsyncContextManager[None]:
        """Deliver inside the `async with`."""
        return beside(
            keep_up_side_by_side(
                self._may_begin, self._deliver, self.tidy, look_every_s=_LOOK_EVERY_S, waits="webhooks_wait"
            )
        )

    async def deliver_due(self) -> int:
        """Try all that is due now, once; how many were. Raises Unavailable."""
        tried = 0
        while due := await self._may_begin(()):
            await asyncio.gather(*map(self._deliver, due))
            tried += len(due)
        return tried

    async def _may_begin(self, under_way: Collection[stored.Due]) -> list[stored.Due]:
        """What is due and may be told beside what is: one for each webhook, a few for each tenant."""
        busy = [due.webhook_id for due in under_way]
        room = TOLD_AT_ONCE - len(busy)
        if room <= 0:
            return []
        tenants_busy = Counter(due.tenant_id for due in under_way)
        chosen: list[stored.Due] = []
        for due in await stored.due_deliveries(self.store, busy=busy, limit=_LOOKED_THROUGH):
            if len(chosen) < room and tenants_busy[due.tenant_id] < _AT_ONCE_OF_TENANT:
                tenants_busy[due.tenant_id] += 1
                chosen.append(due)
        return chosen

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            timeout=_TIMEOUT,
            connector=aiohttp.TCPConnector(resolver=None if self.allow_private else Outside(), force_close=True),
            # What one tenant's address sets is not sent to another's.
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def _deliver(self, due: stored.Due) -> None:
        tenant_id = due.tenant_id
        async with self.store.tenant(tenant_id) as connection:
            delivery = await stored.take_delivery(connection, due.delivery_id)
        if delivery is None:
            return
        began = time.monotonic()
        sent = await self._tried(tenant_id, delivery)
        attempt = stored.Attempt(
            answer=sent.answer, outcome=sent.outcome, duration_ms=round((time.monotonic() - began) * 1000)
        )
        if sent.outcome != "taken":
            _log.info("webhook_not_told", webhook_id=str(delivery.webhook_id), outcome=sent.outcome, answer=sent.answer)
        later = None
        if sent.outcome != "taken" and not sent.for_good and delivery.attempts < len(AGAIN_S):
            later = max(AGAIN_S[delivery.attempts], sent.not_before_s)
        async with self.store.tenant(tenant_id) as connection:
            await stored.settle_delivery(connection, delivery, attempt, again_in_s=later)
            if sent.answer == 410:
                # Its owner says that there is nobody any more.
                await stored.change_webhook(connection, delivery.webhook_id, active=False)

    async def _tried(self, tenant_id: UUID, delivery: stored.Delivery) -> _Sent:
        try:
            match delivery.kind:
                case "email":
                    return await self._mail(tenant_id, delivery)
                case "slack":
                    return await self._slack(tenant_id, delivery)
                case _:
                    return await self._send(tenant_id, delivery)
        except TimeoutError:
            return _Sent("too late")
        except (InvalidDocument, Unreadable, MissingPart) as error:
            # A template that fails on this call, or a secret of another key: both can be mended.
            _log.warning("webhook_not_made", webhook_id=str(delivery.webhook_id), error=type(error).__name__)
            return _Sent("not made")
        except (aiohttp.ClientError, OSError, RidealongError) as error:
            _log.info("webhook_not_reached", webhook_id=str(delivery.webhook_id), error=type(error).__name__)
            return _Sent("not reached")

    async def _send(self, tenant_id: UUID, delivery: stored.Delivery) -> _Sent:
        check_url(delivery.url, allow_private=self.allow_private)
        secret = self._secret(tenant_id, delivery)
        subject = {} if delivery.subject_id is None else {"subject_id": str(delivery.subject_id)}
        body = json.dumps(
            {
                "type": delivery.event,
                "timestamp": delivery.happened_at.astimezone(UTC).isoformat(),
                "data": {"call_id": str(delivery.call_id), **subject},
            }
        ).encode()
        # The same at each attempt and each replay, so that who gets it twice can tell.
        message_id, now = f"msg_{delivery.event_id.hex}", int(time.time())
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(secret, message_id=message_id, timestamp=now, body=body),
        }
        return await self._post(delivery.url, body, headers)

    async def _slack(self, tenant_id: UUID, delivery: stored.Delivery) -> _Sent:
        url = self._secret(tenant_id, delivery)
        check_url(url, allow_private=self.allow_private)
        body = await self._reports().slack(tenant_id, delivery.call_id, delivery.audience)
        sent = await self._post(url, body, {}, says_so=True)
        # What Slack says of a message or an address that will not do (docs.slack.dev, incoming webhooks).
        return replace(sent, for_good=sent.answer in (400, 403, 404, 410))

    async def _mail(self, tenant_id: UUID, delivery: stored.Delivery) -> _Sent:
        if self.mail is None or (mailbox := await self.mail.mailbox(tenant_id)) is None:
            raise MissingPart("this server sends no mail")
        email = await self._reports().email(tenant_id, delivery.call_id, delivery.audience)
        try:
            send = partial(mailbox.send, email, to=delivery.recipient, message_id=f"msg_{delivery.delivery_id.hex}")
            answer = await asyncio.get_running_loop().run_in_executor(self.mail.threads, send)
        except NotSent as error:
            unanswered = "too late" if error.late else "not reached"
            outcome = "refused" if error.answer is not None or error.for_good else unanswered
            return _Sent(outcome, answer=error.answer, for_good=error.for_good)
        return _Sent("taken", answer=answer)

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str], *, says_so: bool = False) -> _Sent:
        """`says_so`: a 2xx whose JSON says that it failed is no success, as services write that stand in for Slack."""
        headers = {"Content-Type": "application/json", "User-Agent": "Ridealong", **headers}
        async with (
            self._session() as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            taken = 200 <= answer.status < 300
            if taken and says_so:
                taken = not _says_that_it_failed(await answer.content.read(_ANSWER_BYTES))
            asked = min(wait_s(answer.headers) or 0.0, _LONGEST_WAIT_S)
            return _Sent(
                "taken" if taken else "refused",
                answer=answer.status,
                for_good=answer.status == 410,
                not_before_s=asked if answer.status in (429, 503) else 0.0,
            )

    def _secret(self, tenant_id: UUID, delivery: stored.Delivery) -> str:
        return self.sealing.open(delivery.sealed_secret, bound_to=stored.bound_to(tenant_id, delivery.webhook_id))

    def _reports(self) -> SentReports:
        return SentReports(store=self.store, home=self.home)

    async def tidy(self) -> None:
        """Forget what nobody looks up any more, of all tenants. Raises Unavailable."""
        for tenant in await tenants.list_tenants(self.store):
            async with self.store.tenant(tenant.tenant_id) as connection:
                await stored.forget_deliveries(connection, days=LOG_DAYS)
                await forget_events(connection, days=FEED_DAYS)
