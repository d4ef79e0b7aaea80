"""What a hosted reviewer must answer, and reading it: shapes here, proof in `review`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final, cast

from ridealong.core.errors import BadAnswer
from ridealong.core.outline import FollowUpPart, GapKind, Who
from ridealong.core.rubric import REVIEWER, NotApplicable, Score
from ridealong.core.transcript import Citation
from ridealong.core.visible import visible
from ridealong.llm import AnswerSchema
from ridealong.postcall.narrator import ActionDraft, GapDraft, SentenceDraft, StageDraft
from ridealong.postcall.reviewer import CoachingDraft, CriterionDraft, Draft, Support

NOT_ASSESSED: Final = "not_assessed"
NOT_APPLICABLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "no_occasion": "nothing on the call gave occasion to it",
        "settled_before": "it had been settled before this call",
        "not_present": "the person whom it needs was not on the call",
        "other_kind_of_call": "a call of this kind is not about it",
    }
)
"""The scores that say why a criterion does not apply, with our words for them: a reason in a model's own words would be
a statement without proof, and what was said on the call could find its way into it."""
_SCORES: Final = tuple(score.value for score in Score)
MOST_DRAFTS: Final = 60
"""More than any section has criteria: an answer that does not end is cut here."""


def _object(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _may_lack(shape: dict[str, object], *names: str) -> dict[str, object]:
    """The same object, of which those properties may be left out: a task that asks for others need not name them."""
    required = [name for name in cast("list[str]", shape["required"]) if name not in names]
    return {**shape, "required": required}


def _list(items: Mapping[str, object]) -> dict[str, object]:
    return {"type": "array", "items": items}


_TEXT: Final = {"type": "string"}
_PROOF: Final = {
    "statement": _TEXT,
    "citations": _list(_object(utterance_no={"type": "integer"}, quote=_TEXT)),
    "confidence": {"type": "number"},
    "through": {"type": ["integer", "null"]},
}

REVIEW_SCHEMA: Final = AnswerSchema(
    name="review_part",
    schema=_may_lack(
        _object(
            findings=_list(
                _object(
                    criterion_id=_TEXT,
                    score={
                        "type": "string",
                        "enum": [*(score.value for score in Score), NOT_ASSESSED, *NOT_APPLICABLE],
                    },
                    **_PROOF,
                )
            ),
            coaching_moments=_list(
                _may_lack(_object(key=_TEXT, title=_TEXT, advice=_TEXT, why=_TEXT, **_PROOF), "why")
            ),
            stages=_list(
                _object(key=_TEXT, stage=_TEXT, first_no={"type": "integer"}, last_no={"type": "integer"}, **_PROOF)
            ),
            next_actions=_list(
                _object(
                    key=_TEXT,
                    who={"type": "string", "enum": [who.value for who in Who]},
                    due={"type": ["string", "null"]},
                    **_PROOF,
                )
            ),
        ),
        "stages",
        "next_actions",
    ),
)
"""One schema for all that is drafted: vendors put it before the prompt, so another one would miss their cache."""

GAPS_SCHEMA: Final = AnswerSchema(
    name="gaps",
    schema=_object(
        gaps=_list(
            _object(
                key=_TEXT,
                gap={"type": "string", "enum": [gap.value for gap in GapKind]},
                title=_TEXT,
                sections=_list(_TEXT),
                **_PROOF,
            )
        )
    ),
)

FOLLOW_UP_SCHEMA: Final = AnswerSchema(
    name="follow_up",
    schema=_object(
        sentences=_list(
            _object(
                key=_TEXT,
                part={"type": "string", "enum": [part.value for part in FollowUpPart]},
                **{name: shape for name, shape in _PROOF.items() if name != "through"},
            )
        )
    ),
)

VERDICT_SCHEMA: Final = AnswerSchema(
    name="verdicts",
    schema=_object(
        verdicts=_list(
            _object(
                claim={"type": "integer"}, support={"type": "string", "enum": [support.value for support in Support]}
            )
        )
    ),
)


def read_findings(content: Mapping[str, object]) -> tuple[CriterionDraft | NotApplicable, ...]:
    """The drafts of a section; a criterion that is not assessed gives none. Raises BadAnswer."""
    drafts: list[CriterionDraft | NotApplicable] = []
    for item in _items(content, "findings"):
        score = _text(item, "score")
        if score == NOT_ASSESSED:
            continue
        if score in NOT_APPLICABLE:
            drafts.append(
                NotApplicable(criterion_id=_text(item, "criterion_id"), reason=NOT_APPLICABLE[score], by=REVIEWER)
            )
            continue
        if score not in {known.value for known in Score}:
            raise BadAnswer("the model's answer has a score that does not exist")
        drafts.append(CriterionDraft(criterion_id=_text(item, "criterion_id"), score=Score(score), draft=_draft(item)))
    return tuple(drafts)


def read_coaching(content: Mapping[str, object]) -> tuple[CoachingDraft, ...]:
    """The drafts of coaching moments, each under a key of its own. Raises BadAnswer."""
    return tuple(
        CoachingDraft(
            key=key,
            title=_text(item, "title"),
            advice=_text(item, "advice"),
            # Some models leave out what they have nothing to say about, whatever the schema says.
            why=_text(item, "why") if "why" in item else "",
            draft=_draft(item),
        )
        for key, item in _keyed(content, "coaching_moments")
    )


def read_stages(content: Mapping[str, object]) -> tuple[StageDraft, ...]:
    """The drafts of an outline's stages. Raises BadAnswer."""
    return tuple(
        StageDraft(
            key=key,
            stage=_text(item, "stage"),
            first_no=_whole(item.get("first_no")),
            last_no=_whole(item.get("last_no")),
            draft=_draft(item),
        )
        for key, item in _keyed(content, "stages")
    )


