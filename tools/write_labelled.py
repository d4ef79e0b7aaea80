"""Turn labelled scripts, as a person writes them, into the files that are trained and judged on.

    .venv/bin/python tools/write_labelled.py calls SCRIPT FOLDER      one transcript with labels a call
    .venv/bin/python tools/write_labelled.py examples SCRIPT FILE     one training example a line

A script holds blocks between empty lines. A block of `calls` begins with `= name`. A turn is a letter for who speaks
(R the rep; C, D, E customers; U nobody knows), the codes of its moments behind a colon where it has any, and the
words: `C:kx We keep it in Excel and nobody trusts it.` In `examples` a small letter is a turn that is context only.
Times are made: about 2.7 words a second, short gaps, and an overlap where a turn breaks off with `--`.
"""

from __future__ import annotations

import json
import random
import re
import sys
import zlib
from pathlib import Path
from typing import Final

CODES: Final = {
    "o": "objection_raised",
    "p": "price_asked",
    "k": "competitor_mentioned",
    "c": "commitment_offered",
    "b": "buying_signal",
    "s": "stall",
    "d": "decision_process",
    "x": "pain_stated",
    "r": "risky_promise",
    # The types of tests/fixtures/own_types, which no default taxonomy has.
    "w": "warranty_asked",
    "f": "referral_offered",
    "i": "implementation_worry",
    "y": "data_privacy_asked",
}
ROLES: Final = {"R": "rep", "C": "customer", "D": "customer", "E": "customer", "U": "unknown"}
SPEAKERS: Final = {"R": 0, "C": 1, "D": 2, "E": 3}
CONTEXT: Final = 3
TURN: Final = re.compile(r"([RCDEUrcdeu])(?::([a-z]+))? (.+)")


def blocks(path: Path) -> list[list[str]]:
    """The blocks of a script; lines that begin with # are remarks."""
    text = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [block.strip().splitlines() for block in re.split(r"\n\s*\n", text) if block.strip()]


def turn(line: str) -> tuple[str, list[str], str]:
    """(letter, types, words) of one line; ends the program where it is none."""
    found = TURN.fullmatch(line.strip())
    if found is None or any(code not in CODES for code in found[2] or ""):
        sys.exit(f"this is no turn: {line!r}")
    letter, types = found[1], [CODES[code] for code in found[2] or ""]
    for name in types:
        if ROLES[letter.upper()] == ("customer" if name == "risky_promise" else "rep") or len(types) > 2:
            sys.exit(f"the wrong role, or too many types: {line!r}")
    return letter, types, found[3].strip()


def call(lines: list[str]) -> tuple[str, list[dict[str, object]]]:
    name = lines[0].removeprefix("=").strip()
    chance = random.Random(zlib.crc32(name.encode()))  # noqa: S311 - the same times for the same name
    at, written = 1200, list[dict[str, object]]()
    for no, line in enumerate(lines[1:]):
        letter, types, words = turn(line)
        length = round(350 + len(words.split()) * chance.uniform(320, 400))
        entry = {"no": no, "speaker": SPEAKERS[letter], "start_ts": at, "end_ts": at + length, "text": words}
        written.append({**entry, "moments": [{"type": name} for name in types]})
        at += length + (-chance.randrange(450, 700) if words.endswith("--") else chance.randrange(200, 900))
    return name, written


def examples(lines: list[str], group: str) -> list[dict[str, object]]:
    before: list[dict[str, str]] = []
    found: list[dict[str, object]] = []
    for line in lines:
        letter, types, words = turn(line)
        role = ROLES[letter.upper()]
        if letter.isupper():
            found.append({"text": words, "role": role, "types": types, "before": before[-CONTEXT:], "call": group})
        before.append({"role": role, "text": words})
    return found


def main(kind: str, script: Path, to: Path) -> None:
    if kind == "calls":
        to.mkdir(parents=True, exist_ok=True)
        for lines in blocks(script):
            name, written = call(lines)
            header = {"call": name, "rep_speaker": 0}
            text = "\n".join(json.dumps(entry, ensure_ascii=False) for entry in (header, *written))
            (to / f"{name}.jsonl").write_text(text + "\n", encoding="utf-8")
            marked = sum(bool(entry["moments"]) for entry in written)
            print(f"{name}: {len(written)} utterances, {marked} with moments")
        return
    stem = script.stem
    rows = [row for n, lines in enumerate(blocks(script)) for row in examples(lines, f"{stem}-{n}")]
    to.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    print(f"{to.name}: {len(rows)} examples")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
