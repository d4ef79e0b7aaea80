"""A line that is longer than a turn of the live path grows is judged as a whole and in stretches."""

from __future__ import annotations

from uuid import UUID

import pytest

from ridealong.app import models
from ridealong.config import Settings
from ridealong.core.transcript import Transcript, TranscriptId, Utterance
from ridealong.live.classify import MomentClassifier
from ridealong.live.features import LONGEST, stretches
from ridealong.live.taxonomy import default_taxonomy
from tests.unit.live.doubtful import CUSTOMER, KNOWN

STORY = (
    "My brother had the yard before me, and he kept the boats in the order in which they came, which was fine while"
    " there were nine of them. Then the marina closed and we had forty, and my wife drew a plan on the back of a chart."
)
PRICE = "So how much would that be a month for the whole yard, with all forty of them in it?"
REST = (
    "Because the chart is still on the wall, and everybody who comes in for a coffee looks at it and tells me that his"
    " own boat is in the wrong place, and then we laugh about it."
)


def test_a_short_text_is_one_stretch() -> None:
    assert stretches(STORY) == ((0, len(STORY)),)


@pytest.mark.parametrize("text", [f"{STORY} {PRICE} {REST}", f"{STORY} {PRICE} {REST}".lower().replace(".", ",")])
def test_a_long_text_is_cut_at_its_sentences_or_clauses_and_nothing_is_left_out(text: str) -> None:
    found = stretches(text)
    assert len(found) > 1
    assert all(len(text[a:b].split()) <= LONGEST for a, b in found)
    # A comma at which it was cut belongs to nobody.
    assert " ".join(text[a:b] for a, b in found).replace(",", "").split() == text.replace(",", "").split()


def test_words_without_any_mark_or_joint_are_still_judged() -> None:
    text = "word " * 90
    assert [" ".join(text[a:b].split()) for a, b in stretches(text)] == [text.strip()]


def test_a_question_in_the_middle_of_a_story_is_found_and_quoted() -> None:
    text = f"{STORY} {PRICE} {REST}"
    minds = models.load(Settings())
    classifier = MomentClassifier(taxonomy=default_taxonomy(), embedder=minds.embedder, head=minds.head)
    said = Utterance(no=0, speaker=CUSTOMER, start_ts=0, end_ts=40_000, text=text)
    found = classifier.classify(Transcript.of(TranscriptId(call_id=UUID(int=1)), [said]), said, KNOWN)
    [price] = [d for d in found.detections if d.type == "price_asked"]
    assert price.evidence[0].quote in PRICE
