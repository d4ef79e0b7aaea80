"""A tenant's CRM account, which deal each call belongs to, and what is still to be written.

Wishes to write are made by the database, in the transaction of the review that is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from ridealong.core.crm import CrmVendor
from ridealong.core.errors import Refused

if TYPE_CHECKING:
    from ridealong.store import Store
    from ridealong.store.sealing import Sealing

CLAIM_S: Final = 180
"""How long a call belongs to who writes it; a process that dies meanwhile leaves it to the next."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CrmAccount:
    """`client_id` is empty where the secret is a token. The secret itself stays sealed: see `open_secret`."""

    vendor: CrmVendor
    url: str
    client_id: str
    write_back: bool
    mapping: str
    secret_set_at: datetime
    changed_at: datetime
    sealed_secret: bytes = field(repr=False)

    def open_secret(self, sealing: Sealing, tenant_id: UUID) -> str:
        """Raises Unreadable or InvalidSettings."""
        return sealing.open(self.sealed_secret, bound_to=_bound_to(tenant_id, self.vendor, self.url, self.client_id))


@dataclass(frozen=True, kw_only=True, slots=True)
class CrmCall:
    """A call in the CRM. `wishes` is what it was when this was read: see `settle`."""

    call_id: UUID
    vendor: CrmVendor
    deal_id: str
    deal_by_person: bool
    note_id: str
    note_digest: bytes | None
    status: str
    wishes: int
    attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CrmAttempt:
    """One attempt to write. `reason` is empty where all was written."""

    outcome: str
    reason: str = ""
    note: str = "untouched"
    written: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    answer: int | None = None
    duration_ms: int = 0
    tried_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedCrmCall:
    """For the log. `due_at`: of the next attempt, None while none is due."""

    call_id: UUID
    title: str
    vendor: str
    deal_id: str
    status: str
    due_at: datetime | None
    settled_at: datetime | None
    attempts: tuple[CrmAttempt, ...]


