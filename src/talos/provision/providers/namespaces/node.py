"""Steps for one node: its disk, its files, the process that runs it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import shutil
import time
from pathlib import Path

from talos.base import errors
from talos.linux import cgroup, loop, netlink, process
from talos.provision import artifacts, plan
from talos.provision.providers.namespaces import launch, resident, subtree
from talos.provision.request import Node
from talos.provision.state import Cluster

DISK_FILE = "ephemeral.img"
_MKFS_TIMEOUT_S = 60.0
_RELEASE_TIMEOUT_S = 30.0
# execve(2): one string of the environment has at most this many bytes (MAX_ARG_STRLEN).
_USERDATA_LIMIT_BYTES = 128 * 1024 - 16
_RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
_LOG_LINES = 15


class Disk(plan.Step):
    """EPHEMERAL: a sparse file with an xfs file system in it."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.key = f"node/{node.name}/disk"
        self.title = f"{node.name}: disk"

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Make it under another name first: a file with the right name is complete."""
        folder = cluster.node_folder(self.node.name)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("root", "state"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
        file, unfinished = folder / DISK_FILE, folder / f".{DISK_FILE}"
        if file.exists():
            return
        unfinished.unlink(missing_ok=True)
        with unfinished.open("wb") as target:
            target.truncate(self.node.resources.disk_bytes)
        try:
            await process.run([_mkfs(), "-q", "-K", "-L", "EPHEMERAL", unfinished], timeout_s=_MKFS_TIMEOUT_S)
        except process.CommandFailed as error:
            free = shutil.disk_usage(folder).free
            if free < 128 * 1024 * 1024 or "No space left" in error.output:
                raise errors.Unsupported(f"the disk is full: {free // 1024**2} MiB are free in {folder}") from error
            raise
        unfinished.rename(file)

    async def undo(self, cluster: Cluster) -> None:
        """Remove the node's folder."""
        folder = cluster.node_folder(self.node.name)
        await released(folder / DISK_FILE)
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(shutil.rmtree, folder)


