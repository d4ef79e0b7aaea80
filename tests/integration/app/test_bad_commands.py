"""What the command line says to input that cannot work, and that it ends at once; and to words that attack."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from ridealong.store.embedded import OWNER, EmbeddedPostgres

Run = Callable[..., subprocess.CompletedProcess[str]]
SAMPLE = str(files("ridealong.sample") / "call.opus")

LINES = [
    (0, "Hi <script>alert(1)</script> # head {{ call.id }} {% raw %} [x](javascript:alert(1)) `code` | pipe"),
    (1, "That is <b>far too expensive</b> for us \x1b[31mRED\x1b]0;title\x07 \x9b2J {{ 7 | times: 6 }} **bold**."),
    (0, "a" * 100_000),
    (1, "We will sign it on Friday at ten, \u202eso send it."),
]


@pytest.fixture
def run(postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> Run:
    def made(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ridealong.app.cli", *arguments],
            env={
                **os.environ,
                "RIDEALONG_DATA_DIR": str(tmp_path / "data"),
                "RIDEALONG_DATABASE_URL": postgres.url(user=OWNER, database=database),
            },
            capture_output=True,
            text=True,
            timeout=120,  # what hangs at exit fails here
            check=False,
        )

    return made


def test_a_tenant_that_does_not_exist_ends_the_command_at_once(run: Run, tmp_path: Path) -> None:
    done = run("coach", SAMPLE, "--tenant", "nope")
    assert done.returncode == 1, done.stderr
    assert "nope" in done.stderr
    assert done.stdout == ""
    assert not list((tmp_path / "data").rglob("call.json"))


def test_a_file_that_is_no_audio_ends_the_command_and_begins_no_call(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("these are notes, not sound")
    done = run("coach", str(tmp_path / "notes.wav"), "--jsonl")
    assert done.returncode == 1, done.stderr
    assert "notes.wav" in done.stderr
    assert done.stdout == ""
    assert not list((tmp_path / "data").rglob("call.json"))


def test_a_transcript_with_a_mistake_is_told_with_its_line_and_nothing_else(run: Run, tmp_path: Path) -> None:
    line = {"no": 0, "speaker": 0, "start_ts": 0, "end_ts": 1000, "text": "Somebody\0 said this."}
    (tmp_path / "call.jsonl").write_text('{"call": "x", "rep_speaker": 0}\n' + json.dumps(line))
    done = run("coach", "--transcript", str(tmp_path / "call.jsonl"), "--jsonl")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(r"call\.jsonl:2: text holds a NUL", done.stderr.replace("\n", " "))
    assert "Traceback" not in done.stderr
    assert "Somebody" not in done.stderr


def test_words_that_attack_stay_words_in_the_terminal_and_in_both_reports(run: Run, tmp_path: Path) -> None:
    lines = [{"call": "<i>A call</i>", "rep_speaker": 0}] + [
        {"no": no, "speaker": speaker, "start_ts": no * 4000, "end_ts": no * 4000 + 3000, "text": text}
        for no, (speaker, text) in enumerate(LINES)
    ]
    (tmp_path / "call.jsonl").write_text("\n".join(map(json.dumps, lines)))
    done = run("coach", "--transcript", str(tmp_path / "call.jsonl"))
    assert done.returncode == 0, done.stderr[-2000:]
    assert "<script>alert(1)</script>" in done.stdout
    assert "far too expensive" in done.stdout
    html, markdown = run("report", "--html").stdout, run("report").stdout
    for shown in (done.stdout, done.stderr, html, markdown):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    assert "\u202e" not in done.stdout, "a terminal would be turned around"
    assert not re.search(r"<(script|b|i)\b", html.split("</style>")[-1])
    # A short clause is cited, not the whole line; the call's name stands in both.
    assert "&lt;i&gt;A call&lt;/i&gt;" in html
    assert "<script>" not in markdown
    assert "](javascript:" not in markdown
