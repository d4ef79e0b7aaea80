"""What a running call says: into its log first, then to whoever watches; the database follows behind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Final

import structlog

from ridealong.core.errors import RidealongError
from ridealong.core.events import CallEvent, FeedbackGiven, MomentAhead, MomentDecided, NudgeSighted, WarningGiven
from ridealong.live import Numbered
from ridealong.live.broadcast import Broadcast
from ridealong.live.writer import Pending, StoreWriter
from ridealong.recording.entries import Lasting, Logged, write_entry

if TYPE_CHECKING:
    from uuid import UUID

    from ridealong.core.transcript import TranscriptId
    from ridealong.embedding import Vectors
    from ridealong.live.clock import CallClock
    from ridealong.live.engine import Engine
    from ridealong.recording.folder import Recording
    from ridealong.recording.log import CallLog, Entry

CATCH_UP_S: Final = 2.0

_log = structlog.get_logger(__name__)


class Telling:
    """One call's log, watchers and store writer. `run` writes to the database until the call's end is stored."""

    def __init__(
        self,
        *,
        engine: Engine,
        recording: Recording,
        transcript_id: TranscriptId,
        log: CallLog,
        clock: CallClock,
        embed: Callable[[str], Vectors],
    ) -> None:
        self._call_id = recording.call_id
        self._log = log
        self._clock = clock
        self._broadcast = Broadcast()
        self._ahead: dict[UUID, list[Pending]] = {}
        """By moment that was told ahead and is not stored yet: what was said of it, which has to wait for it."""
        self._disk_warned = False
        self._writer = StoreWriter(
            store=engine.store,
            tenant_id=recording.tenant_id,
            transcript_id=transcript_id,
            log=log,
            disk=engine.disk,
            behind=engine.behind,
            embed=embed,
            on_away=lambda: self.warn(
                "database_away", "the database does not answer: the call goes on and is stored when it is back"
            ),
        )

    # ---- for who listens

    @property
    def last_seq(self) -> int:
        return self._broadcast.last_seq

    def watch(self, *, after: int, size: int) -> AsyncIterator[Numbered]:
        return self._broadcast.watch(after=after, size=size)

    async def caught_up(self) -> None:
        """Wait until the database knows what was told so far; not for long, since it may be away."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP_S):
                await self._writer.caught_up()

    # ---- for the call

    def publish(self, event: CallEvent) -> None:
        """Log, tell and store `event`."""
        self.log_and_tell(event)
        if isinstance(event, Lasting):
            self.store(Pending(event=event))

    def log_and_tell(self, event: CallEvent) -> None:
        """Log `event`, then tell it: what is stored of it comes later, with more than the event."""
        if isinstance(event, Logged):
            self.log_line(write_entry(self._broadcast.last_seq + 1, event))
        self._expect(event)
        self.tell(event)

    def tell(self, event: CallEvent) -> None:
        """Tell `event` to whoever watches, and keep it nowhere."""
        self._broadcast.publish(event)

    def store(self, pending: Pending) -> None:
        event = pending.event
        if isinstance(event, NudgeSighted | FeedbackGiven) and event.moment_id in self._ahead:
            self._ahead[event.moment_id].append(pending)
            return
        self._writer.add(pending)
        if isinstance(event, MomentDecided):
            for waiting in self._ahead.pop(event.moment_id, ()):
                self._writer.add(waiting)

    def _expect(self, event: CallEvent) -> None:
        # It is known now and stored later: so is what is said of it meanwhile.
        if isinstance(event, MomentAhead):
            self._ahead[event.moment_id] = []

    def never_stored(self, moment_id: UUID) -> None:
        """Nothing proves this moment: what was said of it is not kept either."""
        self._ahead.pop(moment_id, None)

    def warn(self, code: str, message: str) -> None:
        self.publish(WarningGiven(code=code, message=message, at=self._clock.at()))

    def log_line(self, entry: Entry) -> None:
        try:
            self._log.append(entry)
        except RidealongError:
            # A full disk must not end the call: what cannot be logged still goes to the database.
            if not self._disk_warned:
                self._disk_warned = True
                _log.error("log_not_written", call_id=str(self._call_id))
                self.tell(
                    WarningGiven(
                        code="no_disk_space",
                        message="the server's disk takes no more data: free some space",
                        at=self._clock.at(),
                    )
                )

    async def run(self) -> None:
        await self._writer.run()

    def logged(self) -> Iterator[Entry]:
        """What an earlier process has logged."""
        return self._log.entries()

    def restore(self, numbered: Numbered) -> None:
        """An event that an earlier process has logged, and perhaps not stored."""
        self._broadcast.restore(numbered)
        self._expect(numbered.event)
        if isinstance(numbered.event, Lasting):
            self.store(Pending(event=numbered.event))

    def close_watchers(self) -> None:
        self._broadcast.close()

    def close_log(self) -> None:
        self._log.close()
