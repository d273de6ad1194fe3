"""The steps of a cluster, by what its nodes are: the one place that knows the providers.

Whatever a provider makes keeps to the same agreement (`providers.namespaces.launch`): a resident process per node that
says how it is in `run.json`, writes the console to `console.log`, shuts the node down on SIGTERM and resets it on
SIGHUP. So everything beside the steps is common.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from talos.base import errors
from talos.provision import plan, ready, state
from talos.provision.providers.namespaces import helper, network, node
from talos.provision.request import Node, Request


def known(provisioner: str) -> str:
    """The provider a person means. Raises Unsupported."""
    if provisioner in (state.NAMESPACES, "docker"):
        return state.NAMESPACES
    if provisioner == state.QEMU:
        return state.QEMU
    raise errors.Unsupported(f"provisioner {provisioner}: there are {state.NAMESPACES} and {state.QEMU}")


def network_steps(provisioner: str) -> list[plan.Step]:
    """The network on this machine."""
    if provisioner == state.QEMU:
        from talos.provision.providers.qemu import segment

        return segment.steps()
    return network.steps()


def disk(provisioner: str, one: Node) -> plan.Step:
    """The node's disk."""
    if provisioner == state.QEMU:
        from talos.provision.providers.qemu import disks

        return disks.Disks(one)
    return node.Disk(one)


def run(provisioner: str, one: Node) -> plan.Step:
    """The running node."""
    if provisioner == state.QEMU:
        from talos.provision.providers.qemu import node as machine

        return machine.Run(one)
    return node.Run(one)


def node_steps(provisioner: str, one: Node) -> list[plan.Step]:
    """All that one node has on this machine."""
    return [disk(provisioner, one), run(provisioner, one)]


def host_steps(provisioner: str, request: Request) -> list[plan.Step]:
    """Everything that runs or is set on this machine, gone after a reboot of it."""
    return [*network_steps(provisioner), helper.Services(), *(run(provisioner, one) for one in request.nodes)]


def configure_steps(cluster: state.Cluster, nodes: Sequence[Node], deadline: ready.Deadline) -> list[plan.Step]:
    """Steps that give nodes their configuration where they do not start with it."""
    if cluster.state.provisioner != state.QEMU:
        return []
    from talos.provision.providers.qemu import node as machine
    from talos.provision.providers.qemu import settings

    if not settings.Settings.of(cluster.state.options).configure:
        return []
    return [machine.Configure(one, deadline) for one in nodes]


async def ask_to_shut_down(cluster: state.Cluster, one: Node) -> None:
    """Tell a node by its API where the signal to its process may not be heard: a guest can ignore its power button."""
    if cluster.state.provisioner != state.QEMU:
        return
    from talos.machinery.rpc import status
    from talos.provision.api import Api

    with contextlib.suppress(status.RpcError, errors.TalosError, OSError):
        async with Api.of(cluster) as api:
            await api.shutdown(one.ip)


def time_scale(cluster: state.Cluster) -> float:
    """How much longer than usual the nodes may take: emulation is slow."""
    if cluster.state.provisioner != state.QEMU:
        return 1.0
    from talos.provision.providers.qemu import accelerator, settings

    return accelerator.scale(settings.Settings.of(cluster.state.options).accelerator)
