"""What a service is: the contract between `machined/services/<id>.py` and the supervisor.

A service is data plus a few hooks. The supervisor waits for its dependencies and conditions, calls `prepare`, asks for
a `runner`, starts it, checks its health, restarts it by its policy and calls `cleanup` at the end.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from talos.supervisor.condition import Condition
from talos.supervisor.health import HealthCheck
from talos.supervisor.runner import Exit, Runner


class Action(enum.StrEnum):
    """What a client may ask of a service over the API."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"


class Restart(enum.Enum):
    """When an instance that ended is started again."""

    FOREVER = enum.auto()
    UNTIL_SUCCESS = enum.auto()
    ONCE = enum.auto()  # started once, never again


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pause before the n-th restart in a row: none for the first, then doubling; reset after `reset_s` of running."""

    first_s: float = 0.0
    base_s: float = 0.5
    max_s: float = 15.0
    reset_s: float = 10.0

    def pause_s(self, failures: int) -> float:
        """Return the pause after `failures` ends in a row (1 = the first)."""
        if failures <= 1:
            return self.first_s
        return float(min(self.base_s * 2 ** (failures - 2), self.max_s))


class Service(ABC):
    """Subclass in `machined/services/<id>.py`; the constructor's parameters are filled by `machined.wiring`."""

    id: ClassVar[str]
    depends_on: Sequence[str] = ()
    """Ids of services that must be up (running, and healthy if they have a check) first."""
    api_actions: frozenset[Action] = frozenset()
    restart: Restart = Restart.FOREVER
    backoff: Backoff = Backoff()
    stop_grace_s: float = 10.0
    health: HealthCheck | None = None

    def conditions(self) -> Sequence[Condition]:
        """Return what else must hold before `prepare`; asked anew before each start."""
        return ()

    async def prepare(self) -> None:  # noqa: B027  (optional hook)
        """Write files, make directories, pull images. An exception fails the start; the policy decides on a retry."""

    def still_prepared(self) -> bool:
        """Tell whether what `prepare` made is still there; asked before a restart, which prepares anew if it is not."""
        return True

    @abstractmethod
    def runner(self) -> Runner:
        """Return what to run; called after `prepare`, anew for each start."""

    async def cleanup(self, outcome: Exit | None) -> None:  # noqa: B027  (optional hook)
        """Undo `prepare` after the last end; `outcome` is None when the instance never ran."""
