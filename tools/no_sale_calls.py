"""Turn CaSiNo's camping negotiations into transcripts in which no moment is true, for `ridealong moments eval`.

    .venv/bin/python tools/no_sale_calls.py casino_valid.json FOLDER [HOW_MANY]

CaSiNo (Chawla et al. 2021, CC-BY-4.0) is typed talk of two people who divide food, water and firewood. Nobody sells,
so whatever is nudged there is a false alarm. Times are made as in tools/write_labelled.py. The files are not committed.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path


def main(source: Path, folder: Path, most: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, talk in enumerate(json.loads(source.read_text(encoding="utf-8"))[:most]):
        chance = random.Random(number)  # noqa: S311 - the same times in every run
        at, lines = 1000, [{"call": f"casino-{number}", "rep_speaker": 0}]
        speakers: dict[str, int] = {}
        # "Submit-Deal" and the like are buttons, not words.
        said = [m for m in talk["chat_logs"] if " " in m["text"].strip()]
        for no, message in enumerate(said):
            words = " ".join(message["text"].split())
            length = round(350 + len(words.split()) * chance.uniform(320, 400))
            entry = {"no": no, "speaker": speakers.setdefault(message["id"], len(speakers))}
            lines.append(
                {
                    **entry,
                    "start_ts": at,
                    "end_ts": at + length,
                    "text": words,
                    "moments": [],
                }
            )
            at += length + chance.randrange(200, 900)
        text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
        (folder / f"casino-{number:03d}.jsonl").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 10_000)
