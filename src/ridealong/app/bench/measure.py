"""What a measurement gives, and percentiles."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One figure. `floor` and `aim` are what it should be at least and at best, in words."""

    part: str
    what: str
    value: str
    floor: str = ""
    aim: str = ""
    ok: bool | None = None
    """Whether it is at least at the floor; None where there is none."""
    numbers: dict[str, float] = field(default_factory=dict[str, float])


def percentile(values: Sequence[float], q: float) -> float:
    """The q-th percentile (0 to 100), linear between the neighbours; NaN of nothing."""
    return float(np.percentile(np.asarray(values), q)) if len(values) else float("nan")


def machine() -> str:
    """Processor, cores, memory and system in one line."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {system}"
