"""The life of a node in machine.MachineService: configuration, reboot, shutdown, reset.

The ways down answer as soon as the sequence is under way; its progress is in the events, under the actor id of the
answer. What a node in namespaces cannot do is refused by name.
"""

from __future__ import annotations

import asyncio
import logging
from typing import ClassVar

from talos.base import errors
from talos.cosi import state
from talos.machined import configuration, modes, quorum, resetting, sequences, systems
from talos.machined.api import Handlers
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.config import container, loader
from talos.machinery.resources.block.disk import Disk
from talos.machinery.resources.block.system_disk import SYSTEM_DISK_ID, SystemDisk
from talos.machinery.resources.block.volume_status import VolumeStatus
from talos.machinery.rpc import server as rpc
from talos.machinery.types.block import VolumeType

_log = logging.getLogger("installer")
TRY_TIMEOUT_S = 60.0
_Mode = machine_pb2.ApplyConfigurationRequest


class Lifecycle(Handlers):
    """ApplyConfiguration, Reboot, Shutdown, Reset; Upgrade and its kind where they are supported."""

    service: ClassVar[str] = "machine.MachineService"

    def __init__(
        self,
        mode: modes.Mode,
        starter: sequences.Starter,
        config: configuration.Configuration,
        systems: systems.Systems,
        store: state.State,
    ) -> None:
        self._mode, self._starter, self._config, self._systems = mode, starter, config, systems
        self._store = store

    # --- configuration

    async def apply_configuration(
        self, request: machine_pb2.ApplyConfigurationRequest, call: rpc.Call
    ) -> machine_pb2.ApplyConfigurationResponse:
        """Check a configuration, and put it in force, on disk, or both, as the mode says."""
        if self._config.changing.locked():
            raise errors.Conflict("another configuration is being applied")
        async with self._config.changing:
            return await self._checked(request)

    async def _checked(self, request: machine_pb2.ApplyConfigurationRequest) -> machine_pb2.ApplyConfigurationResponse:
        new = loader.load(request.data, name="configuration")
        warnings = configuration.check(new, self._mode.label)
        active = await self._config.active()
        current = loader.load(active, name="machine config") if active is not None else None
        mode = _Mode.NO_REBOOT if request.mode == _Mode.AUTO else request.mode
        if request.try_mode_timeout.seconds < 0:
            raise errors.Invalid("the timeout of a trial is a time from now on, it can not be negative")
        if self._config.wanted or current is None:
            if mode in (_Mode.TRY, _Mode.STAGED):
                raise errors.Invalid("a machine without a configuration has nothing it could go on with meanwhile")
        elif new.v1alpha1 is None:
            raise errors.Invalid("the configuration of a running node needs its v1alpha1 document")
        elif mode in (_Mode.NO_REBOOT, _Mode.TRY):
            late = configuration.waits_for_boot(current, new)
            warnings += [f"{setting}: the change takes effect at the next boot" for setting in late]
        details = _dry_run_text(current, new, mode) if request.dry_run else await self._apply(request, mode)
        message = machine_pb2.ApplyConfiguration(warnings=warnings, mode=mode, mode_details=details)
        return machine_pb2.ApplyConfigurationResponse(messages=[message])

    async def _apply(
        self, request: machine_pb2.ApplyConfigurationRequest, mode: machine_pb2.ApplyConfigurationRequest.Mode.ValueType
    ) -> str:
        if mode == _Mode.TRY:
            given = request.try_mode_timeout.ToTimedelta() if request.HasField("try_mode_timeout") else None
            seconds = given.total_seconds() if given else TRY_TIMEOUT_S
            await self._config.try_out(request.data, seconds)
            return f"The configuration is in force for {seconds:g} s."
        if mode == _Mode.NO_REBOOT:
            await self._config.accept(request.data)
            return "The configuration is in force."
        before = await self._config.persistent()
        await self._config.stage(request.data)
        if mode == _Mode.REBOOT:
            try:
                self._starter.begin(sequences.Name.REBOOT)
            except errors.TalosError:
                if before is not None:
                    await self._config.persist(before)
                raise
            return "The configuration is written; the node reboots."
        return "The configuration is written and taken at the next boot."

    # --- ways down

    async def reboot(self, request: machine_pb2.RebootRequest, call: rpc.Call) -> machine_pb2.RebootResponse:
        """Stop everything and have the node started again. Raises NotReady when etcd would lose its quorum meanwhile.

        An etcd that does not answer is no obstacle: a reboot may be what it needs.
        """
        force = request.mode == machine_pb2.RebootRequest.FORCE
        await quorum.check(force=force, answered=False, otherwise="--mode force")
        actor_id = self._starter.begin(sequences.Name.REBOOT, force=force)
        return machine_pb2.RebootResponse(messages=[machine_pb2.Reboot(actor_id=actor_id)])

    async def shutdown(self, request: machine_pb2.ShutdownRequest, call: rpc.Call) -> machine_pb2.ShutdownResponse:
        """Stop everything and the node."""
        actor_id = self._starter.begin(sequences.Name.SHUTDOWN, force=request.force)
        return machine_pb2.ShutdownResponse(messages=[machine_pb2.Shutdown(actor_id=actor_id)])

    async def reset(self, request: machine_pb2.ResetRequest, call: rpc.Call) -> machine_pb2.ResetResponse:
        """Take the node out of its cluster (gracefully), stop it and wipe what the request names.

        Raises NotReady for a graceful reset that leaves etcd without a quorum, Invalid and NotFound for what cannot
        be wiped.
        """
        reset = resetting.plan(request, await self._storage())
        if request.graceful:
            await quorum.check_leave()
        actor_id = self._starter.begin(sequences.Name.RESET, reset=reset)
        return machine_pb2.ResetResponse(messages=[machine_pb2.Reset(actor_id=actor_id)])

    async def _storage(self) -> resetting.Storage | None:
        if self._mode is modes.Mode.CONTAINER:
            return None
        disks = await self._store.list(Disk)
        system = await state.find(self._store, SystemDisk, SYSTEM_DISK_ID)
        partitioned = {VolumeType.PARTITION, VolumeType.DISK}
        return resetting.Storage(
            system_disk=system.spec.dev_path if system is not None else "",
            disks=frozenset(disk.spec.dev_path for disk in disks),
            read_only=frozenset(disk.spec.dev_path for disk in disks if disk.spec.readonly),
            volumes={
                one.id: one.spec.location
                for one in await self._store.list(VolumeStatus)
                if one.spec.location and one.spec.type in partitioned
            },
        )

    # --- other systems

    async def upgrade(self, request: machine_pb2.UpgradeRequest, call: rpc.Call) -> machine_pb2.UpgradeResponse:
        """Fetch and check a system, then install it beside the present one and boot it; or stage it for the next boot.

        Answers when the system was found fit; what comes then is in the events.
        """
        self._systems.supported()
        self._systems.busy()
        if not request.image:
            raise errors.Invalid("the request names no image")
        wish = systems.Wish(request.image, force=request.force)
        if not await asyncio.to_thread(self._systems.machine.installed):
            raise errors.NotReady("no system is installed on this machine")
        await quorum.check(force=request.force)
        async with self._systems.changing:
            if request.stage:
                await self._systems.stage(wish, _log.info)
                actor_id = self._starter.begin(sequences.Name.STAGE_UPGRADE)
                return _upgrading("the upgrade is staged for the next boot", actor_id)
            found = await self._systems.obtain(wish, _log.info)
            await self._systems.check_room(found)
            if not request.force:
                await self._systems.ask(found, _log.info)

        async def change() -> None:
            async with self._systems.changing:
                await self._systems.upgrade(found, _log.info)

        name = sequences.Name.MAINTENANCE_UPGRADE if self._config.wanted else sequences.Name.UPGRADE
        return _upgrading("the upgrade is under way", self._starter.begin(name, change=change))

    async def rollback(self, request: machine_pb2.RollbackRequest, call: rpc.Call) -> machine_pb2.RollbackResponse:
        """Make the system before this one the next, and reboot."""
        self._systems.supported()
        self._systems.busy()
        await quorum.check(force=False)
        async with self._systems.changing:
            await self._systems.roll_back()
        self._starter.begin(sequences.Name.REBOOT)
        return machine_pb2.RollbackResponse(messages=[machine_pb2.Rollback()])


def _upgrading(text: str, actor_id: str) -> machine_pb2.UpgradeResponse:
    return machine_pb2.UpgradeResponse(messages=[machine_pb2.Upgrade(ack=text, actor_id=actor_id)])


def _dry_run_text(
    old: container.Container | None,
    new: container.Container,
    mode: machine_pb2.ApplyConfigurationRequest.Mode.ValueType,
) -> str:
    name = _Mode.Mode.Name(mode).lower().replace("_", "-")
    changes = configuration.diff(old, new) or "No changes.\n"
    return f"Dry run: nothing was changed. It would be applied in mode {name!r}.\n{changes}"
