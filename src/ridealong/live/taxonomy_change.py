"""A taxonomy changed in its parts (policy, tiers, examples, trackers) while the document stays as people wrote it.

Pages and programs change values; the document keeps its comments, its order and its form, so that whoever edits the
text finds it again.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from ridealong.core.errors import InvalidDocument
from ridealong.live.policy_file import TypePolicy
from ridealong.live.taxonomy import MOST_EXAMPLES, PolicySettings, Taxonomy, Tracker, TypeExample, load_taxonomy

Json = Mapping[str, Any]

MOST_TRACKERS: Final = 1000
SOURCE: Final = "taxonomy"


class TypeChange(TypePolicy):
    """What changes for one type; what is left out, or null, stays. Lists are whole: they take the old ones' place."""

    examples: tuple[TypeExample, ...] | None = Field(default=None, max_length=MOST_EXAMPLES)
    not_examples: tuple[TypeExample, ...] | None = Field(default=None, max_length=MOST_EXAMPLES)


class TaxonomyChange(BaseModel):
    """What changes. `trackers` is the whole list, in place of the one that holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: PolicySettings | None = None
    types: tuple[TypeChange, ...] = Field(default=(), max_length=200)
    trackers: tuple[Tracker, ...] | None = Field(default=None, max_length=MOST_TRACKERS)


def changed_text(text: str, change: TaxonomyChange) -> str:
    """The document with the change in it; `text` itself where nothing changes.

    Raises InvalidDocument where the change names what is not there, or the result does not fit together.
    """
    before = load_taxonomy(text, SOURCE)
    stated = change.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    _refuse_control_characters(stated)
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    tree: Any = yaml.load(text)
    if policy := stated.get("policy"):
        _merge(_child(tree, "policy"), policy)
    for of in stated.get("types", ()):
        _merge(_type_of(tree, of["id"]), {key: value for key, value in of.items() if key != "id"}, after="id")
    if "trackers" in stated:
        tree["trackers"] = _trackers(tree.get("trackers") or (), stated["trackers"])
    out = io.StringIO()
    yaml.dump(tree, out)
    after = load_taxonomy(out.getvalue(), SOURCE)
    if after != _expected(before, stated):
        # An anchor of YAML (`&name`, `*name`) stands in two places: what was changed here changed there too.
        raise InvalidDocument("parts of this document stand for one another: change it as text", source=SOURCE)
    return text if after == before else out.getvalue()


def _refuse_control_characters(given: object) -> None:
    if isinstance(given, str):
        if any(ord(character) < 0x20 or ord(character) == 0x7F for character in given):
            raise InvalidDocument("a text here is one line, without control characters", source=SOURCE)
    elif isinstance(given, Mapping):
        for value in cast("Mapping[str, object]", given).values():
            _refuse_control_characters(value)
    elif isinstance(given, Sequence):
        for value in cast("Sequence[object]", given):
            _refuse_control_characters(value)


def _child(tree: Any, name: str) -> Any:
    if not isinstance(tree.get(name), Mapping):
        tree.insert(0, name, CommentedMap())
    return tree[name]


def _type_of(tree: Any, type_id: str) -> Any:
    for one in tree["types"]:
        if str(one["id"]) == type_id:
            return one
    names = ", ".join(str(one["id"]) for one in tree["types"])
    raise InvalidDocument(f"the taxonomy has no type '{type_id}'; it has {names}", source=SOURCE)


def _merge(node: Any, change: Json, *, after: str | None = None) -> None:
    """Put `change` into the mapping; a new key goes behind `after`, not to the end, where a comment may follow."""
    for key, value in change.items():
        if isinstance(value, Mapping):
            _merge(_child(node, key), cast("Json", value))
        elif isinstance(value, list):
            made = _examples(node.get(key) or (), cast("list[Json]", value))
            _put(node, key, made, after)
        elif key not in node or node[key] != value:
            _put(node, key, _short(value), after)


def _put(node: Any, key: str, value: object, after: str | None) -> None:
    if key in node:
        node[key] = value
    else:
        node.insert(list(node).index(after) + 1 if after in node else 0, key, value)


def _short(value: object) -> object:
    """600.0 as people write it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _examples(old: Sequence[Any], new: Sequence[Json]) -> CommentedSeq:
    """`new` as nodes; what stood there already stays as it was written."""
    known = {_read_example(node): node for node in old}
    return CommentedSeq([known.get((e["text"], e.get("after", "")), _written_example(e)) for e in new])


def _read_example(node: Any) -> tuple[str, str]:
    read = TypeExample.model_validate({str(k): v for k, v in node.items()} if isinstance(node, Mapping) else str(node))
    return read.text, read.after


def _written_example(example: Json) -> object:
    if not example.get("after"):
        return example["text"]
    made = CommentedMap(text=example["text"], after=example["after"])
    made.fa.set_flow_style()
    return made


def _trackers(old: Sequence[Any], new: Sequence[Json]) -> CommentedSeq:
    known = {str(node["name"]).strip(): node for node in old}
    made: list[Any] = []
    for tracker in new:
        node = known.pop(tracker["name"], None)
        if node is None:
            node = CommentedMap(name=tracker["name"])
        node["type"] = tracker["type"]
        if [str(phrase) for phrase in node.get("phrases", ())] != list(tracker["phrases"]):
            phrases = CommentedSeq(tracker["phrases"])
            phrases.fa.set_flow_style()
            node["phrases"] = phrases
        if tracker.get("answer"):
            node["answer"] = tracker["answer"]
        else:
            node.pop("answer", None)
        made.append(node)
    return CommentedSeq(made)


def _expected(before: Taxonomy, stated: Json) -> Taxonomy:
    """What must come of it, reckoned without the document."""
    held = before.model_dump(mode="json")
    policy = stated.get("policy", {})
    held["policy"] |= {**policy, "quiet": held["policy"]["quiet"] | policy.get("quiet", {})}
    of_types = {of["id"]: of for of in stated.get("types", ())}
    held["types"] = [one | of_types.get(one["id"], {}) for one in held["types"]]
    if "trackers" in stated:
        held["trackers"] = stated["trackers"]
    return Taxonomy.model_validate(held)
