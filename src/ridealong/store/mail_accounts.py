"""A tenant's own mail server. Its password leaves the database sealed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from psycopg import AsyncConnection

if TYPE_CHECKING:
    from ridealong.store.sealing import Sealing


@dataclass(frozen=True, kw_only=True, slots=True)
class MailAccount:
    host: str
    port: int
    security: str
    """`starttls`, `tls` or `none`."""
    user: str
    sender: str
    changed_at: datetime
    sealed_password: bytes | None = field(repr=False)

    def open_password(self, sealing: Sealing, tenant_id: UUID) -> str | None:
        """Raises Unreadable or InvalidSettings."""
        if self.sealed_password is None:
            return None
        return sealing.open(self.sealed_password, bound_to=_bound_to(tenant_id, self.host, self.port, self.user))


async def load_mail_account(connection: AsyncConnection) -> MailAccount | None:
    cursor = await connection.execute(
        "SELECT host, port, security, user_name, sender, changed_at, sealed_password FROM mail_account"
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    return MailAccount(
        host=row[0],
        port=row[1],
        security=row[2],
        user=row[3],
        sender=row[4],
        changed_at=row[5],
        sealed_password=None if row[6] is None else bytes(row[6]),
    )


async def put_mail_account(
    connection: AsyncConnection,
    sealing: Sealing,
    tenant_id: UUID,
    *,
    host: str,
    port: int,
    security: str,
    user: str,
    password: str | None,
    sender: str,
) -> None:
    """In place of an earlier one; `password` None: there is none. Raises as `Sealing.seal`."""
    sealed = None if password is None else sealing.seal(password, bound_to=_bound_to(tenant_id, host, port, user))
    await connection.execute(
        "INSERT INTO mail_account (tenant_id, host, port, security, user_name, sealed_password, sender)"
        " VALUES (current_tenant(), %s, %s, %s, %s, %s, %s) ON CONFLICT (tenant_id) DO UPDATE"
        " SET host = EXCLUDED.host, port = EXCLUDED.port, security = EXCLUDED.security,"
        " user_name = EXCLUDED.user_name, sealed_password = EXCLUDED.sealed_password, sender = EXCLUDED.sender,"
        " changed_at = now()",
        [host, port, security, user, sealed, sender],
    )


async def drop_mail_account(connection: AsyncConnection) -> None:
    await connection.execute("DELETE FROM mail_account")


async def seal_mail_anew(connection: AsyncConnection, sealing: Sealing, tenant_id: UUID) -> bool:
    """Seal the password under the operator's newest key; whether it was changed. Raises Unreadable."""
    account = await load_mail_account(connection)
    if account is None or account.sealed_password is None or sealing.current(account.sealed_password):
        return False
    password = account.open_password(sealing, tenant_id) or ""
    sealed = sealing.seal(password, bound_to=_bound_to(tenant_id, account.host, account.port, account.user))
    await connection.execute("UPDATE mail_account SET sealed_password = %s", [sealed])
    return True


def _bound_to(tenant_id: UUID, host: str, port: int, user: str) -> bytes:
    """Also the server: who can write into the table cannot have the password sent elsewhere."""
    return b"\0".join((b"mail password", tenant_id.bytes, host.encode(), str(port).encode(), user.encode()))
