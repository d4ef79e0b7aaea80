"""Finding a quote in what was said: the one rule on which all proof stands."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ridealong.core import quote
from ridealong.core.quote import find_quote
from ridealong.core.visible import is_unseen

IGNORED = ("Z", "P", "C")


def found(text: str, quote: str) -> str | None:
    span = find_quote(text, quote)
    return None if span is None else text[span[0] : span[1]]


def carries_words(text: str) -> bool:
    folded = unicodedata.normalize("NFKD", text).casefold()
    return any(unicodedata.category(c)[0] not in IGNORED and not is_unseen(c) for c in folded)


@pytest.mark.parametrize(
    ("text", "quote", "expected"),
    [
        ("We lose two hours a day.", "we LOSE two Hours", "We lose two hours"),
        ("We  lose\ttwo\nhours", "we lose two hours", "We  lose\ttwo\nhours"),
        ("Well, no -- not now.", "no not now", "no -- not now"),
        ("It’s “too” expensive…", 'it\'s "too" expensive...', "It’s “too” expensive"),
        ("It costs 1,000 pounds", "1000 pounds", "1,000 pounds"),
        ("It costs 1000 pounds", "1,000 pounds", "1000 pounds"),
        ("follow-up call", "follow up", "follow-up"),
        ("Salesforce's price", "salesforce", "Salesforce"),
        ("l'argent", "argent", "argent"),
        ("Die Straße ist lang", "STRASSE", "Straße"),
        ("Die STRASSE ist lang", "straße", "STRASSE"),
        ("cafe\u0301 au lait", "caf\u00e9", "cafe\u0301"),
        ("caf\u00e9 au lait", "cafe\u0301", "caf\u00e9"),
        ("q\u0323\u0307 end", "q\u0307\u0323", "q\u0323\u0307"),
        ("ﬁne by me", "fine", "ﬁne"),
        ("great👍 thanks", "great", "great"),
        ("great👍 thanks", "👍", "👍"),
        ("👍🏽 deal", "👍🏽", "👍🏽"),
        ("我们觉得太贵了。", "太贵了", "太贵了"),
        ("これは高いです", "高い", "高い"),
        ("ราคาแพงไป", "แพง", "แพง"),
        ("We pay $500 now", "$500", "$500"),
        ("no no no", "no", "no"),
        ("I can't, I can", "I can", "I can"),
    ],
)
def test_case_spacing_and_punctuation_do_not_hide_a_quote(text: str, quote: str, expected: str) -> None:
    assert found(text, quote) == expected


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("the price is high", "rice"),
        ("the price is high", "pric"),
        ("the price is high", "the high"),
        ("the price is high", "high is price"),
        ("die Straße", "stras"),
        ("die Straße", "se"),
        ("caf\u00e9", "cafe"),
        ("cafe\u0301", "cafe"),
        ("ﬁne", "f"),
        ("👍🏽", "👍"),
        ("It costs 1,000 pounds", "1"),
        ("It costs 1,000 pounds", "000 pounds"),
        ("at 10:30", "10"),
        ("about 3.5 percent", "about 3"),
        ("I can't afford that", "I can"),
        ("We don’t need it", "we don"),
        ("I can't afford that", "t afford"),
        ("ราคาแพงที่สุด", "แพงท"),
        ("naive", "naïve"),
        ("", "word"),
        ("word", ""),
        ("word", "?! …"),
        ("?!", "?!"),
        ("short", "short and more"),
    ],
)
def test_other_words_and_parts_of_words_are_not_found(text: str, quote: str) -> None:
    assert found(text, quote) is None


def test_the_first_of_several_places_is_found() -> None:
    assert find_quote("no. No. NO", "no") == (0, 2)
    assert find_quote("northern no", "no") == (9, 11)


def test_marks_that_stand_apart_keep_their_places() -> None:
    assert find_quote(" \u0301 \u0323", "\u0301") == (1, 2)
    assert find_quote(" \u0301 \u0323", "\u0323") == (3, 4)
    assert find_quote("\u0323 \u0301", "\u0301 \u0323") is None


def test_a_place_that_overlaps_a_refused_one_is_found() -> None:
    # At 1 stands "na na" too, but begins inside a word.
    assert find_quote("xna na na", "na na") == (4, 9)


words = st.text(alphabet="abcßéNT'’.,: -1🙂太\u0301\u0323", max_size=12)


@given(st.text(max_size=40))
@example("a\u0315\u0300\u05aeb")
@example("?\u00b4")
@example("?\u0301")
@example("0\U000e0100")
def test_everything_that_was_said_is_found_whole(text: str) -> None:
    assume(carries_words(text))
    span = find_quote(text, text)
    assert span is not None
    assert not carries_words(text[: span[0]])
    assert not carries_words(text[span[1] :])


@given(st.text(max_size=30))
@example("q\u0323\u0307")
def test_the_same_text_in_another_unicode_form_is_found(text: str) -> None:
    assume(carries_words(text))
    for form in ("NFC", "NFD"):
        assert find_quote(text, unicodedata.normalize(form, text)) is not None
        assert find_quote(unicodedata.normalize(form, text), text) is not None


@given(words, words, words)
@example("", "\u0301", "\u0323")
@example("\u0301", "\u0323", "")
def test_what_is_found_says_the_same_as_the_quote(before: str, quote: str, after: str) -> None:
    text = f"{before} {quote} {after}"
    span = find_quote(text, quote)
    if not carries_words(quote):
        assert span is None
        return
    if span is None:  # a mark at the start of the quote or of what follows belongs to the blank before it
        assert any(unicodedata.category(c)[0] == "M" for c in text)
        return
    cut = text[span[0] : span[1]]
    assert find_quote(cut, quote) == (0, len(cut))
    assert find_quote(quote, cut) is not None


@given(st.lists(st.sampled_from(["we", "lose", "two", "hours", "a", "day"]), min_size=1), st.data())
def test_any_run_of_whole_words_is_found(said: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(said) - 1))
    last = data.draw(st.integers(first, len(said) - 1))
    run = said[first : last + 1]
    cut = found(", ".join(said), " ".join(run))
    assert cut is not None
    assert cut.replace(",", "").split() == run


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("a" * 100_000, "a" * 50_000),
        ("a " * 50_000, "a " * 25_000 + "b"),
        ("ab " * 33_000, "ab" * 15_000 + "a"),
        ("a" + "\u0301" * 100_000, "a" + "\u0301" * 50_000),
    ],
)
def test_hostile_repetition_takes_time_in_proportion(text: str, quote: str) -> None:
    began = time.process_time()
    assert find_quote(text, quote) is None
    took = time.process_time() - began
    began = time.process_time()
    find_quote(text[: len(text) // 4], quote[: len(quote) // 4])
    quarter = time.process_time() - began
    # Linear is a factor of 4, quadratic one of 16; the clock of a busy machine is allowed its share.
    assert took < max(10 * quarter, 2.0)


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=80))
def test_plain_text_is_folded_as_any_other(text: str) -> None:
    assert list(quote._letters(text)) == list(quote._folded(text))


def test_a_quote_many_times_as_long_as_what_was_said_is_none_and_takes_no_time_to_tell() -> None:
    assert find_quote("We pay four thousand.", "We pay " * 500_000) is None
    assert find_quote("We pay four thousand.", "We\u200b pay" + "\u200b" * 200) == (0, 6)
