"""Themes: what customers keep saying over many calls, counted by the moments that say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from ridealong.core.answer import CallNamed, Scope
from ridealong.core.artifact import evidence_json
from ridealong.core.transcript import Evidence


class ThemeKind(StrEnum):
    OBJECTION = "objection"
    PAIN = "pain"
    FEATURE_REQUEST = "feature_request"


@dataclass(frozen=True, kw_only=True, slots=True)
class ThemeMoment:
    """A moment with its call and the words that it cites, for opening it."""

    moment_id: UUID
    type: str
    confidence: float
    call: CallNamed
    evidence: Evidence

    def as_json(self) -> dict[str, object]:
        return {
            "moment_id": str(self.moment_id),
            "type": self.type,
            "confidence": round(self.confidence, 3),
            "call": self.call.as_json(),
            "revision": self.evidence.transcript_id.revision,
            **evidence_json(self.evidence),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Theme:
    """Moments that are about the same thing, the most central first; its words name it.

    `keywords` are what many of them say and few others do.
    """

    kind: ThemeKind
    keywords: tuple[str, ...]
    moments: tuple[ThemeMoment, ...]

    @property
    def name(self) -> str:
        return ", ".join(self.keywords) or self.moments[0].evidence.quote

    def as_json(self, most: int) -> dict[str, object]:
        """With its first `most` moments; `moment_ids` are all."""
        return {
            "kind": self.kind.value,
            "name": self.name,
            "keywords": list(self.keywords),
            "count": len(self.moments),
            "calls": len({m.call.call_id for m in self.moments}),
            "customers": len({m.call.customer.casefold() for m in self.moments if m.call.customer}),
            "quote": self.moments[0].evidence.quote,
            "weeks": _by_week(self.moments),
            "moments": [m.as_json() for m in self.moments[:most]],
            "moment_ids": [str(m.moment_id) for m in self.moments],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Competitor:
    """How often an alternative was named in each week. `name` is empty for mentions in which no name was heard."""

    name: str
    moments: tuple[ThemeMoment, ...]

    def as_json(self, most: int) -> dict[str, object]:
        return {
            "name": self.name,
            "count": len(self.moments),
            "calls": len({m.call.call_id for m in self.moments}),
            "weeks": _by_week(self.moments),
            "moments": [m.as_json() for m in self.moments[:most]],
            "moment_ids": [str(m.moment_id) for m in self.moments],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Themes:
    """`counted` moments were read; `more` says that there are others, which are older."""

    scope: Scope
    themes: tuple[Theme, ...]
    competitors: tuple[Competitor, ...]
    counted: int
    more: bool

    def evidence(self, most: int) -> tuple[Evidence, ...]:
        """What the first `most` moments of each theme and competitor cite."""
        return tuple(m.evidence for one in (*self.themes, *self.competitors) for m in one.moments[:most])

    def as_json(self, most: int) -> dict[str, object]:
        """`most`: moments that are shown of each theme and competitor."""
        return {
            "scope": self.scope.as_json(),
            "themes": [theme.as_json(most) for theme in self.themes],
            "competitors": [competitor.as_json(most) for competitor in self.competitors],
            "counted": self.counted,
            "more": self.more,
        }


def _by_week(moments: Sequence[ThemeMoment]) -> list[dict[str, object]]:
    """The weeks in which one of them was said, the earliest first."""
    weeks: dict[str, list[ThemeMoment]] = {}
    for moment in sorted(moments, key=lambda m: m.call.started_at):
        weeks.setdefault(week_of(moment.call.started_at), []).append(moment)
    return [
        {"week": week, "count": len(found), "moment_ids": [str(m.moment_id) for m in found]}
        for week, found in weeks.items()
    ]


def week_of(at: datetime) -> str:
    """The ISO week, for example `2026-W47`."""
    year, week, _ = at.isocalendar()
    return f"{year}-W{week:02d}"
