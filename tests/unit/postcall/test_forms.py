"""Templates in six forms: objects, filters, and words of others that stay words whatever a template does with them."""

from __future__ import annotations

import json
import re
from email import message_from_string, policy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import pytest

from ridealong.app.sample_artifact import sample_artifact
from ridealong.core.claims import Claim
from ridealong.core.errors import InvalidDocument, Ungrounded
from ridealong.postcall import render as rendering
from ridealong.postcall.email_form import finished_email
from ridealong.postcall.forms import FORMS, Format, form_of, inert_markdown, inert_slack
from ridealong.postcall.render import render, render_email, shipped_templates
from ridealong.postcall.slack_form import slack_message
from tests.unit.postcall.test_render import HOSTILE, artifact, play

FIVE_LINES = """\
# Objections in {{ call.title }}
{% assign objections = moments | only: "objection_raised" %}
{% for m in objections %}
- {{ m.label | capitalize }}{% render "claim", claim: m %}
{% endfor %}
"""
"""What docs/templates.md shows."""

SLACK = HOSTILE + " <!channel> <@U123> <#C1> <https://evil.example|here> &lt; *bold* _soft_ ~gone~"


def link(start_ts: int, _end_ts: int) -> str:
    return f"https://calls.example/calls/5?t={start_ts}"


def own(text: str, form: Format = "html", said: str = "It works.") -> str:
    return render(artifact(said), "own", form, link, text=text)


def sample(text: str, form: Format = "md") -> str:
    return render(sample_artifact(), "own", form, link, text=text)


def test_only_the_objection_moments_are_five_lines() -> None:
    assert FIVE_LINES.count("\n") == 5
    documented = (Path(__file__).parents[3] / "docs" / "templates.md").read_text(encoding="utf-8")
    assert FIVE_LINES in documented
    shown = sample(FIVE_LINES)
    assert "# Objections in Sample" in shown
    assert "- Objection raised\n   - [00:02](<https://calls.example/calls/5?t=2500>) Customer: “Too much" in shown
    assert "What does that cost" not in shown


def test_what_the_artifact_holds_is_there_by_its_own_names_too() -> None:
    for name in ("speakers", "sections", "coaching_moments", "moments", "statistics", "steps"):
        assert sample(f"{{{{ {name} | size }}}}") == sample(f"{{{{ artifact.{name} | size }}}}"), name
    assert (
        sample("{{ call.title }} {{ call.score }} {{ findings.size }} {{ findings[0].section }}")
        == "Sample 50 2 Sample"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{{ moments | only: "objection_raised" | size }}', "1"),
        ('{{ moments | only: "objection" | size }}', "1"),
        ('{{ moments | only: "object" | size }}', "0"),
        ('{{ moments | only: "stall", "objection_raised" | size }}', "1"),
        ('{{ findings | only: "asked", "answered" | size }}', "2"),
        ('{{ findings | by: "rep" | map: "criterion_id" | join }}', "asked"),
        ('{{ findings | by: "Customer" | map: "criterion_id" | join }}', "answered"),
        ("{{ findings | by: 1 | size }}", "1"),
        ("{{ findings | by: speakers[0] | size }}", "1"),
        ('{{ coaching_moments[0].evidence | by: "rep" | size }}', "1"),
        ("{{ findings | min_confidence: 0.6 | size }}{{ findings | min_confidence: 0.61 | size }}", "21"),
        ("{{ sections | min_confidence: 0.5 | size }}{{ sections | min_confidence: 0.51 | size }}", "10"),
    ],
)
def test_a_filter_keeps_what_it_names(text: str, shown: str) -> None:
    assert sample(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "{{ moments | only }}",
        '{{ call.title | only: "x" }}',
        '{{ moments | min_confidence: "x" }}',
        '{{ 5 | by: "rep" }}',
    ],
)
def test_a_filter_that_is_used_wrongly_says_how_it_is_used(text: str) -> None:
    with pytest.raises(InvalidDocument, match=r"`(only|by|min_confidence)`") as caught:
        sample("one\n" + text)
    assert caught.value.line == 2


SWITCHES = [
    "{{ call.title }}",
    "{% echo call.title %}",
    "{% cycle call.title %}",
    "{% liquid\necho call.title %}",
    '{% capture x %}{{ call.title }}{% endcapture %}{{ x | replace: "&lt;", "<" | replace: "&gt;", ">" }}',
    '{% capture x %}{{ call.title }}{% endcapture %}{{ x | remove: "\\" | remove: "amp;" }}',
    '{% capture x %}{{ call.title }}{% endcapture %}{{ x | append: "" }}{{ "" | append: x | upcase | downcase }}',
    '{{ call.title | split: "" | join: "" }}',
    '{% assign c = call.title | split: "" %}{% for x in c %}{{ x }}{% endfor %}',
    '{{ "" | append: call.title }}{{ call.title | prepend: "" | replace: "x", "x" }}',
    '{{ "x" | replace: "x", call.title }}{{ call.title | default: "" }}{{ "" | default: call.title }}',
    '{% assign all = "" | split: "" | concat: warnings_of %}{{ all | join: ", " }}',
    "{{ call.warnings }}{{ call }}",
    "{{ call.title | slice: 0, 8 }}{{ call.title | slice: 8, 900 }}",
]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


