"""How often one caller may ask: a bucket of tokens for each address, in bounded memory.

A machine asks once a day, and a few times when it joins. Whoever tries tokens, or has found one and floods the signer,
is slowed down; others do not notice.
"""

from __future__ import annotations

import collections

from talos.base import clock

PER_SECOND = 5.0
BURST = 20.0
CALLERS = 4096
"""Addresses remembered; the one that has not asked for longest is forgotten first."""


class Limiter:
    """A bucket per caller. A new caller's is full."""

    def __init__(
        self, time: clock.Clock, *, per_second: float = PER_SECOND, burst: float = BURST, callers: int = CALLERS
    ) -> None:
        self._time, self._per_second, self._burst, self._callers = time, per_second, burst, callers
        self._buckets: collections.OrderedDict[str, tuple[float, float]] = collections.OrderedDict()

    def allow(self, caller: str) -> bool:
        """Take a token of the caller's; False when there is none."""
        now = self._time.monotonic()
        left, at = self._buckets.pop(caller, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_second)
        allowed = left >= 1.0
        self._buckets[caller] = (left - 1.0 if allowed else left, now)
        while len(self._buckets) > self._callers:
            self._buckets.popitem(last=False)
        return allowed