def _mkfs() -> str:
    found = shutil.which("mkfs.xfs", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise errors.Unsupported("the program mkfs.xfs is missing (Debian package xfsprogs)")
    return found


async def released(image: Path) -> None:
    """Wait until no loop device holds the file: its mount goes a moment after the last process. Raises TimedOut."""
    deadline = time.monotonic() + _RELEASE_TIMEOUT_S
    while loop.attached(image):
        if time.monotonic() > deadline:
            raise errors.TimedOut(f"{image} is still attached to /dev/loop{min(loop.attached(image))}")
        await asyncio.sleep(0.02)


class Run(plan.Step):
    """The node itself: its cgroup and its launcher, which makes all the rest in namespaces."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.key = f"node/{node.name}/run"
        self.title = f"{node.name}: start"
        self.after = (f"node/{node.name}/disk", "network/bridge", "configs")

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Start it unless it runs."""
        folder = cluster.node_folder(self.node.name)
        if resident.alive(launch.Record.load(folder)):
            return
        path = cluster.names.node_cgroup(self.node)
        # A launcher whose record was never written, or processes that outlived one.
        await resident.kill(path)
        await released(folder / DISK_FILE)
        group = make_cgroup(cluster, self.node)
        write_files(cluster, self.node)
        prepare(cluster, self.node, group).save(folder)
        await resident.start("launcher", [str(folder)], cgroup_path=f"{path}/launcher", log=folder / "launcher.log")

    async def undo(self, cluster: Cluster) -> None:
        """Cut the power."""
        await resident.kill(cluster.names.node_cgroup(self.node))
        with netlink.Route() as rt:
            rt.link_delete(cluster.names.link(self.node), missing_ok=True)
        (cluster.node_folder(self.node.name) / launch.RECORD_FILE).unlink(missing_ok=True)

    def explain(self, cluster: Cluster, error: BaseException) -> plan.StepFailed:
        """With the end of the console."""
        lines = console_tail(cluster, self.node.name, _LOG_LINES)
        return plan.StepFailed(self, error, log=lines)


def make_cgroup(cluster: Cluster, node: Node) -> launch.Cgroup:
    """The node's cgroup with its limits, described for the launcher."""
    tree = cgroup.tree()
    path = f"{cluster.names.node_cgroup(node)}/machine"
    limits = cgroup.Limits(
        memory_max_bytes=node.resources.memory_bytes, cpu_max_millicores=node.resources.cpu_millicores
    )
    subtree.create(tree, path, limits)
    mounts: dict[str, list[str]] = {}
    if tree.version is cgroup.Version.V1:
        for controller, top in tree.mounts.items():
            mounts.setdefault(top.name, []).append(controller)
    return launch.Cgroup(
        tree.version.value,
        tuple(str(directory) for directory in tree.directories(path)),
        {name: ",".join(controllers) for name, controllers in mounts.items()},
    )


def prepare(cluster: Cluster, node: Node, group: launch.Cgroup) -> launch.Launch:
    """What the launcher is told. Raises Invalid for a machine config that does not fit into the environment."""
    folder, request = cluster.node_folder(node.name), cluster.request
    built = artifacts.ArtifactSet.load(Path(cluster.state.artifacts))
    config = (cluster.folder / "configs" / f"{node.role}.yaml").read_bytes()
    userdata = base64.b64encode(config).decode()
    if len(userdata) > _USERDATA_LIMIT_BYTES:
        raise errors.Invalid(f"the machine config of {node.name} has {len(config)} bytes; it must fit into 96 KiB")
    binds = [
        launch.Bind(str(folder / "state"), "/system/state"),
        launch.Bind(str(built.images), "/system/imagecache", read_only=True),
        *(launch.Bind(str(folder / name), f"/etc/{name}") for name in ("hostname", "hosts", "resolv.conf")),
        *(launch.Bind(mount.source, mount.target, mount.read_only) for mount in request.mounts),
    ]
    network = launch.Network(
        cluster.names.bridge,
        cluster.names.link(node),
        f"{node.ip}/{request.network.prefixlen}",
        request.gateway,
        mac_address(node.ip),
        request.mtu,
    )
    return launch.Launch(
        name=node.name,
        root=str(built.rootfs),
        mount_point=str(folder / "root"),
        ephemeral=str(folder / DISK_FILE),
        network=network,
        cgroup=group,
        binds=tuple(binds),
        environment={
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PLATFORM": "container",
            "TALOSSKU": f"{node.resources.cpu_millicores / 1000:g}CPU-{node.resources.memory_bytes // 1024**2}RAM",
            "USERDATA": userdata,
        },
    )


def mac_address(ip: str) -> str:
    """A locally administered address that belongs to the IP, so that neighbours' caches survive a reboot."""
    return "02:42:" + ":".join(f"{int(part):02x}" for part in ip.split("."))


def write_files(cluster: Cluster, node: Node) -> None:
    """Host name, hosts and resolvers, as a container engine would give them."""
    folder = cluster.node_folder(node.name)
    (folder / "hostname").write_text(f"{node.name}\n")
    (folder / "hosts").write_text(
        f"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n{node.ip}\t{node.name}\n"
    )
    (folder / "resolv.conf").write_text(resolvers([_text(path) for path in _RESOLVERS]))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def resolvers(candidates: list[str]) -> str:
    """The first of the host's resolv.conf texts with servers that a node can reach; loopback ones it cannot."""
    for text in candidates:
        servers = [
            words[1]
            for words in (line.split() for line in text.splitlines())
            if len(words) > 1 and words[0] == "nameserver" and not words[1].startswith("127.") and words[1] != "::1"
        ]
        if servers:
            return "".join(f"nameserver {server}\n" for server in servers)
    return ""


def console_tail(cluster: Cluster, node: str, lines: int) -> list[str]:
    """The last lines of a node's console log; empty when there is none."""
    file = cluster.node_folder(node) / launch.CONSOLE_FILE
    try:
        with file.open("rb") as source:
            source.seek(max(0, file.stat().st_size - 65536))
            return source.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []


def steps(node: Node) -> list[plan.Step]:
    """All of one node."""
    return [Disk(node), Run(node)]
