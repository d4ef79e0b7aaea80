"""What a template writes for Slack, as Block Kit within Slack's limits.

The template writes mrkdwn. A line that begins with `# ` is a header, a line of three hyphens a divider, and what stands
between blank lines a section. The limits are those of https://docs.slack.dev/reference/block-kit/blocks.
"""

from __future__ import annotations

import json
import re
from typing import Final

from ridealong.core.errors import InvalidDocument

MOST_BLOCKS: Final = 50
MOST_TEXT: Final = 3000
MOST_HEADER: Final = 150
_HEADER = re.compile(r"^#{1,6} +(\S.*)$")
_DIVIDER = re.compile(r"^-{3,}$")
_ENTITY_OR_LINK = re.compile(r"<[^<>]*>|&(?:amp|lt|gt);|.", re.DOTALL)
_CUT_SHORT: Final = "_There is more in this report than Slack shows._"


def slack_message(text: str, *, source: str) -> str:
    """The message as JSON: `text` for notifications, and `blocks`. Raises InvalidDocument where it says nothing."""
    blocks = _blocks(text)
    if not blocks:
        raise InvalidDocument("the template writes nothing for this call: Slack takes no empty message", source=source)
    if len(blocks) > MOST_BLOCKS:
        blocks = [*blocks[: MOST_BLOCKS - 1], _section(_CUT_SHORT)]
    message: dict[str, object] = {
        "text": _first_words(blocks),
        "blocks": blocks,
        # Nobody's words bring a picture or a preview of a page along.
        "unfurl_links": False,
        "unfurl_media": False,
    }
    return json.dumps(message, ensure_ascii=False, indent=2) + "\n"


def _blocks(text: str) -> list[dict[str, object]]:
    blocks: list[dict[str, object]] = []
    paragraph: list[str] = []

    def end() -> None:
        if paragraph:
            blocks.extend(_section(piece) for piece in _pieces("\n".join(paragraph)))
            paragraph.clear()

    for line in [*text.splitlines(), ""]:
        line = line.rstrip()  # noqa: PLW2901 - what follows the last word says nothing
        header = _HEADER.match(line)
        if header is not None:
            end()
            blocks.append(
                {"type": "header", "text": {"type": "plain_text", "text": _cut(header.group(1)), "emoji": False}}
            )
        elif _DIVIDER.match(line):
            end()
            blocks.append({"type": "divider"})
        elif line.strip():
            paragraph.append(line)
        else:
            end()
    return blocks


def _section(text: str) -> dict[str, object]:
    # `verbatim`: Slack links no bare address and no name by itself.
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _cut(text: str) -> str:
    """`text` of at most so many characters as a header has, never through the middle of an entity."""
    if len(text) <= MOST_HEADER:
        return text
    return next(iter(_lengths(text, MOST_HEADER - 1))) + "…"


def _pieces(text: str) -> list[str]:
    """`text` in pieces that a section holds, cut between lines where that can be."""
    pieces: list[str] = []
    for line in text.split("\n"):
        for part in _lengths(line, MOST_TEXT):
            if pieces and len(pieces[-1]) + 1 + len(part) <= MOST_TEXT:
                pieces[-1] += "\n" + part
            else:
                pieces.append(part)
    return [piece for piece in pieces if piece.strip()]


def _lengths(line: str, most: int) -> list[str]:
    if len(line) <= most:
        return [line]
    parts = [""]
    for unit in _ENTITY_OR_LINK.findall(line):
        whole = unit if len(unit) <= most else ""
        if len(parts[-1]) + len(whole) > most:
            parts.append("")
        parts[-1] += whole
    return parts


def _first_words(blocks: list[dict[str, object]]) -> str:
    for block in blocks:
        held = block.get("text")
        if isinstance(held, dict):
            return _lengths(str(held["text"]).split("\n")[0], MOST_TEXT)[0]
    return "A report of a call"
