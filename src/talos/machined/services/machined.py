"""machined itself, shown as a service: up while the machine API is served."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from talos.base.constants import paths
from talos.supervisor import health, service
from talos.supervisor.runner import Runner, inside


class Machined(service.Service):
    """The machine API on its unix socket."""

    id: ClassVar[str] = "machined"
    restart = service.Restart.UNTIL_SUCCESS

    def __init__(self) -> None:
        self.health = health.HealthCheck(self._check, interval_s=30.0, initial_delay_s=0.0)

    async def _check(self) -> None:
        await health.unix_open(str(paths.MACHINE_SOCKET))

    def runner(self) -> Runner:
        """Nothing to run: the API is served from the start, and ends with the process."""
        return inside.Inside(self._forever)

    async def _forever(self) -> None:
        await asyncio.Event().wait()
