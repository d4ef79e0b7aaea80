"""How many threads are worth having, and which of them give way."""

from __future__ import annotations

import contextlib
import os
import sys
import threading


def cores() -> int:
    """Processors that this process may run on: not all that the machine has where it is kept to some (taskset)."""
    # Not on macOS, where no process can be kept to some of them.
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def yield_to_others() -> None:
    """Have the calling thread work when nobody else wants to: on Linux niceness is each thread's own."""
    # Elsewhere a thread's number may be another process's.
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
