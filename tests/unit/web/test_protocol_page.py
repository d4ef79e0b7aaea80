"""The page that phone apps are written from says what the server does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ridealong.core.errors import Refused
from ridealong.web.messages import call_start, sender_message, watcher_message
from ridealong.web.refusals import REFUSALS
from ridealong.web.socket import Limits

PAGE = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text("utf-8")
SENT = PAGE.split("### What you send")[1].split("### What you get")[0]


def test_the_table_of_errors_is_the_servers_own() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d{4}) \| (yes|no) \| .+ \| (\d{3}) \|$", PAGE, re.MULTILINE)
    told = {code: (int(close), retry == "yes", int(status)) for code, close, retry, status in rows}
    assert told == {code: (r.close, r.retry, r.status) for code, r in REFUSALS.items()}


def examples(text: str) -> list[str]:
    found: list[str] = []
    for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL):
        # One message may be broken over lines; each begins at the left edge.
        found += re.split(r"\n(?=\{)", block.strip())
    return found


@pytest.mark.parametrize("example", examples(SENT))
def test_every_example_of_a_sender_is_understood(example: str) -> None:
    message = sender_message(example)
    assert message.type == json.loads(example)["type"]
    if message.type == "start":
        assert call_start(message).rep_id == "anna@example.com"


def test_every_message_of_a_sender_has_an_example() -> None:
    assert {json.loads(e)["type"] for e in examples(SENT)} == {
        *("start", "resume", "gap", "pause", "unpause", "rep_speaker", "mark", "feedback", "seen", "ping", "stop")
    }


def test_the_watchers_example_is_understood() -> None:
    (watch, _) = examples(PAGE.split("## The watching socket")[1].split("## Limits")[0])
    assert watcher_message(watch).type == "watch"


def test_the_limits_told_are_the_servers_own() -> None:
    limits = Limits()
    assert f"{limits.binary_bytes // 1024} KiB (`frame_too_large`)" in PAGE
    assert f"| text message | {limits.text_bytes // 1024} KiB" in PAGE
    assert f"| first message | within {limits.start_s:g} s" in PAGE
    assert f"| neither audio nor `ping` | {limits.idle_s:g} s" in PAGE
    assert f"| open sockets | {limits.sockets} " in PAGE


def test_a_start_may_name_several_reps() -> None:
    start = next(json.loads(e) for e in examples(SENT) if json.loads(e)["type"] == "start")
    for rep, speakers in (
        ({"speaker_ids": [2, 0]}, (2, 0)),
        ({"speaker_id": 0, "speaker_ids": [2, 0]}, (0, 2)),
        ({}, ()),
    ):
        stated = start | {"rep": {"id": "anna@example.com", **rep}}
        assert call_start(sender_message(json.dumps(stated))).rep_speakers == speakers  # pyright: ignore[reportArgumentType]
    stated = start | {"rep": {"id": "anna@example.com", "speaker_id": 1, "speaker_ids": [2, 0]}}
    with pytest.raises(Refused, match="is missing in it"):
        call_start(sender_message(json.dumps(stated)))  # pyright: ignore[reportArgumentType]
