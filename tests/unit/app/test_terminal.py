"""The live view: what a person sees of a call in a terminal, and what a log file gets instead."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from ridealong.app.terminal import CallView, printable
from ridealong.core.events import (
    CallEnded,
    CallEvent,
    CallStarted,
    GapRecorded,
    Latency,
    MomentAhead,
    MomentDecided,
    PartialHeard,
    ReviewFinished,
    RoleLearned,
    UtteranceFinished,
    WarningGiven,
)
from ridealong.core.moments import Moment, Reason, Tier
from ridealong.core.transcript import (
    UNATTRIBUTED,
    Role,
    RoleAssignment,
    RoleSource,
    Speaker,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)

CALL = UUID(int=7)
REP, CUSTOMER = SpeakerId(0), SpeakerId(1)


def utterance(text: str, *, no: int = 0, speaker: Speaker = CUSTOMER, start_ts: int = 61_000) -> Utterance:
    return Utterance(no=no, speaker=speaker, start_ts=start_ts, end_ts=start_ts + 4_000, text=text)


def decided(
    text: str, *, tier: Tier = Tier.NUDGE, nudge: str = "Ask what too expensive is compared with"
) -> MomentDecided:
    transcript = Transcript.of(TranscriptId(call_id=CALL), [utterance(text)])
    return MomentDecided(
        moment_id=UUID(int=9),
        moment=Moment(
            type="objection_raised",
            tier=tier,
            reason=Reason.DELIVERED if tier is Tier.NUDGE else Reason.COOLING_DOWN,
            confidence=0.874,
            nudge=nudge,
            trigger_ts=65_000,
            evidence=(transcript.cite_whole(0),),
        ),
        latency=Latency(speech=700.4, classify=12.2),
        at=65.7,
    )


def role(speaker_id: SpeakerId, kind: Role) -> RoleLearned:
    return RoleLearned(
        assignment=RoleAssignment(speaker_id=speaker_id, role=kind, source=RoleSource.HEURISTIC, confidence=0.8), at=3.0
    )


def artifact(**changes: Any) -> dict[str, object]:
    evidence = [
        {"utterance_no": 3, "speaker_id": 1, "start_ts": 61_000, "end_ts": 65_000, "quote": "we lose two hours"}
    ]
    finding = {"statement": "The pain is quantified", "confidence": 0.91, "evidence": evidence}
    return {
        "call_id": str(CALL),
        "revision": 1,
        "review_id": str(UUID(int=3)),
        "title": "First call",
        "rubric": {"id": "discovery", "title": "Discovery call"},
        "reviewer": "local",
        "score": 66.7,
        "duration_ms": 240_000,
        "speakers": [{"speaker_id": 1, "role": "customer", "source": "heuristic", "confidence": 0.8}],
        "sections": [
            {
                "section_id": "pain",
                "title": "Pain",
                "score": 75.0,
                "confidence": 0.8,
                "findings": [{"criterion_id": "quantified", "score": "yes", **finding}],
                "not_assessed": ["impact"],
            },
        ],
        "coaching_moments": [{"title": "Cut off", "advice": "Let them finish", **finding}],
        "moments": [],
        "statistics": {
            "version": 1,
            "values": {"talk_ratio_of_call": 0.43, "patience_ms": 812, "rep_questions": 11, "pace_wpm": 151.2},
        },
        "missing_sections": ["Budget"],
        "dropped_drafts": 2,
        "warnings": ["the recording ends early"],
        **changes,
    }


ALL_EVENTS: tuple[CallEvent, ...] = (
    CallStarted(call_id=CALL),
    PartialHeard(speaker=CUSTOMER, start_ts=60_000, end_ts=61_000, text="that is too", at=61.0),
    UtteranceFinished(utterance=utterance("That is too expensive for us"), role=Role.CUSTOMER, at=65.0),
    UtteranceFinished(utterance=utterance("mumbled", speaker=UNATTRIBUTED), role=Role.UNKNOWN, at=65.0),
    role(REP, Role.REP),
    decided("That is too expensive for us"),
    decided("Another one", tier=Tier.NOTED),
    GapRecorded(at_ts=70_000, duration_ms=2_500, reason="the network was away", at=72.0),
    WarningGiven(code="store_away", message="the database does not answer", at=73.0),
    CallEnded(audio_ms=240_000, reason="stopped", at=240.0),
    ReviewFinished(artifact=artifact(), at=241.0),
)


def seen(*events: CallEvent, width: int = 80, encoding: str = "utf-8") -> str:
    """What stands on the screen in the end, and above it in the scroll-back."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n", write_through=True)
    console = Console(
        file=stream, force_terminal=True, width=width, highlight=False, _environ={"TERM": "xterm-256color"}
    )
    with CallView(console) as view:
        for event in events:
            view.show(event)
    return on_screen(raw.getvalue().decode(encoding))


