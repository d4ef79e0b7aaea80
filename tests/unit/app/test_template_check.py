"""What a template's check says: mistakes with their lines, and claims that are printed without their links."""

from __future__ import annotations

from pathlib import Path

import pytest

from ridealong.app.template_check import check_template
from ridealong.app.template_files import check_template_file
from ridealong.core.errors import InvalidDocument
from ridealong.postcall.forms import Format
from ridealong.postcall.render import shipped_template, shipped_templates


@pytest.mark.parametrize(("name", "form"), shipped_templates())
def test_the_shipped_templates_show_what_proves_their_claims(name: str, form: Format) -> None:
    assert check_template(shipped_template(name, form), source=f"{name}.{form}") == []


@pytest.mark.parametrize(
    ("text", "line", "kind"),
    [
        ("\n{% for f in findings %}\n{{ f.statement }}\n{% endfor %}", 3, "the statement of a finding"),
        (
            "{% for c in coaching_moments %}{{ c.statement | upcase }}{% endfor %}",
            1,
            "the statement of a coaching moment",
        ),
        (
            "\n{% for m in moments %}{% for e in m.evidence %}\n{{ e.quote }}{% endfor %}{% endfor %}",
            3,
            "the quote of a moment",
        ),
        (
            "{% for f in sections[0].findings %}{{ f.statement }} {{ f.evidence[0].timecode }}{% endfor %}",
            1,
            "finding",
        ),
    ],
)
@pytest.mark.parametrize("form", ["html", "md", "slack", "txt"])
def test_a_claim_without_its_link_is_a_warning_with_its_line(text: str, line: int, kind: str, form: str) -> None:
    warnings = check_template(text, source=f"own.{form}")
    assert [warning.line for warning in warnings] == [line]
    assert kind in warnings[0].message and "play_link" in warnings[0].message


def test_a_claim_with_its_link_is_none() -> None:
    text = (
        "{% for f in findings %}{{ f.statement }}{% for e in f.evidence %}{{ e | play_link }}{% endfor %}{% endfor %}"
    )
    for form in ("html", "md", "slack", "txt"):
        assert check_template(text, source=f"own.{form}") == []
    assert check_template(f"Subject: x\n{text}", source="own.email") == []
    assert check_template('{"all": {{ findings | json }}}', source="own.json") == []


def test_a_partial_is_read_and_named(tmp_path: Path) -> None:
    (tmp_path / "partial-claim.md.liquid").write_text("{{ claim.statement }}")
    own = tmp_path / "own.md.liquid"
    own.write_text('{% for f in findings %}{% render "partial-claim", claim: f %}{% endfor %}')
    assert "in the partial 'partial-claim'" in check_template_file(own)
    assert check_template_file(tmp_path / "partial-claim.md.liquid") == "partial-claim.md.liquid: fine\n"
    (tmp_path / "partial-claim.md.liquid").write_text("one\n{% if %}")
    with pytest.raises(InvalidDocument) as caught:
        check_template_file(tmp_path / "partial-claim.md.liquid")
    assert caught.value.line == 2


def test_a_file_whose_name_says_no_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidDocument, match=r"own\.html\.liquid"):
        check_template_file(tmp_path / "own.liquid")
