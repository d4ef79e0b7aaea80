"""A call of three hours, written down, through the command line: live path, database and review."""

from __future__ import annotations

import itertools
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

LABELLED = Path(__file__).parents[2] / "fixtures" / "labelled_calls"
THREE_HOURS_MS = 3 * 3_600_000
MAX_MB = 900
"""The process with its models takes about 430 MB; a call of three hours may not double that."""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    # Not pytest's own folder: its path is too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="ridealong-long-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def three_hours() -> list[dict[str, object]]:
    """Lines of the labelled calls in varied order and wording, at about 170 words a minute; some overlap."""
    texts: tuple[list[str], list[str]] = ([], [])
    for path in sorted(LABELLED.glob("*.jsonl")):
        header, *lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            texts[line["speaker"] != header.get("rep_speaker", 0)].append(line["text"])
    dice = random.Random(7)
    openings = ("", "So, ", "Well, ", "Okay, ", "And then, ", "You know, ", "Right, ")
    made: list[dict[str, object]] = []
    at = 0
    for no in itertools.count():
        speaker = no % 2 if dice.random() < 0.8 else (no + 1) % 2
        text = dice.choice(openings) + dice.choice(texts[speaker])
        end_ts = at + max(400, len(text.split()) * 353)
        made.append({"no": no, "speaker": speaker, "start_ts": at, "end_ts": end_ts, "text": text})
        if end_ts >= THREE_HOURS_MS:
            return made
        at = max(at + 1, end_ts + dice.choice((-900, 100, 300, 500, 1200, 5000)))
    raise AssertionError


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_call_of_three_hours_is_coached_whole_and_in_bounded_memory(data_dir: Path) -> None:
    lines = three_hours()
    script = data_dir / "long.jsonl"
    script.write_text("\n".join(json.dumps(line) for line in [{"call": "long", "rep_speaker": 0}, *lines]))
    with (data_dir / "events").open("w") as events, (data_dir / "errors").open("w") as errors:
        done = subprocess.run(
            [sys.executable, "-m", "ridealong.app.cli", "coach", "--jsonl", "--transcript", str(script)],
            env={**os.environ, "RIDEALONG_DATA_DIR": str(data_dir)},
            stdout=events,
            stderr=errors,
            check=False,
        )
    assert done.returncode == 0, (data_dir / "errors").read_text()[-2000:]
    told = [json.loads(line) for line in (data_dir / "events").read_text().splitlines()]
    spoken = {e["no"]: e for e in told if e["event"] == "utterance"}
    assert [(u["no"], u["start_ts"], u["end_ts"], u["text"].strip()) for u in spoken.values()] == [
        (line["no"], line["start_ts"], line["end_ts"], str(line["text"]).strip()) for line in lines
    ]
    moments = [e for e in told if e["event"] == "moment"]
    assert len(moments) > 100
    artifact = next(e for e in told if e["event"] == "artifact")
    claims = [f for section in artifact["sections"] for f in section["findings"]] + artifact["coaching_moments"]
    assert claims
    assert not artifact.get("missing_sections")
    for cited in (evidence for claim in [*moments, *claims] for evidence in claim["evidence"]):
        utterance = spoken[cited["utterance_no"]]
        assert (cited["start_ts"], cited["end_ts"], cited["speaker_id"]) == (
            utterance["start_ts"],
            utterance["end_ts"],
            utterance["speaker_id"],
        )
        assert cited["quote"] in utterance["text"]
    summary = told[-1]
    assert (summary["event"], summary["utterances"]) == ("summary", len(lines))
    assert summary["audio_s"] >= 3 * 3600
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    assert peak_mb < MAX_MB
    # For whoever runs it by hand with -s.
    sys.stderr.write(f"\n{len(lines)} utterances, wall {summary['wall_s']:.0f} s, peak {peak_mb:.0f} MB\n")
