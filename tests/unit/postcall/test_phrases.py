"""A rule's phrases: found as words, not as letters, and not where they are denied."""

from __future__ import annotations

import pytest

from ridealong.core.quote import find_quote
from ridealong.postcall.phrases import holds, matches


@pytest.mark.parametrize(
    ("sentence", "phrase", "there"),
    [
        ("Just so you know, this call is being recorded.", "this call is * recorded", True),
        ("Just so you know, THIS CALL IS recorded!", "this call is * recorded", True),
        ("This call is, and that may surprise you a bit, recorded.", "this call is * recorded", False),
        ("This call is not recorded.", "this call is * recorded", False),
        ("We guaranteed it last year.", "guarantee*", True),
        ("We guaranteed it last year.", "guarantee", False),
        ("I can't guarantee that.", "guarantee*", False),
        ("Nobody could ever guarantee that.", "guarantee*", False),
        ("I would never say that lightly, but we guarantee it.", "guarantee*", True),
        ("You don’t have to decide today.", "don't have to decide", True),
        ("There's no obligation at all.", "no obligation", True),
        ("You can cancel within fourteen days.", "cancel within", True),
        ("The cancellations within the group", "cancel within", False),
        ("It's a cooling-off period of two weeks.", "cooling off", True),
        ("Fees? 1.5 percent.", "1.5 percent", True),
        ("", "word", False),
    ],
)
def test_a_phrase_stands_in_a_sentence_or_not(sentence: str, phrase: str, there: bool) -> None:
    assert holds(sentence, phrase) is there


def test_a_match_quotes_its_sentence_and_says_where_it_is() -> None:
    text = "Hi Dana. Before we start, this call is recorded. The price is 500. This call is recorded, as I said."
    found = matches(text, ["this call is * recorded"])
    assert [m.quote for m in found] == ["Before we start, this call is recorded.", "This call is recorded, as I said."]
    assert [text.index(m.quote) for m in found] == [m.start for m in found]
    assert all(find_quote(text, m.quote) for m in found)


def test_a_sentence_with_an_excuse_is_none() -> None:
    assert matches("Past returns are no guarantee. We guarantee six percent.", ["guarantee*"], ["past returns"]) == (
        matches("Past returns are no guarantee. We guarantee six percent.", ["guarantee six"])
    )


def test_hostile_text_takes_no_time() -> None:
    assert not holds("a " * 20_000, "a * a * a * a * a * b")