async def load_account(connection: AsyncConnection) -> CrmAccount | None:
    cursor = await connection.execute(
        "SELECT vendor, url, client_id, write_back, mapping, secret_set_at, changed_at, sealed_secret FROM crm_account"
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    return CrmAccount(
        vendor=CrmVendor(row[0]),
        url=row[1],
        client_id=row[2],
        write_back=row[3],
        mapping=row[4],
        secret_set_at=row[5],
        changed_at=row[6],
        sealed_secret=bytes(row[7]),
    )


async def put_account(
    connection: AsyncConnection,
    sealing: Sealing,
    tenant_id: UUID,
    *,
    vendor: CrmVendor,
    url: str,
    client_id: str,
    secret: str | None,
    write_back: bool,
    mapping: str,
) -> None:
    """In place of an earlier one. `secret` None: the one that is there stays. Raises as `Sealing.seal`.

    What was linked in another account is forgotten with it: ids of one CRM say nothing in another.
    """
    sealed = None if secret is None else sealing.seal(secret, bound_to=_bound_to(tenant_id, vendor, url, client_id))
    elsewhere = "EXISTS (SELECT FROM crm_account a WHERE a.vendor <> %s OR a.url <> %s)"
    await connection.execute(f"DELETE FROM crm_call WHERE {elsewhere}", [vendor.value, url])
    await connection.execute(f"DELETE FROM crm_value WHERE {elsewhere}", [vendor.value, url])
    values = {
        "vendor": vendor.value,
        "url": url,
        "client": client_id,
        "sealed": sealed,
        "back": write_back,
        "mapping": mapping,
    }
    if sealed is None:
        await connection.execute(
            "UPDATE crm_account SET write_back = %(back)s, mapping = %(mapping)s, changed_at = now()", values
        )
        return
    await connection.execute(
        "INSERT INTO crm_account (tenant_id, vendor, url, client_id, sealed_secret, write_back, mapping)"
        " VALUES (current_tenant(), %(vendor)s, %(url)s, %(client)s, %(sealed)s, %(back)s, %(mapping)s)"
        " ON CONFLICT (tenant_id) DO UPDATE SET vendor = EXCLUDED.vendor, url = EXCLUDED.url,"
        " client_id = EXCLUDED.client_id, sealed_secret = EXCLUDED.sealed_secret, secret_set_at = now(),"
        " write_back = EXCLUDED.write_back, mapping = EXCLUDED.mapping, changed_at = now()",
        values,
    )


async def drop_account(connection: AsyncConnection) -> None:
    """Forget the account with all that was linked through it. What was written in the CRM stays there."""
    for table in ("crm_call", "crm_value", "crm_account"):
        await connection.execute(f"DELETE FROM {table}")


async def seal_account_anew(connection: AsyncConnection, sealing: Sealing, tenant_id: UUID) -> bool:
    """Seal the secret under the operator's newest key; whether it was changed. Raises Unreadable."""
    account = await load_account(connection)
    if account is None or sealing.current(account.sealed_secret):
        return False
    bound = _bound_to(tenant_id, account.vendor, account.url, account.client_id)
    sealed = sealing.seal(account.open_secret(sealing, tenant_id), bound_to=bound)
    await connection.execute("UPDATE crm_account SET sealed_secret = %s", [sealed])
    return True


async def load_crm_call(connection: AsyncConnection, call_id: UUID) -> CrmCall | None:
    cursor = await connection.execute(f"SELECT {_COLUMNS} FROM crm_call WHERE call_id = %s", [call_id])
    row = await cursor.fetchone()
    return None if row is None else _crm_call(row)


async def link_deal(
    connection: AsyncConnection, call_id: UUID, vendor: CrmVendor, deal_id: str, *, by_person: bool
) -> None:
    """The call belongs to that deal. A person's word is not taken back by what is found.

    A note stays with the deal that it was written to: moved to another deal, the call gets one there.
    """
    await connection.execute(
        "INSERT INTO crm_call (tenant_id, call_id, vendor, deal_id, deal_by_person)"
        " VALUES (current_tenant(), %(call)s, %(vendor)s, %(deal)s, %(by)s)"
        " ON CONFLICT (tenant_id, call_id) DO UPDATE SET deal_id = EXCLUDED.deal_id,"
        " deal_by_person = EXCLUDED.deal_by_person,"
        " note_id = CASE WHEN crm_call.deal_id = EXCLUDED.deal_id THEN crm_call.note_id ELSE '' END,"
        " note_digest = CASE WHEN crm_call.deal_id = EXCLUDED.deal_id THEN crm_call.note_digest END"
        " WHERE EXCLUDED.deal_by_person OR NOT crm_call.deal_by_person",
        {"call": call_id, "vendor": vendor.value, "deal": deal_id, "by": by_person},
    )


async def wish(connection: AsyncConnection, call_id: UUID, vendor: CrmVendor) -> None:
    """The call is to be written, now."""
    await connection.execute(
        "INSERT INTO crm_call (tenant_id, call_id, vendor, status, wishes, due_at)"
        " VALUES (current_tenant(), %s, %s, 'waiting', 1, now())"
        " ON CONFLICT (tenant_id, call_id) DO UPDATE SET status = 'waiting', due_at = now(), settled_at = NULL,"
        " wishes = crm_call.wishes + 1, attempts = 0",
        [call_id, vendor.value],
    )


async def due_calls(store: Store, *, limit: int) -> list[tuple[UUID, UUID]]:
    """(tenant, call) of what is to be written now, of all tenants, longest due first."""
    async with store.without_tenant() as connection:
        cursor = await connection.execute("SELECT tenant_id, call_id FROM due_crm_calls(%s)", [limit])
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def take(connection: AsyncConnection, call_id: UUID) -> CrmCall | None:
    """Take the call that is due, None when somebody else did."""
    cursor = await connection.execute(
        "UPDATE crm_call SET due_at = now() + make_interval(secs => %s), attempts = attempts + 1"
        f" WHERE call_id = %s AND status = 'waiting' AND due_at <= now() RETURNING {_COLUMNS}",
        [CLAIM_S, call_id],
    )
    row = await cursor.fetchone()
    return None if row is None else _crm_call(row)


async def keep_note(connection: AsyncConnection, call_id: UUID, note_id: str, digest: bytes) -> None:
    """The note was written: kept at once, so that whoever goes on after a crash knows of it."""
    await connection.execute(
        "UPDATE crm_call SET note_id = %s, note_digest = %s WHERE call_id = %s", [note_id, digest, call_id]
    )


async def settle(
    connection: AsyncConnection, taken: CrmCall, attempt: CrmAttempt, *, status: str, again_in_s: float | None
) -> None:
    """It was tried, and that came of it. What was wished for meanwhile is due at once, whatever came of this."""
    await connection.execute(
        "UPDATE crm_call SET"
        " status = CASE WHEN wishes > %(wishes)s OR %(again)s::float IS NOT NULL THEN 'waiting' ELSE %(status)s END,"
        " due_at = CASE WHEN wishes > %(wishes)s THEN now()"
        " WHEN %(again)s::float IS NOT NULL THEN now() + make_interval(secs => %(again)s) ELSE 'infinity' END,"
        " settled_at = CASE WHEN wishes > %(wishes)s OR %(again)s::float IS NOT NULL THEN NULL ELSE now() END"
        " WHERE call_id = %(call)s",
        {"wishes": taken.wishes, "again": again_in_s, "status": status, "call": taken.call_id},
    )
    await connection.execute(
        "INSERT INTO crm_attempt"
        " (tenant_id, call_id, outcome, reason, note, written, kept, missing, answer, duration_ms)"
        " SELECT tenant_id, call_id, %s, %s, %s, %s, %s, %s, %s, %s FROM crm_call WHERE call_id = %s",
        [
            *(attempt.outcome, attempt.reason, attempt.note),
            *(list(attempt.written), list(attempt.kept), list(attempt.missing)),
            *(attempt.answer, attempt.duration_ms, taken.call_id),
        ],
    )


async def calls_of_deal(connection: AsyncConnection, vendor: CrmVendor, deal_id: str) -> list[UUID]:
    """The ended calls that belong to that deal."""
    cursor = await connection.execute(
        "SELECT c.call_id FROM crm_call k JOIN call c USING (tenant_id, call_id)"
        " WHERE k.vendor = %s AND k.deal_id = %s AND k.deal_id <> '' AND c.status = 'ended'",
        [vendor.value, deal_id],
    )
    return [row[0] for row in await cursor.fetchall()]


async def later_call_written(connection: AsyncConnection, call: CrmCall) -> bool:
    """Whether a call of the same deal that began later was written already: its summary is the newer one."""
    cursor = await connection.execute(
        "SELECT EXISTS (SELECT FROM crm_call k JOIN call c USING (tenant_id, call_id)"
        " WHERE k.vendor = %s AND k.deal_id = %s AND k.call_id <> %s AND k.status IN ('written', 'partly')"
        " AND c.started_at > (SELECT started_at FROM call WHERE call_id = %s))",
        [call.vendor.value, call.deal_id, call.call_id, call.call_id],
    )
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def load_digests(connection: AsyncConnection, vendor: CrmVendor, deal_id: str) -> dict[str, bytes]:
    """What we wrote last into the deal's properties, by property."""
    cursor = await connection.execute(
        "SELECT property, digest FROM crm_value WHERE vendor = %s AND deal_id = %s", [vendor.value, deal_id]
    )
    return {row[0]: bytes(row[1]) for row in await cursor.fetchall()}


async def keep_digests(
    connection: AsyncConnection, vendor: CrmVendor, deal_id: str, digests: Mapping[str, bytes]
) -> None:
    async with connection.cursor() as writing:
        await writing.executemany(
            "INSERT INTO crm_value (tenant_id, vendor, deal_id, property, digest)"
            " VALUES (current_tenant(), %s, %s, %s, %s) ON CONFLICT (tenant_id, vendor, deal_id, property)"
            " DO UPDATE SET digest = EXCLUDED.digest, written_at = now()",
            [(vendor.value, deal_id, name, digest) for name, digest in digests.items()],
        )


async def list_crm_calls(
    connection: AsyncConnection, *, status: str | None = None, call_id: UUID | None = None, limit: int = 50
) -> list[LoggedCrmCall]:
    """The newest call first, each with its attempts, the first one first."""
    cursor = await connection.execute(
        "SELECT k.call_id, c.title, k.vendor, k.deal_id, k.status, nullif(k.due_at, 'infinity'), k.settled_at"
        " FROM crm_call k JOIN call c USING (tenant_id, call_id)"
        " WHERE k.status = coalesce(%s, k.status) AND k.call_id = coalesce(%s, k.call_id)"
        " ORDER BY c.started_at DESC, k.call_id LIMIT %s",
        [status, call_id, limit],
    )
    rows = await cursor.fetchall()
    tried = await _attempts(connection, [row[0] for row in rows])
    return [
        LoggedCrmCall(
            call_id=row[0],
            title=row[1],
            vendor=row[2],
            deal_id=row[3],
            status=row[4],
            due_at=row[5],
            settled_at=row[6],
            attempts=tuple(tried.get(row[0], ())),
        )
        for row in rows
    ]


async def forget_attempts(connection: AsyncConnection, *, days: int) -> int:
    """Remove attempts that are older; how many."""
    cursor = await connection.execute(
        "DELETE FROM crm_attempt WHERE tried_at < now() - make_interval(days => %s)", [days]
    )
    return cursor.rowcount


async def known_call(connection: AsyncConnection, call_id: UUID) -> None:
    """Raises Refused('unknown_call')."""
    cursor = await connection.execute("SELECT FROM call WHERE call_id = %s", [call_id])
    if await cursor.fetchone() is None:
        raise Refused("unknown_call", "this tenant has no such call")


async def _attempts(connection: AsyncConnection, call_ids: Sequence[UUID]) -> dict[UUID, list[CrmAttempt]]:
    cursor = await connection.execute(
        "SELECT call_id, outcome, reason, note, written, kept, missing, answer, duration_ms, tried_at FROM crm_attempt"
        " WHERE call_id = ANY (%s) ORDER BY tried_at, attempt_id",
        [list(call_ids)],
    )
    tried: dict[UUID, list[CrmAttempt]] = {}
    for row in await cursor.fetchall():
        attempt = CrmAttempt(
            outcome=row[1],
            reason=row[2],
            note=row[3],
            written=tuple(row[4]),
            kept=tuple(row[5]),
            missing=tuple(row[6]),
            answer=row[7],
            duration_ms=row[8],
            tried_at=row[9],
        )
        tried.setdefault(row[0], []).append(attempt)
    return tried


_COLUMNS: Final = "call_id, vendor, deal_id, deal_by_person, note_id, note_digest, status, wishes, attempts"


def _crm_call(row: tuple[Any, ...]) -> CrmCall:
    return CrmCall(
        call_id=row[0],
        vendor=CrmVendor(row[1]),
        deal_id=row[2],
        deal_by_person=row[3],
        note_id=row[4],
        note_digest=None if row[5] is None else bytes(row[5]),
        status=row[6],
        wishes=row[7],
        attempts=row[8],
    )


def _bound_to(tenant_id: UUID, vendor: CrmVendor, url: str, client_id: str) -> bytes:
    """Also the address: who can write into the table cannot have the secret sent elsewhere."""
    return b"\0".join((b"crm secret", tenant_id.bytes, vendor.value.encode(), url.encode(), client_id.encode()))
