"""Sockets of the network protocols from /proc/<pid>/net, and the processes that hold them.

The files are described in the kernel's Documentation/networking/proc_net_tcp.rst; udp, udplite and raw have the same
columns. Which network namespace is read depends on the process whose `net` directory it is.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from talos.linux import procfs

PROTOCOLS = ("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6")
_WORD = 4


@dataclass(frozen=True, slots=True)
class Socket:
    """One line. `state` and `timer` are the kernel's numbers; times in jiffies, `timeout` as the kernel counts it."""

    protocol: str
    local: str
    local_port: int
    remote: str
    remote_port: int
    state: int
    tx_queue: int
    rx_queue: int
    timer: int
    timer_when: int
    retransmits: int
    uid: int
    timeout: int
    inode: int
    references: int
    pointer: int


def address(text: str) -> tuple[str, int]:
    """`0100007F:1F90` -> ("127.0.0.1", 8080). The kernel prints each 32-bit word in the machine's byte order."""
    host, _, port = text.partition(":")
    raw = bytes.fromhex(host)
    if sys.byteorder == "little":
        raw = b"".join(raw[n : n + _WORD][::-1] for n in range(0, len(raw), _WORD))
    found = ipaddress.ip_address(raw)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return f"::ffff:{mapped}" if mapped else str(found), int(port, 16)


def parse(line: str, protocol: str) -> Socket:
    """Read one line that is no heading. Raises ValueError, IndexError."""
    words = line.split()
    local, remote = address(words[1]), address(words[2])
    tx, _, rx = words[4].partition(":")
    timer, _, when = words[5].partition(":")
    return Socket(
        protocol, *local, *remote, int(words[3], 16), int(tx, 16), int(rx, 16), int(timer, 16), int(when, 16),
        int(words[6], 16), int(words[7]), int(words[8]), int(words[9]), int(words[10]), int(words[11], 16),
    )  # fmt: skip


def sockets(protocol: str, pid: int | str = "self", root: Path = procfs.PROC) -> Iterator[Socket]:
    """Yield the sockets of a protocol in the network namespace of a process; none for a protocol that is not built in.

    Raises FileNotFoundError when the process is gone.
    """
    directory = root / str(pid) / "net"
    if not directory.exists():
        raise FileNotFoundError(2, "no such process", str(directory))
    try:
        text = (directory / protocol).read_text()
    except FileNotFoundError:
        return
    for line in text.splitlines()[1:]:
        yield parse(line, protocol)


def holders(root: Path = procfs.PROC) -> Mapping[int, int]:
    """Return inode of a socket -> the lowest pid that has it open. Processes that end meanwhile are left out."""
    found: dict[int, int] = {}
    for pid in sorted(procfs.pids(root)):
        try:
            with os.scandir(root / str(pid) / "fd") as entries:
                targets = [os.readlink(entry.path) for entry in entries]
        except OSError:
            continue
        for target in targets:
            if target.startswith("socket:["):
                found.setdefault(int(target[8:-1]), pid)
    return found