def read_next_actions(content: Mapping[str, object]) -> tuple[ActionDraft, ...]:
    """The drafts of next actions. Raises BadAnswer."""
    return tuple(
        ActionDraft(
            key=key,
            who=Who(_one_of(item, "who", Who)),
            due=None if item.get("due") is None else _text(item, "due"),
            draft=_draft(item),
        )
        for key, item in _keyed(content, "next_actions")
    )


def read_gaps(content: Mapping[str, object]) -> tuple[GapDraft, ...]:
    """The drafts of what does not fit together. Raises BadAnswer."""
    return tuple(
        GapDraft(
            key=key,
            gap=GapKind(_one_of(item, "gap", GapKind)),
            title=_text(item, "title"),
            sections=_texts(item, "sections"),
            draft=_draft(item),
        )
        for key, item in _keyed(content, "gaps")
    )


def read_follow_up(content: Mapping[str, object]) -> tuple[SentenceDraft, ...]:
    """The drafts of an e-mail's sentences. Raises BadAnswer."""
    return tuple(
        SentenceDraft(key=key, part=FollowUpPart(_one_of(item, "part", FollowUpPart)), draft=_draft(item))
        for key, item in _keyed(content, "sentences")
    )


def read_verdicts(content: Mapping[str, object], count: int) -> dict[int, Support]:
    """The verdict on each claim by its number, 1 to `count`; others are left out. Raises BadAnswer.

    Of two verdicts on one claim the harsher counts.
    """
    verdicts: dict[int, Support] = {}
    order = list(Support)
    for item in _items(content, "verdicts"):
        number, word = item.get("claim"), _text(item, "support")
        if word not in {support.value for support in Support}:
            raise BadAnswer("the model's answer has a verdict that does not exist")
        if isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= count:
            verdicts[number] = max(Support(word), verdicts.get(number, Support.SUPPORTED), key=order.index)
    return verdicts


def _keyed(content: Mapping[str, object], name: str) -> Sequence[tuple[str, Mapping[str, object]]]:
    """The items of that list, each under a key of its own."""
    found: dict[str, Mapping[str, object]] = {}
    for number, item in enumerate(_items(content, name)):
        key = _text(item, "key")
        found[key if key and key not in found else f"{key}-{number}"] = item
    return list(found.items())


def _one_of(item: Mapping[str, object], name: str, known: type[StrEnum]) -> str:
    word = _text(item, name)
    if word not in {one.value for one in known}:
        raise BadAnswer(f"the model's answer has a '{name}' that does not exist")
    return word


def _texts(holder: Mapping[str, object], key: str) -> tuple[str, ...]:
    found = holder.get(key)
    if not isinstance(found, list):
        raise BadAnswer(f"the model's answer lacks the list '{key}'")
    return tuple(text for text in cast("list[object]", found)[:MOST_DRAFTS] if isinstance(text, str))


def _draft(item: Mapping[str, object]) -> Draft:
    through = item.get("through")
    return Draft(
        statement=_text(item, "statement"),
        citations=tuple(
            Citation(utterance_no=_whole(cited.get("utterance_no")), quote=_text(cited, "quote"))
            for cited in _items(item, "citations")
        ),
        confidence=_number(item.get("confidence")),
        through=None if through is None else _whole(through),
    )


def _items(holder: Mapping[str, object], key: str) -> Sequence[Mapping[str, object]]:
    found = holder.get(key)
    if not isinstance(found, list):
        raise BadAnswer(f"the model's answer lacks the list '{key}'")
    items = cast("list[object]", found)[:MOST_DRAFTS]
    if not all(isinstance(item, Mapping) for item in items):
        raise BadAnswer(f"the model's answer has something else than objects in '{key}'")
    return cast("list[Mapping[str, object]]", items)


def _text(holder: Mapping[str, object], key: str) -> str:
    found = holder.get(key)
    if not isinstance(found, str):
        raise BadAnswer(f"the model's answer lacks the text '{key}'")
    # PostgreSQL keeps no NUL, and nothing invisible belongs into a report.
    return " ".join(visible(found).split())


def _whole(value: object) -> int:
    """A whole number; -1, which no utterance has, for anything else: the draft then fails by itself."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value != int(value):
        return -1
    return int(value)


def _number(value: object) -> float:
    """A number; NaN, which lies between no bounds, for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
