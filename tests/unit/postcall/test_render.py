"""Rendering: hostile words are inert, templates are strict and limited, and every quote can be clicked."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest

from ridealong.core.artifact import Artifact
from ridealong.core.claims import AbsenceClaim, CitedAs, Claim, Searched
from ridealong.core.errors import InvalidDocument
from ridealong.core.rubric import CoachingMoment, Finding, Score, SectionReview
from ridealong.core.transcript import (
    Role,
    RoleAssignment,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.postcall.forms import Format, inert_markdown
from ridealong.postcall.render import SHIPPED_TEMPLATES, render, timecode
from ridealong.postcall.template import Limits, render_template

HOSTILE = (
    "<script>alert(1)</script> [click](javascript:alert(2)) ![x](http://evil/x.png) {{ artifact }} {% raw %} "
    "# Heading | cell `code` **bold** <img src=x onerror=alert(3)> http://evil.example www.evil.example a@evil.example"
)


def artifact(text: str = HOSTILE) -> Artifact:
    transcript = Transcript.of(
        TranscriptId(call_id=UUID(int=5)),
        [Utterance(no=0, speaker=SpeakerId(0), start_ts=12_300, end_ts=15_900, text=text)],
    )
    claim = Claim(statement=f"The rep said: {text}", confidence=0.8, evidence=(transcript.cite_whole(0),))
    return Artifact(
        review_id=UUID(int=6),
        transcript_id=transcript.id,
        title=text,
        rubric_id="own",
        rubric_title=text,
        reviewer="local-1",
        score=75.0,
        assessed=True,
        duration_ms=3_700_000,
        sections=(
            SectionReview(
                section_id="s",
                title=text,
                score=75,
                confidence=0.6,
                findings=(Finding(criterion_id="objection_met", score=Score.YES, claim=claim),),
                not_assessed=("other_thing",),
            ),
        ),
        coaching_moments=(CoachingMoment(title=text, advice=text, claim=claim),),
        moments=(),
        statistics={"values": {"talk_ratio_of_speech": 0.43}, "absent": {"patience_ms": "the rep is not known"}},
        speakers=(RoleAssignment(speaker_id=SpeakerId(0), role=Role.REP, source=RoleSource.CHANNEL, confidence=1.0),),
        warnings=(text,),
    )


def play(start_ts: int, end_ts: int) -> str:
    return f"/calls/5/audio.wav#t={start_ts / 1000:g},{end_ts / 1000:g}"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("name", SHIPPED_TEMPLATES)
def test_hostile_words_are_only_text_in_html(name: str) -> None:
    page = render(artifact(), name, "html", play)
    found = Tags()
    found.feed(page)
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "img", "object", "embed", "form", "link", "base"}
    for _, attributes in found.tags:
        assert not any(key.startswith("on") for key in attributes)
        assert "style" not in attributes
    links = [a["href"] for tag, a in found.tags if tag == "a"]
    assert set(links) <= {"/calls/5/audio.wav#t=12.3,15.9"}
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("name", SHIPPED_TEMPLATES)
def test_hostile_words_are_only_text_in_markdown(name: str) -> None:
    markdown_it = pytest.importorskip("markdown_it")
    text = render(artifact(), name, "md", play)
    shown = markdown_it.MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(text)
    found = Tags()
    found.feed(shown)
    assert not {tag for tag, _ in found.tags} & {"script", "img", "code"}
    assert {a["href"] for tag, a in found.tags if tag == "a"} <= {"/calls/5/audio.wav#t=12.3,15.9"}
    assert "javascript" in text
    assert not re.search(r"(?<!\\)://|www\.evil", text)


def test_a_quote_is_shown_with_speaker_time_and_a_link_that_plays_it() -> None:
    page = render(artifact("It works."), "manager", "html", play)
    assert 'href="/calls/5/audio.wav#t=12.3,15.9"' in page
    assert 'target="player"' in page
    assert 'name="player"' in page
    assert ">00:12</a>" in page
    assert '<span class="who">Rep</span> <q>It works</q>' in page
    text = render(artifact("It works."), "manager", "md", play)
    assert "[00:12](</calls/5/audio.wav#t=12.3,15.9>) Rep: “It works”" in text


@pytest.mark.parametrize(
    ("form", "over"), [("html", '<p class="soft">{}</p>'), ("md", "   - {}\n"), ("email", "{}"), ("txt", "{}")]
)
def test_what_an_absence_cites_is_named_and_not_shown_as_its_proof(form: Format, over: str) -> None:
    made = artifact("It works.")
    finding = made.sections[0].findings[0]
    words = finding.claim.evidence[0]
    span = Searched(from_no=0, start_ts=1_000, end_ts=62_000, closest=words, similarity=0.41)

    def page(cited_as: CitedAs | None) -> str:
        claim = AbsenceClaim(
            statement="No.", confidence=0.8, evidence=(words,), through=0, cited_as=cited_as, searched=span
        )
        section = replace(made.sections[0], findings=(replace(finding, score=Score.NO, claim=claim),))
        return render(replace(made, sections=(section,), coaching_moments=()), "manager", form, play)

    nearest = page(CitedAs.NEAREST)
    said = "Searched from 00:01 to 01:02. This came nearest, and is not it:"
    assert over.format(said) in nearest
    assert "What came nearest" not in nearest
    assert "Searched from 00:01 to 01:02. This called for it:" in page(CitedAs.CALLED_FOR)
    assert over.format("Searched from 00:01 to 01:02.") in page(None)
    if form in ("html", "md"):
        assert "What came nearest (41% alike), and is not it:" in page(CitedAs.CALLED_FOR)
    shown = render(made, "manager", form, play)
    assert "Searched" not in shown


def test_an_address_that_would_run_is_no_link() -> None:
    page = render(artifact("It works."), "manager", "html", lambda _s, _e: "javascript:alert(1)")
    assert "javascript" not in page
    assert "<a " not in page


def test_markdown_shows_what_was_said_and_nothing_more() -> None:
    assert inert_markdown("# no\nheading") == "\\# no heading"
    assert inert_markdown("1. no list") == "1\\. no list"
    assert inert_markdown("- no list") == "\\- no list"
    assert inert_markdown("a hand-over, isn't it?") == "a hand-over, isn't it?"


def test_a_statistic_that_is_not_known_says_why() -> None:
    assert "not known: the rep is not known" in render(artifact(), "manager", "md", play)
    assert "43%" in render(artifact(), "manager", "md", play)


def test_a_timecode_counts_hours_when_there_are_any() -> None:
    assert [timecode(ms) for ms in (0, 61_999, 3_600_000, 10_799_000)] == ["00:00", "01:01", "1:00:00", "2:59:59"]


def own(text: str, **limits: float) -> str:
    return render(artifact("It works."), "own", "html", play, text=text, limits=Limits(**limits))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\n{{ artifact.titel }}", 2),
        ("one\ntwo\n{{ nothing }}", 3),
        ("{{ artifact.title | safe }}", 1),
        ("one\n{{ 'a' | base64_decode }}", 2),
        ("one\n{% for x in artifact.sections %}", 2),
        ("one\n\n{% include 'claim' %}", 3),
        ("{% render '../../../etc/passwd' %}", 1),
        ("one\n{% unknown %}", 2),
        ("one\n{{ artifact.title | divided_by: 0 }}", 2),
    ],
)
def test_a_mistake_in_a_template_is_told_with_its_line(text: str, line: int) -> None:
    with pytest.raises(InvalidDocument) as caught:
        own(text)
    assert caught.value.line == line
    assert caught.value.source == "own.html.liquid"
    assert "It works" not in str(caught.value)


def test_a_partial_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(InvalidDocument, match="no partial 'partial-mine' in this form; there are: claim, ") as told:
        own("one\n{% render 'partial-mine' %}")
    assert told.value.line == 2


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("x" * 200, {"template_chars": 100}),
        ("{{ artifact.title }}" * 10, {"output_bytes": 50}),
        ("{% capture x %}{{ artifact.title }}{{ artifact.title }}{% endcapture %}", {"output_bytes": 12}),
        ("{% for i in (1..11) %}{% endfor %}", {"loop_iterations": 10}),
        ("{% for i in (1..6) %}{% endfor %}{% for i in (1..6) %}{% endfor %}", {"loop_iterations": 10}),
        ("{% for i in (1..4) %}{% for j in (1..4) %}{% endfor %}{% endfor %}", {"loop_iterations": 15}),
        ("{{ (1..1000000000) | join: ',' }}", {"loop_iterations": 100}),
        ("{% if true %}" * 6 + "{% endif %}" * 6, {"nesting": 5}),
        (
            "{% assign a = 'xxxxxxxxxx' | append: 'xxxxxxxxxx' %}{% assign b = a | append: a | append: a %}{{ b }}",
            {"variable_bytes": 50},
        ),
        (
            "{{ 'xxxxxxxxxxxxxxxxxxxx' | replace: 'x', 'yyyyyyyyyyyyyyyyyyyy' }}",
            {"variable_bytes": 70},
        ),
        ("{{ 999999999999 | times: 999999999999 }}", {}),
    ],
)
def test_each_limit_holds(text: str, limits: dict[str, float]) -> None:
    with pytest.raises(InvalidDocument):
        own(text, **limits)


def test_a_template_that_takes_too_long_is_stopped() -> None:
    ticks = count(0)
    text = "{% for i in (1..1000) %}{% if i == 0 %}{% endif %}{% endfor %}"
    with pytest.raises(InvalidDocument, match="longer than 2 s"):
        render(artifact(), "own", "html", play, text=text, clock=lambda: next(ticks) / 100)
    assert own(text).strip() == ""


def test_the_public_liquid_cases_that_use_only_what_we_allow() -> None:
    folder = Path(os.environ.get("RIDEALONG_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
    cases = folder / "protocol" / "liquid" / "golden_liquid.json"
    if not cases.exists():
        pytest.skip("the public Liquid cases are not on this machine: set RIDEALONG_SHARED_DATA")
    passed = failed = refused = 0
    for case in json.loads(cases.read_text(encoding="utf-8"))["tests"]:
        try:
            result: str | None = render_template(
                case["template"],
                case.get("data", {}),
                source=case["name"],
                escape=str,
                partials=case.get("templates", {}),
                filters={},
            )
        except InvalidDocument:
            result = None
        wanted = None if case.get("invalid") else case.get("result", (case.get("results") or [None])[0])
        if result == wanted or result in case.get("results", []):
            passed += 1
        elif result is None:
            refused += 1
        else:
            failed += 1
    print(f"Liquid cases: {passed} as expected, {refused} refused by our limits, {failed} otherwise")  # noqa: T201
    assert failed <= 6
    assert passed >= 820
