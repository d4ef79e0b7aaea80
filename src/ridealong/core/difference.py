"""What changed between two artifacts of one call: claims that came, went, were scored or believed otherwise, or moved.

Works on artifacts as JSON (`Artifact.as_json`), since earlier ones are kept so. Two claims are the same one where they
are of one kind, stand at one place (a finding: its criterion; a coaching moment: its title; ...) and, where a place
can hold several, say or quote much the same words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

Json = Mapping[str, object]

CONFIDENCE: Final = 0.05
"""Less is no change worth a line."""
MOVED_MS: Final = 1_000
"""Two transcripts of one recording cut utterances a little differently: nearer than this is the same place."""
ALIKE: Final = 0.4
"""Share of words in common from which on two claims at one place are the same claim."""

_PLACES: Final[Mapping[str, tuple[str, Callable[[Json], str]]]] = {
    "coaching_moments": ("coaching_moment", lambda c: str(c.get("title", ""))),
    "outline": ("stage", lambda c: str(c.get("stage", ""))),
    "gaps": ("gap", lambda c: str(c.get("title", ""))),
    "next_actions": ("next_action", lambda c: str(c.get("who", ""))),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Placed:
    kind: str
    place: str
    claim: Json


def difference(before: Json, after: Json) -> dict[str, object]:
    """`score`, `sections` whose score changed, and the claims: `added`, `gone`, `changed` (with what), `unchanged`."""
    old, new = list(_claims(before)), list(_claims(after))
    pairs = _paired(old, new)
    changed: list[dict[str, object]] = []
    unchanged = 0
    for a, b in pairs:
        what = _changes(old[a].claim, new[b].claim)
        if what:
            changed.append(
                {
                    "kind": new[b].kind,
                    "place": new[b].place,
                    "changes": what,
                    "before": dict(old[a].claim),
                    "after": dict(new[b].claim),
                }
            )
        else:
            unchanged += 1
    kept_old, kept_new = {a for a, _ in pairs}, {b for _, b in pairs}
    return {
        "score": {"before": before.get("score"), "after": after.get("score")},
        "sections": _sections(before, after),
        "added": [_shown(p) for n, p in enumerate(new) if n not in kept_new],
        "gone": [_shown(p) for n, p in enumerate(old) if n not in kept_old],
        "changed": changed,
        "unchanged": unchanged,
    }


def _claims(artifact: Json) -> Iterator[_Placed]:
    for section in _list(artifact.get("sections")):
        for finding in _list(section.get("findings")):
            place = f"{section.get('section_id')}/{finding.get('criterion_id')}"
            yield _Placed(kind="finding", place=place, claim=finding)
    for name, (kind, place_of) in _PLACES.items():
        for claim in _list(artifact.get(name)):
            yield _Placed(kind=kind, place=place_of(claim), claim=claim)
    follow_up = artifact.get("follow_up")
    if isinstance(follow_up, Mapping):
        for claim in _list(cast("Json", follow_up).get("sentences")):
            yield _Placed(kind="follow_up", place=str(claim.get("part", "")), claim=claim)


def _paired(old: Sequence[_Placed], new: Sequence[_Placed]) -> list[tuple[int, int]]:
    """Indexes of claims that are the same one, the likest first; each once."""
    options = [
        (likeness, a, b)
        for a, one in enumerate(old)
        for b, other in enumerate(new)
        if (one.kind, one.place) == (other.kind, other.place)
        # A criterion has one finding: whatever it says now, it is the same question.
        and (likeness := 1.0 if one.kind == "finding" else _likeness(one.claim, other.claim)) >= ALIKE
    ]
    pairs: list[tuple[int, int]] = []
    for _, a, b in sorted(options, key=lambda o: (-o[0], o[1], o[2])):
        if all(a != x and b != y for x, y in pairs):
            pairs.append((a, b))
    return sorted(pairs, key=lambda p: p[1])


def _likeness(one: Json, other: Json) -> float:
    """Words in common of statements and quotes; or, for claims of fixed wording, that they are about one stretch."""
    a, b = _words(one), _words(other)
    common = len(a & b) / max(1, len(a | b))
    spans = _span(one), _span(other)
    overlap = min(spans[0][1], spans[1][1]) - max(spans[0][0], spans[1][0])
    return max(common, 0.5 if overlap > 0 else 0.0)


def _words(claim: Json) -> set[str]:
    texts = [str(claim.get("statement", "")), *(str(e.get("quote", "")) for e in _list(claim.get("evidence")))]
    return set(re.findall(r"\w+", " ".join(texts).casefold()))


def _changes(one: Json, other: Json) -> list[str]:
    """Which of `score`, `statement`, `confidence`, `due`, `rank`, `span` differ."""
    found = [name for name in ("score", "statement", "due", "rank") if one.get(name) != other.get(name)]
    if abs(_number(one.get("confidence")) - _number(other.get("confidence"))) >= CONFIDENCE:
        found.append("confidence")
    if any(abs(a - b) > MOVED_MS for a, b in zip(_span(one), _span(other), strict=True)):
        found.append("span")
    return found


def _span(claim: Json) -> tuple[float, float]:
    """Where it is in the call, ms: a stage's own stretch, else from the first words it cites to the last."""
    if "start_ts" in claim:
        return _number(claim.get("start_ts")), _number(claim.get("end_ts"))
    evidence = _list(claim.get("evidence"))
    if not evidence:
        return 0.0, 0.0
    return min(_number(e.get("start_ts")) for e in evidence), max(_number(e.get("end_ts")) for e in evidence)


def _sections(before: Json, after: Json) -> list[dict[str, object]]:
    old = {str(s.get("section_id")): s for s in _list(before.get("sections"))}
    new = {str(s.get("section_id")): s for s in _list(after.get("sections"))}
    rows: list[dict[str, object]] = []
    for section_id in dict.fromkeys((*new, *old)):
        a, b = old.get(section_id), new.get(section_id)
        scores = None if a is None else a.get("score"), None if b is None else b.get("score")
        if scores[0] != scores[1] or a is None or b is None:
            title = (b or a or {}).get("title")
            rows.append({"section_id": section_id, "title": title, "before": scores[0], "after": scores[1]})
    return rows


def _shown(placed: _Placed) -> dict[str, object]:
    return {"kind": placed.kind, "place": placed.place, "claim": dict(placed.claim)}


def _list(value: object) -> list[Json]:
    if not isinstance(value, list):
        return []
    return [cast("Json", item) for item in cast("list[object]", value) if isinstance(item, Mapping)]


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