@pytest.mark.parametrize("switch", SWITCHES)
def test_no_template_switches_the_escaping_off(switch: str) -> None:
    switch = "{% assign warnings_of = call.warnings %}" + switch
    found = Tags()
    found.feed(own(switch, "html", HOSTILE))
    assert found.tags == []
    message = json.loads(own(switch + " x", "slack", SLACK))
    texts = [message["text"], *(block["text"]["text"] for block in message["blocks"])]
    assert all("<" not in text and ">" not in text for text in texts)
    assert not any(mark in text for text in texts for mark in "*`~")
    markdown = own(switch, "md", HOSTILE)
    assert not re.search(r"(?<!\\)[*`\[\]|]|<|(?<!\\)://|www\.evil", markdown), markdown
    mail = render_email(artifact(HOSTILE), "own", link, text=f"Subject: {switch.replace(chr(10), ' ')}\n{switch}")
    found.feed(mail.html.partition("<body")[2])
    assert found.tags == []
    assert "\n" not in mail.subject


@pytest.mark.parametrize(
    "attribute", ['<a href="{{ call.title }}">', "<a href={{ call.title }}>", "<img src='{{ call.title }}'>"]
)
@pytest.mark.parametrize("address", ["javascript:alert(1)", " java\tscript:alert(1)", "data:text/html,x", "vbscript:x"])
def test_what_was_said_is_no_address_that_runs(attribute: str, address: str) -> None:
    shown = own(attribute, said=address)
    assert "script" not in shown and "data:text" not in shown
    assert "https://ok.example" in own(attribute, said="https://ok.example")
    assert "script:" not in own("[x]({{ call.title }})", "md", address)


def test_the_templates_own_words_stay_as_they_are() -> None:
    assert own('{{ "<b>" | append: call.title | append: "</b>" }}', said="a < b") == "<b>a &lt; b</b>"
    assert own('{% assign all = "a<b,c" | split: "," %}{{ all | join: "<br>" }}') == "a<b<br>c"
    assert own('{{ call.missing_sections | first | default: "<i>none</i>" }}') == "<i>none</i>"
    assert own("{% capture x %}<b>{{ call.title }}</b>{% endcapture %}{{ x }}", said="a & b") == "<b>a &amp; b</b>"
    assert own("{{ call.title | upcase }}", said="don't") == "DON&#x27;T"


def test_a_comparison_sees_what_was_said_and_not_its_escapes() -> None:
    text = '{% capture x %}{{ moments[0].type }}{% endcapture %}{% if x == "objection_raised" %}'
    assert sample(text + '{{ x | replace: "_", " " }}{% endif %}', "md") == "objection raised"


def test_a_subject_is_one_line_and_begins_no_other_header() -> None:
    said = "Hello\r\nBcc: everybody@evil.example\r\n\r\n<b>body</b>\u202e"
    text = "Subject: {{ call.title }}\n<p>{{ call.title }}</p>"
    message = message_from_string(own(text, "email", said), policy=policy.default)
    assert message["Bcc"] is None
    assert message["Subject"] == "Hello Bcc: everybody@evil.example <b>body</b>"
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_an_email_without_a_subject_is_refused_and_the_lines_keep_their_numbers() -> None:
    for text, line in (("<p>no subject</p>", 1), ("Subject: \nx", 1), ("Subject: x\none\n{{ nothing }}", 3)):
        with pytest.raises(InvalidDocument) as caught:
            own(text, "email")
        assert caught.value.line == line, text


def test_an_email_has_its_style_in_its_tags_and_says_the_same_as_text() -> None:
    made = finished_email(
        "s",
        '<p>One &amp; two</p><ul><li><a href="https://x.example/?a=1&amp;b=2">00:02</a> said</li></ul>'
        '<p style="x">Y</p>',
    )
    assert '<p style="margin:6px 0">' in made.html and '<p style="x">' in made.html
    assert made.text == "One & two\n\n- 00:02 <https://x.example/?a=1&b=2> said\n\nY\n"


