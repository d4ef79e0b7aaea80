"""Which of a model's wordings may be shown to a rep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridealong.live.nudge_check import Flaw, checked
from ridealong.live.taxonomy import default_taxonomy, nudge_texts

SAID = (
    "My name is Maria Keller and we pay Globex forty thousand a year.",
    "okay mister brandt, write to maria at keller dot com",
    "Then Hamburg is where the trucks are.",
)


def check(nudge: str, language: str = "en", *, allowed: tuple[str, ...] = ()) -> str | Flaw:
    return checked(nudge, said=SAID, language=language, allowed=allowed)


@pytest.mark.parametrize(
    "nudge",
    [
        "Ask what they compare the price with before answering.",
        "Acknowledge it, then ask what they would need to see.",
        "Ask which part worries them most; I'd pause first.",
    ],
)
def test_a_plain_sentence_of_6_to_12_words_is_shown_as_it_is(nudge: str) -> None:
    assert check(nudge) == nudge


@pytest.mark.parametrize(
    ("nudge", "flaw"),
    [
        ("", Flaw.MARKUP),
        ("Ask them why.", Flaw.LENGTH),
        ("Ask them what they would need to see in order to feel safe about all of this now", Flaw.LENGTH),
        ("Ask them what they need\nand then wait for it.", Flaw.MARKUP),
        ("Ask them **what they need** and then wait for it.", Flaw.MARKUP),
        ("Ask <b>what they need</b> and then wait for it.", Flaw.MARKUP),
        ("Send them to https://evil.example and ask for it.", Flaw.MARKUP),
        ("Send them to www.evil.example and ask for it.", Flaw.MARKUP),
        ("Ask them what they need \U0001f600 and then wait.", Flaw.MARKUP),
        ("Ask them what they need\u202e and then wait.", Flaw.MARKUP),
        ("Ask Maria what she would need to see next.", Flaw.PERSONAL),
        ("Ask maria what she would need to see next.", Flaw.PERSONAL),
        ("Maria decides this; ask what she would need to see.", Flaw.PERSONAL),
        ("Ask brandt what he would need to see next.", Flaw.PERSONAL),
        ("Ask what Jonathan would need to see next.", Flaw.PERSONAL),
        ("Ask why they pay Globex's price and not yours.", Flaw.PERSONAL),
        ("Ask what the forty thousand are really spent on.", Flaw.PERSONAL),
        ("Ask what the 40000 are really spent on here.", Flaw.PERSONAL),
        ("Write to maria@keller.example and ask for a date.", Flaw.PERSONAL),
        ("Ask whether € or dollars would be better for them.", Flaw.PERSONAL),
        ("Fragen Sie, was sie noch brauchen und wann.", Flaw.PERSONAL),
        ("frag sie, was sie noch brauchen und wann.", Flaw.LANGUAGE),
        ("Demandez ce que vous avez et pourquoi ils hésitent.", Flaw.LANGUAGE),
        ("他们 需要 什么 请 问 一下 客户", Flaw.LANGUAGE),
    ],
)
def test_anything_else_is_refused_for_its_reason(nudge: str, flaw: Flaw) -> None:
    assert check(nudge) is flaw


def test_what_is_too_long_is_cut_at_the_end_of_a_clause() -> None:
    long = "Ask what they compare the price with, then wait quietly until they have told you everything."
    assert check(long) == "Ask what they compare the price with"


def test_a_name_of_the_tenants_own_document_may_be_named() -> None:
    nudge = "Ask what they like about Globex and what is missing."
    assert check(nudge) is Flaw.PERSONAL
    assert check(nudge, allowed=("Globex",)) == nudge


def test_german_nouns_are_no_names_but_those_said_are() -> None:
    assert check("Fragen Sie, was ihnen für eine Entscheidung noch fehlt.", "de") == (
        "Fragen Sie, was ihnen für eine Entscheidung noch fehlt."
    )
    assert check("Fragen Sie, was in Hamburg für die Entscheidung fehlt.", "de") is Flaw.PERSONAL
    assert check("Ask what they would need to see for it.", "de") is Flaw.LANGUAGE


def test_the_taxonomys_own_wordings_would_all_pass() -> None:
    for one in default_taxonomy().types:
        for nudge in nudge_texts(one, {}):
            assert check(nudge) == nudge


@given(st.text(max_size=200), st.text(max_size=80))
def test_whatever_is_shown_is_short_and_plain(nudge: str, said: str) -> None:
    shown = checked(nudge, said=(said,), language="en")
    if not isinstance(shown, Flaw):
        assert 6 <= len(shown.split()) <= 12
        assert shown.isprintable()
        assert not any(c.isdigit() or c in "<>@\n{}[]*_`#|" for c in shown)
