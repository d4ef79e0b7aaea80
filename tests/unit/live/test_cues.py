"""Names that no model has met, and figures set against figures: what the words do, whatever they are about."""

from __future__ import annotations

import numpy as np
import pytest

from ridealong.core.transcript import Role
from ridealong.embedding.minilm import VIEWS_WIDTH
from ridealong.live.cues import CUES, cues, is_rare
from ridealong.live.features import FACTS, WIDTH, Surroundings, Turn, row

FIGURE, ANSWERS_FIGURE, BOTH, NAMED, INTRODUCED, UNKNOWN = range(CUES)
A_PRICE = "That would be nine hundred a month."


@pytest.mark.parametrize(
    "text",
    [
        "we're with brindlow at the moment",
        "There's a man from Quorrask who does it.",
        "We had Maple & Daughters before.",
        "we got a quote from ostravik, a good one",
    ],
)
def test_a_name_where_one_says_what_one_uses_is_seen_in_capitals_and_without(text: str) -> None:
    assert cues(text, None)[INTRODUCED]


@pytest.mark.parametrize(
    "text",
    ["Let us talk on Monday in March.", "i'll be back in the office then", "It's the one that they stopped using."],
)
def test_days_and_common_words_are_no_names(text: str) -> None:
    assert not cues(text, None)[NAMED]


def test_a_capital_that_begins_a_sentence_makes_no_name() -> None:
    assert not cues("Good. The people like it. Maple is a wood.", None)[NAMED]
    assert cues("The other one is Maple.", None)[NAMED]


def test_a_figure_is_seen_as_an_answer_to_a_figure() -> None:
    assert cues("the last lot were eight fifty", A_PRICE)[:3] == (True, True, True)
    assert cues("that's more than what we pay", A_PRICE)[:3] == (False, True, False)
    assert cues("about 1400 a month", "What do you pay today?")[:3] == (True, False, False)
    assert not cues("that one is nice", None)[FIGURE]


@pytest.mark.parametrize("word", ["pumped", "hired", "stopped", "it's", "Workshops", "well-known", "quickly"])
def test_forms_of_common_words_are_not_rare(word: str) -> None:
    assert not is_rare(word)


@pytest.mark.parametrize("word", ["brindlow", "Quorrask", "ostravik's", "zwentiblo"])
def test_invented_names_are_rare(word: str) -> None:
    assert is_rare(word)


def test_the_cues_stand_in_the_row_before_the_facts() -> None:
    text, before = "ostravik takes seven hundred", Turn(text=A_PRICE, role=Role.REP)
    around = Surroundings(role=Role.CUSTOMER, answered=before)
    views = np.zeros(VIEWS_WIDTH, np.float32)
    found = row(text, views, around, views)
    assert found.shape == (WIDTH,)
    assert tuple(found[-FACTS - CUES : -FACTS] > 0) == cues(text, A_PRICE)
