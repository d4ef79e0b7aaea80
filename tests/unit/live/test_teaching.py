"""Which feedback is believed: a tenant that marks everything wrong must not make its classifier silent, unseen."""

from __future__ import annotations

from dataclasses import replace

from ridealong.core.transcript import Role
from ridealong.live.teaching import MOST_OF_A_MEMBER, Place, Source, Statement, share_interval, sift, sift_added
from ridealong.live.train import Example


def said(number: int, *, holds: bool, source: Source = Source.WRONG, by: str = "ann") -> Statement:
    return Statement(
        example=Example(text=f"line {number}", role=Role.CUSTOMER, types=(), before=(), call=f"call-{number % 3}"),
        type="price_asked",
        holds=holds,
        source=source,
        by=by,
        by_name=by.capitalize(),
        place=None if source is Source.DOCUMENT else Place(call_id="c", revision=1, utterance_no=number),
    )


def test_feedback_that_agrees_with_what_is_sure_counts() -> None:
    given = [said(n, holds=True, source=Source.HELPFUL) for n in range(10)]
    believed = sift(given, [0.9] * 10, trust=False)
    assert len(believed.statements) == 10
    assert not believed.left_out


def test_somebody_who_contradicts_what_is_sure_is_left_out_and_named() -> None:
    honest = [said(n, holds=True, source=Source.HELPFUL, by="bob") for n in range(10)]
    poison = [said(20 + n, holds=False) for n in range(6)]
    believed = sift([*honest, *poison], [0.95] * 16, trust=False)
    assert {s.by for s in believed.statements} == {"bob"}
    [left] = believed.left_out
    assert (left.by_name, left.statements) == ("Ann", 6)
    assert "contradicts" in left.reason


def test_whoever_calls_nearly_everything_wrong_is_left_out_also_where_nothing_is_sure() -> None:
    believed = sift([said(n, holds=False) for n in range(8)], [0.5] * 8, trust=False)
    assert not believed.statements
    assert "8 of 8" in believed.left_out[0].reason


def test_whoever_marks_by_turns_right_and_wrong_is_left_out() -> None:
    given = [said(n, holds=n % 2 == 0, source=Source.HELPFUL if n % 2 == 0 else Source.WRONG) for n in range(12)]
    believed = sift(given, [0.95] * 12, trust=False)
    assert not believed.statements
    assert "6 of the 12" in believed.left_out[0].reason


def test_what_somebody_says_against_one_type_is_left_out_and_the_rest_counts() -> None:
    honest = [replace(said(n, holds=True, source=Source.HELPFUL), type="stall") for n in range(30)]
    against = [said(40 + n, holds=False) for n in range(8)]
    believed = sift([*honest, *against], [0.95] * 38, trust=False)
    assert {s.type for s in believed.statements} == {"stall"}
    [left] = believed.left_out
    assert (left.by_name, left.statements) == ("Ann", 8)
    assert left.reason.startswith("price_asked: contradicts")


def test_a_type_that_a_tenant_means_otherwise_may_be_contradicted_often() -> None:
    honest = [replace(said(n, holds=True, source=Source.HELPFUL), type="stall") for n in range(30)]
    mostly = [said(40 + n, holds=n % 4 == 0) for n in range(12)]
    assert len(sift([*honest, *mostly], [0.95] * 42, trust=False).statements) == 42


def test_many_who_each_contradict_a_little_are_left_out_together() -> None:
    given = [said(n, holds=False, by=f"rep-{n}") for n in range(9)]
    believed = sift(given, [0.95] * 9, trust=False)
    assert not believed.statements
    assert believed.left_out[-1].by == ""


def test_some_wrong_marks_among_others_are_believed() -> None:
    given = [said(n, holds=n % 2 == 0, source=Source.HELPFUL if n % 2 == 0 else Source.WRONG) for n in range(12)]
    assert len(sift(given, [0.6] * 12, trust=False).statements) == 12


def test_an_admin_may_trust_it_and_the_report_still_says_what_it_was() -> None:
    poison = [said(n, holds=False) for n in range(8)]
    believed = sift(poison, [0.95] * 8, trust=True)
    assert len(believed.statements) == 8
    assert not believed.left_out
    assert [one.by_name for one in believed.trusted] == ["Ann"]


