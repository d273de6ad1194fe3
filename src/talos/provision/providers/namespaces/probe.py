"""What this machine's kernel and programs must be able to do, tried before anything is made.

Trying is the only reliable answer (a feature may be a module that is loaded on demand, a container may forbid it), so
links and tables are made in a network namespace that is thrown away.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from talos.base import errors
from talos.linux import cgroup, loop, netlink, nft, ns

_MODPROBE_TIMEOUT_S = 10.0
_FILESYSTEMS = ("overlay", "squashfs", "xfs")
_NFNETLINK = 12
_NFT_GET_TABLE = (10 << 8) | 1
_REQUEST_DUMP = 0x301


def missing(needs: tuple[str, ...] = ()) -> list[str]:
    """What is absent, in words; empty when a cluster can run. `needs`: "nft" when ports are to be published."""
    found = [f"the {name} file system" for name in _FILESYSTEMS if not _filesystem(name)]
    for name, function in (("loop devices", _loop), ("control groups", _cgroups)):
        if reason := _try(function):
            found.append(f"{name} ({reason})")
    found += _in_thread()
    if shutil.which("mkfs.xfs", path=_path()) is None:
        found.append("the program mkfs.xfs (Debian package xfsprogs)")
    if "nft" in needs and nft.program() is None:
        found.append("the program nft (Debian package nftables), to publish ports")
    return found


def check(needs: tuple[str, ...] = ()) -> None:
    """Raise Unsupported naming everything that is missing."""
    if absent := missing(needs):
        raise errors.Unsupported(f"this machine cannot run a cluster; missing: {'; '.join(absent)}")


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _try(function: Callable[[], object]) -> str:
    try:
        function()
    except (OSError, errors.TalosError) as error:
        return str(error)
    return ""


def _filesystem(name: str, proc: Path = Path("/proc")) -> bool:
    def known() -> bool:
        return name in (proc / "filesystems").read_text().split()

    if known():
        return True
    modprobe = shutil.which("modprobe", path=_path())
    if modprobe is None:
        return False
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run([modprobe, "-q", name], capture_output=True, timeout=_MODPROBE_TIMEOUT_S, check=False)
    return known()


def _loop() -> None:
    if not loop.CONTROL.exists():
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(["modprobe", "-q", "loop"], capture_output=True, timeout=_MODPROBE_TIMEOUT_S, check=False)
    loop.free_number()


def _cgroups() -> None:
    tree = cgroup.tree()
    if tree.version is cgroup.Version.V1:
        if absent := sorted({"cpu", "memory", "pids", "devices", "cpuset"} - set(tree.mounts)):
            raise errors.Unsupported(f"controllers {', '.join(absent)}")
        return
    available = (next(iter(tree.mounts.values())) / "cgroup.controllers").read_text().split()
    if absent := sorted({"cpu", "memory", "pids", "cpuset"} - set(available)):
        raise errors.Unsupported(f"controllers {', '.join(absent)}")


def _in_thread() -> list[str]:
    """Namespaces, kinds of links and nftables, tried in a thread that leaves for namespaces of its own."""

    def attempt() -> list[str]:
        try:
            ns.unshare(ns.Kind.MOUNT | ns.Kind.UTS | ns.Kind.IPC | ns.Kind.NET | ns.Kind.CGROUP)
            # A program with threads cannot try this one.
            Path("/proc/self/ns/pid_for_children").stat()
        except OSError as error:
            return [f"namespaces ({error})"]
        return list(_attempts())

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(attempt).result(timeout=60)


def _attempts() -> Iterator[str]:
    with netlink.Route() as rt:
        kinds: tuple[tuple[str, Callable[[], object]], ...] = (
            ("bridge links", lambda: rt.link_add_bridge("probe0")),
            ("veth links", lambda: rt.link_add_veth("probe1", "probe2")),
            ("vxlan links", lambda: rt.link_add_vxlan("probe3", 1)),
            ("nftables", _nftables),
        )
        for name, function in kinds:
            if reason := _try(function):
                yield f"{name} ({reason})"


def _nftables() -> None:
    """Ask for the tables over nfnetlink: the nodes use nftables even where the host has no nft program."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NFNETLINK) as sock:
        sock.settimeout(5.0)
        body = struct.pack("=BBH", 0, 0, 0)
        sock.send(struct.pack("=IHHII", 16 + len(body), _NFT_GET_TABLE, _REQUEST_DUMP, 1, 0) + body)
        answer = sock.recv(65536)
    _, kind = struct.unpack_from("=IH", answer)
    if kind == netlink.codec.NLMSG_ERROR:
        code = -struct.unpack_from("=i", answer, 16)[0]
        if code:
            raise OSError(code, os.strerror(code))
