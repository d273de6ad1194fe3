"""How a service is run: as a process, as a container of containerd, or inside machined.

A Runner starts one Instance; the supervisor decides whether and when to start the next one. An Instance can leave a
record (plain JSON data) from which a restarted machined takes it over, so that the death of machined ends no service.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Exit:
    """How an instance ended. `code` is None when unknown: the instance was adopted, another process reaped it."""

    code: int | None = None
    signal: int = 0

    @property
    def ok(self) -> bool:
        """True for exit code 0."""
        return self.code == 0 and not self.signal

    def __str__(self) -> str:
        if self.signal:
            return f"killed by signal {self.signal}"
        return "ended, exit code not known" if self.code is None else f"exit code {self.code}"


class Instance(ABC):
    """One running thing."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What runs, for the event text, e.g. `process apid with PID 17`."""

    @abstractmethod
    async def wait(self) -> Exit:
        """Return when the instance has ended, however it ended. May be awaited by several tasks."""

    @abstractmethod
    async def stop(self, grace_s: float) -> Exit:
        """End it: politely, then after `grace_s` by force. Returns when it is gone and cleaned up."""

    async def kill(self) -> Exit:
        """End it by force at once."""
        return await self.stop(0)

    def record(self) -> Mapping[str, Any] | None:
        """Data from which `Adopter.adopt` finds the instance again; None when it ends together with machined."""
        return None

    def pids(self) -> frozenset[int]:
        """Processes known to belong to the instance; used to name the peer of a unix socket."""
        return frozenset()


class Ended(Instance):
    """Something that ended before it could be watched."""

    def __init__(self, description: str, outcome: Exit) -> None:
        self._description, self._outcome = description, outcome

    @property
    def description(self) -> str:
        """What ran."""
        return self._description

    async def wait(self) -> Exit:
        """Return how it ended."""
        return self._outcome

    async def stop(self, grace_s: float) -> Exit:
        """Return how it ended."""
        return self._outcome


class Runner(ABC):
    """Knows how to start a service once."""

    kind: str = ""

    @abstractmethod
    async def start(self, service: str, stdio: Path) -> Instance:
        """Start an instance for the service id and return when it runs. Any exception counts as a failed start.

        `stdio` is the FIFO that takes its output.
        """


class Adopter(ABC):
    """Finds instances of an earlier machined. One for each `Runner.kind` that leaves records."""

    kind: str

    @abstractmethod
    async def adopt(self, service: str, record: Mapping[str, Any]) -> Instance | None:
        """Return the instance if it still runs, else None."""
