"""Filters of our own, the same in every form: they choose among moments, findings and whatever else cites a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, cast

from ridealong.postcall.forms import as_json
from ridealong.postcall.printing import WrongUse

_Item = Mapping[str, Any]
_TYPES: Final = ("type", "criterion_id", "section_id", "id")
"""What says of which type an item is: a moment, a finding, a section, a statistic."""


def only(items: object, *types: object) -> list[_Item]:
    """The items of these types; a type is written whole (`objection_raised`) or as its first words (`objection`)."""
    if not types:
        raise WrongUse('`only` needs a type: only: "objection_raised"', token=None)
    wanted = [str(kind).strip().lower().replace(" ", "_").replace("-", "_") for kind in types]

    def of_them(item: _Item) -> bool:
        found = next((str(item[key]) for key in _TYPES if key in item), "")
        return any(found == kind or found.startswith(f"{kind}_") for kind in wanted)

    return [item for item in _items(items, "only") if of_them(item)]


def by(items: object, speaker: object) -> list[_Item]:
    """The items that this speaker said: `"rep"`, `"customer"`, a speaker id, or one of `speakers`.

    What cites several utterances was said by whom its first evidence, the strongest, is.
    """
    if isinstance(speaker, Mapping):
        speaker = cast("_Item", speaker).get("speaker_id")
    wanted = str(speaker).strip().lower()

    def said(item: _Item) -> bool:
        evidence = cast("Sequence[_Item]", item.get("evidence") or (item,))
        first = evidence[0]
        if wanted.isdigit():
            return str(first.get("speaker_id")) == wanted
        return str(first.get("speaker", "")).lower() == wanted

    return [item for item in _items(items, "by") if said(item)]


def min_confidence(items: object, least: object) -> list[_Item]:
    """The items that are at least so sure, 0 to 1."""
    if isinstance(least, bool) or not isinstance(least, (int, float)) or not 0 <= least <= 1:
        raise WrongUse("`min_confidence` needs a number from 0 to 1: min_confidence: 0.6", token=None)
    return [item for item in _items(items, "min_confidence") if _confidence(item) >= least]


def _confidence(item: _Item) -> float:
    # Sections and speakers have it in percent alone.
    return float(item["confidence"]) if "confidence" in item else float(item.get("confidence_percent", 0)) / 100


def _items(value: object, name: str) -> list[_Item]:
    found = cast("Sequence[object]", value) if isinstance(value, (list, tuple)) else None
    if found is None or not all(isinstance(item, Mapping) for item in found):
        raise WrongUse(f"`{name}` chooses from a list such as `moments` or `findings`", token=None)
    return cast("list[_Item]", list(found))


FILTERS: Final[Mapping[str, Callable[..., object]]] = MappingProxyType(
    {"only": only, "by": by, "min_confidence": min_confidence, "json": as_json}
)
