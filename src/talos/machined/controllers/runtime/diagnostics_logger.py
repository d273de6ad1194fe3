"""Says warnings in the log: once they have lasted for a while, and again as long as they last."""

from __future__ import annotations

import time

from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.machinery.resources.runtime.diagnostic import Diagnostic

SETTLE_S = 5.0
REPEAT_S = 600.0


class DiagnosticsLoggerController(controller.Controller):
    """A warning that goes by itself within seconds is not told."""

    inputs = (controller.weak(Diagnostic),)

    def __init__(self) -> None:
        self._settle_s = SETTLE_S
        self._due: dict[str, float] = {}

    async def reconcile(self, r: controller.Handle) -> None:
        """Log what is due, and come back for the next."""
        now = time.monotonic()
        present = {one.id: one.spec for one in await r.list(Diagnostic) if one.metadata.phase is Phase.RUNNING}
        for id in set(self._due) - set(present):
            del self._due[id]
            r.log.info("diagnostic %s: settled", id)
        for id, spec in present.items():
            if now >= self._due.setdefault(id, now + self._settle_s):
                r.log.warning("diagnostic %s: %s: %s", id, spec.message, "; ".join(spec.details))
                self._due[id] = now + REPEAT_S
        if self._due:
            r.wake_after(max(0.0, min(self._due.values()) - now))
