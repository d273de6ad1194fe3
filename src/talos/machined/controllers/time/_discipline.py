"""Keeps the clock right: asks the sources one after the other, and sets or slews the clock by what they say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from talos.base import errors
from talos.linux import adjtime
from talos.machined.controllers.time import _ntp

SHORTEST_POLL_S, LONGEST_POLL_S = 32.0, 1024.0
RETRY_S = 5.0
STEP_S = 0.128
"""Beyond this the clock is set, not slewed."""
EPOCH_S = 15 * 60.0
"""A step of more begins a new epoch: certificates made before it may be wrong."""
_GOOD_S = 0.05


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the time comes from: names and addresses of servers, paths of clock devices."""

    sources: tuple[str, ...]


@dataclass
class Outcome:
    """What is known by now."""

    synced: bool = False
    epoch: int = 0
    spikes: int = 0
    answered: bool = False


def next_poll(poll_s: float, offset_s: float) -> float:
    """Ask less often while all is well, more often when it is not."""
    wanted = poll_s * 2 if abs(offset_s) < _GOOD_S else poll_s / 2
    return min(max(wanted, SHORTEST_POLL_S), LONGEST_POLL_S)


class Discipline:
    """Run `run` in a task; `changed` is called when `outcome` changes."""

    def __init__(
        self, settings: Settings, clock: adjtime.Clock, changed: Callable[[], None], logger: logging.Logger
    ) -> None:
        self.settings, self.outcome = settings, Outcome()
        self._clock, self._changed, self._log = clock, changed, logger
        self._filter = _ntp.Filter()
        self._poll_s = SHORTEST_POLL_S
        self._source = 0
        self.port = _ntp.PORT

    async def run(self) -> None:
        """Ask for ever."""
        silent = False
        while True:
            sample = await self._sample(tell=not silent)
            silent = sample is None
            if sample is None:
                await asyncio.sleep(RETRY_S)
                continue
            self.outcome.answered = True
            accepted = self._filter.accepts(sample)
            self.outcome.spikes = self._filter.spikes
            if accepted:
                self._apply(sample)
            self._changed()
            await asyncio.sleep(self._poll_s if accepted else SHORTEST_POLL_S)

    async def _sample(self, *, tell: bool) -> _ntp.Sample | None:
        """The first source that answers, beginning with the last one that did."""
        sources: Sequence[str] = self.settings.sources
        for turn in range(len(sources)):
            source = sources[(self._source + turn) % len(sources)]
            try:
                if source.startswith("/dev/"):
                    found = _ntp.look(source, self._clock)
                else:
                    found = await _ntp.ask(source, self._clock, port=self.port)
            except (OSError, errors.TalosError, UnicodeError) as error:
                if tell:
                    self._log.warning("time from %s: %s", source, error)
                continue
            self._source = (self._source + turn) % len(sources)
            return found
        return None

    def _apply(self, sample: _ntp.Sample) -> None:
        offset_s = sample.offset_s
        if abs(offset_s) > STEP_S:
            self._clock.step(offset_s)
            self._log.info("the clock was set by %+.3f s", offset_s)
            self._filter.clear()
            self._poll_s = SHORTEST_POLL_S
            if abs(offset_s) > EPOCH_S:
                self.outcome.epoch += 1
        else:
            self._clock.slew(offset_s, self._poll_s)
            self._poll_s = next_poll(self._poll_s, offset_s)
        self.outcome.synced = True
