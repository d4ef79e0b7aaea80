"""How often somebody may guess, in a time of its own."""

from __future__ import annotations

import pytest

from ridealong.web.throttle import MOST_KEYS, Throttle, TooManyAttempts, network_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_attempts_at_once_and_then_one_at_a_time() -> None:
    clock = Clock()
    throttle = Throttle(most=3, every_s=60, clock=clock)
    for _ in range(3):
        throttle.take("a")
    with pytest.raises(TooManyAttempts) as refused:
        throttle.take("a")
    assert refused.value.retry_after_s in (60, 61)
    throttle.take("b")
    clock.now += refused.value.retry_after_s
    throttle.take("a")
    with pytest.raises(TooManyAttempts):
        throttle.take("a")


def test_trying_while_one_must_wait_does_not_prolong_it() -> None:
    clock = Clock()
    throttle = Throttle(most=1, every_s=60, clock=clock)
    throttle.take("a")
    for _ in range(59):
        clock.now += 1
        with pytest.raises(TooManyAttempts):
            throttle.take("a")
    clock.now += 2
    throttle.take("a")


def test_who_was_right_starts_anew() -> None:
    throttle = Throttle(most=2, every_s=60, clock=Clock())
    throttle.take("a")
    throttle.take("a")
    throttle.forget("a")
    throttle.take("a")
    throttle.give_back("a")
    throttle.take("a")
    throttle.take("a")


def test_what_is_remembered_is_bounded() -> None:
    throttle = Throttle(most=1, every_s=60, clock=Clock())
    for number in range(MOST_KEYS + 10):
        throttle.take(str(number))
    with pytest.raises(TooManyAttempts):
        throttle.take(str(MOST_KEYS))
    # The one that was longest not tried was forgotten, and no other.
    throttle.take("0")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.9", "203.0.113.10", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.9", "203.0.113.9", True),
        ("fe80::1%eth0", "fe80::1", True),
        (None, "nonsense", True),
    ],
)
def test_a_network_is_what_one_customer_has(one: str | None, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same
