"""`ridealong rubric`: what a person sees who writes a rubric and tries it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ridealong.postcall.rubric import shipped_rubric_text

SAID = (
    (0, "Good morning, my name is Anna Berg, I'm calling from Northgate Pensions."),
    (1, "Hello, what would that cost per month?"),
    (0, "It's a hundred a month. By the way, this call is recorded."),
)


@pytest.fixture
def call(tmp_path: Path) -> Path:
    path = tmp_path / "call.jsonl"
    lines: list[dict[str, object]] = [{"call": "A\x1b[31m trial", "rep_speaker": 0, "call_type": "demo"}]
    for no, (speaker, text) in enumerate(SAID):
        start_ts = no * 5000
        lines.append({"no": no, "speaker": speaker, "start_ts": start_ts, "end_ts": start_ts + 4000, "text": text})
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


def test_a_transcript_is_tried_and_two_rubrics_are_compared(tmp_path: Path, call: Path) -> None:
    own = tmp_path / "own.yaml"
    text = shipped_rubric_text("compliance")
    own.write_text(text.replace("effect: {cap: 40, of: call}", "effect: {cap: 55, of: call}", 1))
    # One process for both: what costs time here is loading the models.
    script = (
        "import asyncio, sys\n"
        "from ridealong.app.rubric_commands import check_rubric, show_difference, show_trial\n"
        "from ridealong.config import load_settings\n"
        "from ridealong.core.context import CallContext\n"
        "from pathlib import Path\n"
        "own, call = sys.argv[1:]\n"
        "print(check_rubric(Path(own)))\n"
        "about = CallContext()\n"
        "print(asyncio.run(show_trial(load_settings(), call=call, rubric=own, tenant='none', rep_speakers=(),"
        " about=about, as_json=False)))\n"
        "print(asyncio.run(show_difference(load_settings(), old='compliance', new=own, calls_to_try=[call],"
        " tenant='none')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(own), str(call)], check=False, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout
    assert "own.yaml is a rubric: 4 criteria, 7 rules." in shown
    assert "recording_disclosed (must_say_before): broken, at most 55 of the call" in shown
    assert "55 of 100" in shown
    assert "Only afterwards: the rep said that the call is recorded." in shown
    assert "By the way, this call is recorded" in shown
    assert "\x1b" not in shown
    assert "~ rule recording_disclosed: effect.cap 40 → 55" in shown
    assert "  the call: 40.0 → 55.0 +15.0" in shown


def test_a_mistake_ends_the_command_with_its_line(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(shipped_rubric_text("demo").replace("kind: must_not_say", "kind: must_shout", 1))
    line = wrong.read_text().splitlines().index("        kind: must_shout") + 1
    command = [sys.executable, "-m", "ridealong.app.cli", "rubric", "check", str(wrong)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert f"wrong.yaml:{line}: " in done.stderr
