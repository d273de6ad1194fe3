"""machined: where everything is put together, and nothing is decided.

    parts (state, logs, supervisor, events, sequencer) ─ wiring ─ controllers, API
         └─ initialize ─ boot ─ … until a sequence or a signal ends the machine, by the exit code (docs/design/init.md)

An exception on the way up is no reason to stay half up: machined ends, init starts it again, services are adopted.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from talos import platforms
from talos.base import clock, errors, tasks
from talos.base.constants import paths
from talos.cosi import inmem, state
from talos.cosi import runtime as runtimes
from talos.linux import pidfd, procfs
from talos.machined import (
    bootstrap,
    configuration,
    ephemeral,
    events,
    faces,
    image_cache,
    meta,
    sequences,
    stage,
    startup,
    systems,
    wiring,
)
from talos.machined.api import server
from talos.machined.modes import Mode
from talos.machined.sequencer import context as contexts
from talos.machined.sequencer import machine, phases
from talos.machined.sequencer.tasks import installing
from talos.machinery.resources import registry
from talos.supervisor import logs, supervisor
from talos.supervisor.containerd import client as containerd
from talos.supervisor.cri import client as cri
from talos.supervisor.runner import container, process
from talos.supervisor.service import Service

_log = logging.getLogger("machined")
BOOT_RETRY_S = 10.0
CRASHED = 1
_SECRET_ENVIRONMENT = ("USERDATA",)


class Machined:
    """The parts of one machined. Made inside the event loop."""

    def __init__(self) -> None:
        self.began = pidfd.start_time(os.getpid()) / procfs.CLOCK_TICKS
        self.tasks = tasks.Owner("machined")
        self.logs = logs.LogStore(paths.SERVICE_LOG_FIFOS)
        self.platform = platforms.current()
        self.mode = Mode[self.platform.mode.upper().replace("-", "_")]
        self.store = inmem.InMemory()
        self.controllers = runtimes.Runtime(self.store)
        self.events = events.EventBus()
        self.stage = stage.StageSource()
        self.configuration = configuration.Configuration(self.store)
        self.sequencer = machine.Sequencer(self.events)
        self.ending = contexts.Ending()
        self.containerd = containerd.Client()
        self.cri = cri.Client()
        self.components = wiring.Components()
        self.supervisor = supervisor.Supervisor(
            self.logs,
            paths.SERVICE_RECORDS,
            [process.ProcessAdopter(), container.ContainerAdopter(self.containerd)],
            self._service,
        )
        self.systems = systems.Systems(self.containerd, self.configuration, self.mode)
        self.context = contexts.Context(
            self.store,
            self.supervisor,
            self.logs,
            self.containerd,
            self.cri,
            self.mode,
            self.ending,
            systems=self.systems,
        )
        self._provide()

    def _provide(self) -> None:
        provide = self.components.provide
        provide(state.State, self.store)
        provide(inmem.InMemory, self.store)
        provide(runtimes.Runtime, self.controllers)
        provide(supervisor.Supervisor, self.supervisor)
        provide(logs.LogStore, self.logs)
        provide(containerd.Client, self.containerd)
        provide(cri.Client, self.cri)
        told_by = None if self.mode is Mode.CONTAINER else self.store
        provide(image_cache.ImageCache, image_cache.ImageCache(self.containerd, told_by=told_by))
        provide(events.EventBus, self.events)
        provide(stage.StageSource, self.stage)
        provide(machine.Sequencer, self.sequencer)
        provide(sequences.Starter, phases.Starter(self.sequencer, self.context))
        provide(configuration.Configuration, self.configuration)
        provide(meta.Meta, meta.Meta())
        provide(bootstrap.EtcdBootstrap, bootstrap.EtcdBootstrap())
        provide(systems.Systems, self.systems)
        provide(platforms.Platform, self.platform)
        provide(Mode, self.mode)
        provide(clock.Clock, clock.System())

    def _service(self, id: str) -> Service | None:
        """The supervisor's catalogue."""
        from talos.machined.services import _generated_index

        reference = _generated_index.SERVICES.get(id)
        if reference is None:
            return None
        made: Service = self.components.build(wiring.load(reference))
        return made

    def register_controllers(self) -> None:
        """Build every controller of this mode. Raises Permanent for one that cannot be built."""
        from talos.machined.controllers import _generated_index

        for reference, modes in _generated_index.CONTROLLERS:
            if Mode(modes) & self.mode:
                self.controllers.register(self.components.build(wiring.load(reference)))

    def machine_server(self) -> server.MachineServer:
        """Build the API with all handlers."""
        from talos.machined.api import _generated_index

        handlers = [self.components.build(wiring.load(reference)) for reference in _generated_index.HANDLERS]
        authorizer = server.Authorizer(
            lambda pid: "machined" if pid == os.getpid() else self.supervisor.service_of(pid),
            lambda: self.configuration.wanted,
        )
        return server.MachineServer(authorizer, handlers)

    async def run(self) -> int:
        """Bring the node up and wait for its end; returns the exit code."""
        self.sequencer.status.listeners.append(self._sequence_changed)
        startup.make_directories()
        startup.make_cgroups()
        startup.raise_limits()
        if self.mode is Mode.CONTAINER:
            ephemeral.prepare()
        self.register_controllers()
        runtime = self.tasks.spawn(self.controllers.run(), "controllers")
        api = self.machine_server()
        await api.serve()
        sockets = await faces.serve(self.store)
        await registry.publish(self.store)
        _log.info("API answers %.2f s after the start of the process", procfs.uptime_s() - self.began)
        self._handle_signals()
        boot = self.tasks.spawn(self._boot(), "boot")
        try:
            return await self._wait(boot, runtime)
        finally:
            await self.sequencer.close()
            await self.supervisor.detach()
            for face in sockets:
                await face.close(0.1)
            await api.close()
            await self.tasks.close()
            await self.logs.close()

    async def _wait(self, *guarded: asyncio.Task[Any]) -> int:
        """Return the exit code a task sets; a crash of what must not end is one as well."""
        ending = asyncio.ensure_future(self.ending.wait())
        done, _ = await asyncio.wait({ending, *guarded}, return_when=asyncio.FIRST_COMPLETED)
        while ending not in done:
            if any(task.exception() is not None for task in done if not task.cancelled()):
                return CRASHED
            pending = {task for task in guarded if not task.done()}
            done, _ = await asyncio.wait({ending, *pending}, return_when=asyncio.FIRST_COMPLETED)
        return ending.result()

    async def _boot(self) -> None:
        """Initialize, then boot or install. After a failure machined ends a little later, and init begins anew."""
        for name in (sequences.Name.INITIALIZE, sequences.Name.BOOT):
            try:
                running = await self._begin(name)
                await asyncio.shield(running)
            except asyncio.CancelledError:
                # Another sequence took over, or machined ends.
                return
            except errors.TalosError:
                await asyncio.sleep(BOOT_RETRY_S)
                raise
        gc.collect()
        gc.freeze()

    async def _begin(self, name: sequences.Name) -> asyncio.Task[None]:
        """Begin a sequence of the way up; a machine that is to be installed is installed instead of booted."""
        change = await installing.wanted(self.context) if name is sequences.Name.BOOT else None
        if change is None:
            return self.sequencer.start(name, phases.phases(name, self.context))
        install = phases.phases(sequences.Name.INSTALL, self.context.with_change(change))
        return self.sequencer.start(sequences.Name.INSTALL, install)

    def _sequence_changed(self) -> None:
        status = self.sequencer.status
        self.stage.update(status.running or "", booted=status.booted)

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._signalled, sequences.Name.SHUTDOWN)
        loop.add_signal_handler(signal.SIGINT, self._signalled, sequences.Name.REBOOT)
        if self.mode is not Mode.CONTAINER:
            self.tasks.spawn(self._watch_power_button(), "power button")

    async def _watch_power_button(self) -> None:
        # The way up does not wait for it.
        from talos.linux import acpi

        try:
            async for event in acpi.events():
                if event.device_class == acpi.POWER_BUTTON:
                    _log.info("the power button is pressed")
                    self._take_over(sequences.Name.SHUTDOWN)
        except (errors.Unsupported, OSError) as error:
            _log.info("the power button is not watched: %s", error)

    def _signalled(self, name: sequences.Name) -> None:
        """SIGTERM of a container's starter: shut down; SIGINT (ctrl-alt-del) of a machine: reboot. Both by force."""
        self._take_over(sequences.Name.SHUTDOWN if self.mode is Mode.CONTAINER else name)

    def _take_over(self, wanted: sequences.Name) -> None:
        """Begin a way down whatever else runs, but not while another one does."""
        if self.sequencer.status.running in {sequences.Name.SHUTDOWN, sequences.Name.RESET, sequences.Name.REBOOT}:
            return
        self.sequencer.start(wanted, phases.phases(wanted, self.context, force=True), force=True)


