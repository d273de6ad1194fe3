"""Ends a pod before memory runs out: the kernel acts late, when the machine no longer answers, and takes what is large.

Pressure is looked at twice a second. While nothing on the machine waits for memory, that is one small file.
"""

from __future__ import annotations

import collections
import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from talos.base import errors
from talos.cosi import controller
from talos.linux import cgroup, pressure, procfs
from talos.machined.modes import Mode
from talos.machinery.config.documents.runtime.oom import OOMConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.runtime.oom_action import OOMAction

if TYPE_CHECKING:
    from talos.machined.controllers.runtime import _oom

KEPT = 50
SAMPLE_S = 0.5
_WAITS = "some_total"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says; empty expressions are the defaults."""

    trigger: str = ""
    ranking: str = ""
    strict: bool = True
    sample_s: float = SAMPLE_S


def settings(document: OOMConfig | None) -> Settings:
    """Settings of a document."""
    if document is None:
        return Settings()
    return Settings(
        trigger=document.trigger_expression,
        ranking=document.cgroup_ranking_expression,
        strict=document.strict_cgroup_class_ordering is not False,
        sample_s=document.sample_interval.total_seconds() if document.sample_interval else SAMPLE_S,
    )


class OOMController(controller.Controller):
    """Looks, decides, ends a control group as a whole, and keeps a record of it."""

    modes = Mode.MACHINE
    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(OOMAction),)

    def __init__(self) -> None:
        self._root = cgroup.ROOT
        self._system: Path = pressure.SYSTEM
        self._waits = -1.0
        self._sample: _oom.Sample | None = None
        self._triggered = time.monotonic()
        self._actions: collections.deque[tuple[int, OOMAction.Spec]] = collections.deque(maxlen=KEPT)
        self._count = 0

    async def reconcile(self, r: controller.Handle) -> None:
        """One look."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        wanted = settings(active.documents.one(OOMConfig) if active is not None else None)
        try:
            waits = pressure.read(self._system)[_WAITS]
        except (OSError, KeyError, ValueError) as error:
            raise errors.Unsupported(f"the kernel does not say how memory is doing: {error}") from error
        r.wake_after(wanted.sample_s)
        quiet, self._waits = waits == self._waits, waits
        if quiet and not wanted.trigger:
            self._sample = None
        elif await self._must_act(wanted):
            await self._act(r, wanted)
        for number, spec in self._actions:
            await r.put(OOMAction(str(number), spec))

    async def _must_act(self, wanted: Settings) -> bool:
        from talos.machined.controllers.runtime import _oom
        from talos.machinery import cel

        now = _oom.look(self._root, self._system, time.monotonic())
        before, self._sample = self._sample or now, now
        seen = _oom.variables(now, before, now.at - self._triggered)
        return cel.matches(wanted.trigger or _oom.TRIGGER, "oom-trigger", seen)

    async def _act(self, r: controller.Handle, wanted: Settings) -> None:
        from talos.machined.controllers.runtime import _oom

        self._triggered = time.monotonic()
        chosen = _oom.rank(wanted.ranking or _oom.RANKING, _oom.candidates(self._root), strict=wanted.strict)
        if chosen is None:
            r.log.warning("memory runs out, and there is no pod to end")
            return
        victim, score = chosen
        tree = cgroup.Tree(cgroup.Version.V2, {"": self._root})
        processes = []
        for pid in sorted(tree.pids(victim.path)):
            with contextlib.suppress(OSError, errors.TalosError):
                processes.append(procfs.process(pid).command)
        r.log.warning("memory runs out: ending %s (score %g): %s", victim.path, score, ", ".join(processes))
        try:
            await tree.kill(victim.path)
        except errors.TimedOut as error:
            r.log.warning("%s", error)
        assert self._sample is not None
        context = ", ".join(f"{name}={value:g}" for name, value in sorted(self._sample.system.items()))
        spec = OOMAction.Spec(trigger_context=context, score=score, processes=tuple(processes))
        self._count += 1
        self._actions.append((self._count, spec))
