from __future__ import annotations

from uuid import uuid4

import pytest

from ridealong.core.claims import Claim
from ridealong.core.crm import Proven, printed
from ridealong.core.errors import Ungrounded
from ridealong.core.transcript import SpeakerId, Transcript, TranscriptId, Utterance

LINK = "https://calls.example/calls/1?t=1000"
SAID = Transcript.of(
    TranscriptId(call_id=uuid4()),
    [Utterance(no=0, speaker=SpeakerId(1), start_ts=1000, end_ts=2000, text="It costs us two hours.")],
)
CLAIM = Claim(statement="It costs hours.", confidence=0.8, evidence=(SAID.cite_whole(0),))


def value(text: str = "It costs hours.") -> Proven:
    return Proven(text=text, claim=CLAIM, link=LINK)


def test_a_value_without_the_address_that_plays_its_claim_cannot_be_made() -> None:
    with pytest.raises(Ungrounded):
        Proven(text="It costs hours.", claim=CLAIM, link="")


def test_what_is_too_long_loses_words_and_never_its_link() -> None:
    assert value("a b\n  c").printed() == f"a b c {LINK}"
    short = value("word " * 40).printed(len(LINK) + 12)
    assert short == f"word word… {LINK}"
    assert value().printed(len(LINK)) is None


def test_of_several_values_only_whole_ones_are_written() -> None:
    one = f"It costs hours. {LINK}"
    assert printed((value(), value())) == f"{one}\n{one}"
    assert printed((value(), value()), len(one) + 5) == one
    assert printed((value(), value()), 10) is None
    assert printed(()) is None
