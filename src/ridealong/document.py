"""YAML documents that tenants write (taxonomy, rubric), read so that every mistake is told with its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ridealong.core.errors import InvalidDocument

MAX_BYTES = 512 * 1024
"""A taxonomy with a thousand phrases is about 60 KiB, one with two thousand examples about 200."""


Model = TypeVar("Model", bound=BaseModel)


def read_document(text: str, model: type[Model], *, source: str) -> Model:
    """Parse and validate `text`. Raises InvalidDocument with the line of the first mistake."""
    if len(text.encode()) > MAX_BYTES:
        raise InvalidDocument(f"the document is larger than {MAX_BYTES // 1024} KiB", source=source)
    try:
        # The safe loader would lose the lines; the round-trip loader constructs no foreign types either.
        tree: Any = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = int(mark.line) + 1 if mark is not None else 1
        raise InvalidDocument(f"not valid YAML: {error.problem}", source=source, line=line) from None
    except YAMLError:
        raise InvalidDocument("not valid YAML", source=source) from None
    if not isinstance(tree, Mapping):
        raise InvalidDocument("a document is a mapping of names to values", source=source)
    try:
        return model.model_validate(_plain(tree))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise InvalidDocument(
            f"{where}: {message}" if where else message, source=source, line=_line_of(tree, first["loc"])
        ) from None


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in cast("Mapping[Any, Any]", node).items()}
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_plain(value) for value in cast("Sequence[Any]", node)]
    return node


def _line_of(tree: Any, location: Sequence[int | str]) -> int:
    """The one-based line of the deepest part of `location` that exists in the document."""
    line, node = 1, tree
    for part in location:
        try:
            marks = node.lc
            position = marks.key(part) if isinstance(node, Mapping) else marks.item(part)
            node = node[part]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
        line = int(position[0]) + 1
    return line
