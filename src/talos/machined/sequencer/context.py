"""What tasks work with: the parts of machined, and the request that began the sequence."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from talos.cosi import state
from talos.machined.modes import Mode
from talos.machined.sequences import Change, Reset
from talos.supervisor import logs, supervisor
from talos.supervisor.containerd import client as containerd
from talos.supervisor.cri import client as cri

if TYPE_CHECKING:
    from talos.machined.systems import Systems

EXIT_SHUTDOWN = 80
EXIT_REBOOT = 81
"""Exit codes by which machined tells init that the machine goes down (docs/design/init.md)."""


class Ending:
    """How machined ends: a task sets the exit code, `main` waits for it."""

    def __init__(self) -> None:
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def set(self, code: int) -> None:
        """End machined with this exit code; the first one counts."""
        if not self._code.done():
            self._code.set_result(code)

    async def wait(self) -> int:
        """Return the exit code when it is set."""
        return await asyncio.shield(self._code)


@dataclass(frozen=True, slots=True)
class Context:
    """Shared by all tasks of a node."""

    store: state.State
    supervisor: supervisor.Supervisor
    logs: logs.LogStore
    containerd: containerd.Client
    cri: cri.Client
    mode: Mode
    ending: Ending
    reset: Reset = field(default_factory=Reset)
    change: Change | None = None
    systems: Systems | None = None

    def with_reset(self, reset: Reset) -> Context:
        """Return the same with the wishes of a reset."""
        return replace(self, reset=reset)

    def with_change(self, change: Change) -> Context:
        """Return the same with what an installation or upgrade does."""
        return replace(self, change=change)
