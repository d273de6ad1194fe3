"""The sequencer: runs one sequence at a time, phase after phase, the tasks of a phase at once.

Sequences only order what must not happen at the same time as anything else: boot and the ways down. Which sequence may
interrupt which is a table. Starts and ends are published as machine events, with the actor id of the request.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from talos.base import errors, tasks
from talos.machined.events import EventBus
from talos.machined.sequences import Name
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2

_log = logging.getLogger("sequencer")
DEFAULT_TASK_TIMEOUT_S = 120.0


TAKES_OVER: dict[Name, frozenset[Name]] = {
    Name.INITIALIZE: frozenset({Name.MAINTENANCE_UPGRADE, Name.REBOOT}),
    Name.BOOT: frozenset({Name.REBOOT, Name.RESET, Name.UPGRADE}),
    Name.REBOOT: frozenset({Name.REBOOT}),
    Name.RESET: frozenset({Name.REBOOT}),
}
"""Running sequence -> sequences that may interrupt it. `force` (signals) interrupts anything."""


class Locked(errors.Conflict):
    """Another sequence runs and may not be interrupted."""


@dataclass(frozen=True, slots=True)
class Task:
    """One step. `run` may be cancelled at any await; it is, after `timeout_s`."""

    name: str
    run: Callable[[], Awaitable[None]]
    timeout_s: float = DEFAULT_TASK_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Phase:
    """Tasks that run at once. A failure ends the sequence unless `tolerant`: then it is logged."""

    name: str
    tasks: Sequence[Task]
    tolerant: bool = False


@dataclass
class Status:
    """What the machine is doing. `booted`: the boot sequence has ended well."""

    running: Name | None = None
    booted: bool = False
    failed: Name | None = None
    listeners: list[Callable[[], None]] = field(default_factory=list)

    def changed(self) -> None:
        """Tell everybody who asked."""
        for listener in list(self.listeners):
            listener()


class Sequencer:
    """Runs sequences."""

    def __init__(self, events: EventBus) -> None:
        self._events = events
        self._current: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._tasks = tasks.Owner("sequencer")
        self.status = Status()

    def may_start(self, name: Name, *, force: bool = False) -> None:
        """Raises Locked when the running sequence may not be interrupted by `name`."""
        running = self.status.running
        if running is not None and not force and name not in TAKES_OVER.get(running, frozenset()):
            raise Locked(f"sequence {name} is locked out by {running}, which is running")

    def start(
        self, name: Name, phases: Sequence[Phase], *, actor_id: str = "", force: bool = False
    ) -> asyncio.Task[None]:
        """Begin a sequence in the background, after interrupting the running one if that is allowed."""
        self.may_start(name, force=force)
        previous, self.status.running = self._current, name
        self.status.changed()
        made = self._tasks.spawn(self._run(name, phases, actor_id, previous), name)
        self._current = made
        return made

    async def _run(
        self, name: Name, phases: Sequence[Phase], actor_id: str, previous: asyncio.Task[None] | None
    ) -> None:
        if previous is not None and not previous.done():
            previous.cancel()
            await asyncio.wait([previous])
        async with self._lock:
            began = time.monotonic()
            self._publish(name, machine_pb2.SequenceEvent.START, actor_id)
            _log.info("sequence %s begins", name)
            try:
                for number, phase in enumerate(phases, 1):
                    await self._phase(phase, f"{number}/{len(phases)}", actor_id)
            except asyncio.CancelledError:
                self._publish(name, machine_pb2.SequenceEvent.NOOP, actor_id, "interrupted", common_pb2.CANCELED)
                raise
            except Exception as error:
                self._publish(name, machine_pb2.SequenceEvent.NOOP, actor_id, str(error), common_pb2.FATAL)
                _log.error("sequence %s failed after %.1f s: %s", name, time.monotonic() - began, error)
                self._ended(name, failed=True)
                raise
            self._publish(name, machine_pb2.SequenceEvent.STOP, actor_id)
            _log.info("sequence %s done in %.1f s", name, time.monotonic() - began)
            self._ended(name, failed=False)

    def _ended(self, name: Name, *, failed: bool) -> None:
        if self._current is asyncio.current_task():
            self.status.running = None
        self.status.failed = name if failed else None
        if name is Name.BOOT and not failed:
            self.status.booted = True
        self.status.changed()

    async def _phase(self, phase: Phase, number: str, actor_id: str) -> None:
        began = time.monotonic()
        self._events.publish(machine_pb2.PhaseEvent(phase=phase.name, action=machine_pb2.PhaseEvent.START), actor_id)
        results = await asyncio.gather(*(self._task(task, actor_id) for task in phase.tasks), return_exceptions=True)
        self._events.publish(machine_pb2.PhaseEvent(phase=phase.name, action=machine_pb2.PhaseEvent.STOP), actor_id)
        _log.info("phase %s (%s) done in %.2f s", phase.name, number, time.monotonic() - began)
        for task, result in zip(phase.tasks, results, strict=True):
            if not isinstance(result, BaseException):
                continue
            if not phase.tolerant or isinstance(result, asyncio.CancelledError):
                raise result
            _log.error("task %s failed, going on: %s", task.name, result)

    async def _task(self, task: Task, actor_id: str) -> None:
        self._events.publish(machine_pb2.TaskEvent(task=task.name, action=machine_pb2.TaskEvent.START), actor_id)
        try:
            async with asyncio.timeout(task.timeout_s):
                await task.run()
        except TimeoutError:
            raise errors.TimedOut(f"task {task.name} did not end within {task.timeout_s:g} s") from None
        except errors.TalosError as error:
            error.add_note(f"in task {task.name}")
            raise
        finally:
            self._events.publish(machine_pb2.TaskEvent(task=task.name, action=machine_pb2.TaskEvent.STOP), actor_id)

    def _publish(
        self,
        name: Name,
        action: machine_pb2.SequenceEvent.Action.ValueType,
        actor_id: str,
        message: str = "",
        code: common_pb2.Code.ValueType = common_pb2.FATAL,
    ) -> None:
        event = machine_pb2.SequenceEvent(sequence=name, action=action)
        if message:
            event.error.code, event.error.message = code, message
        self._events.publish(event, actor_id)

    async def close(self) -> None:
        """Cancel what runs."""
        await self._tasks.close()
