"""What tenants spend of their tokens: counted in memory, written down behind it, added up over all processes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import structlog

from ridealong.app.background import beside
from ridealong.core.errors import Refused, Unavailable
from ridealong.store import token_counts as stored

if TYPE_CHECKING:
    from ridealong.core.usage import DayTokens
    from ridealong.llm.budget import TokenBudget
    from ridealong.llm.house import ModelHouse
    from ridealong.store import Store
    from ridealong.store.token_counts import StoredBudget

_log = structlog.get_logger(__name__)

WRITE_EVERY_S: Final = 1.0
"""What a killed process had counted in that time is lost."""
LOOK_EVERY_S: Final = 5.0
"""How long a tenant's calls may go on with a budget that another process changed, or with what that one counted."""
_STALE_S: Final = LOOK_EVERY_S - 2 * WRITE_EVERY_S
"""What is known for so long is read again at the next turn to write: the other process waited for one as well."""
WATCHED_S: Final = 900.0
"""A tenant that asked for no tokens in that time is not looked after; its next call or review looks itself."""


@dataclass(slots=True)
class _Watched:
    budget: TokenBudget
    known: StoredBudget | None = None
    looked_at: float = -1e9
    tidied_on: date | None = None
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Or an older count could be written over a newer one."""


class TokenCounts:
    """The counts of one process. Questions take tokens in memory and wait for nothing here."""

    def __init__(self, store: Store, house: ModelHouse, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.counted_by = uuid4()
        self._store = store
        self._house = house
        self._clock = clock
        self._watched: dict[UUID, _Watched] = {}
        self._away = False

    async def ready(self, tenant_id: UUID) -> None:
        """Know the tenant's budget before a call or review asks for tokens. Raises Unavailable where it never was known
        and the database is away.
        """
        found = self._of(tenant_id)
        if self._clock() - found.looked_at < _STALE_S:
            return
        try:
            await self.look(tenant_id)
        except Unavailable:
            if found.known is None:
                raise

    async def look(self, tenant_id: UUID) -> StoredBudget:
        """Write down what was counted here, and read what others did and what the tenant may. Raises Unavailable."""
        found = self._of(tenant_id)
        async with found.one_at_a_time:
            today, counted = found.budget.today, found.budget.unwritten()
            async with self._store.tenant(tenant_id) as connection:
                for day, tokens in counted.items():
                    await stored.put_count(connection, day, self.counted_by, tokens)
                if counted and found.tidied_on != today:
                    await stored.forget_old_counts(connection, today)
                others = await stored.counted_by_others(connection, today, self.counted_by)
                known = await stored.load_budget(connection)
            self._wrote(found, counted)
            if counted:
                found.tidied_on = today
            found.budget.know(today, others=others, limits=known.limits(self._house.day_limits))
            found.known, found.looked_at = known, self._clock()
            return known

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncGenerator[None]:
        """Write behind, inside the `async with`; at its end, all that is left."""
        async with beside(self._write_for_ever()):
            yield
        await self.write()

    async def write(self) -> None:
        """Write what is due. What cannot be written is kept, and written the next time."""
        now = self._clock()
        for tenant_id, found in list(self._watched.items()):
            waits = now - found.looked_at
            watched = now - found.budget.asked_at < WATCHED_S
            if not found.budget.unwritten() and not (watched and waits >= _STALE_S):
                continue
            try:
                await self.look(tenant_id)
            except Unavailable as error:
                if not self._away:
                    _log.warning("token_counts_wait", error=type(error).__name__)
                self._away = True
                return
            except Refused as error:
                # There is no such tenant any more. Nobody asks for it again, and the others go on.
                _log.warning("token_counts_refused", tenant_id=str(tenant_id), code=error.code)
                self._wrote(found, found.budget.unwritten())
        self._away = False

    async def _write_for_ever(self) -> None:
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            await self.write()

    def _wrote(self, found: _Watched, counted: dict[date, DayTokens]) -> None:
        for day, tokens in counted.items():
            found.budget.written(day, tokens)

    def _of(self, tenant_id: UUID) -> _Watched:
        found = self._watched.get(tenant_id)
        if found is None:
            found = self._watched[tenant_id] = _Watched(budget=self._house.budget(str(tenant_id)))
        return found
