"""How long a server asks to be left alone."""

from __future__ import annotations

import pytest

from ridealong.waits import wait_s

NOON = "Thu, 26 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("9" * 400, 999_999_999.0),
        ("Thu, 26 Nov 2026 12:02:00 GMT", 120.0),
        ("Thu, 26 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_a_wait_is_a_number_of_seconds_or_a_date_by_the_answer_s_own_clock(asked: str, seconds: float | None) -> None:
    assert wait_s({"retry-after": asked, "date": NOON}) == seconds


def test_where_nothing_is_asked_there_is_no_wait() -> None:
    assert wait_s({}) is None
