"""What a template writes for e-mail: a subject, HTML with its style in its tags, and the same as text.

Many readers of mail drop a page's style sheet, so each tag that has no style of its own gets a small one.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from html import unescape
from html.parser import HTMLParser
from types import MappingProxyType
from typing import Final

from ridealong.core.errors import InvalidDocument
from ridealong.postcall.forms import one_line

_SUBJECT: Final = "Subject:"
_MOST_SUBJECT: Final = 200
_FONT: Final = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_STYLES: Final = MappingProxyType(
    {
        "body": f"margin:0;padding:16px;color:#1c2430;background:#ffffff;{_FONT};font-size:15px;line-height:1.5",
        "h1": "font-size:22px;line-height:1.25;margin:0 0 8px",
        "h2": "font-size:17px;margin:24px 0 8px",
        "h3": "font-size:15px;margin:16px 0 4px",
        "p": "margin:6px 0",
        "ul": "margin:6px 0;padding-left:20px",
        "ol": "margin:6px 0;padding-left:20px",
        "li": "margin:4px 0",
        "a": "color:#1f5fbf",
        "table": "border-collapse:collapse",
        "th": "text-align:left;padding:4px 12px 4px 0;border-bottom:1px solid #dde2ea;font-weight:400",
        "td": "text-align:left;padding:4px 12px 4px 0;border-bottom:1px solid #dde2ea",
        "blockquote": "margin:6px 0;padding-left:12px;border-left:3px solid #dde2ea;color:#566173",
        "small": "color:#566173",
        "hr": "border:0;border-top:1px solid #dde2ea",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Email:
    """One line of subject, and the same twice."""

    subject: str
    html: str
    text: str

    def message(self) -> EmailMessage:
        """As RFC 5322 and MIME have it; who sends it to whom is added by who sends it."""
        made = EmailMessage(policy=SMTP)
        made["Subject"] = self.subject
        made.set_content(self.text, cte="quoted-printable")
        made.add_alternative(self.html, subtype="html", cte="quoted-printable")
        return made


def split_subject(text: str, *, source: str) -> tuple[str, str]:
    """(the subject's part, the body's) of a template; both keep the lines' numbers. Raises InvalidDocument."""
    first, _, rest = text.partition("\n")
    if not first.startswith(_SUBJECT) or not first.removeprefix(_SUBJECT).strip():
        raise InvalidDocument(
            "an e-mail's template begins with its subject: Subject: {{ call.title }}", source=source, line=1
        )
    return first.removeprefix(_SUBJECT).strip(), "\n" + rest


def finished_email(subject: str, body: str) -> Email:
    """`subject` on one line, whatever it was made of: a line's end would begin another header."""
    reading = _Reading()
    reading.feed(body.strip())
    reading.close()
    html = "".join(reading.html)
    if not reading.whole:
        head = '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"></head>'
        html = f'{head}<body style="{_STYLES["body"]}">\n{html}\n</body></html>'
    line = one_line(subject)
    if len(line) > _MOST_SUBJECT:
        line = line[: _MOST_SUBJECT - 1] + "…"
    return Email(subject=line or "A report of a call", html=html + "\n", text=reading.plain())


class _Reading(HTMLParser):
    """The HTML with styles, and its text: a link is followed by its address."""

    _BREAKS: Final = frozenset(
        (*("p", "div", "h1", "h2", "h3", "h4", "ul", "ol", "table", "blockquote"), *("section", "article", "header"))
    )
    _SILENT: Final = frozenset(("style", "script", "head", "title"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.html: list[str] = []
        self.whole = False
        """Whether the template writes the page's frame itself."""
        self._lines: list[str] = [""]
        self._silent = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raw = self.get_starttag_text() or ""
        self.whole = self.whole or tag in ("html", "body")
        style = _STYLES.get(tag)
        if style is not None and not any(name == "style" for name, _ in attrs):
            at = 1 + len(tag)
            raw = f'{raw[:at]} style="{style}"{raw[at:]}'
        self.html.append(raw)
        self._silent += tag in self._SILENT
        if tag in self._BREAKS:
            self._paragraph()
        elif tag == "li":
            self._line()
            self._lines[-1] = "- "
        elif tag in ("br", "tr"):
            self._line()
        elif tag in ("td", "th") and self._lines[-1]:
            self._lines[-1] += "  "
        elif tag == "hr":
            self._paragraph()
            self._lines[-1] = "--"
            self._paragraph()
        elif tag == "a":
            self._links.append(next((value or "" for name, value in attrs if name == "href"), ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._silent -= tag in self._SILENT

    def handle_endtag(self, tag: str) -> None:
        self.html.append(f"</{tag}>")
        self._silent = max(0, self._silent - (tag in self._SILENT))
        if tag in self._BREAKS:
            self._paragraph()
        elif tag == "a" and self._links:
            url = self._links.pop()
            if url.startswith(("http://", "https://", "mailto:")):
                self._lines[-1] += f" <{url}>"

    def handle_data(self, data: str) -> None:
        self.html.append(data)
        self._say(data)

    def handle_entityref(self, name: str) -> None:
        self.html.append(f"&{name};")
        self._say(unescape(f"&{name};"))

    def handle_charref(self, name: str) -> None:
        self.html.append(f"&#{name};")
        self._say(unescape(f"&#{name};"))

    def handle_decl(self, decl: str) -> None:
        self.html.append(f"<!{decl}>")

    def plain(self) -> str:
        lines = [" ".join(line.split()) if not line.startswith("- ") else line.rstrip() for line in self._lines]
        text = "\n".join(lines)
        while "\n\n\n" in text:
            text = text.replace("\n\n\n", "\n\n")
        return text.strip() + "\n"

    def _say(self, data: str) -> None:
        if self._silent:
            return
        words = " ".join(data.split())
        if not words:
            if data and self._lines[-1] and not self._lines[-1].endswith(" "):
                self._lines[-1] += " "
            return
        before = " " if data[0].isspace() and self._lines[-1] and not self._lines[-1].endswith(" ") else ""
        after = " " if data[-1].isspace() else ""
        self._lines[-1] += before + words + after

    def _line(self) -> None:
        if self._lines[-1].strip():
            self._lines.append("")

    def _paragraph(self) -> None:
        if self._lines[-1].strip():
            self._lines += ["", ""]
