"""The artifact as a page, as text, as a message: by a template that is ours or the tenant's, in one of six forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from time import thread_time
from typing import Any, Final, TypedDict, cast

from ridealong.core.artifact import Artifact, ReviewStep, claim_json, moment_json
from ridealong.core.claims import AbsenceClaim, CitedAs, Claim
from ridealong.core.errors import InvalidDocument
from ridealong.core.transcript import Evidence, Role
from ridealong.core.workings import rule_json
from ridealong.postcall.email_form import Email, finished_email, split_subject
from ridealong.postcall.filters import FILTERS
from ridealong.postcall.forms import FORMS, WRITINGS, Format
from ridealong.postcall.json_form import valid_json
from ridealong.postcall.printing import Printed
from ridealong.postcall.render_told import told
from ridealong.postcall.slack_form import slack_message
from ridealong.postcall.template import Limits, check_syntax, render_template
from ridealong.postcall.wording import CITED_WORDS, REASON_WORDS

PlayUrl = Callable[[int, int], str]
"""(start_ts, end_ts) in ms to the address that plays that stretch; empty where there is no audio."""

SHIPPED_TEMPLATES: Final = ("manager", "rep", "objections-only")
PARTIAL: Final = "partial-"
"""What the name of a tenant's template begins with that others render within them."""

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


class _How(TypedDict):
    play_url: PlayUrl
    source: str
    partials: Mapping[str, str] | None
    limits: Limits | None
    clock: Callable[[], float]
    printed: Printed | None


def render(
    artifact: Artifact,
    template: str,
    format: Format,  # noqa: A002 - the word that the templates' file names use
    play_url: PlayUrl,
    *,
    text: str | None = None,
    partials: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    clock: Callable[[], float] = thread_time,
    printed: Printed | None = None,
) -> str:
    """Render `artifact` by the shipped template of that name, or by `text`, which is then called `template`.

    Everything that was said, and every name, is text in the result, in every form. `email` gives the whole message
    (RFC 5322, without addresses), `slack` and `json` their JSON. `partials`: the tenant's own, beside the shipped ones.
    Raises InvalidDocument with the template's line.
    """
    if format == "email":
        written = render_email(
            artifact, template, play_url, text=text, partials=partials, limits=limits, clock=clock, printed=printed
        )
        return written.message().as_string()
    if text is None:
        text = shipped_template(template, format)
    source = f"{template.removesuffix(f'.{format}')}.{format}.liquid"
    how: _How = {
        "play_url": play_url,
        "source": source,
        "partials": partials,
        "limits": limits,
        "clock": clock,
        "printed": printed,
    }
    rendered = _rendered(artifact, text, format, **how)
    match format:
        case "slack":
            return slack_message(rendered, source=source)
        case "json":
            return valid_json(rendered, source=source)
        case _:
            return rendered


def render_email(
    artifact: Artifact,
    template: str,
    play_url: PlayUrl,
    *,
    text: str | None = None,
    partials: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    clock: Callable[[], float] = thread_time,
    printed: Printed | None = None,
) -> Email:
    """An e-mail: the subject from the template's first line, the rest of it as HTML and as text. As `render`."""
    if text is None:
        text = shipped_template(template, "email")
    source = f"{template.removesuffix('.email')}.email.liquid"
    subject, body = split_subject(text, source=source)
    how: _How = {
        "play_url": play_url,
        "source": source,
        "partials": partials,
        "limits": limits,
        "clock": clock,
        "printed": printed,
    }
    return finished_email(
        # A header is plain text on one line, and its rules are not HTML's.
        _rendered(artifact, subject, "txt", **how),
        _rendered(artifact, body, "email", **how),
    )


def _rendered(
    artifact: Artifact,
    text: str,
    form: Format,
    *,
    play_url: PlayUrl,
    source: str,
    partials: Mapping[str, str] | None,
    limits: Limits | None,
    clock: Callable[[], float],
    printed: Printed | None,
) -> str:
    writing = WRITINGS[form]
    return render_template(
        text,
        _data(artifact, play_url),
        source=source,
        escape=writing.escape,
        partials={**_partials(form), **(partials or {})},
        filters={**FILTERS, "timecode": timecode, "play_link": writing.play_link},
        limits=limits,
        clock=clock,
        printed=printed,
    )


def check_partial(text: str, *, source: str) -> None:
    """Whether a tenant's partial can be read. What it is given is known to the templates alone that render it.

    Raises InvalidDocument with the line.
    """
    check_syntax(text, source=source, filters={**FILTERS, "timecode": timecode, "play_link": timecode})


def shipped_template(name: str, format: Format) -> str:  # noqa: A002
    """The text of a template that comes with the product. Raises InvalidDocument naming those that exist."""
    if (name, format) not in shipped_templates():
        known = ", ".join(shipped for shipped, form in shipped_templates() if form == format)
        message = f"there is no template '{name}' for '{format}': use one of your own, or {known}"
        raise InvalidDocument(message, source=name)
    return files("ridealong.postcall").joinpath("templates", f"{name}.{format}.liquid").read_text(encoding="utf-8")


@cache
def shipped_templates() -> tuple[tuple[str, Format], ...]:
    """(name, form) of the templates that come with the product."""
    folder = files("ridealong.postcall").joinpath("templates")
    names = sorted(item.name.split(".")[0] for item in folder.iterdir() if item.name.endswith(".liquid"))
    there = {item.name for item in folder.iterdir()}
    return tuple((name, form) for name in dict.fromkeys(names) for form in FORMS if f"{name}.{form}.liquid" in there)


