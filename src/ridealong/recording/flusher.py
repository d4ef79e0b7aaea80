"""Flushes to the disk, shared by all calls of a process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ridealong.recording.journal import AudioJournal

SYNC_EVERY_S: Final = 0.8
"""A sender sees its bytes acknowledged about this much later; each flush costs the processor as much as a frame."""

ROUND_S: Final = 0.2
"""What is due within this time is flushed together. All journals at once would wake all calls at once, to send their
acknowledgements while everybody's nudges wait."""


class Flusher:
    """Flushes the journals of many calls, each some time after it was written to, those that are due together in one
    go: a task and a thread's turn for each of them would cost more than the flushes. A slow disk makes the rounds
    longer, and so rarer, by itself.
    """

    def __init__(self, every_s: float = SYNC_EVERY_S) -> None:
        self._every_s = every_s
        self._due: dict[AudioJournal, float] = {}
        """When each is to be flushed, by the event loop's time; the earliest first, since all wait equally long."""
        self._rounds: asyncio.Task[None] | None = None

    def soon(self, journal: AudioJournal) -> None:
        """Flush `journal`, which has something to flush, when its time has come."""
        if journal in self._due:
            return
        self._due[journal] = asyncio.get_running_loop().time() + self._every_s
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.create_task(self._run())

    def forget(self, journal: AudioJournal) -> None:
        """It flushes itself and is closed: no round takes it any more."""
        self._due.pop(journal, None)

    async def _run(self) -> None:
        time = asyncio.get_running_loop().time
        while self._due:
            await asyncio.sleep(max(0.0, next(iter(self._due.values())) - time()))
            until = time() + ROUND_S
            due = [journal for journal, at in self._due.items() if at <= until]
            for journal in due:
                del self._due[journal]
            by_executor: dict[Executor, list[AudioJournal]] = {}
            for journal in due:
                by_executor.setdefault(journal.executor, []).append(journal)
            await asyncio.gather(*(flush_all(executor, journals) for executor, journals in by_executor.items()))


async def flush_all(executor: Executor, journals: Sequence[AudioJournal]) -> None:
    """Flush `journals` in one turn of a thread, and tell each of them how it went."""
    marks = [journal.begin_flush() for journal in journals]
    files = [file for file, _ in marks]
    outcomes = await asyncio.get_running_loop().run_in_executor(executor, _sync_files, files)
    for journal, (_, target), failure in zip(journals, marks, outcomes, strict=True):
        journal.end_flush(target, failure)


def _sync_files(files: Sequence[int]) -> list[OSError | None]:
    found: list[OSError | None] = []
    for file in files:
        try:
            os.fdatasync(file)
        except OSError as error:
            found.append(error)
        else:
            found.append(None)
    return found
