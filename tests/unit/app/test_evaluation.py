"""The numbers of `moments eval`, on calls small enough to count by hand; and how labels are read."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest

from ridealong.app.evaluation.budget import Budget
from ridealong.app.evaluation.labelled import LabelledCall, read_labelled, transcripts_in
from ridealong.app.evaluation.measures import evaluate, reliability, types_to_score
from ridealong.app.evaluation.page import page
from ridealong.app.evaluation.play import Decided, PlayedCall
from ridealong.app.evaluation.report import as_json
from ridealong.core.errors import InvalidDocument
from ridealong.core.moments import Moment, Reason, Tier
from ridealong.core.transcript import Citation, SpeakerId, Transcript, TranscriptId, Utterance
from ridealong.speech.session_file import RecordedSession

TYPES = ("price_asked", "stall", "pain_stated")
FOUR = Budget(max_nudges=4, window_ms=600_000)


def line(no: int, *types: str, text: str = "some words here") -> dict[str, object]:
    return {
        "no": no,
        "speaker": no % 2,
        "start_ts": no * 60_000,
        "end_ts": no * 60_000 + 30_000,
        "text": text,
        "moments": [{"type": name} for name in types],
    }


def write(path: Path, *lines: dict[str, object]) -> Path:
    header = {"call": path.stem, "rep_speaker": 0}
    path.write_text("\n".join(json.dumps(entry) for entry in (header, *lines)) + "\n", encoding="utf-8")
    return path


def played(
    truth: dict[int, frozenset[str]], *found: tuple[int, str, float, Tier], text: str = "some words here"
) -> PlayedCall:
    utterances = tuple(
        Utterance(no=n, speaker=SpeakerId(n % 2), start_ts=n * 60_000, end_ts=n * 60_000 + 30_000, text=text)
        for n in truth
    )
    transcript = Transcript.of(TranscriptId(call_id=UUID(int=3)), utterances)
    decided = tuple(
        Decided(
            no=no,
            moment=Moment(
                type=name,
                tier=tier,
                reason=Reason.DELIVERED if tier is Tier.NUDGE else Reason.LOW_CONFIDENCE,
                confidence=confidence,
                nudge="Ask what they would need to see before deciding.",
                trigger_ts=0,
                evidence=(transcript.cite(Citation(utterance_no=no, quote=text)),),
            ),
            lag_ms=10.0,
        )
        for no, name, confidence, tier in found
    )
    session = RecordedSession(call="hand", rep_speakers=(SpeakerId(0),), utterances=utterances)
    call = LabelledCall(name="hand", session=session, truth=truth)
    return PlayedCall(call=call, decided=decided, likelihoods={}, classify_ms=(4.0,))


NONE: frozenset[str] = frozenset()


def test_precision_recall_and_f1_are_what_a_person_counts() -> None:
    call = played(
        {0: frozenset({"price_asked"}), 1: frozenset({"stall"}), 2: NONE, 3: frozenset({"stall"})},
        (0, "price_asked", 0.9, Tier.NUDGE),
        (1, "stall", 0.6, Tier.NOTED),
        (2, "stall", 0.8, Tier.NUDGE),
    )
    found = evaluate([call], TYPES, FOUR)
    scores = {s.type: s for s in found.types}
    assert (scores["price_asked"].precision, scores["price_asked"].recall) == (1.0, 1.0)
    assert (scores["stall"].precision, scores["stall"].recall, scores["stall"].support) == (0.5, 0.5, 2)
    assert found.macro_f1.value == pytest.approx(0.75), "a type that occurs nowhere is left out of the mean"
    assert (found.nudged.shown, found.nudged.false) == (2, 1)
    assert found.nudged.precision.value == 0.5
    assert found.nudged.recall.value == pytest.approx(1 / 3)
    assert found.nudged.held_back == {"low_confidence": 1}


def test_false_nudges_are_counted_by_the_length_of_the_calls() -> None:
    call = played(dict.fromkeys(range(20), NONE), (3, "stall", 0.9, Tier.NUDGE), (9, "stall", 0.9, Tier.NUDGE))
    assert evaluate([call], TYPES, FOUR).nudged.false_per_10_min.value == pytest.approx(2 / 19.5 * 10)


def test_the_share_nudged_is_also_told_of_what_the_budget_allows() -> None:
    """Six true moments within ten minutes, one after them: of six no budget of four shows more than four."""
    truth = dict.fromkeys(range(12), NONE) | dict.fromkeys((*range(6), 11), frozenset({"stall"}))
    nudged = evaluate(
        [played(truth, (0, "stall", 0.9, Tier.NUDGE), (11, "stall", 0.9, Tier.NUDGE))], TYPES, FOUR
    ).nudged
    assert nudged.recall.value == pytest.approx(2 / 7)
    assert nudged.allowed == 5
    assert nudged.of_allowed.value == pytest.approx(2 / 5)


def test_a_budget_has_room_again_when_its_oldest_nudge_is_a_window_ago() -> None:
    budget = Budget(max_nudges=2, window_ms=10)
    assert budget.most_of([]) == 0
    assert budget.most_of([3, 1, 2]) == 2
    assert budget.most_of([0, 9, 9, 10, 18, 19]) == 4
    assert Budget(max_nudges=0, window_ms=10).most_of([1, 2]) == 0


def test_one_call_has_no_interval_and_two_unlike_ones_have_a_wide_one() -> None:
    good = played({0: frozenset({"stall"})}, (0, "stall", 0.9, Tier.NUDGE))
    bad = played({0: frozenset({"stall"})})
    alone, both = evaluate([good], TYPES, FOUR).macro_f1, evaluate([good, bad], TYPES, FOUR).macro_f1
    assert alone.low == alone.high == alone.value == 1.0
    assert (both.low, both.high) == (0.0, 1.0)


def test_the_calibration_error_is_the_distance_between_sure_and_right() -> None:
    found = reliability([(0.95, True)] * 8 + [(0.95, False)] * 2 + [(0.15, False)] * 10)
    assert found.ece == pytest.approx((10 * 0.15 + 10 * 0.15) / 20)
    assert [b.count for b in found.bins] == [0, 10, 0, 0, 0, 0, 0, 0, 0, 10]
    assert reliability([(1.0, True)]).bins[-1].count == 1


def test_what_chance_alone_would_show_stands_beside_the_calibration_error() -> None:
    few, many = (reliability([(0.5, True), (0.5, False)] * n).by_chance for n in (10, 1000))
    # |Binomial(20, 1/2)/20 - 1/2| is 0.088 in the mean, and a tenth of it with a hundred times as many.
    assert few.value == pytest.approx(0.088, abs=0.012)
    assert many.value == pytest.approx(0.0089, abs=0.0015)
    assert few.low <= few.value <= few.high
    assert reliability([]).by_chance.value == 0.0


def test_the_surest_mistakes_come_first_with_the_turns_before_them() -> None:
    call = played(
        dict.fromkeys(range(5), NONE) | {4: frozenset({"pain_stated"})},
        (2, "stall", 0.6, Tier.NOTED),
        (3, "price_asked", 0.7, Tier.NUDGE),
        (1, "price_asked", 0.9, Tier.NUDGE),
    )
    worst = evaluate([call], TYPES, FOUR).worst
    assert [(m.kind, m.no) for m in worst] == [
        ("false nudge", 1),
        ("false nudge", 3),
        ("wrong moment", 2),
        ("missed", 4),
    ]
    assert [who for who, _ in worst[1].before] == ["rep", "speaker 1", "rep"]


def test_what_people_said_stands_on_the_page_as_text() -> None:
    words = "<script>alert(1)</script> & more"
    html = page(evaluate([played({0: NONE}, (0, "stall", 0.9, Tier.NUDGE), text=words)], TYPES, FOUR))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in html


def test_timing_types_count_where_somebody_labelled_them() -> None:
    assert types_to_score(TYPES, [played({0: NONE})]) == TYPES
    assert types_to_score(TYPES, [played({0: frozenset({"silence"})})]) == (*TYPES, "silence")


def test_a_file_without_labels_is_refused_and_not_scored_as_empty(tmp_path: Path) -> None:
    bare = {key: value for key, value in line(0).items() if key != "moments"}
    with pytest.raises(InvalidDocument, match="no line is labelled"):
        read_labelled(write(tmp_path / "bare.jsonl", bare), TYPES)


@pytest.mark.parametrize(
    ("moments", "message"),
    [
        ("stall", "moments is a list"),
        ([{"kind": "stall"}], "moments is a list"),
        ([{"type": "stal"}], "not in the taxonomy"),
        ([{"type": "stall"}, {"type": "pain_stated"}, {"type": "price_asked"}], "at most 2"),
    ],
)
def test_a_wrong_label_is_told_with_its_line(tmp_path: Path, moments: object, message: str) -> None:
    path = write(tmp_path / "wrong.jsonl", line(0), {**line(1), "moments": moments})
    with pytest.raises(InvalidDocument, match=message) as caught:
        read_labelled(path, TYPES)
    assert caught.value.line == 3


def test_a_folder_means_the_transcripts_in_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidDocument, match=r"no \.jsonl file"):
        transcripts_in([tmp_path])
    one, two = write(tmp_path / "b.jsonl", line(0)), write(tmp_path / "a.jsonl", line(0))
    assert transcripts_in([tmp_path]) == [two, one]
    assert transcripts_in([one]) == [one]


def test_a_resample_that_holds_nothing_of_a_type_says_nothing_of_it() -> None:
    missed = played({0: frozenset({"stall"}), 1: NONE})
    empty = played({0: NONE, 1: NONE})
    [_, stall, _] = evaluate([missed, *[empty] * 5], TYPES, FOUR).types
    # Two in three resamples of six calls do not hold the one that has it: they are no perfect calls.
    assert (stall.f1, stall.f1_low, stall.f1_high) == (0.0, 0.0, 0.0)


def test_where_nothing_is_counted_no_figure_is_told() -> None:
    found = evaluate([played({0: frozenset({"stall"}), 1: NONE})], TYPES, FOUR)
    price, stall, _ = found.types
    assert (price.precision, price.recall, price.f1) == (None, None, None)
    assert (stall.precision, stall.recall, stall.f1) == (None, 0.0, 0.0)
    assert found.nudged.precision.value is None, "no nudge was right or wrong"
    assert evaluate([played({0: NONE})], TYPES, FOUR).macro_f1.value is None
    shown = page(found)
    assert "never there, never found" in shown
    assert "nan" not in shown.casefold()
    json.dumps(as_json(found), allow_nan=False)


def test_a_second_call_in_a_file_is_told_as_one(tmp_path: Path) -> None:
    path = write(tmp_path / "two.jsonl", line(0), {"call": "the second", "rep_speaker": 0}, line(1))
    with pytest.raises(InvalidDocument, match="a file holds one call") as caught:
        read_labelled(path, TYPES)
    assert caught.value.line == 3


def test_a_call_that_is_named_twice_counts_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", line(0))
    assert transcripts_in([tmp_path, path, tmp_path / ".." / tmp_path.name / "a.jsonl"]) == [path]


def test_lines_without_labels_among_labelled_ones_are_counted(tmp_path: Path) -> None:
    bare = {key: value for key, value in line(1).items() if key != "moments"}
    assert read_labelled(write(tmp_path / "a.jsonl", line(0, "stall"), bare), TYPES).unlabelled == 1
