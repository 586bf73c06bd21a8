"""Token buckets: a burst at once, then so many a second, each key for itself."""

import pytest

from survey.server import limits
from survey.server.limits import Limiter, Rate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_allowed_and_no_more() -> None:
    limiter = Limiter(Rate(burst=3, per_second=1), Clock())
    assert [limiter.allows("a") for _ in range(5)] == [True, True, True, False, False]


def test_time_gives_back_what_was_used_up_to_the_burst() -> None:
    clock = Clock()
    limiter = Limiter(Rate(burst=2, per_second=4), clock)
    assert [limiter.allows("a") for _ in range(3)] == [True, True, False]
    clock.now += 0.25
    assert [limiter.allows("a") for _ in range(2)] == [True, False]
    clock.now += 3600
    assert [limiter.allows("a") for _ in range(3)] == [True, True, False]


def test_everyone_has_their_own() -> None:
    limiter = Limiter(Rate(burst=1, per_second=1), Clock())
    assert [limiter.allows(key) for key in "aba"] == [True, True, False]


def test_memory_is_bounded_and_the_quietest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 2)
    limiter = Limiter(Rate(burst=1, per_second=0), Clock())
    assert [limiter.allows(key) for key in "abcca"] == [True, True, True, False, True]
