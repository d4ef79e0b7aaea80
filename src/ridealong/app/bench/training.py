"""`python -m ridealong.app.bench.training [EXAMPLES]`: how long the training of a tenant's own head takes.

EXAMPLES (2,000) of the shipped ones are taken for a tenant's: a tenth for four new types, the others for the nine; 400
utterances of past calls are compared as in any training. The worker is run twice, in a process of its own as in the
server: first with nothing read yet, then with what the first run read, which is how the database keeps it.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ridealong.core.moments import CONTENT_TYPES
from ridealong.live.taxonomy import default_taxonomy
from ridealong.live.train import Example, shipped_examples
from ridealong.live.tuning_worker import write_views

EXAMPLES: Final = 2000
PAST: Final = 400
NEW: Final = ("first_of_its_own", "second_of_its_own", "third_of_its_own", "fourth_of_its_own")


def job(examples: int) -> dict[str, object]:
    """What the worker is asked: see `ridealong.app.tuning_job`."""
    chance = random.Random(1)  # noqa: S311 - the same job in every run
    chosen = shipped_examples()
    chance.shuffle(chosen)
    shipped = [
        {"id": t.id, "role": t.role, "description": f"{t.label}. {t.description}", "detect": t.detect}
        for t in default_taxonomy().content_types
    ]
    own = [{"id": name, "role": "customer", "description": name.replace("_", " "), "detect": 0.42} for name in NEW]
    past = [
        {**_said(example), "place": {"call_id": example.call, "revision": 0, "utterance_no": number}}
        for number, example in enumerate(shipped_examples("calibration")[:PAST])
    ]
    return {
        "trust_feedback": False,
        "types": [*shipped, *own],
        "statements": [_statement(number, example, chance) for number, example in enumerate(chosen[:examples])],
        "past": past,
    }


def _said(example: Example) -> dict[str, Any]:
    before = [{"text": turn.text, "role": turn.role.value} for turn in example.before]
    return {"text": example.text, "role": example.role.value, "before": before, "group": example.call}


def _statement(number: int, example: Example, chance: random.Random) -> dict[str, object]:
    new = number % 10 == 0
    type_id = NEW[number // 10 % len(NEW)] if new else next(iter(example.types), chance.choice(CONTENT_TYPES))
    return {
        **_said(example),
        "type": type_id,
        "holds": new or bool(example.types),
        "source": "document",
        "by": None,
        "by_name": None,
        "place": None,
    }


def trained(folder: Path, asked: Mapping[str, object]) -> tuple[float, float]:
    """Run the worker on what lies in `folder`: seconds by the clock, and of processor time."""
    (folder / "job.json").write_text(json.dumps(asked), encoding="utf-8")
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    models = [given] if (given := os.environ.get("RIDEALONG_MODELS_DIR")) else []
    # One thread for algebra, as in the server.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "ridealong.live.tuning_worker", str(folder), *models]
    subprocess.run(command, check=True, env=environment, input=b"\n")  # noqa: S603 - our own module
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    return ended - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments: Sequence[str]) -> int:
    asked = job(int(arguments[0]) if arguments else EXAMPLES)
    with tempfile.TemporaryDirectory(prefix="ridealong-bench-") as name:
        folder = Path(name)
        write_views(folder / "views.npz", {})
        for what in ("nothing read yet", "vectors kept"):
            clock, processor = trained(folder, asked)
            sys.stdout.write(f"{what}: {clock:.1f} s, of processor time {processor:.1f} s\n")
            shutil.copyfile(folder / "fresh.npz", folder / "views.npz")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
