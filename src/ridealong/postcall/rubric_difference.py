"""What differs between two rubrics, in lines that a person reads: what was added, removed, moved, changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, cast

from ridealong.core.rubric import Criterion, Rubric
from ridealong.core.rules import Rule

Part = Criterion | Rule


def difference(old: Rubric, new: Rubric) -> list[str]:
    """Lines that begin with `+` (added), `-` (removed), `>` (moved to another section) or `~` (changed)."""
    return [*_sections(old, new), *_parts(_placed(old), _placed(new))]


def _sections(old: Rubric, new: Rubric) -> Iterator[str]:
    before, after = ({s.id: s for s in rubric.sections} for rubric in (old, new))
    yield from (f"- section {name}" for name in before if name not in after)
    yield from (f"+ section {name}" for name in after if name not in before)
    for name, section in before.items():
        if name in after:
            changed = [
                change
                for key in ("title", "weight", "when")
                for change in _changes(key, getattr(section, key), getattr(after[name], key))
            ]
            if changed:
                yield f"~ section {name}: {'; '.join(changed)}"
    order = [name for name in before if name in after]
    if order != [name for name in after if name in before]:
        yield "~ the order of the sections"


def _placed(rubric: Rubric) -> dict[str, tuple[str, Part]]:
    return {part.id: (s.id, part) for s in rubric.sections for part in (*s.criteria, *s.rules)}


def _parts(before: dict[str, tuple[str, Part]], after: dict[str, tuple[str, Part]]) -> Iterator[str]:
    for name, (section, part) in before.items():
        if name not in after or type(after[name][1]) is not type(part):
            yield f"- {_kind(part)} {name} ({section})"
    for name, (section, part) in after.items():
        if name not in before or type(before[name][1]) is not type(part):
            yield f"+ {_kind(part)} {name} ({section})"
            continue
        was_in, was = before[name]
        if was_in != section:
            yield f"> {_kind(part)} {name}: from {was_in} to {section}"
        changed = [
            change
            for field in fields(part)
            for change in _changes(field.name, getattr(was, field.name), getattr(part, field.name))
        ]
        if changed:
            yield f"~ {_kind(part)} {name}: {'; '.join(changed)}"


def _kind(part: Part) -> str:
    return "criterion" if isinstance(part, Criterion) else "rule"


def _changes(name: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, tuple) and isinstance(new, tuple):
        gone = [item for item in cast("Sequence[object]", old) if item not in new]
        come = [item for item in cast("Sequence[object]", new) if item not in old]
        counts = [f"{sign}{len(items)}" for sign, items in (("+", come), ("-", gone)) if items]
        yield f"{name} {' '.join(counts) or 'in another order'}"
    elif is_dataclass(old) and is_dataclass(new) and type(old) is type(new):
        for field in fields(old):
            yield from _changes(f"{name}.{field.name}", getattr(old, field.name), getattr(new, field.name))
    else:
        yield f"{name} {_shown(old)} → {_shown(new)}"


def _shown(value: Any) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 60 else f'"{value[:57]}…"'
    return "none" if value is None else "given" if is_dataclass(value) else str(value)
