"""How many threads are worth having."""

from __future__ import annotations

import os


def cores() -> int:
    """Processors that this process may run on: not all that the machine has where it is kept to some (taskset)."""
    # Not on macOS, where no process can be kept to some of them.
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1
