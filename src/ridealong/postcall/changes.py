"""The difference of two artifacts as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from ridealong.postcall.render import inert_markdown, timecode

Json = Mapping[str, Any]

KINDS: Final = {
    "finding": "Finding",
    "coaching_moment": "Coaching",
    "stage": "Stage",
    "gap": "Contradiction or gap",
    "next_action": "Next action",
    "follow_up": "Follow-up",
}


def changes_as_markdown(found: Json) -> str:
    """`found`: `core.difference.difference` with `before` and `after`, the two artifacts' heads."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Json) -> Iterator[str]:
    before, after = cast("Json", found["before"]), cast("Json", found["after"])
    yield f"# Artifact {before['number']} and artifact {after['number']}"
    yield ""
    for name, head in (("Before", before), ("After", after)):
        yield (
            f"- {name}: transcript revision {head['revision']}, {inert_markdown(str(head['rubric_title']))}, "
            f"made by {inert_markdown(str(head['reviewer']))}, {_score(head['score'])}"
        )
    yield ""
    if found["sections"]:
        yield "| Section | Before | After |"
        yield "|---|---|---|"
        for row in found["sections"]:
            yield f"| {inert_markdown(str(row['title']))} | {_score(row['before'])} | {_score(row['after'])} |"
    else:
        yield "No section's score changed."
    for title, items in (("Added", found["added"]), ("Gone", found["gone"])):
        yield ""
        yield f"## {title}: {len(items)}"
        yield ""
        for item in items:
            yield f"- {_label(item)} {_claim(item['claim'])}"
    yield ""
    yield f"## Changed: {len(found['changed'])}"
    yield ""
    for item in found["changed"]:
        yield f"- {_label(item)} changed: {', '.join(item['changes'])}"
        yield f"   - before: {_claim(item['before'])}"
        yield f"   - after: {_claim(item['after'])}"
    yield ""
    yield f"Unchanged: {found['unchanged']}"


def _label(item: Json) -> str:
    return f"**{KINDS.get(item['kind'], item['kind'])}** ({inert_markdown(str(item['place']))})"


def _claim(claim: Json) -> str:
    score = f"{claim['score']}, " if "score" in claim else ""
    at = claim["start_ts"] if "start_ts" in claim else claim["evidence"][0]["start_ts"]
    sure = f"{score}{claim['confidence']:.2f}, {timecode(at)}"
    return f"{inert_markdown(str(claim['statement']))} ({sure}) “{inert_markdown(str(claim['evidence'][0]['quote']))}”"


def _score(score: float | None) -> str:
    return "not assessed" if score is None else f"{score:.0f} of 100"
