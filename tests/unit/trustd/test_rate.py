"""Buckets of callers on a clock turned by hand."""

from __future__ import annotations

from talos.trustd import rate


class Hand:
    """Only the monotonic clock is asked."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


def test_a_burst_then_the_rate_and_each_caller_for_itself() -> None:
    time = Hand()
    limiter = rate.Limiter(time, per_second=2, burst=3)  # type: ignore[arg-type]
    assert [limiter.allow("a") for _ in range(5)] == [True, True, True, False, False]
    assert limiter.allow("b")
    time.seconds = 0.5
    assert [limiter.allow("a") for _ in range(2)] == [True, False]
    time.seconds = 100
    assert [limiter.allow("a") for _ in range(4)] == [True, True, True, False]


def test_callers_without_number_take_no_memory_without_bound() -> None:
    limiter = rate.Limiter(Hand(), burst=1, callers=3)  # type: ignore[arg-type]
    for n in range(100):
        assert limiter.allow(str(n))
    assert len(limiter._buckets) == 3
    assert not limiter.allow("99")
    assert limiter.allow("0")  # forgotten long ago
