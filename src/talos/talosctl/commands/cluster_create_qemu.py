"""talosctl cluster create qemu."""

from __future__ import annotations

import argparse
import dataclasses

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.commands import _cluster, _machines, cluster_create
from talos.talosctl.session import Session

# What the flags of `cluster create` that this command does not have are set to.
_FIXED = {
    "config_patch_control_plane": [],
    "config_patch_worker": [],
    "skip_kubeconfig": False,
    "artifacts": "",
}
_PRESETS = ("disk-image", "maintenance")
_REFUSED = ("image_factory_auth", "image_factory_url", "omni_api_endpoint", "schematic_id", "talos_version")


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Map the flags to those of `cluster create --provisioner qemu`."""
    from talos.provision import request
    from talos.provision.providers.qemu import hardware

    if other := [one for one in args.presets if one not in _PRESETS]:
        raise errors.Unsupported(f"preset {other[0]}: machines start from the built image ({', '.join(_PRESETS)})")
    if used := [name for name in _REFUSED if getattr(args, name)]:
        raise errors.Unsupported(f"--{used[0].replace('_', '-')}: machines are not made from a factory's image")
    for key, value in _FIXED.items():
        setattr(args, key, value)
    disks = hardware.parse_disks(args.disks)

    def limits(cpus: str, memory: str) -> request.Resources:
        return request.Resources(request.parse_cpus(cpus), request.parse_size(memory), disks[0].size_bytes)

    wanted = request.build(
        name=args.name,
        cidr=args.cidr,
        control_planes=args.controlplanes,
        workers=args.workers,
        control_plane_resources=limits(args.cpus_controlplanes, args.memory_controlplanes),
        worker_resources=limits(args.cpus_workers, args.memory_workers),
    )
    machines = await _machines.accelerated(_machines.build(disks, image=args.disk_image_path))
    if "maintenance" in args.presets:
        left = dataclasses.replace(machines.settings, configure=False)
        machines, args.wait = dataclasses.replace(machines, settings=left), False
    return await cluster_create.make(args, wanted, dataclasses.replace(cluster_create.options(args), machines=machines))


COMMAND = command.Command(
    path="cluster create qemu",
    help="create a local cluster of virtual machines",
    description="Create a cluster whose nodes are virtual machines under QEMU: with KVM where a guest really runs,\n"
    "emulated elsewhere. They start from the built machine image and are configured over their maintenance API.",
    example="talosctl cluster create qemu --workers 2 --disks virtio:12GiB,nvme:4GiB",
    run=run,
    flags=(
        *_cluster.COMMON_FLAGS,
        *cluster_create.PATCH_FLAGS,
        command.Flag("cidr", "network of the nodes (default 10.5.0.0/24)", default="10.5.0.0/24"),
        command.Flag("controlplanes", "number of control planes (default 1)", kind="int", default=1),
        command.Flag("workers", "number of workers (default 1)", kind="int", default=1),
        command.Flag("cpus-controlplanes", "CPUs of each control plane (default 2.0)", default="2.0"),
        command.Flag("cpus-workers", "CPUs of each worker (default 2.0)", default="2.0"),
        command.Flag("memory-controlplanes", "memory of each control plane (default 2.0GiB)", default="2.0GiB"),
        command.Flag("memory-workers", "memory of each worker (default 2.0GiB)", default="2.0GiB"),
        command.Flag(
            "disks",
            "disks as <driver>:<size>,…; those after the first are for workers (default virtio:10GiB,virtio:6GiB)",
            default="virtio:10GiB,virtio:6GiB",
        ),
        command.Flag("disk-image-path", "disk image to start from (default: the last built one)", metavar="PATH"),
        command.Flag(
            "presets",
            "disk-image; maintenance leaves the nodes without configuration",
            kind="strings",
            default=_PRESETS[:1],
        ),
        *(command.Flag(name.replace("_", "-"), "refused: machines start from the built image") for name in _REFUSED),
        command.Flag("kubernetes-version", "version of Kubernetes; has to be the built one"),
        command.Flag("talosconfig-destination", "talosconfig that gets the new context"),
        cluster_create.READINESS_FLAG,
        *_cluster.WAIT_FLAGS,
        _cluster.PROGRESS_FLAG,
        _cluster.OUTPUT_FLAG,
    ),
)
