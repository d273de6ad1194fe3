"""talosctl cluster create."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.commands import _cluster, _machines
from talos.talosctl.session import Session

if TYPE_CHECKING:
    from talos.provision import cluster, request, state


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Make the cluster that the flags describe."""
    from talos.pki import ahead

    rsa_key = ahead.rsa_key()
    from talos.provision import provider, request, state

    kind = provider.known(args.provisioner)
    wanted = request.build(
        name=args.name,
        cidr=args.cidr,
        control_planes=args.controlplanes,
        workers=args.workers,
        control_plane_resources=_cluster.resources(
            args.cpus_controlplanes or args.cpus, args.memory_controlplanes or args.memory, args.disk
        ),
        worker_resources=_cluster.resources(
            args.cpus_workers or args.cpus, args.memory_workers or args.memory, args.disk
        ),
        ports=request.parse_ports(args.exposed_ports, args.host_ip),
        mounts=[request.parse_mount(one) for one in args.mount],
        mtu=args.mtu,
        endpoint=args.endpoint,
    )
    chosen = dataclasses.replace(options(args), rsa_key=rsa_key)
    if kind == state.QEMU:
        machines = _machines.from_flags(args, wanted.nodes[0].resources.disk_bytes)
        chosen = dataclasses.replace(chosen, machines=await _machines.accelerated(machines))
    elif used := [
        flag.name for flag in _machines.FLAGS if (getattr(args, flag.dest) or None) != (flag.default or None)
    ]:
        raise errors.Invalid(f"--{used[0]} is for --provisioner {state.QEMU}")
    return await make(args, wanted, chosen)


def options(args: argparse.Namespace) -> cluster.Options:
    """How to make it, from the flags."""
    from talos.machinery.client import talosconfig
    from talos.provision import cluster, configs, kubeconfig

    return cluster.Options(
        patches=tuple(configs.read_patches(args.config_patch)),
        patches_control_plane=tuple(
            configs.read_patches([*args.config_patch_control_plane, *args.config_patch_controlplanes])
        ),
        patches_worker=tuple(configs.read_patches([*args.config_patch_worker, *args.config_patch_workers])),
        kubernetes_version=args.kubernetes_version,
        talosconfig=talosconfig.path(args.talosconfig_destination or args.talosconfig),
        kubeconfig=None if args.skip_kubeconfig else kubeconfig.default_path(),
        artifacts=Path(args.artifacts) if args.artifacts else None,
        wait=args.wait,
        wait_healthy=not args.skip_k8s_node_readiness_check,
        wait_timeout_s=args.wait_timeout.total_seconds(),
    )


async def make(args: argparse.Namespace, wanted: request.Request, chosen: cluster.Options) -> int | None:
    """Create it with progress, and say what to do next."""
    from talos.provision import cluster

    destroy = f"talosctl cluster destroy{_named(args)}"
    try:
        async with _cluster.shown(
            args, interrupted=f"the same command goes on from here, `{destroy}` removes what was made"
        ) as view:
            made = await cluster.create(_cluster.store(args), wanted, chosen, view)
    except errors.TalosError as error:
        return _cluster.tell(error)
    if args.output == "json":
        print(output.json_text(cluster.describe(cluster.view(made.store, made.name))))
    for line in summary(made, destroy, waited=chosen.wait):
        output.say(line)
    return None


def _named(args: argparse.Namespace) -> str:
    return (f" --name {args.name}" if args.name != _cluster.NAME else "") + (
        f" --state {args.state}" if args.state else ""
    )


