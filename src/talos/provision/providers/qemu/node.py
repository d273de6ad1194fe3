"""Steps for one virtual machine: the process that runs it, and the configuration it is given."""

from __future__ import annotations

import asyncio
import math
from typing import ClassVar

from talos.base import errors
from talos.machinery.rpc import status
from talos.provision import configs, plan, ready
from talos.provision.api import Api, Maintenance
from talos.provision.providers.namespaces import launch, resident
from talos.provision.providers.namespaces import node as containers
from talos.provision.providers.qemu import accelerator, disks, hardware, programs, segment, settings
from talos.provision.request import MIB, Node, Role
from talos.provision.state import Cluster

_GRACE_S = 60.0
_POLL_S = 0.5
_LOG_LINES = 15


class Run(plan.Step):
    """The machine itself: its keeper, which holds tap, console and power."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.key = f"node/{node.name}/run"
        self.title = f"{node.name}: power on"
        self.after = (f"node/{node.name}/disk", "network/bridge", "services")

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Start it unless it runs."""
        folder = cluster.node_folder(self.node.name)
        if resident.alive(launch.Record.load(folder)):
            return
        path = cluster.names.node_cgroup(self.node)
        # A keeper whose record was never written, or a QEMU that outlived one.
        await resident.kill(path)
        machine(cluster, self.node).save(folder)
        await resident.start("machine", [str(folder)], cgroup_path=f"{path}/keeper", log=folder / "keeper.log")

    async def undo(self, cluster: Cluster) -> None:
        """Pull the plug."""
        await resident.kill(cluster.names.node_cgroup(self.node))
        (cluster.node_folder(self.node.name) / launch.RECORD_FILE).unlink(missing_ok=True)

    def explain(self, cluster: Cluster, error: BaseException) -> plan.StepFailed:
        """With the end of the console."""
        lines = containers.console_tail(cluster, self.node.name, _LOG_LINES)
        return plan.StepFailed(self, error, log=lines)


def machine(cluster: Cluster, node: Node) -> hardware.Machine:
    """The machine of a node, with QEMU and firmware as this machine has them now."""
    wanted = settings.Settings.of(cluster.state.options)
    return hardware.Machine(
        name=node.name,
        id=hardware.identifier(cluster.names.id, node.name),
        cpus=max(1, math.ceil(node.resources.cpu_millicores / 1000)),
        memory_bytes=node.resources.memory_bytes // MIB * MIB,
        accelerator=wanted.accelerator,
        emulator=programs.find(wanted.firmware),
        variables=str(cluster.node_folder(node.name) / disks.VARIABLES),
        disks=disks.of(cluster, node),
        link=hardware.Link(
            str(segment.path(cluster.names)),
            segment.BRIDGE,
            f"tap-{'c' if node.role is Role.CONTROL_PLANE else 'w'}{node.number}",
            containers.mac_address(node.ip),
            cluster.request.mtu,
        ),
        cmdline=wanted.cmdline,
        grace_s=_GRACE_S * accelerator.scale(wanted.accelerator),
    )


class Configure(ready.Wait):
    """The node has its configuration: given to it in maintenance mode, unless it has one."""

    recorded: ClassVar[bool] = False

    def __init__(self, node: Node, deadline: ready.Deadline) -> None:
        self.node, self.deadline = node, deadline
        self.key = f"node/{node.name}/config"
        self.title = f"{node.name}: configuration"
        self.after = (f"node/{node.name}/run", "configs")

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Try as its administrator first: a node that knows us is past maintenance."""
        config = (cluster.folder / configs.FOLDER / f"{self.node.role}.yaml").read_bytes()
        progress.update(self.key, "waits for the maintenance API")
        async with Api.of(cluster) as api, Maintenance() as maintenance:
            while True:
                try:
                    await api.version(self.node.ip)
                    return
                except (OSError, TimeoutError, status.RpcError, errors.TalosError):
                    api.forget(self.node.ip)
                try:
                    await maintenance.apply(self.node.ip, config)
                    return
                except status.RpcError as error:
                    if error.code is status.Code.INVALID_ARGUMENT:
                        raise
                    problem: Exception = error
                except (OSError, TimeoutError, errors.TalosError) as error:
                    problem = error
                if self.deadline.over:
                    raise errors.TimedOut(f"no maintenance API within the time: {problem}") from problem
                maintenance.forget(self.node.ip)
                await asyncio.sleep(_POLL_S)
