"""The folder of one call's recording, and the folders of all."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Final, cast
from uuid import UUID

from ridealong.core.errors import Refused
from ridealong.recording.flusher import Flusher
from ridealong.recording.journal import AudioJournal, disk_error
from ridealong.recording.log import CallLog

MIN_FREE_BYTES: Final = 64 << 20
"""A call is not begun with less free disk: about half an hour of audio at 16 kHz."""


class Recording:
    """The folder of one call."""

    def __init__(self, folder: Path, flusher: Flusher) -> None:
        self.folder = folder
        self._flusher = flusher
        self._lock: int | None = None

    def acquire(self) -> bool:
        """Make this process the one that runs the call; False while another one does. A killed one lets go."""
        lock = os.open(self.folder / "call.json", os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def call_id(self) -> UUID:
        return UUID(self.folder.name)

    @property
    def tenant_id(self) -> UUID:
        return UUID(self.folder.parent.name)

    @property
    def audio_path(self) -> Path:
        return self.folder / "audio"

    def statement(self) -> dict[str, object]:
        """What the sender stated at the start (`call.json`)."""
        return cast("dict[str, object]", json.loads((self.folder / "call.json").read_text()))

    def open_audio(self, *, packets: bool, executor: Executor) -> AudioJournal:
        return AudioJournal(self.audio_path, packets=packets, executor=executor, flusher=self._flusher)

    def open_log(self) -> CallLog:
        return CallLog(self.folder / "log.jsonl")

    @property
    def stored(self) -> bool:
        """Everything in the log is in the database, the call's end with it."""
        return (self.folder / "stored").exists()

    def mark_stored(self) -> None:
        (self.folder / "stored").touch()

    def erase(self) -> bool:
        """Delete the folder; False when there was none."""
        if not self.folder.exists():
            return False
        shutil.rmtree(self.folder)
        return True


class Recordings:
    """All recordings under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._flusher = Flusher()

    def of(self, tenant_id: UUID, call_id: UUID) -> Recording:
        return Recording(self.folder / str(tenant_id) / str(call_id), self._flusher)

    def create(self, tenant_id: UUID, call_id: UUID, statement: Mapping[str, object]) -> Recording:
        """Make the folder with its `call.json`. Raises Refused('no_disk_space') or Unavailable."""
        recording = self.of(tenant_id, call_id)
        try:
            recording.folder.mkdir(parents=True, mode=0o700)
            if shutil.disk_usage(recording.folder).free < MIN_FREE_BYTES:
                recording.erase()
                raise Refused(
                    "no_disk_space", "the server's disk is full: no new call can be recorded; free some space"
                )
            path = recording.folder / "call.json"
            with path.open("w") as file:
                json.dump(dict(statement), file)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            recording.erase()
            raise disk_error(error) from error
        return recording

    def unstored(self) -> Iterator[Recording]:
        """Recordings whose call has not been stored to its end: running now, or interrupted."""
        for statement in sorted(self.folder.glob("*/*/call.json")):
            recording = Recording(statement.parent, self._flusher)
            if not recording.stored:
                yield recording
