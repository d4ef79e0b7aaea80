"""The forms a report comes in, and how words of others are written in each so that they are nothing but words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import Final, Literal, get_args

from ridealong.postcall.printing import Rendered

Format = Literal["html", "md", "email", "slack", "txt", "json"]
FORMS: Final[tuple[Format, ...]] = get_args(Format)

MEDIA_TYPES: Final[Mapping[Format, str]] = MappingProxyType(
    {
        "html": "text/html",
        "md": "text/markdown",
        "email": "message/rfc822",
        "slack": "application/json",
        "txt": "text/plain",
        "json": "application/json",
    }
)


def form_of(name: str) -> Format | None:
    """The form that a template's name ends in (`manager.html`, `manager.html.liquid`); None where it says none."""
    ending = name.removesuffix(".liquid").rpartition(".")[2]
    return next((form for form in FORMS if ending == form and "." in name), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """How a form writes text that is data, and a link that plays evidence."""

    escape: Callable[[str], str]
    play_link: Callable[[Mapping[str, object]], Rendered]


def one_line(text: str) -> str:
    """`text` on one line, without control characters and marks that turn the reading direction."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


_MARKDOWN = re.compile(r"[\\`*_{}\[\]#|~^$!]")
_LEADING = re.compile(r"^([-+=>:/.]|\d+(?=[.)]))")
_WWW = re.compile(r"\b(w{1,3})\.", re.IGNORECASE)
"""`www.` begins a link in GitHub's dialect; a shorter run could be the end of one that a template cut apart."""


def inert_markdown(text: str) -> str:
    """`text` on one line, with everything escaped that Markdown or GitHub's dialect would read as more than text."""
    line = _MARKDOWN.sub(lambda m: "\\" + m.group(), one_line(text))
    # The brackets are escaped already; not every viewer reads that.
    line = line.replace("\\](", "\\]\\(")
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # GitHub links bare addresses.
    line = line.replace("://", "\\://").replace("@", "\\@")
    line = _WWW.sub(r"\1\\.", line)
    lead = _LEADING.match(line)
    if lead is None:
        return line
    if lead.group()[0].isdigit():
        return f"{lead.group()}\\{line[lead.end() :]}"
    return "\\" + line


_SLACK_MARKS: Final = str.maketrans({"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"})
"""Slack has no escape for the marks of its formatting: what looks alike stands for them."""
_SLACK_LEADING = re.compile(r"^(?=[>#•-])")


def inert_slack(text: str) -> str:
    """`text` on one line as mrkdwn that mentions nobody, links nothing and formats nothing.

    `&`, `<` and `>` as Slack documents (Formatting text for app surfaces, "Escaping text"): mentions, channels and
    links all need `<`. A mark that begins a quotation or one of our headings gets a space of no width before it.
    """
    line = _SLACK_LEADING.sub("\u200b", one_line(text).translate(_SLACK_MARKS))
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_SCRIPT: Final = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def inside_json(text: str) -> str:
    """`text` as it stands between the quotation marks of a JSON string, also of one inside a page."""
    return json.dumps(text, ensure_ascii=False)[1:-1].translate(_SCRIPT)


def as_json(value: object) -> Rendered:
    """The filter `json`: any value as JSON, with quotation marks where it is text."""
    written = json.dumps(value, ensure_ascii=False).translate(_SCRIPT)
    return Rendered(written, written)


def _address(evidence: Mapping[str, object]) -> tuple[str, str]:
    return str(evidence["play_url"]), str(evidence["timecode"])


def _html_link(evidence: Mapping[str, object]) -> Rendered:
    url, at = _address(evidence)
    if not url:
        return Rendered(at, f'<span class="at">{escape(at)}</span>')
    label = escape(f"Play {evidence['speaker']} at {at}")
    return Rendered(at, f'<a class="play" href="{escape(url)}" target="player" aria-label="{label}">{escape(at)}</a>')


def _email_link(evidence: Mapping[str, object]) -> Rendered:
    url, at = _address(evidence)
    return Rendered(at, f'<a href="{escape(url)}">{escape(at)}</a>' if url else escape(at))


def _markdown_link(evidence: Mapping[str, object]) -> Rendered:
    url, at = _address(evidence)
    for character, code in (("<", "%3C"), (">", "%3E"), ("\\", "%5C"), ("(", "%28"), (")", "%29"), ("|", "%7C")):
        url = url.replace(character, code)
    return Rendered(at, f"[{at}](<{url}>)" if url else at)


def _slack_link(evidence: Mapping[str, object]) -> Rendered:
    url, at = _address(evidence)
    url = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    # Slack links whole addresses only.
    return Rendered(at, f"<{url}|{at}>" if url.startswith(("https://", "http://")) else at)


def _text_link(evidence: Mapping[str, object]) -> Rendered:
    url, at = _address(evidence)
    return Rendered(at, f"{at} ({url})" if url else at)


def _json_link(evidence: Mapping[str, object]) -> Rendered:
    url, _ = _address(evidence)
    return Rendered(url, inside_json(url))


def inert_html(text: str) -> str:
    # A page shows no control character, but a terminal that prints the page would obey it.
    return escape("".join(c if c.isprintable() or c in "\n\t" else " " for c in text), quote=True)


WRITINGS: Final[Mapping[Format, Writing]] = MappingProxyType(
    {
        "html": Writing(escape=inert_html, play_link=_html_link),
        "md": Writing(escape=inert_markdown, play_link=_markdown_link),
        "email": Writing(escape=inert_html, play_link=_email_link),
        "slack": Writing(escape=inert_slack, play_link=_slack_link),
        "txt": Writing(escape=one_line, play_link=_text_link),
        "json": Writing(escape=inside_json, play_link=_json_link),
    }
)
