"""A question laid out so that what is the same in later requests comes first.

Every vendor caches prefixes. An instruction that is not cached and stands before a cached piece of material would
break the prefix, so it goes behind the material; without cached material all instructions stay in front.
"""

from __future__ import annotations

from dataclasses import dataclass

from ridealong.llm import Block, Question

_PROMPTED = (
    "Answer with one JSON object that fits this JSON Schema, without any other word and without code fences:\n{}"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """`system`: instructions. `user`: material, then the instructions that are this question's alone."""

    system: tuple[Block, ...]
    user: tuple[Block, ...]


def lay_out(question: Question, *, schema_text: str | None = None) -> Layout:
    """`schema_text`: the schema, where it must stand in the prompt."""
    system, behind = question.instructions, ()
    if any(block.cached for block in question.material):
        last = max((n for n, block in enumerate(system) if block.cached), default=-1)
        system, behind = system[: last + 1], system[last + 1 :]
    if schema_text is not None:
        # Questions that share material share their schema, so it is read from the cache with it.
        shared = any(block.cached for block in question.material)
        schema = Block(text=_PROMPTED.format(schema_text), cached=shared)
        system, behind = ((*system, schema), behind) if shared else (system, (*behind, schema))
    return Layout(system=system, user=(*question.material, *behind))


def joined(blocks: tuple[Block, ...]) -> str:
    return "\n\n".join(block.text for block in blocks)


def merged(body: dict[str, object], part: object) -> dict[str, object]:
    """`body` with the parts of `part` set in it, objects joined key by key. Changes and returns `body`."""
    if isinstance(part, dict):
        for key, value in part.items():
            before = body.get(key)
            if isinstance(before, dict) and isinstance(value, dict):
                body[key] = merged(dict(before), value)
            else:
                body[key] = value
    return body
