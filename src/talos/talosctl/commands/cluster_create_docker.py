"""talosctl cluster create docker."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.commands import _cluster, cluster_create
from talos.talosctl.session import Session

# What the flags of `cluster create` that this command does not have are set to.
_FIXED = {
    "config_patch_control_plane": [],
    "config_patch_worker": [],
    "skip_kubeconfig": False,
    "skip_k8s_node_readiness_check": False,
    "artifacts": "",
}


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Map the flags to those of the namespaces provisioner."""
    from talos.provision import request

    if args.image:
        raise errors.Unsupported("--image: nodes are not made from an image of a registry but from the artifact set")
    for key, value in _FIXED.items():
        setattr(args, key, value)
    wanted = request.build(
        name=args.name,
        cidr=args.subnet,
        workers=args.workers,
        control_plane_resources=_cluster.resources(args.cpus_controlplanes, args.memory_controlplanes, "10GiB"),
        worker_resources=_cluster.resources(args.cpus_workers, args.memory_workers, "10GiB"),
        ports=request.parse_ports(args.exposed_ports, args.host_ip),
        mounts=[request.parse_mount(one) for one in args.mount],
    )
    return await cluster_create.make(args, wanted, cluster_create.options(args))


COMMAND = command.Command(
    path="cluster create docker",
    help="create a local cluster, with the flags of the Docker provisioner",
    description="Create a cluster of one control plane and workers. It runs without Docker: the nodes are namespaces,\n"
    "as with `cluster create`, which has more flags.",
    example="talosctl cluster create docker --workers 2 -p 8080:80/tcp",
    run=run,
    flags=(
        *_cluster.COMMON_FLAGS,
        *cluster_create.PATCH_FLAGS,
        command.Flag("cpus-controlplanes", "CPUs of the control plane (default 2.0)", default="2.0"),
        command.Flag("cpus-workers", "CPUs of each worker (default 2.0)", default="2.0"),
        command.Flag("memory-controlplanes", "memory of the control plane (default 2.0GiB)", default="2.0GiB"),
        command.Flag("memory-workers", "memory of each worker (default 2.0GiB)", default="2.0GiB"),
        command.Flag("exposed-ports", "ports of this machine that lead to the control plane", short="p"),
        command.Flag("host-ip", "address of this machine for them (default 0.0.0.0)", default="0.0.0.0"),
        command.Flag("image", "refused: the nodes come from the artifact set"),
        command.Flag("kubernetes-version", "version of Kubernetes; has to be the built one"),
        command.Flag("mount", "file or folder of this machine for all nodes (docker --mount syntax)", kind="array"),
        command.Flag("subnet", "network of the nodes (default 10.5.0.0/24)", default="10.5.0.0/24"),
        command.Flag("talosconfig-destination", "talosconfig that gets the new context"),
        command.Flag("workers", "number of workers (default 1)", kind="int", default=1),
        *_cluster.WAIT_FLAGS,
        _cluster.PROGRESS_FLAG,
        _cluster.OUTPUT_FLAG,
    ),
)