def summary(made: state.Cluster, destroy: str, *, waited: bool) -> Sequence[str]:
    """The last lines of a create."""
    from talos.provision import access, configs

    asked, contexts = made.request, made.state.access
    endpoint = configs.endpoint(asked, balanced=bool(made.state.options.get("balanced")))
    talos, kube = contexts.get(access.TALOSCONFIG), contexts.get(access.KUBECONFIG)
    lines = [
        "",
        f"cluster {made.name}: {len(asked.control_planes)} control plane(s), {len(asked.workers)} worker(s)"
        f" in {asked.cidr}, Kubernetes at {endpoint}",
    ]
    lines += [f"  {node.name:<{max(len(n.name) for n in asked.nodes)}}  {node.ip}" for node in asked.nodes]
    if talos is not None:
        lines.append(f"talosconfig: context {talos.context} in {talos.path} (now the current one)")
    if kube is not None:
        lines.append(f"kubeconfig:  context {kube.context} in {kube.path} (now the current one)")
    lines += ["next:", "  talosctl version", "  talosctl services", "  talosctl health"]
    if kube is not None:
        lines.append("  kubectl get nodes -o wide")
    elif waited:
        lines.append("  talosctl kubeconfig")
    return [*lines, f"  {destroy}"]


RESOURCE_FLAGS = (
    command.Flag("cpus-controlplanes", "CPUs of each control plane"),
    command.Flag("cpus-workers", "CPUs of each worker"),
    command.Flag("memory-controlplanes", "memory of each control plane"),
    command.Flag("memory-workers", "memory of each worker"),
)
PATCH_FLAGS = (
    command.Flag("config-patch", "patch the machine configs (text or @file; repeatable)", kind="array"),
    command.Flag("config-patch-controlplanes", "patch those of control planes", kind="array"),
    command.Flag("config-patch-workers", "patch those of workers", kind="array"),
)
READINESS_FLAG = command.Flag(
    "skip-k8s-node-readiness-check", "wait for the nodes' API and etcd only, not for Kubernetes", kind="bool"
)

COMMAND = command.Command(
    path="cluster create",
    help="create a local cluster",
    description="Create a local Kubernetes cluster whose nodes are namespaces of this machine, or with\n"
    "--provisioner qemu virtual machines, and wait until it is healthy.\n"
    "An interrupted create is continued by the same command.",
    example="talosctl cluster create --name big --controlplanes 3 --workers 2 --cidr 10.6.0.0/24",
    run=run,
    flags=(
        *_cluster.COMMON_FLAGS,
        command.Flag("controlplanes", "number of control planes (default 1)", kind="int", default=1),
        command.Flag("workers", "number of workers (default 1)", kind="int", default=1),
        command.Flag("cidr", "network of the nodes (default 10.5.0.0/24)", default="10.5.0.0/24"),
        command.Flag("mtu", "MTU of that network (default 1500)", kind="int", default=1500),
        command.Flag("cpus", "CPUs of each node, e.g. 1.5 (default 2.0)", default="2.0"),
        command.Flag("memory", "memory of each node (default 2.0GiB)", default="2.0GiB"),
        command.Flag(
            "disk", "size of each node's EPHEMERAL file system, taken as it fills (default 10GiB)", default="10GiB"
        ),
        *RESOURCE_FLAGS,
        command.Flag(
            "exposed-ports",
            "ports of this machine that lead to the first control plane: HOST:NODE/PROTOCOL,…",
            short="p",
            metavar="PORTS",
        ),
        command.Flag("host-ip", "address of this machine for them (default 0.0.0.0)", default="0.0.0.0"),
        command.Flag(
            "mount", "file or folder of this machine for all nodes: source=…,target=…[,readonly]", kind="array"
        ),
        command.Flag("endpoint", "address clients use for Kubernetes instead of the chosen one"),
        *PATCH_FLAGS,
        command.Flag("config-patch-control-plane", "", kind="array", hidden=True),
        command.Flag("config-patch-worker", "", kind="array", hidden=True),
        command.Flag("kubernetes-version", "version of Kubernetes; has to be the built one", metavar="VERSION"),
        command.Flag("talosconfig-destination", "talosconfig that gets the new context", metavar="PATH"),
        command.Flag("skip-kubeconfig", "leave the kubeconfig alone", kind="bool"),
        *_cluster.WAIT_FLAGS,
        READINESS_FLAG,
        command.Flag("provisioner", "what nodes are: namespaces or qemu (default namespaces)", default="namespaces"),
        *_machines.FLAGS,
        command.Flag("artifacts", "artifact set to make the nodes of (default: the last built one)", metavar="PATH"),
        _cluster.PROGRESS_FLAG,
        _cluster.OUTPUT_FLAG,
    ),
)
