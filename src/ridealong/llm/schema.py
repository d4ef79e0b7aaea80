"""A question's schema as each vendor takes it, and the answer checked against the schema as it was meant.

Vendors enforce the shape at most: no bounds on numbers, lengths or counts. Those are taken out of what is sent,
written into the description instead, so that the model knows them, and checked here.
"""

from __future__ import annotations

import json
import math
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final, cast

from jsonschema import Draft202012Validator

from ridealong.core.errors import BadAnswer
from ridealong.llm import AnswerSchema


class SchemaMode(StrEnum):
    """`strict`: the vendor holds the model to the schema. `loose`: it takes one without enforcing it.

    `object`: it promises JSON alone, `none`: not even that; in both the schema stands in the prompt.
    """

    STRICT = "strict"
    LOOSE = "loose"
    OBJECT = "object"
    NONE = "none"


Tree = dict[str, Any]

_BOUNDS: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "matching {}",
}
_UNSENT: Final = frozenset(
    {*_BOUNDS, "$schema", "$id", "default", "examples", "uniqueItems", "title", "format", "minProperties"}
    | {"maxProperties", "minContains", "maxContains", "contains", "propertyNames", "dependentRequired", "if", "then"}
    | {"else", "not", "patternProperties", "unevaluatedProperties", "unevaluatedItems", "$comment", "deprecated"}
)

_JSON_TYPES: Final = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def closed_schema(schema: Mapping[str, object], *, all_required: bool) -> Tree:
    """The schema without bounds, every object closed.

    `all_required`: strict mode of OpenAI's kind, where a property that may be left out becomes one that may be null.
    Raises ValueError for an open map, which no strict mode has.
    """
    return _closed(cast("Tree", dict(schema)), all_required)


def _closed(node: Any, all_required: bool) -> Any:
    if not isinstance(node, dict):
        return node
    tree = cast("Tree", node)
    sent: Tree = {}
    for key, value in tree.items():
        if key in ("properties", "$defs", "definitions"):
            sent[key] = {name: _closed(part, all_required) for name, part in value.items()}
        elif key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            # One of several and any of several differ only where two fit; no vendor tells them apart.
            sent["anyOf" if key == "oneOf" else key] = [_closed(part, all_required) for part in value]
        elif key == "items":
            sent[key] = _closed(value, all_required)
        elif key == "const":
            sent["enum"] = [value]
        elif key not in _UNSENT and key != "additionalProperties":
            sent[key] = value
    if "enum" in sent and "type" not in sent:
        # Strict modes want a type beside the values, JSON Schema does not.
        sent["type"] = sorted({_JSON_TYPES[type(value)] for value in sent["enum"]})
        if len(sent["type"]) == 1:
            sent["type"] = sent["type"][0]
    told = [words.format(tree[key]) for key, words in _BOUNDS.items() if key in tree]
    if told:
        sent["description"] = " ".join(part for part in (sent.get("description"), f"({', '.join(told)})") if part)
    if tree.get("type") == "object" or "properties" in tree:
        _close(sent, tree, all_required)
    return sent


def _close(sent: Tree, tree: Tree, all_required: bool) -> None:
    if isinstance(tree.get("additionalProperties"), dict) or "properties" not in tree:
        raise ValueError("a model cannot be held to an open map: write its properties, or a list of pairs")
    required: list[str] = list(tree.get("required", ()))
    properties: Tree = sent["properties"]
    if all_required:
        for name in properties.keys() - set(required):
            properties[name] = _nullable(properties[name])
        required = list(properties)
    sent["additionalProperties"] = False
    sent["required"] = required