def on_screen(written: str) -> str:
    """The few movements that rich makes, obeyed: line feed, return, cursor up, erase line."""
    lines, row, column = [""], 0, 0
    for code, letter, other in re.findall(r"\x1b\[([?0-9;]*)([A-Za-z])|([^\x1b])", written):
        if letter == "A":
            row -= int(code or 1)
        elif letter == "K":
            lines[row] = ""
        elif other == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif other == "\r":
            column = 0
        elif other:
            line = lines[row].ljust(column)
            lines[row], column = line[:column] + other + line[column + 1 :], column + 1
    return "\n".join(line.rstrip() for line in lines).rstrip("\n")


def piped(*events: CallEvent) -> str:
    stream = io.StringIO()
    with CallView(Console(file=stream, highlight=False)) as view:
        for event in events:
            view.show(event)
    return stream.getvalue()


def test_every_kind_of_event_can_be_shown_in_a_terminal_and_in_a_file() -> None:
    for shown in (seen(*ALL_EVENTS), piped(*ALL_EVENTS)):
        assert "That is too expensive for us" in shown
        assert "the network was away" in shown
        assert "store_away" in shown
        assert "First call" in shown


def test_a_nudge_shows_its_type_confidence_latency_and_the_quote_with_its_time() -> None:
    shown = seen(role(CUSTOMER, Role.CUSTOMER), decided("That is too expensive for us"))
    assert "Ask what too expensive is compared with" in shown
    assert "objection_raised" in shown
    assert "confidence 0.87" in shown
    assert "713 ms" in shown
    assert "1:01 customer: “That is too expensive for us”" in shown


def test_a_nudge_that_was_told_before_its_turn_was_over_is_shown_once() -> None:
    kept = decided("That is too expensive.")
    early = MomentAhead(moment_id=kept.moment_id, moment=kept.moment, latency=kept.latency, at=kept.at)
    shown = seen(early, replace(kept, told_ahead=True))
    assert shown.count("Ask what too expensive is compared with") == 1
    held_out = decided("That is too expensive.", tier=Tier.NOTED)
    early = MomentAhead(moment_id=kept.moment_id, moment=held_out.moment, latency=kept.latency, at=kept.at)
    assert seen(early, replace(held_out, told_ahead=True)).count("That is too expensive") == 1


def test_a_noted_moment_is_shown_with_the_reason_and_without_its_nudge() -> None:
    shown = seen(decided("Another one", tier=Tier.NOTED))
    assert "cooling_down" in shown
    assert "Ask what too expensive" not in shown


def test_a_speaker_is_named_by_number_until_the_role_is_known() -> None:
    partial = PartialHeard(speaker=CUSTOMER, start_ts=0, end_ts=10, text="so", at=0.1)
    said = UtteranceFinished(utterance=utterance("So it begins"), role=Role.UNKNOWN, at=1.0)
    assert "speaker 1 So it begins" in seen(partial, said)
    assert "customer  So it begins" in seen(role(CUSTOMER, Role.CUSTOMER), said)


def test_rep_and_customer_have_different_colours() -> None:
    written: list[str] = []
    for kind in (Role.REP, Role.CUSTOMER):
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=True, _environ={"TERM": "xterm-256color"})
        CallView(console).show(UtteranceFinished(utterance=utterance("words"), role=kind, at=1.0))
        written.append(stream.getvalue().split("words")[0].rsplit("\x1b[", 1)[1])
    assert written[0] != written[1]


def test_words_without_a_speaker_are_shown_as_unknown() -> None:
    assert "unknown   mumbled" in seen(ALL_EVENTS[3])


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    for line in seen(*ALL_EVENTS, width=width).splitlines():
        assert len(line) <= width


def test_a_long_turn_is_shown_whole_and_indented_at_80_columns() -> None:
    words = " ".join(f"word{n}" for n in range(60))
    shown = seen(UtteranceFinished(utterance=utterance(words), role=Role.CUSTOMER, at=1.0))
    assert shown.split()[2:] == words.split()
    assert all(line.startswith(" " * 18) for line in shown.splitlines()[1:])