class _ServiceFormatter(logging.Formatter):
    """Lines of the machined log: time in UTC, level unless it is the usual one, logger, text."""

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno == logging.INFO else f"{record.levelname} "
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        text = f"{stamp}.{int(record.msecs):03d}Z [{record.name}] {level}{record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def set_up_logging(store: logs.LogStore) -> None:
    """Send records to the service logs (machined, controller-runtime) and to the console."""
    formatter = _ServiceFormatter()
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    # It tells of every call that a client cancels.
    logging.getLogger("grpclib").setLevel(logging.WARNING)
    handlers: list[tuple[logging.Handler, Callable[[logging.LogRecord], bool]]] = [
        (logging.StreamHandler(sys.stderr), lambda _: True),
        (logs.Handler(store, "machined"), lambda record: not record.name.startswith("controller")),
        (logs.Handler(store, "controller-runtime"), lambda record: record.name.startswith("controller")),
    ]
    for handler, wanted in handlers:
        handler.setFormatter(formatter)
        handler.addFilter(wanted)
        root.addHandler(handler)


async def _main() -> int:
    made = Machined()
    set_up_logging(made.logs)
    return await made.run()


def main() -> int:
    """Run machined; the exit code tells init what is to happen to the machine."""
    # Few, large generations: start-up makes many objects that stay.
    gc.set_threshold(20_000, 20, 50)
    code = CRASHED
    with contextlib.suppress(KeyboardInterrupt):
        code = asyncio.run(_main())
    return code


if __name__ == "__main__":
    sys.exit(main())
