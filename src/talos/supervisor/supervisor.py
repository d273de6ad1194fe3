"""The supervisor: keeps services in the state somebody asked for.

One task per service drives it through the table of `machine`; everything the task does is bounded or cancellable.
`stop` ends the instance; `detach` ends only the supervision, so that the next machined adopts what runs.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import datetime
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from talos.base import errors, tasks
from talos.supervisor import condition, health, logs, machine
from talos.supervisor.machine import Event, State
from talos.supervisor.runner import Adopter, Exit, Instance
from talos.supervisor.service import Action, Restart, Service

EVENTS_KEPT = 64
CLEANUP_TIMEOUT_S = 30.0
_log = logging.getLogger("supervisor")


class NothingToRun(errors.TalosError):
    """Raised by `Service.prepare`: this node has nothing to run here; the service becomes Skipped."""


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """A change of state or health of a service."""

    service: str
    state: State
    message: str
    at: datetime.datetime
    health: health.Health


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a service."""

    id: str
    state: State
    health: health.Health
    has_health_check: bool
    events: tuple[ServiceEvent, ...]
    api_actions: frozenset[Action]

    @property
    def up(self) -> bool:
        """True when others that depend on the service may start."""
        if self.state in {State.FINISHED, State.SKIPPED}:
            return True
        return self.state is State.RUNNING and (not self.has_health_check or self.health.healthy is True)


@dataclass(eq=False)
class _Unit:
    service: Service
    state: State = State.INITIALIZED
    health: health.Health = field(default_factory=health.Health)
    events: collections.deque[ServiceEvent] = field(default_factory=lambda: collections.deque(maxlen=EVENTS_KEPT))
    task: asyncio.Task[None] | None = None
    instance: Instance | None = None
    detaching: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def status(self) -> Status:
        service = self.service
        return Status(
            service.id, self.state, self.health, service.health is not None, tuple(self.events), service.api_actions
        )


