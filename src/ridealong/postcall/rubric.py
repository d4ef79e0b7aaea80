"""Rubrics as tenants write them: YAML, checked so that every mistake is told with its line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from importlib.resources import files
from typing import Final

from ruamel.yaml import YAML

from ridealong.core.conditions import ALWAYS, When
from ridealong.core.errors import InvalidDocument
from ridealong.core.moments import CONTENT_TYPES, TIMING_TYPES
from ridealong.core.rubric import Anchor, CallPlace, Criterion, Rubric, Score, Section
from ridealong.core.rules import Before, Effect, Reach, Rule, RuleKind, Severity, Words
from ridealong.core.transcript import Role
from ridealong.document import read_document
from ridealong.postcall.rubric_document import (
    BeforeDocument,
    CriterionDocument,
    EffectDocument,
    RubricDocument,
    RuleDocument,
    WhenDocument,
)

SHIPPED: Final = (
    *("meddic", "bant", "spin", "discovery"),
    *("meddpicc", "sandler", "challenger", "demo", "negotiation", "renewal", "in-home", "compliance"),
)
DEFAULT_RUBRIC: Final = "discovery"

MAX_CRITERIA: Final = 100
"""Each costs about 20 ms a call and a line that somebody reads. Rules count as well."""

EFFECTS: Final = {
    Severity.LOW: Effect(deduct=5),
    Severity.MEDIUM: Effect(deduct=15),
    Severity.HIGH: Effect(deduct=30),
}
"""What a broken rule costs its section where the rubric does not say it."""

Place = tuple[str | int, ...]


def load_rubric(
    text: str, source: str, *, moment_types: Collection[str] | None = (*CONTENT_TYPES, *TIMING_TYPES)
) -> Rubric:
    """Read a rubric. `moment_types` are those of the tenant's taxonomy, which it may name; None: any (a rubric that was
    checked when it was kept).

    Raises InvalidDocument with the line of the first mistake.
    """
    document = read_document(text, RubricDocument, source=source)
    lines = _Lines(text, source)
    _refuse_doubles(document, lines)
    if moment_types is not None:
        for name, place in _moments_named(document):
            if name not in moment_types:
                raise lines.mistake(f"there is no moment type '{name}': use {', '.join(moment_types)}", place)
    return Rubric(
        id=document.id,
        title=document.title,
        sections=tuple(
            Section(
                id=section.id,
                title=section.title,
                weight=section.weight,
                criteria=tuple(_criterion(c) for c in section.criteria),
                rules=tuple(_rule(r) for r in section.rules),
                when=_when(section.when),
            )
            for section in document.sections
        ),
    )


def shipped_rubric_text(name: str) -> str:
    """The YAML of a rubric that comes with the product. Raises InvalidDocument naming those that exist."""
    if name not in SHIPPED:
        raise InvalidDocument(f"there is no rubric '{name}': use one of {', '.join(SHIPPED)}", source=name)
    return files("ridealong.postcall").joinpath("rubrics", f"{name}.yaml").read_text(encoding="utf-8")


def shipped_rubric(name: str) -> Rubric:
    """A rubric that comes with the product. Raises InvalidDocument naming those that exist."""
    return load_rubric(shipped_rubric_text(name), f"{name}.yaml")


def _refuse_doubles(document: RubricDocument, lines: _Lines) -> None:
    sections: set[str] = set()
    ids: set[str] = set()
    for s, section in enumerate(document.sections):
        if section.id in sections:
            raise lines.mistake(f"the section id '{section.id}' is used twice", ("sections", s, "id"))
        sections.add(section.id)
        for key, parts in (("criteria", section.criteria), ("rules", section.rules)):
            for n, part in enumerate(parts):
                if part.id in ids:
                    what = "criterion" if key == "criteria" else "rule"
                    raise lines.mistake(f"the {what} id '{part.id}' is used twice", ("sections", s, key, n, "id"))
                ids.add(part.id)
    if len(ids) > MAX_CRITERIA:
        raise lines.mistake(f"a rubric has at most {MAX_CRITERIA} criteria and rules", ("sections",))


def _moments_named(document: RubricDocument) -> Iterator[tuple[str, Place]]:
    """Every moment type that the document names, and where."""

    def of_when(when: WhenDocument | None, at: Place) -> Iterator[tuple[str, Place]]:
        for n, name in enumerate(() if when is None else when.moments):
            yield name, (*at, "when", "moments", n)

    for s, section in enumerate(document.sections):
        at: Place = ("sections", s)
        yield from of_when(section.when, at)
        for c, criterion in enumerate(section.criteria):
            for n, name in enumerate(criterion.called_for_by):
                yield name, (*at, "criteria", c, "called_for_by", n)
            yield from of_when(criterion.when, (*at, "criteria", c))
        for r, rule in enumerate(section.rules):
            yield from of_when(rule.when, (*at, "rules", r))
            for n, name in enumerate(() if rule.before is None else rule.before.moments):
                yield name, (*at, "rules", r, "before", "moments", n)


def _role(name: str) -> Role:
    return Role.UNKNOWN if name == "anybody" else Role(name)


def _criterion(document: CriterionDocument) -> Criterion:
    anchors = tuple(Anchor(words=a.words, score=Score(a.score), why=a.why.strip()) for a in document.anchors)

    def labelled(score: Score, examples: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*examples, *(a.words for a in anchors if a.score is score)]))

    return Criterion(
        id=document.id,
        question=document.question,
        role=_role(document.role),
        shown_by=labelled(Score.YES, document.shown_by),
        partly_shown_by=labelled(Score.PARTLY, document.partly_shown_by),
        not_shown_by=labelled(Score.NO, document.not_shown_by),
        shown_as=document.shown_as.strip(),
        weight=document.weight,
        called_for_by=tuple(document.called_for_by),
        takes_up=None if document.takes_up is None else Role(document.takes_up),
        place=None if document.place is None else CallPlace(document.place),
        advice=document.advice.strip(),
        good=document.good.strip(),
        partial=document.partial.strip(),
        poor=document.poor.strip(),
        anchors=anchors,
        when=_when(document.when),
    )


def _rule(document: RuleDocument) -> Rule:
    severity = Severity(document.severity)
    before = document.before
    return Rule(
        id=document.id,
        kind=RuleKind(document.kind),
        said=_words(document),
        severity=severity,
        effect=EFFECTS[severity] if document.effect is None else _effect(document.effect),
        before=None
        if before is None
        else Before(
            words=_words(before) if before.phrases or before.shown_by else None,
            moments=tuple(before.moments),
            seconds=before.seconds,
        ),
        when=_when(document.when),
        advice=document.advice.strip(),
    )


def _words(document: RuleDocument | BeforeDocument) -> Words:
    return Words(
        role=_role(document.role),
        shown_as=document.shown_as.strip(),
        phrases=tuple(document.phrases),
        unless=tuple(document.unless),
        shown_by=tuple(document.shown_by),
        not_shown_by=tuple(document.not_shown_by),
    )


def _effect(document: EffectDocument) -> Effect:
    return Effect(deduct=document.deduct, cap=100.0 if document.cap is None else document.cap, of=Reach(document.of))


def _when(document: WhenDocument | None) -> When:
    if document is None:
        return ALWAYS
    return When(
        call_types=tuple(document.call_type),
        stages=tuple(document.stage),
        moments=tuple(document.moments),
        min_minutes=document.min_minutes,
        max_minutes=document.max_minutes,
    )


class _Lines:
    """Where in the text a part of the document stands, for mistakes that only the whole shows."""

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source

    def mistake(self, message: str, location: Sequence[str | int]) -> InvalidDocument:
        node = YAML(typ="rt").load(self._text)
        line = 1
        for part in location:
            if isinstance(node, str):
                # One word where a list may stand.
                break
            marks = node.lc
            line = int((marks.key(part) if isinstance(part, str) else marks.item(part))[0]) + 1
            node = node[part]
        return InvalidDocument(message, source=self._source, line=line)
