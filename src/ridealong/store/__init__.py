"""The store: PostgreSQL with pgvector, and the rule that a connection belongs to one tenant at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import psycopg
from pgvector.psycopg import register_vector_async
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from ridealong.config import Settings
from ridealong.core.errors import Refused, Unavailable, Ungrounded
from ridealong.core.sight import only_rep
from ridealong.store.database import prepare, url_of
from ridealong.store.embedded import DATABASE, OWNER, EmbeddedPostgres

__all__ = ["Store"]

_GROUNDED_TABLES: Final = frozenset(
    {"moment", "moment_evidence", "moment_anchor", "claim", "claim_evidence", "playlist_item"}
)

_POOL_SIZE: Final = 10
_POOL_KEPT: Final = 4
_WAIT_SECONDS: Final = 3.0
"""How long a request waits for a connection before it is told that the database is away."""


class Store:
    """The database of this process. Made by `open`, ended by `close`."""

    def __init__(
        self, *, owner_url: str, app_conninfo: str, pool: AsyncConnectionPool, server: EmbeddedPostgres | None
    ) -> None:
        self._owner_url = owner_url
        self._app_conninfo = app_conninfo
        self._pool = pool
        self._server = server

    @classmethod
    async def open(cls, settings: Settings) -> Store:
        """Start the embedded database or find the external one, bring it to this version, and connect.

        Raises InvalidSettings with what to change, or Unavailable.
        """
        server: EmbeddedPostgres | None = None
        if settings.database_url is None:
            server = EmbeddedPostgres(settings.database_dir)
            await asyncio.to_thread(server.start)
            owner_url = server.url(user=OWNER, database=DATABASE)
        else:
            owner_url = url_of(settings.database_url.get_secret_value())
        try:
            app_conninfo = await asyncio.to_thread(prepare, owner_url)
            pool: AsyncConnectionPool = AsyncConnectionPool(
                app_conninfo,
                # What one page asks for at once: a connection that is made first takes longer than all it is asked.
                min_size=_POOL_KEPT,
                max_size=_POOL_SIZE,
                open=False,
                configure=_configure,
                check=_alive,
                timeout=_WAIT_SECONDS,
                # Short: after it each new request tries again at once, so a database that is back is found at once.
                reconnect_timeout=1.0,
                name="ridealong",
            )
            await pool.open()
        except BaseException:
            if server is not None:
                await asyncio.to_thread(server.stop)
            raise
        return cls(owner_url=owner_url, app_conninfo=app_conninfo, pool=pool, server=server)

    async def close(self) -> None:
        """Close the connections; stop the embedded database when no other process uses it."""
        await self._pool.close()
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)

    @property
    def owner_url(self) -> str:
        """The database's URL as its owner, password included: for migrations and for DBOS, never for a log."""
        return self._owner_url

    @property
    def app_conninfo(self) -> str:
        """How the application's own role logs in."""
        return self._app_conninfo

    @property
    def server(self) -> EmbeddedPostgres | None:
        """The embedded server, None when the database is external."""
        return self._server

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncGenerator[AsyncConnection]:
        """One transaction that sees and writes this tenant's rows and no others; the only way to them.

        Where `tenant_id` is `OwnCalls`, of calls and what hangs on them only that rep's.

        Raises Unavailable when the database is away (nothing was written then, or the answer was lost: repeat),
        Ungrounded when it refuses a moment or claim, Refused when it refuses anything else.
        """
        async with self._connection() as connection:
            # Local to the transaction: a connection that goes back to the pool has forgotten it.
            await connection.execute(
                "SELECT set_config('ridealong.tenant', %s, true), set_config('ridealong.rep', %s, true)",
                [str(tenant_id), only_rep(tenant_id) or ""],
            )
            yield connection

    @asynccontextmanager
    async def without_tenant(self) -> AsyncGenerator[AsyncConnection]:
        """One transaction that sees no rows at all, for the functions that look across tenants."""
        async with self._connection() as connection:
            yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[AsyncConnection]:
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, PoolClosed) as error:
            raise Unavailable("the database is away: try again") from error
        except psycopg.Error as error:
            # Without its cause: PostgreSQL quotes the refused row, and with it what people said.
            raise _translated(error) from None


def _translated(error: psycopg.Error) -> Ungrounded | Refused:
    rule = error.diag.constraint_name
    if isinstance(error, psycopg.IntegrityError) and rule is not None:
        if error.diag.table_name in _GROUNDED_TABLES:
            return Ungrounded(f"the database refuses this {error.diag.table_name}: {rule}")
        return Refused(rule, f"the database refuses this {error.diag.table_name or 'row'}: {rule}")
    if isinstance(error, psycopg.DataError):
        return Refused("invalid_value", "the database cannot keep this value (a NUL character, or too large a number)")
    return Refused("refused_by_database", f"the database refuses this (SQLSTATE {error.sqlstate or 'unknown'})")


async def _alive(connection: AsyncConnection) -> None:
    """Raises what the connection raises. The pool's own check switches to autocommit for the time of its question: a
    task that is cancelled in it leaves a connection on which no setting outlives its statement, the tenant neither.
    """
    await connection.execute("SELECT 1")
    await connection.rollback()


async def _configure(connection: AsyncConnection) -> None:
    await register_vector_async(connection)
    await connection.commit()