def _nullable(part: Tree) -> Tree:
    kind = part.get("type")
    if isinstance(kind, str) and "enum" not in part:
        return part if kind == "null" else {**part, "type": [kind, "null"]}
    return {"anyOf": [part, {"type": "null"}]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A schema made ready once: as the vendor wants it, as text for a prompt, and as a check."""

    source: AnswerSchema
    sent: Tree
    text: str
    check: Draft202012Validator


class Schemas:
    """The prepared schemas of one adapter. A caller asks with the same few again and again.

    `rewrite` makes what is sent; None where the schema only stands in the prompt.
    """

    def __init__(self, rewrite: Callable[[Mapping[str, object]], Tree] | None, *, keep: int = 64) -> None:
        self._rewrite = rewrite
        self._keep = keep
        self._prepared: OrderedDict[int, Prepared] = OrderedDict()

    def prepare(self, schema: AnswerSchema) -> Prepared:
        """Raises ValueError for a schema that cannot be sent: a mistake of ours, not of a model."""
        # By identity: a schema is a mapping and has no hash. The entry holds it, so its id is not given away.
        key = id(schema.schema)
        found = self._prepared.get(key)
        if found is not None and found.source.name == schema.name:
            self._prepared.move_to_end(key)
            return found
        plain = cast("Tree", json.loads(json.dumps(schema.schema)))
        Draft202012Validator.check_schema(plain)
        made = Prepared(
            source=schema,
            sent=self._rewrite(plain) if self._rewrite else plain,
            text=json.dumps(plain, ensure_ascii=False, separators=(",", ":")),
            check=Draft202012Validator(plain),
        )
        self._prepared[key] = made
        if len(self._prepared) > self._keep:
            self._prepared.popitem(last=False)
        return made


_OPEN_THOUGHT: Final = re.compile(r"\A\s*<(think|thinking|reasoning)>")
_FENCE: Final = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_THOUGHT: Final = re.compile(r"\A\s*<(think|thinking|reasoning)>.*?</\1>", re.DOTALL)
_LONGEST: Final = 1 << 20
"""Characters. The longest answer that any question allows is a tenth of this; reading more would hold everybody up."""
_NO_WORDS: Final = frozenset('{}[]"<>`')
"""What does not stand in the words behind an object."""
_BEGINNINGS: Final = 16
"""How many places are tried at which an object could begin behind other words."""


def read_object(text: str, prepared: Prepared, *, who: str) -> dict[str, object]:
    """The answer's text as an object of the schema. Raises BadAnswer, which names the rule and never the answer."""
    if len(text) > _LONGEST:
        raise BadAnswer(f"{who} answered with more than any question asks for")
    try:
        found = _read(text)
        if "\\u" in text:
            _refuse_unstorable(found)
    except (ValueError, RecursionError):
        state = "nothing" if not text.strip() else "something that is not whole JSON"
        raise BadAnswer(
            f"{who} answered with {state}: ask again, or choose a model with a strict schema mode"
        ) from None
    if not isinstance(found, dict):
        raise BadAnswer(f"{who} answered with JSON that is not an object: choose a model with a strict schema mode")
    content = cast("dict[str, object]", found)
    root = cast("Tree", prepared.check.schema)
    _drop_nulls(content, root, root)
    for error in prepared.check.iter_errors(cast("Any", content)):
        # The path through the schema is ours; the one through the answer could hold its words.
        rule = "/".join(str(part) for part in error.absolute_schema_path)
        raise BadAnswer(f"{who} answered with an object that breaks the schema '{prepared.source.name}' at {rule}")
    return content


def _read(text: str) -> object:
    """The JSON in `text`: alone, or where a model without a schema mode puts it, behind its thoughts or other words
    or in a code fence. Of several objects none is chosen. Raises ValueError or RecursionError where there is none.
    """
    text = text.removeprefix("\ufeff")
    if thought := _THOUGHT.match(text):
        text = text[thought.end() :]
    if _OPEN_THOUGHT.match(text):
        raise ValueError("a thought without an end")
    try:
        return _json(text)
    except ValueError as error:
        fenced = _FENCE.findall(text)
        if len(fenced) == 1:
            return _json(fenced[0])
        # What begins with an object and goes on with more than words is several of them, or one that was cut off: a
        # part of it is no answer.
        if not fenced and not text.lstrip().startswith("{"):
            starts = [found.start() for found in re.finditer(r"\{", text)][:_BEGINNINGS]
            for start in starts:
                try:
                    return _json(text[start:])
                except ValueError:
                    continue
        raise error from None


def _json(text: str) -> object:
    """The JSON that `text` begins with. Behind it only words may follow: what could be more JSON, or the rest of a torn
    one, is none."""
    text = text.lstrip()
    found, end = _decoder().raw_decode(text)
    if not _NO_WORDS.isdisjoint(text[end:]):
        raise ValueError("more than one object")
    return found


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _number(digits: str) -> float:
    """3.0 is an integer to a schema and so has to be one to us; 1e999 is no number."""
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


@cache
def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_number)


def _refuse_unstorable(value: object) -> None:
    """Escapes can write a zero byte or half of a surrogate pair, which neither PostgreSQL nor UTF-8 can hold."""
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("zero byte")
        value.encode()
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            _refuse_unstorable(item)
    elif isinstance(value, dict):
        for name, item in cast("dict[str, object]", value).items():
            _refuse_unstorable(name)
            _refuse_unstorable(item)


def _drop_nulls(value: object, schema: Tree, root: Tree) -> None:
    """Take out the nulls that stand for a property left out, where the schema itself does not allow null."""
    if isinstance(value, list):
        items = _resolved(schema, root).get("items")
        if isinstance(items, dict):
            for item in cast("list[object]", value):
                _drop_nulls(item, cast("Tree", items), root)
        return
    if not isinstance(value, dict):
        return
    content = cast("dict[str, object]", value)
    schema = _resolved(schema, root)
    properties = cast("dict[str, Tree]", schema.get("properties", {}))
    for name in [n for n in content if n in properties]:
        part = _resolved(properties[name], root)
        if content[name] is None and name not in schema.get("required", ()) and not _allows_null(part):
            del content[name]
        else:
            _drop_nulls(content[name], part, root)


def _resolved(schema: Tree, root: Tree) -> Tree:
    for _ in range(8):  # a chain of references longer than this is a ring
        place = schema.get("$ref")
        if not isinstance(place, str) or not place.startswith("#/"):
            return schema
        node: Any = root
        for part in place[2:].split("/"):
            node = node[part]
        schema = cast("Tree", node)
    return schema


def _allows_null(part: Tree) -> bool:
    kind = part.get("type")
    return (
        kind == "null"
        or (isinstance(kind, list) and "null" in kind)
        or None in part.get("enum", ())
        or any(_allows_null(option) for key in ("anyOf", "oneOf") for option in part.get(key, ()))
        or (kind is None and not {"enum", "anyOf", "oneOf", "const", "$ref"} & part.keys())
    )
