"""Which phases a sequence has in which mode: pure data, so that the order is tested as a table."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Awaitable, Callable

from talos.base import errors
from talos.machined.modes import Mode
from talos.machined.sequencer.context import Context
from talos.machined.sequencer.machine import DEFAULT_TASK_TIMEOUT_S, Phase, Sequencer, Task
from talos.machined.sequencer.tasks import config, draining, installing, machine, services, volumes, wiping
from talos.machined.sequences import Change, Name, Reset

Step = Callable[[Context], Awaitable[None]]
_TIMEOUTS: dict[Step, float] = {
    config.load_config: config.TIMEOUT_S,
    services.start_everything: services.BOOT_TIMEOUT_S,
    draining.cordon_and_drain: draining.TIMEOUT_S,
    wiping.wipe: wiping.TIMEOUT_S,
    installing.change: installing.CHANGE_TIMEOUT_S,
    installing.save_config: installing.CHANGE_TIMEOUT_S,
    installing.staged_upgrade: installing.CHANGE_TIMEOUT_S,
    volumes.find_system: volumes.TIMEOUT_S,
    volumes.mount_state: volumes.TIMEOUT_S,
    volumes.mount_ephemeral: volumes.TIMEOUT_S,
}


def _task_name(step: Step) -> str:
    """`start_everything` -> `startEverything`, as tasks are named in events."""
    first, *rest = getattr(step, "__name__", "task").split("_")
    return str(first + "".join(word.capitalize() for word in rest))


def _phase(context: Context, name: str, *steps: Step, tolerant: bool = False) -> Phase:
    made = [
        Task(_task_name(step), functools.partial(step, context), _TIMEOUTS.get(step, DEFAULT_TASK_TIMEOUT_S))
        for step in steps
    ]
    return Phase(name, made, tolerant)


def _initialize(context: Context) -> list[Phase]:
    container = context.mode is Mode.CONTAINER
    disks = [_phase(context, "meta", volumes.find_system), _phase(context, "state", volumes.mount_state)]
    return [
        *([] if container else [_phase(context, "systemRequirements", machine.system_requirements)]),
        _phase(context, "machined", services.start_machined, services.start_apid),
        *([] if container else disks),
        _phase(context, "config", config.load_config),
    ]


def _boot(context: Context) -> list[Phase]:
    container = context.mode is Mode.CONTAINER
    if container:
        storage = [
            _phase(context, "sharedFilesystems", machine.shared_filesystems),
            _phase(context, "ephemeral", machine.mount_ephemeral),
        ]
    else:
        # STATE once more: it may have been made for the configuration that came meanwhile.
        storage = [_phase(context, "state", volumes.mount_state), _phase(context, "ephemeral", volumes.mount_ephemeral)]
    return [
        _phase(context, "memorySizeCheck", machine.memory_size_check, tolerant=True),
        *storage,
        *([] if container else [_phase(context, "stagedUpgrade", installing.staged_upgrade)]),
        _phase(context, "startEverything", services.start_everything),
    ]


def _down(context: Context) -> list[Phase]:
    """The common end of every way down. Nothing here may keep the machine up."""
    unmount = machine.unmount_ephemeral if context.mode is Mode.CONTAINER else volumes.close
    return [
        _phase(context, "denyNewServices", services.deny_new_services, tolerant=True),
        _phase(context, "stopEverything", services.stop_everything, tolerant=True),
        _phase(context, "unmountEphemeral", unmount, tolerant=True),
    ]


def _reboot(context: Context, force: bool) -> list[Phase]:
    gentle = [] if force else [_phase(context, "cleanup", services.stop_pods, tolerant=True)]
    return [*gentle, *_down(context), _phase(context, "reboot", machine.reboot)]


def _drain(context: Context, force: bool) -> list[Phase]:
    """It may fail: an unreachable cluster keeps no machine up. Pods are stopped in any case."""
    return [] if force else [_phase(context, "drain", draining.cordon_and_drain, tolerant=True)]


def _install(context: Context) -> list[Phase]:
    """What is on the disk before the last phase is whole; a failure before that leaves the machine where it is."""
    return [
        _phase(context, "install", installing.change),
        _phase(context, "saveConfig", installing.save_config),
        *_reboot(context, force=True),
    ]


def _upgrade(context: Context, force: bool) -> list[Phase]:
    return [*_drain(context, force), _phase(context, "upgrade", installing.change), *_reboot(context, force=force)]


def _shutdown(context: Context, force: bool) -> list[Phase]:
    return [
        *_drain(context, force),
        _phase(context, "cleanup", services.stop_pods, tolerant=True),
        *_down(context),
        _phase(context, "shutdown", machine.shut_down),
    ]


def _reset(context: Context) -> list[Phase]:
    """Only a refusal of etcd stops it. What is wiped is wiped when nothing uses it any more."""
    graceful = context.reset.graceful
    end = machine.reboot if context.reset.reboot else machine.shut_down
    return [
        *_drain(context, force=not graceful),
        _phase(context, "cleanup", services.remove_pods if graceful else services.stop_pods, tolerant=True),
        *([_phase(context, "leave", services.leave_etcd)] if graceful else []),
        _phase(context, "preReset", wiping.withdraw, tolerant=True),
        *_down(context),
        _phase(context, "reset", wiping.wipe, tolerant=True),
        _phase(context, "reboot" if context.reset.reboot else "shutdown", end),
    ]


def phases(name: Name, context: Context, *, force: bool = False) -> list[Phase]:
    """Return the phases of a sequence. Raises Unsupported for one this mode does not have."""
    if name is Name.INITIALIZE:
        return _initialize(context)
    if name is Name.BOOT:
        return _boot(context)
    if name in (Name.REBOOT, Name.STAGE_UPGRADE):
        return _reboot(context, force)
    if name is Name.INSTALL and context.mode is not Mode.CONTAINER:
        return _install(context)
    if context.mode is not Mode.CONTAINER and name in (Name.UPGRADE, Name.MAINTENANCE_UPGRADE):
        return _upgrade(context, force or name is Name.MAINTENANCE_UPGRADE)
    if name is Name.SHUTDOWN:
        return _shutdown(context, force)
    if name is Name.RESET:
        return _reset(context)
    raise errors.Unsupported(f"sequence {name} is not supported in {context.mode.label} mode")


class Starter:
    """Begins sequences on a node; what the API and the signals use."""

    def __init__(self, sequencer: Sequencer, context: Context) -> None:
        self._sequencer, self._context = sequencer, context

    def begin(
        self, name: Name, *, force: bool = False, reset: Reset | None = None, change: Change | None = None
    ) -> str:
        """See `machined.sequences.Starter`. `force`: the sequence's gentler half is left out."""
        actor_id = str(uuid.uuid4())
        context = self._context if reset is None else self._context.with_reset(reset)
        context = context if change is None else context.with_change(change)
        self._sequencer.start(name, phases(name, context, force=force), actor_id=actor_id)
        return actor_id