class Supervisor:
    """Owns all services of the node."""

    def __init__(
        self,
        log_store: logs.LogStore,
        records: Path,
        adopters: Iterable[Adopter] = (),
        catalogue: Callable[[str], Service | None] = lambda _: None,
    ) -> None:
        """`records`: directory of instance records; `catalogue`: makes a service by id at its first start."""
        self._logs = log_store
        self._records = records
        self._adopters = {adopter.kind: adopter for adopter in adopters}
        self._catalogue = catalogue
        self._units: dict[str, _Unit] = {}
        self._listeners: list[Callable[[ServiceEvent], None]] = []
        self._changed: set[asyncio.Future[None]] = set()
        self._tasks = tasks.Owner("supervisor")
        self._refusing = False

    # --- what is there

    def load(self, service: Service) -> None:
        """Make a service known (state Initialized). Raises AlreadyExists."""
        if service.id in self._units:
            raise errors.AlreadyExists(f"service {service.id!r} is loaded")
        unit = self._units[service.id] = _Unit(service)
        self._publish(unit, "service is known")

    async def unload(self, id: str) -> None:
        """Stop the service and forget it. An unknown id is no error."""
        if id in self._units:
            await self.stop(id)
            self._units.pop(id, None)

    def status(self, id: str) -> Status:
        """Return what is known of a service. Raises NotFound."""
        return self._unit(id).status()

    def statuses(self) -> list[Status]:
        """Return all loaded services, sorted by id."""
        return [self._units[name].status() for name in sorted(self._units)]

    def loaded(self, id: str) -> bool:
        """Tell whether the service is loaded."""
        return id in self._units

    def service_of(self, pid: int) -> str | None:
        """Return the id of the service whose running instance is this process."""
        return next((name for name, unit in self._units.items() if unit.instance and pid in unit.instance.pids()), None)

    def subscribe(self, listener: Callable[[ServiceEvent], None]) -> Callable[[], None]:
        """Call `listener` on every change; the result ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # --- what is wanted

    async def start(self, id: str) -> None:
        """Start the service unless it is on its way already. Raises NotFound, Denied after `refuse_starts`."""
        if self._refusing:
            raise errors.Denied(f"service {id!r} is not started any more: the machine goes down")
        if id not in self._units and (service := self._catalogue(id)) is not None:
            self.load(service)
        unit = self._unit(id)
        async with unit.lock:
            if unit.task is None or unit.task.done():
                self._fire(unit, Event.START, "start was asked for")
                unit.detaching = False
                unit.task = self._tasks.spawn(self._drive(unit), id)

    async def stop(self, id: str, *, with_dependents: bool = False) -> None:
        """Stop the service and return when it is down. With dependents, those that need it are stopped before."""
        unit = self._unit(id)
        if with_dependents:
            for other in self._dependents(id):
                await self.stop(other)
        async with unit.lock:
            if unit.task is not None and not unit.task.done():
                unit.task.cancel()
                await asyncio.wait([unit.task])
                if not unit.state.resting and unit.instance is None:
                    # Cancelled before its first step: the task could not do this itself.
                    self._fire(unit, Event.STOP, "stop was asked for")
                    self._fire(unit, Event.END, "stopped")

    async def restart(self, id: str) -> None:
        """Stop the service if it runs, and start it."""
        await self.stop(id)
        await self.start(id)

    def refuse_starts(self) -> None:
        """Let every later start fail: a sequence that ends the machine has begun."""
        self._refusing = True

    def allow_starts(self) -> None:
        """Undo `refuse_starts`."""
        self._refusing = False

    async def stop_all(self, timeout_s: float, *, keep: Iterable[str] = ()) -> None:
        """Stop everything, dependents before what they need. Raises TimedOut naming what still runs."""
        kept = set(keep)
        try:
            async with asyncio.timeout(timeout_s):
                remaining = self._active(kept)
                while remaining:
                    free = {name for name in remaining if not remaining.intersection(self._dependents(name))}
                    # A circle of dependents cannot be ordered; end it all at once.
                    free = free or remaining
                    await asyncio.gather(*(self.stop(name) for name in free))
                    remaining -= free
        except TimeoutError:
            names = ", ".join(sorted(self._active(kept)))
            raise errors.TimedOut(f"services still running after {timeout_s:g} s: {names}") from None

    def _active(self, kept: set[str]) -> set[str]:
        return {name for name, unit in self._units.items() if name not in kept and not unit.state.resting}

    async def detach(self) -> None:
        """End the supervision; instances that leave records go on."""
        for unit in self._units.values():
            unit.detaching = True
        await self._tasks.close()

    async def wait_up(self, id: str, timeout_s: float) -> Status:
        """Return when the service is up. Raises TimedOut with its last event."""
        return await self._wait(id, lambda status: status.up, "be up", timeout_s)

    async def wait_down(self, id: str, timeout_s: float) -> Status:
        """Return when the service rests. Raises TimedOut with its last event."""
        return await self._wait(id, lambda status: status.state.resting, "be down", timeout_s)

    async def _wait(self, id: str, predicate: Callable[[Status], bool], text: str, timeout_s: float) -> Status:
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    unit = self._units.get(id)
                    if unit is not None and predicate(unit.status()):
                        return unit.status()
                    await self._change()
        except TimeoutError:
            unit = self._units.get(id)
            last = f"{unit.state}: {unit.events[-1].message}" if unit and unit.events else "not loaded"
            raise errors.TimedOut(f"service {id} did not come to {text} within {timeout_s:g} s ({last})") from None

    async def _change(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._changed.add(waiter)
        try:
            await waiter
        finally:
            self._changed.discard(waiter)

    def _unit(self, id: str) -> _Unit:
        try:
            return self._units[id]
        except KeyError:
            raise errors.NotFound(f"service {id!r} is not known") from None

    def _dependents(self, id: str) -> list[str]:
        return [other for other, unit in self._units.items() if id in unit.service.depends_on]

    # --- the life of one service

    async def _drive(self, unit: _Unit) -> None:
        outcome: Exit | None = None
        try:
            unit.instance = await self._adopt(unit)
            outcome = await self._run(unit)
        except asyncio.CancelledError:
            if unit.detaching:
                raise
            outcome = await self._end(unit)
        except NothingToRun as reason:
            self._fire(unit, Event.SKIP, str(reason))
        if outcome is None and unit.state is State.SKIPPED:
            return
        try:
            async with asyncio.timeout(CLEANUP_TIMEOUT_S):
                await unit.service.cleanup(outcome)
        except Exception as error:
            _log.exception("service %s: clean-up failed: %s", unit.service.id, error)

    async def _run(self, unit: _Unit) -> Exit | None:
        """Start instances until the policy says that it is enough; returns how the last one ended."""
        service, failures, prepared = unit.service, 0, False
        while True:
            outcome: Exit | None = None
            began = time.monotonic()
            try:
                if unit.instance is None:
                    if not (prepared and service.still_prepared()):
                        prepared = False
                        await self._prepare(unit)
                        prepared = True
                    await self._launch(unit)
                instance = unit.instance
                assert instance is not None
                outcome = await self._watch(unit, instance)
                text = f"{instance.description} ended: {_describe(instance, outcome)}"
            except NothingToRun:
                raise
            except Exception as error:
                _log.debug("service %s", service.id, exc_info=True)
                text = f"start failed: {error or type(error).__name__}"
            self._forget(unit)
            ok = outcome is not None and outcome.ok
            if service.restart is Restart.ONCE or (ok and service.restart is Restart.UNTIL_SUCCESS):
                self._fire(unit, Event.END if ok else Event.FAIL, text)
                return outcome
            failures = 1 if time.monotonic() - began > service.backoff.reset_s else failures + 1
            pause_s = service.backoff.pause_s(failures)
            self._fire(unit, Event.RETRY, f"{text}; starting again " + (f"in {pause_s:g} s" if pause_s else "now"))
            await asyncio.sleep(pause_s)

    async def _prepare(self, unit: _Unit) -> None:
        service = unit.service
        waits: list[condition.Condition] = [self._up_condition(name) for name in service.depends_on]
        waits += service.conditions()

        def missing(texts: Sequence[str]) -> None:
            self._fire(unit, Event.BLOCK, f"waiting for {', '.join(texts)}")

        await condition.wait_all(waits, missing)
        self._fire(unit, Event.PREPARE, "preparing")
        await service.prepare()

    def _up_condition(self, id: str) -> condition.Condition:
        async def wait() -> None:
            while not (id in self._units and self._units[id].status().up):
                await self._change()

        return condition.Call(f"service {id} to be up", wait)

    async def _launch(self, unit: _Unit) -> None:
        """Start an instance. A cancellation waits for the start to finish: half-started things are never forgotten."""
        fifo = self._logs.fifo(unit.service.id)
        starting = asyncio.ensure_future(unit.service.runner().start(unit.service.id, fifo))
        try:
            unit.instance = await asyncio.shield(starting)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                unit.instance = await asyncio.wait_for(starting, 30)
            raise
        self._remember(unit)
        self._fire(unit, Event.LAUNCH, f"started {unit.instance.description}")

    async def _watch(self, unit: _Unit, instance: Instance) -> Exit:
        check = unit.service.health
        if check is None:
            return await instance.wait()
        probing = self._tasks.spawn(self._probe(unit, check), f"{unit.service.id}-health")
        try:
            return await instance.wait()
        finally:
            probing.cancel()
            unit.health = health.Health()

    async def _probe(self, unit: _Unit, check: health.HealthCheck) -> None:
        await asyncio.sleep(check.initial_delay_s)
        pause_s = min(0.1, check.interval_s)
        while True:
            found = await health.probe(check)
            known = unit.health
            if (found.healthy, found.message) != (known.healthy, known.message):
                unit.health = found
                # Failures before the first success are the normal course of a start: no event for each text.
                if found.healthy or known.healthy is not False:
                    self._publish(unit, "health check succeeded" if found.healthy else f"not healthy: {found.message}")
                else:
                    self._wake()
            pause_s = check.interval_s if found.healthy else min(pause_s * 1.5, check.interval_s)
            await asyncio.sleep(pause_s)

    async def _end(self, unit: _Unit) -> Exit | None:
        """Carry out a stop: end the instance if there is one."""
        instance, service = unit.instance, unit.service
        if unit.state.resting:
            return None
        text = "stop was asked for" if instance is None else f"ending {instance.description}"
        self._fire(unit, Event.STOP, text)
        outcome: Exit | None = None
        try:
            if instance is not None:
                async with asyncio.timeout(service.stop_grace_s + 20):
                    outcome = await instance.stop(service.stop_grace_s)
        except Exception as error:
            self._fire(unit, Event.FAIL, f"could not be ended: {error or type(error).__name__}")
            return None
        self._forget(unit)
        self._fire(unit, Event.END, "stopped" if outcome is None else f"stopped: {outcome}")
        return outcome

    # --- records of instances

    def _record_path(self, unit: _Unit) -> Path:
        return self._records / f"{unit.service.id}.json"

    def _remember(self, unit: _Unit) -> None:
        record = unit.instance.record() if unit.instance else None
        if record is None:
            return
        path = self._record_path(unit)
        scratch = path.with_suffix(".new")
        try:
            self._records.mkdir(parents=True, exist_ok=True, mode=0o700)
            scratch.write_text(json.dumps(record))
            scratch.replace(path)
        except OSError as error:
            # The service runs; only a restarted machined will not find it.
            _log.error("service %s: no record: %s", unit.service.id, error)

    def _forget(self, unit: _Unit) -> None:
        unit.instance = None
        unit.health = health.Health()
        with contextlib.suppress(OSError):
            self._record_path(unit).unlink(missing_ok=True)

    async def _adopt(self, unit: _Unit) -> Instance | None:
        try:
            record: Mapping[str, object] = json.loads(self._record_path(unit).read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.warning("service %s: record is not readable: %s", unit.service.id, error)
            return None
        adopter = self._adopters.get(str(record.get("kind")))
        try:
            instance = None if adopter is None else await adopter.adopt(unit.service.id, record)
        except (errors.TalosError, OSError) as error:
            _log.warning("service %s: cannot be taken over: %s", unit.service.id, error)
            instance = None
        if instance is None:
            return None
        self._logs.fifo(unit.service.id)
        self._fire(unit, Event.ADOPT, f"took over {instance.description}", instance)
        return instance

    # --- telling

    def _fire(self, unit: _Unit, event: Event, message: str, instance: Instance | None = None) -> None:
        unit.state = machine.step(unit.state, event)
        if instance is not None:
            unit.instance = instance
        self._publish(unit, message)

    def _publish(self, unit: _Unit, message: str) -> None:
        now = datetime.datetime.now(datetime.UTC)
        event = ServiceEvent(unit.service.id, unit.state, message, now, unit.health)
        unit.events.append(event)
        _log.info("service[%s](%s): %s", unit.service.id, unit.state, message)
        for listener in list(self._listeners):
            listener(event)
        self._wake()

    def _wake(self) -> None:
        for waiter in self._changed:
            if not waiter.done():
                waiter.set_result(None)


def _describe(instance: Instance, outcome: Exit) -> str:
    error = getattr(instance, "error", None)
    return f"{outcome} ({error})" if error else str(outcome)