def test_markup_in_what_was_said_is_shown_and_not_obeyed() -> None:
    hostile = "[bold]loud[/bold] [/] [link=file:///etc/passwd]x[/link] [red"
    for event in (
        UtteranceFinished(utterance=utterance(hostile), role=Role.CUSTOMER, at=1.0),
        decided(hostile, nudge=hostile),
        WarningGiven(code=hostile, message=hostile, at=0.0),
        ReviewFinished(artifact=artifact(title=hostile, warnings=[hostile])),
    ):
        assert hostile in " ".join(seen(event, width=200).split())
        assert hostile in piped(event)


def test_what_was_said_cannot_steer_the_terminal() -> None:
    hostile = "a\x1b[2Jb\x07c\x9b31md\ne\rf\u202eg\ud800h\x00i"
    for event in (
        UtteranceFinished(utterance=utterance(hostile), role=Role.CUSTOMER, at=1.0),
        PartialHeard(speaker=CUSTOMER, start_ts=0, end_ts=10, text=hostile, at=0.1),
        decided(hostile, nudge=hostile),
        decided(hostile, tier=Tier.NOTED),
        GapRecorded(at_ts=0, duration_ms=1, reason=hostile, at=0.0),
        ReviewFinished(artifact=artifact(title=hostile, reviewer=hostile, missing_sections=[hostile])),
    ):
        for shown in (seen(event), piped(event)):
            assert not set(shown) & set("\x1b\x07\x9b\r\u202e\ud800\x00")
    assert len(piped(UtteranceFinished(utterance=utterance(hostile), role=Role.CUSTOMER, at=1.0)).splitlines()) == 1


def test_a_pipe_gets_plain_lines_without_colour_and_without_partials() -> None:
    shown = piped(*ALL_EVENTS)
    assert "\x1b" not in shown
    assert "that is too\n" not in shown
    assert "\n  nudge objection_raised: Ask what too expensive is compared with [" in shown
    long = " ".join(["word"] * 100)
    lines = piped(UtteranceFinished(utterance=utterance(long), role=Role.REP, at=1.0)).splitlines()
    assert len(lines) == 1
    assert lines[0] == f"   1:01 rep       {long}"


def test_the_open_words_stand_on_one_line_that_later_news_replace() -> None:
    open_words = PartialHeard(speaker=CUSTOMER, start_ts=0, end_ts=10, text="word " * 50 + "newest", at=0.1)
    stream = io.StringIO()
    view = CallView(Console(file=stream, force_terminal=True, width=60, _environ={"TERM": "xterm-256color"}))
    with view:
        view.show(open_words)
        while_open = on_screen(stream.getvalue())
        view.show(UtteranceFinished(utterance=utterance("all of it"), role=Role.CUSTOMER, at=1.0))
        after = on_screen(stream.getvalue())
    assert len(while_open.splitlines()) == 1
    assert while_open.endswith("word newest")
    assert "newest" not in after
    assert "all of it" in after


def test_a_terminal_that_knows_only_ascii_gets_question_marks_and_no_error() -> None:
    said = UtteranceFinished(utterance=utterance("café 你好"), role=Role.REP, at=1.0)
    shown = seen(*ALL_EVENTS, said, encoding="ascii")
    assert "caf? ??" in shown
    assert "###############....." in shown


def test_the_artifact_shows_bars_findings_quotes_coaching_and_statistics() -> None:
    shown = " ".join(seen(ReviewFinished(artifact=artifact())).split())
    for part in (
        "67 of 100",
        "Discovery call",
        "███████████████░░░░░",
        "yes: The pain is quantified (0.91)",
        "1:01 customer: “we lose two hours”",
        "no evidence either way: impact",
        "Cut off: The pain is quantified",
        "→ Let them finish",
        "talk ratio of call 43%",
        "patience 0.8 s",
        "pace 151 words / min",
        "rep questions 11",
        "not part of the score: Budget",
        "2 statements were dropped",
        "warning: the recording ends early",
    ):
        assert part in shown, part


def test_a_call_with_nothing_to_score_says_so() -> None:
    empty = artifact(score=None, sections=[], coaching_moments=[], statistics={}, dropped_drafts=0)
    shown = seen(ReviewFinished(artifact=empty))
    assert "not assessed" in shown
    assert "Statistics" not in shown


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(artifact())), anything, st.booleans())
def test_an_artifact_of_another_shape_never_stops_the_view(key: str, value: object, to_terminal: bool) -> None:
    event = ReviewFinished(artifact=artifact(**{key: value}))
    if to_terminal:
        seen(event, width=60)
    else:
        piped(event)


@given(st.text())
def test_printable_text_stays_on_one_line_and_keeps_every_letter(words: str) -> None:
    shown = printable(words)
    assert shown.splitlines() in ([], [shown])
    assert [c for c in shown if c.isalpha()] == [c for c in words if c.isalpha()]
