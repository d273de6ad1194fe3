"""Runs the probes: each in its own task, at its own pace; what they find is ProbeStatus."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from talos.base import tasks
from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.machined.controllers.network import _probing
from talos.machinery.resources.network.probe_spec import ProbeSpec
from talos.machinery.resources.network.probe_status import ProbeStatus

_MINIMUM_INTERVAL_S = 0.05


@dataclass
class Judgement:
    """What many results in a row mean. A probe counts as failed until it succeeded once."""

    threshold: int
    failures: int = 0
    status: ProbeStatus.Spec = field(default_factory=ProbeStatus.Spec)

    def add(self, problem: str) -> bool:
        """Take one result (empty: success); returns whether the status changed.

        A success counts at once, a failure after `threshold` in a row (0 and 1: at once).
        """
        before = self.status
        if not problem:
            self.failures = 0
            self.status = ProbeStatus.Spec(success=True)
        else:
            self.failures += 1
            if self.failures >= self.threshold or not before.success:
                self.status = ProbeStatus.Spec(success=False, last_error=problem)
        return self.status != before


class _Runner:
    def __init__(self, spec: ProbeSpec.Spec, r: controller.Handle) -> None:
        self.spec, self.judgement, self._wake = spec, Judgement(spec.failure_threshold), r.wake
        self.owner = tasks.Owner("probe", r.log)
        self.looked = False
        self.owner.spawn(self._run(), spec.http.url or spec.tcp.endpoint)

    async def _run(self) -> None:
        pause_s = max(self.spec.interval.total_seconds(), _MINIMUM_INTERVAL_S)
        while True:
            changed = self.judgement.add(await _probing.once(self.spec))
            if changed or not self.looked:
                self.looked = True
                self._wake()
            await asyncio.sleep(pause_s)


class ProbeController(controller.Controller):
    """Probes follow the specs; statuses follow the results."""

    inputs = (controller.weak(ProbeSpec),)
    outputs = (controller.exclusive(ProbeStatus),)

    def __init__(self) -> None:
        self._running: dict[str, _Runner] = {}

    async def run(self, r: controller.Handle) -> None:
        """As usual; probes end with the controller."""
        try:
            await super().run(r)
        finally:
            for id in list(self._running):
                await self._running.pop(id).owner.close()

    async def reconcile(self, r: controller.Handle) -> None:
        """Start, stop, report."""
        wanted = {one.id: one.spec for one in await r.list(ProbeSpec) if one.metadata.phase is Phase.RUNNING}
        for id, runner in list(self._running.items()):
            if wanted.get(id) != runner.spec:
                await self._running.pop(id).owner.close()
        for id, spec in wanted.items():
            if id not in self._running:
                self._running[id] = _Runner(spec, r)
            runner = self._running[id]
            if runner.looked:
                await r.put(ProbeStatus(id, runner.judgement.status))
