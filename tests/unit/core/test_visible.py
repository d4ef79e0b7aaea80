"""Names stand in the middle of lines: none turns what stands behind it around."""

from __future__ import annotations

import pytest

from ridealong.core.visible import unturned
from ridealong.live import AudioFormat, CallStart, ChannelLayout, Encoding
from ridealong.web.bodies import one_line

TURNED = "invoice \u202egnp.exe\u202c \u2066a\u2069"


def test_what_turns_the_writing_around_is_taken_out_and_right_to_left_words_stay() -> None:
    assert unturned(TURNED) == "invoice gnp.exe a"
    said = "\u0627\u0644\u0633\u0644\u0627\u0645 \u200f👩\u200d🔧"
    assert unturned(said) == said


def test_a_calls_title_and_a_members_name_turn_nothing_around() -> None:
    audio = AudioFormat(encoding=Encoding.PCM16, sample_rate=16_000, channels=1)
    start = CallStart(format=audio, layout=ChannelLayout.MIXED, rep_id="r", consent="Yes.", title=TURNED)
    assert start.title == "invoice gnp.exe a"
    assert one_line(TURNED) == "invoice gnp.exe a"
    with pytest.raises(ValueError, match="write a name"):
        one_line("\u202e")
