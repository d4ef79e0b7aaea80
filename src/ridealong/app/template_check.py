"""Whether a template can be kept, and whether it keeps what proves its claims in sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ridealong.app.sample_artifact import sample_artifact
from ridealong.core.artifact import Artifact, StoredMoment
from ridealong.core.claims import Claim
from ridealong.core.rubric import Finding
from ridealong.core.transcript import Evidence, SpeakerId, Transcript, Utterance
from ridealong.postcall.forms import Format, form_of
from ridealong.postcall.render import PARTIAL, check_partial, render


@dataclass(frozen=True, slots=True)
class TemplateWarning:
    """Something that can be kept and should be looked at. `line`: one-based, in the template."""

    line: int
    message: str

    def as_json(self) -> dict[str, object]:
        return {"line": self.line, "message": self.message}


def check_template(
    text: str, *, source: str, form: Format | None = None, partials: Mapping[str, str] | None = None
) -> list[TemplateWarning]:
    """Render `text` with something of everything in it: what is wrong in a branch shows only there.

    `source`, the template's name, says the form where it ends in one; else it is `form`, by default Markdown.
    Raises InvalidDocument with the line of a mistake.
    """
    form = form_of(source) or form or "md"
    if source.startswith(PARTIAL):
        check_partial(text, source=source)
        return []
    sample = sample_artifact()
    render(sample, source, form, lambda start_ts, end_ts: f"#t={start_ts},{end_ts}", text=text, partials=partials)
    return _unproven(text, source, form, partials)


_LINK: Final = "https://probe.invalid/"


def _unproven(text: str, source: str, form: Format, partials: Mapping[str, str] | None) -> list[TemplateWarning]:
    """A warning for each kind of claim that is printed while no link of its evidence is.

    The template is rendered with claims whose words and links are all different, and the result is searched for them.
    """
    probe = _probe()
    seen: list[tuple[str, int, str | None]] = []

    def printed(bare: str, line: int, partial: str | None) -> None:
        seen.append((bare.lower(), line, partial))

    made = render(
        probe,
        source,
        form,
        lambda start_ts, _end_ts: f"{_LINK}{start_ts}.",
        text=text,
        partials=partials,
        printed=printed,
    )
    # A header or a line of mail may have been folded.
    made = made.replace("=\r\n", "").replace("=\n", "").lower()
    found: dict[tuple[int, str], TemplateWarning] = {}
    for kind, words, evidence in _claimed(probe):
        if words not in made or any(f"{_LINK}{e.start_ts}." in made for e in evidence):
            continue
        line, partial = next(((line, partial) for bare, line, partial in seen if words in bare), (1, None))
        if partial is not None and partial.startswith(source.split(".", maxsplit=1)[0]):
            partial = None
        where = "" if partial is None else f" in the partial '{partial}'"
        message = (
            f"{kind} is printed{where} without a link that plays what proves it: print {{{{ e | play_link }}}} for each"
            ' e of its `evidence`, or {% render "claim", claim: … %}'
        )
        found.setdefault((line, message), TemplateWarning(line, message))
    return sorted(found.values(), key=lambda warning: warning.line)


def _claimed(artifact: Artifact) -> Sequence[tuple[str, str, Sequence[Evidence]]]:
    """(what it is, words that only it has, its evidence) of all that the artifact claims."""
    claims = [
        *(("finding", f.claim) for s in artifact.sections for f in s.findings),
        *(("coaching moment", c.claim) for c in artifact.coaching_moments),
        *(("stage of the outline", s.summary) for s in artifact.outline),
        *(("gap", g.claim) for g in artifact.gaps),
        *(("next action", a.claim) for a in artifact.next_actions),
        *(("sentence of the follow-up", s.claim) for s in artifact.follow_up),
    ]
    return [
        *((f"the statement of a {kind}", claim.statement, claim.evidence) for kind, claim in claims),
        *((f"the quote of a {kind}", e.quote, claim.evidence) for kind, claim in claims for e in claim.evidence),
        *(("the quote of a moment", e.quote, m.moment.evidence) for m in artifact.moments for e in m.moment.evidence),
    ]


def _probe() -> Artifact:
    """The sample, each claim with words and evidence of its own."""
    sample = sample_artifact()
    rep, customer = SpeakerId(0), SpeakerId(1)
    transcript = Transcript.of(
        sample.transcript_id,
        [
            Utterance(
                no=no, speaker=(rep, customer)[no % 2], start_ts=1000 * no, end_ts=1000 * no + 900, text=f"qzquote{no}q"
            )
            for no in range(100, 160)
        ],
    )
    numbers = iter(range(100, 160))

    def proven(claim: Claim) -> Claim:
        no = next(numbers)
        further = {"through": 159} if hasattr(claim, "through") else {}
        return replace(claim, statement=f"qzstatement{no}q", evidence=(transcript.cite_whole(no),), **further)

    def moment(stored: StoredMoment) -> StoredMoment:
        return replace(stored, moment=replace(stored.moment, evidence=(transcript.cite_whole(next(numbers)),)))

    def finding(of: Finding) -> Finding:
        return replace(of, claim=proven(of.claim))

    return replace(
        sample,
        sections=tuple(replace(s, findings=tuple(finding(f) for f in s.findings)) for s in sample.sections),
        coaching_moments=tuple(replace(c, claim=proven(c.claim)) for c in sample.coaching_moments),
        moments=tuple(moment(m) for m in sample.moments),
        outline=tuple(replace(s, summary=proven(s.summary), first_no=100, last_no=159) for s in sample.outline),
        gaps=tuple(replace(g, claim=proven(g.claim)) for g in sample.gaps),
        next_actions=tuple(replace(a, claim=proven(a.claim)) for a in sample.next_actions),
        follow_up=tuple(replace(s, claim=proven(s.claim)) for s in sample.follow_up),
    )
