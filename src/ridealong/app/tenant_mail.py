"""Which server takes a tenant's mail: its own, else the operator's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from email.utils import parseaddr
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from ridealong.app.mail import PORTS, Mailbox, NotSent
from ridealong.core.errors import InvalidSettings, MissingPart, Refused
from ridealong.outside import lies_inside
from ridealong.postcall.email_form import Email
from ridealong.store import mail_accounts as stored
from ridealong.store.sealing import Sealing, Unreadable
from ridealong.web.mail import CheckedMail, MailAccount, MailOfTenant, NewMailAccount, TestedMail

if TYPE_CHECKING:
    from ridealong.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantMail:
    """Implements `web.mail.MailOfTenants`. `server`: the operator's mailbox, None where there is none.

    `allow_private`: whether a tenant's server may lie inside the network. `threads`: where mail waits for servers that
    may be silent; None: among those of everything else.
    """

    store: Store
    sealing: Sealing
    server: Mailbox | None = None
    allow_private: bool = False
    threads: Executor | None = None

    async def mailbox(self, tenant_id: UUID) -> Mailbox | None:
        """Where that tenant's mail goes out; None where neither has a server.

        Raises Unreadable or InvalidSettings for a password that cannot be read: what is to come from the tenant's own
        address is not sent from another one instead.
        """
        async with self.store.tenant(tenant_id) as connection:
            account = await stored.load_mail_account(connection)
        if account is None:
            return self.server
        return Mailbox(
            host=account.host,
            port=account.port,
            security=account.security,
            sender=account.sender,
            user=account.user or None,
            password=account.open_password(self.sealing, tenant_id),
            outside=not self.allow_private,
        )

    async def sends(self, tenant_id: UUID) -> bool:
        """Whether that tenant's mail goes anywhere."""
        if self.server is not None:
            return True
        async with self.store.tenant(tenant_id) as connection:
            return await stored.load_mail_account(connection) is not None

    async def read(self, tenant_id: UUID) -> MailOfTenant:
        async with self.store.tenant(tenant_id) as connection:
            account = await stored.load_mail_account(connection)
        return MailOfTenant(account=None if account is None else _shown(account), server_sends=self.server is not None)

    async def write(self, tenant_id: UUID, new: NewMailAccount) -> MailAccount:
        port = new.port or PORTS[new.security]
        if not self.allow_private and lies_inside(new.host):
            raise Refused("bad_request", "`host` lies inside the server's network: RIDEALONG_SMTP_PRIVATE allows that")
        if "@" not in parseaddr(new.sender)[1]:
            raise Refused("bad_request", "`sender`: write the address that mail comes from, as Sales <me@firm.example>")
        if new.password is not None and not new.user:
            raise Refused("bad_request", "`password` needs `user`")
        async with self.store.tenant(tenant_id) as connection:
            known = await stored.load_mail_account(connection)
            password = new.password
            if password is None and new.user and known is not None and known.sealed_password is not None:
                if (known.host, known.port, known.user) != (new.host, port, new.user):
                    raise Refused("bad_request", "`password`: give it together with another host, port or user")
                try:
                    password = known.open_password(self.sealing, tenant_id)
                except (Unreadable, InvalidSettings):
                    raise Refused("bad_request", "`password`: the one that is kept cannot be read: give it") from None
            if password is not None and new.security == "none":
                raise Refused("bad_request", "`security`: none would send the password readable: use starttls or tls")
            await stored.put_mail_account(
                connection,
                self.sealing,
                tenant_id,
                host=new.host,
                port=port,
                security=new.security,
                user=new.user,
                password=password,
                sender=new.sender,
            )
            made = await stored.load_mail_account(connection)
        if made is None:
            raise Refused("not_found", "the mail server was removed meanwhile")
        return _shown(made)

    async def drop(self, tenant_id: UUID) -> None:
        async with self.store.tenant(tenant_id) as connection:
            await stored.drop_mail_account(connection)

    async def check(self, tenant_id: UUID) -> CheckedMail:
        message = await self._tried(tenant_id, Mailbox.check)
        return CheckedMail(works=not message, message=message)

    async def send_test(self, tenant_id: UUID, to: str) -> TestedMail:
        message_id = f"msg_{uuid4().hex}"
        message = await self._tried(tenant_id, lambda mailbox: mailbox.send(_TEST, to=to, message_id=message_id))
        return TestedMail(works=not message, message=message, to=to)

    async def _tried(self, tenant_id: UUID, work: Callable[[Mailbox], object]) -> str:
        """What went wrong; empty where nothing did. `work` blocks, in a thread."""
        try:
            mailbox = await self.mailbox(tenant_id)
            if mailbox is None:
                raise MissingPart("neither this tenant nor this server has a mail server: set one first")
            await asyncio.get_running_loop().run_in_executor(self.threads, work, mailbox)
        except (NotSent, Unreadable, InvalidSettings) as error:
            return str(error)
        return ""


_TEST: Final = Email(
    subject="A test from Ridealong",
    html="<p>This is how reports of calls reach you. Whoever asked for it pressed “Send me a test mail”.</p>",
    text="This is how reports of calls reach you. Whoever asked for it pressed “Send me a test mail”.\n",
)


def _shown(account: stored.MailAccount) -> MailAccount:
    return MailAccount.model_validate(
        {
            "host": account.host,
            "port": account.port,
            "security": account.security,
            "user": account.user,
            "has_password": account.sealed_password is not None,
            "sender": account.sender,
            "changed_at": account.changed_at,
        }
    )
