"""Write `postcall/calibration/words.txt`: words that our own English texts write small.

A capital at the begin of a sentence or in a title makes no name of them.

Run by whoever changes the committed texts; the result is committed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ("src/ridealong/**/*.jsonl", "src/ridealong/postcall/rubrics/*.yaml", "src/ridealong/**/prompts/*.md")
TO = ROOT / "src/ridealong/postcall/calibration/words.txt"
SMALL = re.compile(r"(?<![\w'’\-./_])[a-z]{2,}(?![\w/_.][a-z])")
NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+")


def main() -> None:
    texts = [p.read_text(encoding="utf-8") for pattern in TEXTS for p in sorted(ROOT.glob(pattern))]
    small = {word for text in texts for word in SMALL.findall(text)}
    # What stands with a capital inside of a sentence more often than small is a name that somebody typed in a hurry.
    named: dict[str, int] = {}
    counted: dict[str, int] = {}
    for text in texts:
        for word in NAME.findall(text):
            named[word.lower()] = named.get(word.lower(), 0) + 1
        for word in SMALL.findall(text):
            counted[word] = counted.get(word, 0) + 1
    words = sorted(word for word in small if named.get(word, 0) <= counted.get(word, 0))
    TO.write_text("\n".join(words) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(words)} words\n")


if __name__ == "__main__":
    main()
