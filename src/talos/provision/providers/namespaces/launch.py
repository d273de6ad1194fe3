"""The agreement between the provider and a node's launcher: what to run (`Launch`) and what became of it (`Record`).

Both are JSON files in the node's folder. Standard library only and cheap to import: the launcher stays resident.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

LAUNCH_FILE = "launch.json"
RECORD_FILE = "run.json"
CONSOLE_FILE = "console.log"

STARTING, RUNNING, STOPPING, STOPPED, FAILED = "starting", "running", "stopping", "stopped", "failed"


@dataclass(frozen=True, slots=True)
class Network:
    """The node's one link: a veth named `link` on the host, on the bridge, `eth0` inside."""

    bridge: str
    link: str
    address: str  # with prefix length
    gateway: str
    mac: str
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class Cgroup:
    """The node's cgroup. `directories`: where it is in each hierarchy of the host.

    `mounts`: target below /sys/fs/cgroup (empty for v2) -> mount options of the hierarchy.
    """

    version: int
    directories: tuple[str, ...]
    mounts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or folder of the host inside the node."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything a launcher needs; paths are absolute paths of the host, except bind targets.

    `root` is a squashfs image or (development) a folder; `mount_point` an empty folder. `grace_s` bounds an orderly
    shutdown.
    """

    name: str
    root: str
    mount_point: str
    ephemeral: str
    network: Network
    cgroup: Cgroup
    binds: tuple[Bind, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    argv: tuple[str, ...] = ("/usr/bin/init",)
    grace_s: float = 180.0

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The reverse of `dataclasses.asdict`."""
        group = content["cgroup"]
        return cls(
            **{
                **content,
                "network": Network(**content["network"]),
                "cgroup": Cgroup(group["version"], tuple(group["directories"]), group["mounts"]),
                "binds": tuple(Bind(**bind) for bind in content["binds"]),
                "argv": tuple(content["argv"]),
            }
        )

    def save(self, folder: Path) -> None:
        """Write the file; it holds the machine config, so only the owner may read it."""
        write_json(folder / LAUNCH_FILE, dataclasses.asdict(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the file. Raises OSError."""
        return cls.from_json(json.loads((folder / LAUNCH_FILE).read_text()))


@dataclass(frozen=True, slots=True)
class Record:
    """What a launcher says about itself. `boot_id` is the host's: after a reboot of the host no pid means anything.

    `boots` counts the starts of the node; `message` says why it is in its state where that is not plain.
    """

    pid: int = 0
    started_ticks: int = 0
    boot_id: str = ""
    state: str = STARTING
    init_pid: int = 0
    boots: int = 0
    message: str = ""

    def save(self, folder: Path) -> None:
        """Replace the file."""
        write_json(folder / RECORD_FILE, dataclasses.asdict(self), sync=False)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read the file; None when the launcher has not come to write it, or it is damaged."""
        try:
            return cls(**json.loads((folder / RECORD_FILE).read_text()))
        except (OSError, ValueError, TypeError):
            return None


def write_json(file: Path, content: object, *, sync: bool = True) -> None:
    """Replace a file as a whole, readable by the owner only; `sync`: it also survives a power cut."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "w") as target:
            json.dump(content, target, indent=1)
            target.write("\n")
            target.flush()
            if sync:
                os.fsync(target.fileno())
        temporary.rename(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder survive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
