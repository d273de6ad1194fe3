"""Putting a system on the disk and making it the next to boot."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from talos.base import errors
from talos.base.constants import partitions, paths
from talos.cosi import state
from talos.machined import config_file
from talos.machined.modes import Mode
from talos.machined.sequencer.context import EXIT_REBOOT, Context
from talos.machined.sequences import Change
from talos.machinery.resources.block.disk import Disk
from talos.machinery.resources.block.volume_mount_request import VolumeMountRequest
from talos.machinery.resources.block.volume_mount_status import VolumeMountStatus
from talos.machinery.resources.config.machine_config import PERSISTENT_ID, MachineConfig

if TYPE_CHECKING:
    from talos.machined.systems import Systems
    from talos.machinery.config import container

_log = logging.getLogger("installer")
CHANGE_TIMEOUT_S = 1800.0
STATE_TIMEOUT_S = 300.0
DISK_TIMEOUT_S = 60.0
_REQUESTER = "sequencer"
"""Its requests are taken back when volumes are closed (tasks/volumes)."""


async def change(context: Context) -> None:
    """Do what the sequence is for."""
    if context.change is not None:
        await context.change()


def _say(text: str) -> None:
    _log.info("%s", text)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the configuration wants the system. `match`: an expression for the disk, if it is not named."""

    disk: str
    match: str
    image: str
    wipe: bool


def target(config: container.Container) -> Target | None:
    """What a configuration says of installation; None when it says nothing."""
    from talos.machinery.config.documents.runtime import unattended_install

    found = config.one(unattended_install.UnattendedInstallConfig)
    if found is not None and found.provisioning is not None and found.provisioning.disk_selector is not None:
        image = found.installer.image if found.installer is not None else ""
        return Target("", found.provisioning.disk_selector.match, image, bool(found.provisioning.wipe))
    old = config.v1alpha1
    install = old.machine.install if old is not None and old.machine is not None else None
    if install is None or not install.disk:
        return None
    return Target(install.disk, "", install.image, bool(install.wipe))


async def wanted(context: Context) -> Change | None:
    """The installation that the configuration asks for, on a machine where nothing is installed."""
    found = await state.find(context.store, MachineConfig, PERSISTENT_ID)
    systems = context.systems
    if found is None or systems is None or context.mode is not Mode.METAL:
        return None
    if await asyncio.to_thread(systems.machine.installed):
        return None
    from talos.machinery.config import loader

    place = target(loader.load(found.spec.source, name="machine config"))
    if place is None:
        return None

    async def run() -> None:
        disk = place.disk or await _matching(context, place.match)
        await _install(systems, disk, place.image, place.wipe)

    return run


async def _matching(context: Context, match: str) -> str:
    """The one disk an expression is true for; disks may still be appearing. Raises NotFound, Conflict, Invalid."""
    from talos.machinery import cel

    deadline = time.monotonic() + DISK_TIMEOUT_S
    while True:
        disks = [disk for disk in await context.store.list(Disk) if not (disk.spec.cdrom or disk.spec.readonly)]
        fitting = [
            disk.spec.dev_path
            for disk in disks
            if cel.matches(match, "disk", {"disk": disk.spec, "system_disk": False})
        ]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise errors.Conflict(f"more than one disk matches {match!r}: {', '.join(sorted(fitting))}")
        if time.monotonic() > deadline:
            seen = ", ".join(sorted(disk.spec.dev_path for disk in disks)) or "none"
            raise errors.NotFound(f"no disk matches {match!r}; there are: {seen}")
        await asyncio.sleep(1.0)


async def _install(systems: Systems, disk: str, image: str, wipe: bool) -> None:
    from talos.machined.systems import Wish

    async with systems.changing:
        system = await systems.obtain(Wish(image), _say)
        await systems.ask(system, _say)
        await systems.install(disk, system, wipe=wipe, say=_say)


async def save_config(context: Context) -> None:
    """Let the installed system find the configuration. Raises TimedOut when STATE does not come up."""
    found = await state.find(context.store, MachineConfig, PERSISTENT_ID)
    if found is None:
        return
    request = f"{_REQUESTER}/{partitions.STATE}"
    spec = VolumeMountRequest.Spec(volume_id=partitions.STATE, requester=_REQUESTER)
    await state.put(context.store, VolumeMountRequest(request, spec))
    mounted = await state.wait_for(
        context.store, VolumeMountStatus, request, lambda status: status is not None, timeout_s=STATE_TIMEOUT_S
    )
    if mounted is None:
        raise errors.TimedOut("STATE was not mounted")
    place = config_file.ConfigFile(paths.STATE / paths.CONFIG_FILENAME)
    await asyncio.to_thread(place.write, found.spec.source)
    _log.info("configuration written to STATE")


async def staged_upgrade(context: Context) -> None:
    """Install what was staged for this boot, and boot again. Whatever is wrong with it, this boot goes on."""
    systems = context.systems
    if systems is None:
        return
    try:
        async with systems.changing:
            found = await asyncio.to_thread(systems.take_staged)
            if found is None:
                return
            await systems.upgrade(found, _say)
    except (errors.TalosError, OSError) as error:
        _log.error("the staged upgrade was not made: %s", error)
        return
    _log.info("the staged upgrade is made; booting it")
    context.ending.set(EXIT_REBOOT)
    await asyncio.sleep(CHANGE_TIMEOUT_S)
