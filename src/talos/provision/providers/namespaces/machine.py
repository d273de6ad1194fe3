"""The making of one machine: what the child of the launcher does between fork and the exec of the node's init.

It is PID 1 of a new pid namespace already. In order: the node's cgroup, the other namespaces, the network, the mounts
of the node's root, the change into it. Everything made here lives in those namespaces, so it ends with the node.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import resource
import signal
import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from talos.base import errors
from talos.linux import loop, mount, ns
from talos.linux.mount import Flag
from talos.provision.providers.namespaces.launch import Bind, Cgroup, Launch

_OPEN_FILES = 1048576
_LOOP_RELEASE_S = 20.0

# name, major, minor, mode
_DEVICES = (
    ("null", 1, 3, 0o666),
    ("zero", 1, 5, 0o666),
    ("full", 1, 7, 0o666),
    ("random", 1, 8, 0o666),
    ("urandom", 1, 9, 0o666),
    ("tty", 5, 0, 0o666),
    # kubelet watches the kernel log for the OOM killer and does not start without it.
    ("kmsg", 1, 11, 0o600),
    ("fuse", 10, 229, 0o666),
    ("net/tun", 10, 200, 0o666),
)
_LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
    ("ptmx", "pts/ptmx"),
    # The console is the pipe that the launcher writes to the console log.
    ("console", "/proc/1/fd/1"),
)
_TMPFS = (
    ("dev/shm", Flag.NOSUID | Flag.NODEV, "mode=1777,size=64m"),
    ("run", Flag.NOSUID | Flag.NODEV, "mode=0755"),
    ("system", Flag.NOSUID | Flag.NODEV, "mode=0755"),
    ("tmp", Flag.NOSUID | Flag.NODEV, "mode=1777"),
)
# Where a tmpfs or EPHEMERAL will be.
_WRITABLE = ("dev", "run", "system", "tmp", "var")
_LOCKED = Flag.NOSUID | Flag.NODEV | Flag.NOEXEC


def become(launch: Launch, console: int, step: Callable[[str], None]) -> NoReturn:
    """Turn the calling process (forked, PID 1 of a pid namespace) into the node. `step` is told what is done next.

    Raises OSError or a TalosError on failure; the caller ends the process then.
    """
    ns.end_with_parent(signal.SIGKILL)
    os.setsid()
    step("entering the cgroup")
    for directory in launch.cgroup.directories:
        Path(directory, "cgroup.procs").write_text("0")
    ns.unshare(ns.Kind.CGROUP)
    step("connecting the network")
    _network(launch)
    step("mounting the root file system")
    ns.unshare(ns.Kind.MOUNT | ns.Kind.UTS | ns.Kind.IPC)
    mount.propagate("/", Flag.PRIVATE, recursive=True)
    root = Path(launch.mount_point)
    mount_root(Path(launch.root), root)
    mount_points(launch.binds, root)
    _pseudo(root)
    _cgroups(launch.cgroup, root)
    _devices(root)
    for name, flags, options in _TMPFS:
        (root / name).mkdir(exist_ok=True)
        mount.mount("tmpfs", root / name, "tmpfs", flags, options)
    step("mounting EPHEMERAL")
    mount_ephemeral(Path(launch.ephemeral), root / "var")
    step("mounting files of the host")
    for bind in launch.binds:
        _bind(bind, root)
    step("starting init")
    ns.pivot(root)
    _uts(launch.name)
    _exec(launch, console)


def _network(launch: Launch) -> None:
    """Leave the host's network namespace with one link back to its bridge."""
    # Not needed by the resident launcher.
    from talos.linux import netlink

    net = launch.network
    with netlink.Route() as host:
        # The last one goes with its namespace, but the kernel takes its time.
        host.link_delete(net.link, missing_ok=True)
        ns.unshare(ns.Kind.NET)
        with contextlib.closing(_Descriptor("/proc/self/ns/net")) as own:
            host.link_add_veth(
                net.link,
                "eth0",
                peer_settings={"netns_fd": own.fd, "mtu": net.mtu, "address": net.mac},
                master=net.bridge,
                mtu=net.mtu,
                up=True,
            )
    with netlink.Route() as inside:
        inside.link_set("lo", up=True)
        inside.link_set("eth0", up=True)
        inside.address_add("eth0", net.address)
        gateway = ipaddress.ip_address(net.gateway)
        inside.route_replace(netlink.route.Route(gateway=gateway, index=inside.index("eth0")))


