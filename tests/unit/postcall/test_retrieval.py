"""Retrieval and grouping, without a model: what is read around an utterance, and what is chosen."""

from __future__ import annotations

import numpy as np
import pytest

from ridealong.postcall.grouping import MOST, groups, keywords
from ridealong.postcall.retrieval import Pool, asked, chosen, question_terms, relevance, subject_of
from tests.unit.postcall.embedder import LetterEmbedder

LINES = (
    "Let us talk about the onboarding of your drivers.",
    "It took us six weeks and was painful.",
    "The weather was fine in the mountains though.",
    "yeah right",
    "Invoices arrive on paper in our house.",
)


def pool(*calls: tuple[str, ...], names: tuple[str, ...] = ()) -> Pool:
    texts = [text for call in calls for text in call]
    return Pool(
        texts=texts,
        vectors=LetterEmbedder().embed(texts),
        calls=np.array([n for n, call in enumerate(calls) for _ in call]),
        places=np.array([n for call in calls for n in range(len(call))]),
        names=[names] * len(texts),
    )


def test_an_utterance_is_read_with_what_was_said_beside_it_but_not_across_calls() -> None:
    beside, apart = pool(LINES), pool(LINES[:1], LINES[1:])
    read = asked("How did the onboarding go?", LetterEmbedder())
    assert relevance(read, beside).score[1] > relevance(read, apart).score[1]


def test_short_utterances_answer_nothing_and_an_empty_pool_gives_nothing() -> None:
    read = asked("yeah right", LetterEmbedder())
    found = relevance(read, pool(LINES))
    assert found.score[3] == -np.inf
    assert 3 not in chosen(found.score, pool(LINES), 5)
    assert chosen(relevance(read, pool(())).score, pool(()), 5) == []


def test_of_equally_good_ones_those_are_chosen_that_stand_apart() -> None:
    call = tuple(f"the onboarding took long {n}" for n in range(40))
    score = np.full(40, 0.0)
    score[[0, 1, 2, 30]] = [3.0, 2.9, 2.8, 2.0]
    assert chosen(score, pool(call), 2) == [0, 30]
    assert chosen(score, pool(call[:20], call[20:]), 2)[0] == 0


def test_the_subject_of_a_question_is_what_comes_before_its_setting() -> None:
    assert subject_of("What did they say of the colour when discussing the case?") == "What did they say of the colour"
    assert subject_of("When did they decide on the colour?") == "When did they decide on the colour?"
    assert question_terms("What did customers say about onboarding?") == question_terms("customer, onboarded")


def test_sayings_about_the_same_thing_are_one_group_named_by_what_they_share() -> None:
    said = ["the price is too high", "the price is very high", "setup takes long", "the setup takes too long"]
    found = groups(LetterEmbedder().embed(said), 0.5)
    assert sorted(sorted(rows) for rows in found) == [[0, 1], [2, 3]]
    assert "price" in keywords([said[0], said[1]], said)
    budget = ["That is not in our budget, we get five a year.", "We get it when it is in the budget, every five years."]
    assert "budget" in keywords(budget, budget) and not {"get", "five", "every"} & set(keywords(budget, budget))
    assert groups(np.zeros((0, 384), np.float32), 0.5) == []
    with pytest.raises(ValueError, match="at most"):
        groups(np.zeros((MOST + 1, 384), np.float32), 0.5)