def test_what_the_document_says_is_never_doubted() -> None:
    written = [said(n, holds=False, source=Source.DOCUMENT, by="") for n in range(20)]
    believed = sift(written, [0.99] * 20, trust=False)
    assert [s.weight for s in believed.statements] == [1.0] * 20


def test_one_persons_statements_about_a_type_have_a_limit_together() -> None:
    given = [said(n, holds=n % 3 > 0, source=Source.ADDED) for n in range(200)]
    believed = sift(given, [0.5] * 200, trust=False)
    assert abs(sum(s.weight for s in believed.statements) - MOST_OF_A_MEMBER) < 1e-6


def test_an_interval_of_eight_in_eight_is_not_certainty() -> None:
    low, high = share_interval(8, 8)
    assert 0.6 < low < 0.7
    assert high == 1.0
    assert share_interval(0, 0) == (0.0, 1.0)


def test_whoever_says_yes_to_all_that_is_in_doubt_is_left_out() -> None:
    given = [said(n, holds=True, source=Source.QUEUE) for n in range(30)]
    believed = sift(given, [0.4] * 30, trust=False)
    assert not believed.statements
    assert "yes to 30 of 30" in believed.left_out[0].reason
    assert "expects 12" in believed.left_out[0].reason


def test_a_few_who_say_yes_where_it_is_likely_are_believed() -> None:
    likely = [said(n, holds=True, source=Source.QUEUE) for n in range(30)]
    assert len(sift(likely, [0.75] * 30, trust=False).statements) == 30
    few = [said(n, holds=True, source=Source.QUEUE) for n in range(10)]
    assert len(sift(few, [0.4] * 10, trust=False).statements) == 10


def test_answers_about_a_type_of_the_tenants_own_are_not_held_against_the_shipped_classifier() -> None:
    given = [said(n, holds=True, source=Source.QUEUE) for n in range(30)]
    assert len(sift(given, [None] * 30, trust=False).statements) == 30


def test_added_moments_that_do_not_help_to_find_each_other_are_left_out_and_named() -> None:
    added = [said(n, holds=True, source=Source.ADDED) for n in range(8)]
    honest = [said(20 + n, holds=True, source=Source.AGREED, by="bob") for n in range(8)]
    believed = sift([*added, *honest], [0.45] * 8 + [0.9] * 8, trust=False)
    probable, held_out = [0.45] * 8 + [0.9] * 8, [0.47] * 8 + [0.9] * 8
    rest = sift_added(believed, probable, held_out, trust=False)
    assert {s.by for s in rest.statements} == {"bob"}
    [left] = rest.left_out
    assert (left.by_name, left.statements) == ("Ann", 8)
    assert left.reason.startswith("price_asked: do not help to find each other")
    trusted = sift_added(believed, probable, held_out, trust=True)
    assert (len(trusted.statements), trusted.left_out, len(trusted.trusted)) == (16, (), 1)
    # One fewer is too few to tell.
    few = sift(added[:7], [0.45] * 7, trust=False)
    assert sift_added(few, [0.45] * 7, [0.4] * 7, trust=False) is few


def test_added_moments_that_find_each_other_are_believed() -> None:
    added = [said(n, holds=True, source=Source.ADDED) for n in range(8)]
    believed = sift(added, [0.2] * 8, trust=False)
    assert sift_added(believed, [0.2] * 8, [0.28] * 8, trust=False) is believed


def test_many_who_add_a_few_each_are_left_out_together() -> None:
    added = [said(n, holds=True, source=Source.ADDED, by=f"p{n // 3}") for n in range(12)]
    believed = sift(added, [0.45] * 12, trust=False)
    [left] = sift_added(believed, [0.45] * 12, [0.45] * 12, trust=False).left_out
    assert (left.by_name, left.statements) == ("", 12)


def test_added_moments_of_a_tenants_own_type_are_not_held_against_the_shipped_classifier() -> None:
    added = [said(n, holds=True, source=Source.ADDED) for n in range(8)]
    believed = sift(added, [None] * 8, trust=False)
    assert sift_added(believed, [None] * 8, [0.0] * 8, trust=False) is believed
