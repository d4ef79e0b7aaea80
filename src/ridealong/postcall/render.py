"""The artifact as a page or as Markdown, by a template that is ours or the tenant's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from time import monotonic
from typing import Any, Final, Literal, cast

from markupsafe import Markup

from ridealong.core.artifact import Artifact, ReviewStep, claim_json, moment_json
from ridealong.core.claims import AbsenceClaim, Claim
from ridealong.core.errors import InvalidDocument
from ridealong.core.transcript import Evidence, Role
from ridealong.postcall.render_told import told
from ridealong.postcall.template import Limits, render_template
from ridealong.postcall.wording import REASON_WORDS

Format = Literal["html", "md"]
PlayUrl = Callable[[int, int], str]
"""(start_ts, end_ts) in ms to the address that plays that stretch; empty where there is no audio."""

SHIPPED_TEMPLATES: Final = ("manager", "rep", "objections-only")

_STATISTICS: Final = (
    ("talk_ratio_of_speech", "Rep's share of the speech", "share"),
    ("talk_ratio_of_call", "Rep's share of the call", "share"),
    ("longest_monologue_ms", "Longest monologue of the rep", "time"),
    ("longest_customer_story_ms", "Longest story of the customer", "time"),
    ("interactivity_per_min", "Speaker changes a minute", "number"),
    ("patience_ms", "Pause before the rep answers", "seconds"),
    ("rep_questions", "Questions of the rep", "count"),
    ("interruptions_by_rep", "Interruptions by the rep", "count"),
    ("rep_pace_wpm", "Words a minute of the rep", "count"),
    ("rep_fillers_per_100_words", "Fillers in 100 words", "number"),
)


def render(
    artifact: Artifact,
    template: str,
    format: Format,  # noqa: A002 - the word that the templates' file names use
    play_url: PlayUrl,
    *,
    text: str | None = None,
    limits: Limits | None = None,
    clock: Callable[[], float] = monotonic,
) -> str:
    """Render `artifact` by the shipped template of that name, or by `text`, which is then called `template`.

    Everything that was said, and every name, is text in the result: HTML is escaped as it is written, Markdown before
    a template sees it. Raises InvalidDocument with the template's line.
    """
    if text is None:
        text = shipped_template(template, format)
    data = _data(artifact, play_url)
    if format == "md":
        data = cast("dict[str, object]", _inert(data))
    return render_template(
        text,
        data,
        source=f"{template}.{format}.liquid",
        autoescape=format == "html",
        partials=_partials(format),
        filters={"timecode": timecode, "play_link": _html_link if format == "html" else _markdown_link},
        limits=limits,
        clock=clock,
    )


def shipped_template(name: str, format: Format) -> str:  # noqa: A002
    """The text of a template that comes with the product. Raises InvalidDocument naming those that exist."""
    if name not in SHIPPED_TEMPLATES or format not in ("html", "md"):
        raise InvalidDocument(
            f"there is no template '{name}' for '{format}': use one of {', '.join(SHIPPED_TEMPLATES)} with html or md",
            source=name,
        )
    return files("ridealong.postcall").joinpath("templates", f"{name}.{format}.liquid").read_text(encoding="utf-8")


def timecode(ms: object) -> str:
    """Milliseconds as mm:ss, from an hour on as h:mm:ss."""
    if not isinstance(ms, (int, float)):
        return ""
    seconds = int(ms) // 1000
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}" if minutes >= 60 else f"{minutes:02d}:{seconds:02d}"


@cache
def _partials(format: Format) -> dict[str, str]:  # noqa: A002
    folder = files("ridealong.postcall").joinpath("templates", "partials")
    end = f".{format}.liquid"
    return {
        item.name.removesuffix(end): item.read_text(encoding="utf-8")
        for item in folder.iterdir()
        if item.name.endswith(end)
    }


def _data(artifact: Artifact, play_url: PlayUrl) -> dict[str, object]:
    """What a template sees: see docs/templates.md."""
    roles = {a.speaker_id: a.role for a in artifact.speakers}
    rep_known = Role.REP in roles.values()

    def speaker(speaker_id: int) -> str:
        role = roles.get(cast("Any", speaker_id), Role.UNKNOWN)
        if role is Role.UNKNOWN and rep_known:
            role = Role.CUSTOMER
        return {Role.REP: "Rep", Role.CUSTOMER: "Customer"}.get(role, f"Speaker {speaker_id}")

    def shown(evidence: Evidence) -> dict[str, object]:
        return {
            "utterance_no": evidence.utterance_no,
            "speaker_id": evidence.speaker_id,
            "speaker": speaker(evidence.speaker_id),
            "start_ts": evidence.start_ts,
            "end_ts": evidence.end_ts,
            "timecode": timecode(evidence.start_ts),
            "quote": evidence.quote,
            "play_url": _safe_url(play_url(evidence.start_ts, evidence.end_ts)),
        }

    def claim(of: Claim) -> dict[str, object]:
        return {
            **claim_json(of),
            "confidence_percent": round(of.confidence * 100),
            "absence": isinstance(of, AbsenceClaim),
            "evidence": [shown(e) for e in of.evidence],
        }

    sections = [
        {
            "section_id": s.section_id,
            "title": s.title,
            "assessed": s.assessed,
            "score": round(s.score) if s.assessed else 0,
            "confidence_percent": round(s.confidence * 100),
            "findings": [
                {"criterion_id": f.criterion_id, "score": f.score.value, **claim(f.claim)} for f in s.findings
            ],
            "not_assessed": [c.replace("_", " ") for c in s.not_assessed],
        }
        for s in artifact.sections
    ]
    moments = [
        {
            "moment_id": str(m.moment_id),
            **moment_json(m.moment),
            "label": m.moment.type.replace("_", " "),
            "why": REASON_WORDS.get(m.moment.reason.value, m.moment.reason.value.replace("_", " ")),
            "confidence_percent": round(m.moment.confidence * 100),
            "evidence": [shown(e) for e in m.moment.evidence],
        }
        for m in artifact.moments
    ]
    return {
        "artifact": {
            "call_id": str(artifact.transcript_id.call_id),
            "revision": artifact.transcript_id.revision,
            "title": artifact.title or "Untitled call",
            "rubric": {"id": artifact.rubric_id, "title": artifact.rubric_title},
            "reviewer": artifact.reviewer,
            "assessed": artifact.assessed,
            "score": round(artifact.score) if artifact.assessed else 0,
            "duration_ms": artifact.duration_ms,
            "speakers": [
                {
                    "speaker_id": a.speaker_id,
                    "speaker": speaker(a.speaker_id),
                    "source": a.source.value.replace("_", " "),
                    "confidence_percent": round(a.confidence * 100),
                }
                for a in artifact.speakers
            ],
            "sections": sections,
            "coaching_moments": [
                {"rank": rank, "title": c.title, "advice": c.advice, "why": c.why, **claim(c.claim)}
                for rank, c in enumerate(artifact.coaching_moments, start=1)
            ],
            **told(artifact, claim),
            "moments": moments,
            "objections": [m for m in moments if m["type"] == "objection_raised"],
            "statistics": _statistics(artifact.statistics),
            "missing_sections": list(artifact.missing_sections),
            "dropped_drafts": artifact.dropped_drafts,
            "removed_claims": artifact.removed_claims,
            "lowered_claims": artifact.lowered_claims,
            "unchecked_claims": artifact.unchecked_claims,
            "steps": [_step(s) for s in artifact.steps],
            "steps_total": steps_total(artifact.steps),
            "warnings": list(artifact.warnings),
        }
    }


def _step(step: ReviewStep) -> dict[str, object]:
    return {
        **step.as_json(),
        "outcome": step.outcome.value.replace("_", " "),
        "tokens": f"{step.input_tokens:,} {step.cache_read_tokens:,} {step.output_tokens:,}",
        "cost": "" if step.cost_usd is None else f"${step.cost_usd:.4f}",
        "time": f"{step.seconds:.1f} s",
    }


def steps_total(steps: Sequence[ReviewStep]) -> str:
    """Questions, tokens and cost of all steps in one line; a cost that some step lacks is a floor."""
    costs = [s.cost_usd for s in steps if s.cost_usd is not None]
    cost = f"${sum(costs):.4f}" if costs else "cost not known"
    if costs and len(costs) < len(steps):
        cost = f"at least {cost}"
    tokens = sum(s.input_tokens for s in steps), sum(s.cache_read_tokens for s in steps)
    return (
        f"{sum(s.attempts for s in steps)} questions, {tokens[0]:,} tokens in ({tokens[1]:,} of them from a cache),"
        f" {sum(s.output_tokens for s in steps):,} out, {cost}"
    )


def _statistics(stored: Mapping[str, object]) -> list[dict[str, object]]:
    """The statistics worth a line, with the reason for each that is absent."""
    values = cast("Mapping[str, float]", stored.get("values") or {})
    absent = cast("Mapping[str, str]", stored.get("absent") or {})
    lines: list[dict[str, object]] = []
    for name, title, kind in _STATISTICS:
        if name in values:
            lines.append({"id": name, "title": title, "known": True, "value": _worded(values[name], kind)})
        elif name in absent:
            lines.append({"id": name, "title": title, "known": False, "value": absent[name]})
    return lines


def _worded(value: float, kind: str) -> str:
    match kind:
        case "share":
            return f"{value * 100:.0f}%"
        case "time":
            return timecode(value)
        case "seconds":
            return f"{value / 1000:.1f} s"
        case "count":
            return f"{value:.0f}"
        case _:
            return f"{value:.1f}"


_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def _safe_url(url: str) -> str:
    """The address, or nothing where a browser would run it instead of playing it."""
    scheme = _SCHEME.match(url.strip())
    if scheme is not None and scheme.group().lower() not in ("http:", "https:", "file:"):
        return ""
    return "".join(c for c in url.strip() if c.isprintable() and not c.isspace())


def _html_link(evidence: Mapping[str, object]) -> Markup:
    at = escape(str(evidence["timecode"]))
    url = str(evidence["play_url"])
    if not url:
        return Markup(f'<span class="at">{at}</span>')  # noqa: S704 - escaped in the line above
    label = escape(f"Play {evidence['speaker']} at {evidence['timecode']}")
    return Markup(  # noqa: S704 - every part is escaped
        f'<a class="play" href="{escape(url)}" target="player" aria-label="{label}">{at}</a>'
    )


def _markdown_link(evidence: Mapping[str, object]) -> str:
    # The address was made inert with everything else; within <> it must be itself again.
    url = re.sub(r"\\([^\w\s])", r"\1", str(evidence["play_url"])).replace("&amp;", "&")
    at = str(evidence["timecode"])
    if not url:
        return at
    for character, code in (("<", "%3C"), (">", "%3E"), ("\\", "%5C"), ("(", "%28"), (")", "%29"), ("|", "%7C")):
        url = url.replace(character, code)
    return f"[{at}](<{url}>)"


_MARKDOWN = re.compile(r"[\\`*_{}\[\]#|~^$!]")
_LEADING = re.compile(r"^([-+=>:]|\d+(?=[.)]))")


def _inert(value: object) -> object:
    """The same data, with every text made so that Markdown shows it as it is."""
    if isinstance(value, str):
        return inert_markdown(value)
    if isinstance(value, Mapping):
        return {k: _inert(v) for k, v in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_inert(v) for v in cast("list[object]", value)]
    return value


def inert_markdown(text: str) -> str:
    """`text` on one line, with everything escaped that Markdown or GitHub's dialect would read as more than text."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    line = _MARKDOWN.sub(lambda m: "\\" + m.group(), line)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # GitHub links bare addresses.
    line = line.replace("://", "\\://").replace("@", "\\@")
    line = re.sub(r"\b(www)\.", r"\1\\.", line, flags=re.IGNORECASE)
    lead = _LEADING.match(line)
    if lead is None:
        return line
    if lead.group()[0].isdigit():
        return f"{lead.group()}\\{line[lead.end() :]}"
    return "\\" + line
