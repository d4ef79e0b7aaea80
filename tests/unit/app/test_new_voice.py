"""The measure of a voice that nobody has read: whose calls are whose, and what is counted of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ridealong.app.bench.classify import LabelledCall
from ridealong.app.bench.new_voice import Found, Heard, author_of, line, play
from ridealong.core.transcript import Role, RoleAssignment, Roles, RoleSource, SpeakerId, Utterance
from ridealong.embedding.minilm import VIEWS_WIDTH
from ridealong.live.head import Head
from ridealong.live.sale import SaleSense

if TYPE_CHECKING:
    from ridealong.embedding import Vectors


@pytest.mark.parametrize(
    ("call", "author"),
    [
        ("train-d-joinery-saw-visit", "d"),
        ("dev-a-vet-phones", "a"),
        ("train-allergy-clinic-software", ""),
        ("dev-crm-for-charities", ""),
        ("obj-a-0", ""),
    ],
)
def test_an_author_is_the_letter_in_a_calls_name(call: str, author: str) -> None:
    assert author_of(call) == author


def test_the_figures_are_those_of_all_calls_together() -> None:
    right = Found(type="stall", confidence=0.95, right=True, shown=True)
    wrong = Found(type="stall", confidence=0.85, right=False, shown=True)
    noted = Found(type="price_asked", confidence=0.5, right=True, shown=False)
    calls = [
        Heard(found=(right, noted), true=Counter({"stall": 1, "price_asked": 2}), utterances=10, minutes=4.0),
        Heard(found=(wrong,), true=Counter({"stall": 1}), utterances=10, minutes=1.0),
    ]
    title, count, f1, precision, share, false, ece, _ = line("both", calls).split()
    assert (title, count) == ("both", "2")
    # Of stalls one of two found is right and one of two is missed, of price questions one of two is missed.
    assert float(f1) == pytest.approx((0.5 + 2 / 3) / 2, abs=0.001)
    assert (float(precision), float(share), float(false)) == (0.5, 0.25, 2.0)
    assert float(ece) == pytest.approx((0.05 + 0.85 + 0.5) / 3, abs=0.001)


class Reader:
    """Sees one thing only: whether a text has a question mark."""

    def views(self, texts: Sequence[str]) -> Vectors:
        return np.array([[float("?" in text)] * VIEWS_WIDTH for text in texts], np.float32)

    def pieces(self, text: str, spans: Sequence[tuple[int, int]]) -> Vectors:
        return self.views([text, *(text[a:b] for a, b in spans)])


class AsksForThePrice(Head):
    """Sure to 0.98 where there is a question mark, and of nothing elsewhere."""

    def margins(self, rows: Vectors) -> Vectors:
        return np.where(rows[:, :1] > 0, 4.0, -6.0).astype(np.float32)


def test_cool_down_and_budget_are_played() -> None:
    one = np.ones(1, np.float32)
    head = AsksForThePrice(
        types=("price_asked",), weights=one[None], bias=0 * one, slope=one, offset=0 * one, share=0 * one
    )
    asked = (20_000, 30_000, 90_000, 160_000, 230_000, 300_000, 370_000, 440_000, 700_000)
    call = LabelledCall(
        name="made-up",
        roles=Roles(
            [RoleAssignment(speaker_id=SpeakerId(1), role=Role.CUSTOMER, source=RoleSource.STATED, confidence=1.0)]
        ),
        utterances=tuple(
            Utterance(no=no, speaker=SpeakerId(1), start_ts=end - 2000, end_ts=end, text="And what would that be?")
            for no, end in enumerate(asked)
        ),
        truth={no: frozenset({"price_asked"} if no < 2 else ()) for no in range(len(asked))},
    )
    sense = SaleSense(weights=np.zeros(VIEWS_WIDTH, np.float32), bias=3.0)
    heard = play(call, Reader(), head, sense)
    assert [f.right for f in heard.found] == [True, True, *[False] * 7]
    # The second comes within the cool-down, the eighth when six were shown in ten minutes.
    assert [f.shown for f in heard.found] == [True, False, True, True, True, True, True, False, True]
    assert (heard.true, heard.utterances, heard.minutes) == (Counter({"price_asked": 2}), 9, pytest.approx(700 / 60))