def test_slack_gets_blocks_within_its_limits() -> None:
    text = "# " + "h" * 400 + "\n\n" + "\n\n".join(f"part {n} " + "&amp;" * 1500 for n in range(60)) + "\n---\n"
    message = json.loads(slack_message(text, source="x"))
    assert len(message["blocks"]) == 50
    assert len(message["blocks"][0]["text"]["text"]) <= 150
    for block in message["blocks"][1:]:
        assert 0 < len(block["text"]["text"]) <= 3000
        assert not re.search(r"&(?!amp;|lt;|gt;)", block["text"]["text"]), "an entity was cut in two"
    assert "more in this report" in message["blocks"][-1]["text"]["text"]
    kinds = [block["type"] for block in json.loads(slack_message("# A\nb\nc\n\n---\nd", source="x"))["blocks"]]
    assert kinds == ["header", "section", "divider", "section"]
    with pytest.raises(InvalidDocument, match="no empty message"):
        slack_message("\n \n", source="x")


def test_what_was_said_makes_no_header_quotation_or_divider_in_slack() -> None:
    for said in ("# big", "--- cut", "> quoted", "- item"):
        message = json.loads(own("{{ call.title }}", "slack", said))
        assert [block["type"] for block in message["blocks"]] == ["section"]
        assert message["blocks"][0]["text"]["text"].startswith("\u200b")
    assert inert_slack("a & <!here>") == "a &amp; &lt;!here&gt;"


def test_json_holds_what_was_said_and_nothing_that_a_page_would_run() -> None:
    said = 'He said "no"\n</script>'
    text = '{"title": "{{ call.title }}", "all": {{ sections | json }}, "score": {{ call.score }}}'
    made = json.loads(own(text, "json", said))
    assert made["title"] == said
    assert made["all"][0]["title"] == said
    assert made["score"] == 75
    with pytest.raises(InvalidDocument, match="no valid JSON"):
        own("{{ call.title }},", "json")
    with pytest.raises(InvalidDocument, match="no valid JSON"):
        own("NaN", "json")


def test_plain_text_keeps_what_was_said_on_one_line() -> None:
    assert own("{{ call.title }}", "txt", "one\ntwo\u202e\x1b[31m") == "one two [31m"


@pytest.mark.parametrize(("name", "form"), shipped_templates())
def test_each_shipped_template_renders_what_is_hostile(name: str, form: Format) -> None:
    shown = render(artifact(SLACK), name, form, play)
    assert shown.strip()
    if form in ("slack", "json"):
        json.loads(shown)
    if form not in ("json", "txt"):
        # A subject is no HTML.
        body = shown.partition("MIME-Version")[2] if form == "email" else shown
        assert "<script>" not in body.partition("text/html")[2] if form == "email" else "<script>" not in shown


def test_a_partial_of_the_tenant_is_rendered_within_a_template_and_its_mistakes_name_it() -> None:
    partials = {"partial-foot": "by {{ who }}"}
    assert (
        render(artifact("x"), "own", "md", link, text='{% render "partial-foot", who: "us" %}', partials=partials)
        == "by us"
    )
    with pytest.raises(InvalidDocument, match="in the partial 'partial-foot'"):
        render(artifact("x"), "own", "md", link, text='{% render "partial-foot" %}', partials=partials)


def test_the_form_is_what_the_name_ends_in() -> None:
    assert [form_of(f"own.{form}") for form in FORMS] == list(FORMS)
    assert form_of("own.slack.liquid") == "slack"
    assert form_of("html") is None and form_of("own.pdf") is None


def test_no_address_of_somebody_can_be_put_together_from_pieces_in_markdown() -> None:
    said = "see www.evil.example or http://evil.example"
    for cut in range(len(said)):
        shown = inert_markdown(said[:cut]) + inert_markdown(said[cut:])
        assert not re.search(r"(?<!\\)://|w\.evil", shown), shown


def test_no_statement_can_be_reached_without_its_evidence() -> None:
    """Every object that a template can reach and that states something has evidence with words, speaker and time."""
    reached = 0

    def walk(value: object) -> None:
        nonlocal reached
        if isinstance(value, dict):
            held = cast("dict[str, Any]", value)
            if "statement" in held:
                reached += 1
                assert held["evidence"]
                for e in held["evidence"]:
                    assert e["quote"] and e["speaker"] and e["end_ts"] > e["start_ts"] and e["play_url"]
            for inner in held.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in cast("list[object]", value):
                walk(inner)

    walk(rendering._data(sample_artifact(), link))  # pyright: ignore[reportPrivateUsage] - all that templates see
    assert reached >= 8, "3 claims under `artifact`, 3 by their own names, 2 among `findings`, and the call as a whole"
    with pytest.raises(Ungrounded):
        Claim(statement="The rep lied.", confidence=1.0, evidence=())