def timecode(ms: object) -> str:
    """Milliseconds as mm:ss, from an hour on as h:mm:ss."""
    if not isinstance(ms, (int, float)):
        return ""
    seconds = int(ms) // 1000
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}" if minutes >= 60 else f"{minutes:02d}:{seconds:02d}"


@cache
def _partials(form: Format) -> dict[str, str]:
    folder = files("ridealong.postcall").joinpath("templates", "partials")
    end = f".{form}.liquid"
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
            "role": roles.get(evidence.speaker_id, Role.UNKNOWN).value,
        }

    def searched(of: Claim) -> dict[str, object] | None:
        """The search behind a claim of absence, as `claim_json` has it, with how alike in percent."""
        if not isinstance(of, AbsenceClaim) or of.searched is None:
            return None
        span = of.searched
        return {
            "from_no": span.from_no,
            "through": of.through,
            "start_ts": span.start_ts,
            "end_ts": span.end_ts,
            "closest_no": None if span.closest is None else span.closest.utterance_no,
            "similarity_percent": max(0, round(span.similarity * 100)),
        }

    def closest(of: Claim) -> dict[str, object] | None:
        """What came closest to showing what is called absent, where the evidence itself is something else."""
        if not isinstance(of, AbsenceClaim) or of.searched is None or of.cited_as is CitedAs.NEAREST:
            return None
        return None if of.searched.closest is None else shown(of.searched.closest)

    def claim(of: Claim) -> dict[str, object]:
        return {
            **claim_json(of),
            "confidence_percent": round(of.confidence * 100),
            "searched": searched(of),
            "closest": closest(of),
            "cited_words": _cited_words(of),
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
            "not_applicable": [
                {"criterion": n.criterion_id.replace("_", " "), "reason": n.reason, "by": n.by}
                for n in s.not_applicable
            ],
            "rules": [{**rule_json(r), "rule": r.rule_id.replace("_", " ")} for r in s.rules],
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
            **_NOTHING_ABSENT,
            "evidence": [shown(e) for e in m.moment.evidence],
        }
        for m in artifact.moments
    ]
    data: dict[str, Any] = {
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
            "checks": _checks(artifact.checks),
            "checks_line": checks_line(artifact.checks),
            "confidence_version": artifact.confidence_version,
            "steps": [_step(s) for s in artifact.steps],
            "steps_total": steps_total(artifact.steps),
            "warnings": list(artifact.told),
        }
    }
    return {**data, **_top_level(data["artifact"])}


_OF_THE_CALL: Final = (
    *("call_id", "revision", "title", "rubric", "reviewer", "assessed", "score", "duration_ms", "warnings"),
    *("missing_sections", "dropped_drafts", "removed_claims", "lowered_claims", "unchecked_claims", "steps_total"),
    *("checks", "checks_line", "confidence_version"),
)
_ALSO_BY_THEMSELVES: Final = (
    *("speakers", "sections", "coaching_moments", "moments", "statistics", "steps"),
    *("outline", "gaps", "next_actions", "follow_up"),
)


def _top_level(whole: Mapping[str, object]) -> dict[str, object]:
    """The same by their own names: the call and what was found in it, the findings of all sections in one list."""
    sections = cast("list[Mapping[str, Any]]", whole["sections"])
    return {
        "call": {name: whole[name] for name in _OF_THE_CALL},
        "findings": [
            {**finding, "section_id": section["section_id"], "section": section["title"]}
            for section in sections
            for finding in section["findings"]
        ],
        **{name: whole[name] for name in _ALSO_BY_THEMSELVES},
    }


_NOTHING_ABSENT: Final = {"absence": False, "cited_words": "", "searched": None, "closest": None}
"""What a moment has of a claim: it shows its evidence by the same partial."""


def _cited_words(claim: Claim) -> str:
    """What stands over the evidence: empty where that is the proof, else what was searched and what is cited."""
    if not isinstance(claim, AbsenceClaim):
        return ""
    span = claim.searched
    searched = "" if span is None else f"Searched from {timecode(span.start_ts)} to {timecode(span.end_ts)}."
    return f"{searched} {CITED_WORDS[claim.cited_as]}".strip()


def _checks(checks: Mapping[str, Mapping[str, int]]) -> list[dict[str, object]]:
    return [
        {"fate": fate, "fault": fault, "count": count}
        for fate, faults in checks.items()
        for fault, count in faults.items()
    ]


def checks_line(checks: Mapping[str, Mapping[str, int]]) -> str:
    """What the checks did, in one plain line; empty where they found nothing."""
    parts = [
        f"{sum(faults.values())} {fate} ({', '.join(f'{_plain(fault)}: {n}' for fault, n in faults.items())})"
        for fate, faults in checks.items()
        if faults
    ]
    return f"Checks of the statements: {'; '.join(parts)}." if parts else ""


def _plain(code: str) -> str:
    return code.replace("_", " ")


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
    questions = sum(s.attempts for s in steps if s.part != "transcribe")
    heard = "a recording heard again, " if any(s.part == "transcribe" for s in steps) else ""
    return (
        f"{heard}{questions} questions, {tokens[0]:,} tokens in ({tokens[1]:,} of them from a cache),"
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
