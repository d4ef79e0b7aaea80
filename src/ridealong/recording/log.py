"""The call's log on disk: everything that was made of the audio, before anybody hears of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from ridealong.recording.journal import disk_error

Entry = dict[str, object]


class CallLog:
    """An append-only file of JSON lines. A line that a crash tore is cut off: it was never told to anybody."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        content = os.pread(self._file, os.fstat(self._file).st_size, 0)
        self._size = content.rfind(b"\n") + 1
        os.ftruncate(self._file, self._size)
        self._recovered = content[: self._size]

    def entries(self) -> Iterator[Entry]:
        """What was in the file when it was opened."""
        for line in self._recovered.splitlines():
            yield cast("Entry", json.loads(line))

    def append(self, entry: Mapping[str, object]) -> None:
        """Write one line; it survives the death of this process.

        Raises Refused('no_disk_space') or Unavailable; half a line is never left behind.
        """
        block = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        done = 0
        try:
            while done < len(block):
                done += os.pwrite(self._file, block[done:], self._size + done)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            raise disk_error(error) from error
        self._size += len(block)

    def sync(self) -> None:
        os.fdatasync(self._file)

    def close(self) -> None:
        os.close(self._file)