class _Descriptor:
    """An open file to be closed."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self.fd)


def mount_root(source: Path, target: Path) -> None:
    """Mount the root read-only: a squashfs image over a loop device that nodes of one image share, or a folder."""
    if source.is_dir():
        mount.bind(source, target, read_only=True, recursive=True)
        return
    with loop.share(source) as device:
        mount.mount(device.path, target, "squashfs", Flag.RDONLY | Flag.NODEV)


def mount_points(binds: Sequence[Bind], root: Path) -> None:
    """Give the read-only root the mount points it lacks: laid over it by an overlay that nobody can write to either."""
    missing = [
        bind
        for bind in binds
        if Path(bind.target).parts[1] not in _WRITABLE and not (root / bind.target.lstrip("/")).exists()
    ]
    if not missing:
        return
    # Hidden below the overlay afterwards.
    skeleton = root / "tmp"
    mount.mount("tmpfs", skeleton, "tmpfs", Flag.NOSUID | Flag.NODEV, "mode=0755,size=1m")
    for bind in missing:
        _make_target(Path(bind.source), skeleton / bind.target.lstrip("/"))
    mount.mount("overlay", root, "overlay", Flag.RDONLY | Flag.NODEV, f"lowerdir={skeleton}:{root}")


def mount_ephemeral(image: Path, target: Path) -> None:
    """Mount the node's own file system. The last boot's mount of it must be gone, or two would write to one file.

    Through the page cache, the flush behind each of etcd's syncs would write everything that images left dirty there.
    """
    deadline = time.monotonic() + _LOOP_RELEASE_S
    while loop.attached(image):
        if time.monotonic() > deadline:
            raise errors.TimedOut(f"{image} is still attached to a loop device")
        time.sleep(0.02)
    with loop.attach(image, direct_io=True) as device:
        mount.mount(device.path, target, "xfs", Flag.NOSUID | Flag.NODEV)


def _pseudo(root: Path) -> None:
    mount.mount("proc", root / "proc", "proc", _LOCKED)
    mount.mount("sysfs", root / "sys", "sysfs", _LOCKED | Flag.RDONLY)
    with contextlib.suppress(OSError):  # a kernel may lack it; only eBPF network plug-ins want it
        mount.mount("bpf", root / "sys/fs/bpf", "bpf", _LOCKED, "mode=0700")


def _cgroups(group: Cgroup, root: Path) -> None:
    """The node sees its cgroup as the root of the hierarchies, because it left the host's cgroup namespace in it."""
    top = root / "sys/fs/cgroup"
    if group.version == 2:
        mount.mount("cgroup2", top, "cgroup2", _LOCKED)
        return
    mount.mount("tmpfs", top, "tmpfs", _LOCKED, "mode=0755")
    for name, options in group.mounts.items():
        (top / name).mkdir()
        mount.mount("cgroup", top / name, "cgroup", _LOCKED, options)
    mount.mount(None, top, flags=Flag.REMOUNT | Flag.RDONLY | _LOCKED)


def _devices(root: Path) -> None:
    top = root / "dev"
    mount.mount("tmpfs", top, "tmpfs", Flag.NOSUID, "mode=0755,size=64k")
    old = os.umask(0)
    try:
        for name, major, minor, mode in _DEVICES:
            (top / name).parent.mkdir(mode=0o755, exist_ok=True)
            os.mknod(top / name, mode | stat.S_IFCHR, os.makedev(major, minor))
    finally:
        os.umask(old)
    for name, target in _LINKS:
        (top / name).symlink_to(target)
    for name in ("pts", "shm", "mqueue"):
        (top / name).mkdir()
    options = "newinstance,ptmxmode=0666,mode=0620,gid=5"
    mount.mount("devpts", top / "pts", "devpts", Flag.NOSUID | Flag.NOEXEC, options)
    mount.mount("mqueue", top / "mqueue", "mqueue", _LOCKED)


def _bind(bind: Bind, root: Path) -> None:
    """Bind into the root; the target is made where the node's own tmpfs or /var can take it."""
    target = root / bind.target.lstrip("/")
    source = Path(bind.source)
    if not target.exists():
        _make_target(source, target)
    mount.bind(source, target, read_only=bind.read_only, recursive=True)


def _make_target(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()


def _uts(name: str) -> None:
    import socket

    socket.sethostname(name)


def _exec(launch: Launch, console: int) -> NoReturn:
    null = os.open("/dev/null", os.O_RDONLY)
    for target, source in ((0, null), (1, console), (2, console)):
        os.dup2(source, target)
    for number in range(1, signal.NSIG):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    with contextlib.suppress(OSError, ValueError):  # a host may forbid to raise it; what there is must do then
        resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    os.umask(0o022)
    os.execve(launch.argv[0], list(launch.argv), dict(launch.environment))  # noqa: S606  (that is the purpose)
