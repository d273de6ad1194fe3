"""What runc is to do, as data: the OCI runtime specification of a container (opencontainers/runtime-spec, config.md).

Pure: the same options give the same JSON. What the machine allows (capabilities in the bounding set, lowering of
oom_score_adj) comes in as `Host`, so that a node without CAP_SYS_RESOURCE runs the same services.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

DEFAULT_CAPABILITIES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL",
    "CAP_AUDIT_WRITE",
)  # fmt: skip
MASKED_PATHS = (
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
    "/sys/firmware",
)  # fmt: skip
READ_ONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Host:
    """What the machine allows its containers."""

    bounding: frozenset[str]
    may_lower_oom_score: bool = True
    oom_score_adj: int = 0
    hard_limits: Mapping[str, int] = field(default_factory=dict)
    """RLIMIT name -> highest hard limit; empty when they may be raised."""


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount of the container. Options of a plain bind are filled in by `bind`."""

    target: str
    source: str
    type: str = "bind"
    options: tuple[str, ...] = ()


def bind(source: str, target: str = "", *, read_only: bool = False, propagation: str = "private") -> Mount:
    """Bind a host path into the container; `propagation` is private, shared or slave (recursive)."""
    options = ("rbind", f"r{propagation}", "ro" if read_only else "rw")
    return Mount(target or source, source, "bind", options)


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """The part of an image's configuration that shapes its containers."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""

    @classmethod
    def parse(cls, raw: bytes) -> ImageConfig:
        """Read an image configuration (image-spec, config.md). Raises ValueError."""
        config: Mapping[str, Any] = json.loads(raw).get("config") or {}
        return cls(
            entrypoint=tuple(config.get("Entrypoint") or ()),
            command=tuple(config.get("Cmd") or ()),
            env=tuple(config.get("Env") or ()),
            user=config.get("User") or "",
            working_dir=config.get("WorkingDir") or "",
        )


@dataclass(frozen=True, slots=True)
class Options:
    """How a container differs from the default: isolated in every namespace but the network's, few capabilities.

    `args`: replaces the image's command, and its entrypoint unless `keep_entrypoint`. `capabilities`: None gives
    everything the machine has. `host_namespaces`: of `pid ipc uts network cgroup`. `cgroup`: absolute path below the
    node's cgroup root. `devices`: all devices of the host may be used. Bytes, millicores and tasks as in linux.cgroup.
    """

    args: Sequence[str] = ()
    keep_entrypoint: bool = False
    env: Sequence[str] = ()
    uid: int | None = None
    gid: int | None = None
    groups: Sequence[int] = ()
    working_dir: str = ""
    hostname: str = ""
    mounts: Sequence[Mount] = ()
    capabilities: Sequence[str] | None = DEFAULT_CAPABILITIES
    no_new_privileges: bool = True
    read_only_root: bool = False
    host_namespaces: frozenset[str] = frozenset({"network"})
    cgroup: str = ""
    oom_score_adj: int | None = None
    rlimits: Mapping[str, int] = field(default_factory=dict)
    masked: bool = True
    devices: bool = False
    root_propagation: str = ""
    memory_max_bytes: int = 0
    cpu_shares: int = 0
    annotations: Mapping[str, str] = field(default_factory=dict)


_BASE_MOUNTS = (
    Mount("/proc", "proc", "proc", ("nosuid", "noexec", "nodev")),
    Mount("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
    Mount("/dev/pts", "devpts", "devpts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")),
    Mount("/dev/shm", "shm", "tmpfs", ("nosuid", "noexec", "nodev", "mode=1777", "size=65536k")),
    Mount("/dev/mqueue", "mqueue", "mqueue", ("nosuid", "noexec", "nodev")),
    Mount("/sys", "sysfs", "sysfs", ("nosuid", "noexec", "nodev", "ro")),
    Mount("/run", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
)


def _user(image: ImageConfig, options: Options) -> dict[str, Any]:
    uid, _, gid = image.user.partition(":")
    return {
        "uid": options.uid if options.uid is not None else (int(uid) if uid.isdigit() else 0),
        "gid": options.gid if options.gid is not None else (int(gid) if gid.isdigit() else 0),
        "additionalGids": list(options.groups),
    }


def _env(image: ImageConfig, options: Options) -> list[str]:
    merged: dict[str, str] = {}
    for entry in (DEFAULT_PATH, *image.env, *options.env):
        merged[entry.partition("=")[0]] = entry
    return list(merged.values())


def _args(image: ImageConfig, options: Options) -> list[str]:
    if options.args:
        return [*(image.entrypoint if options.keep_entrypoint else ()), *options.args]
    return [*image.entrypoint, *image.command]


def _process(image: ImageConfig, options: Options, host: Host) -> dict[str, Any]:
    wanted = host.bounding if options.capabilities is None else host.bounding.intersection(options.capabilities)
    kept = sorted(wanted)
    user = _user(image, options)
    process: dict[str, Any] = {
        "terminal": False,
        "user": user,
        "args": _args(image, options),
        "env": _env(image, options),
        "cwd": options.working_dir or image.working_dir or "/",
        "capabilities": {
            "bounding": kept,
            "effective": kept,
            "permitted": kept,
            # Without ambient ones a program of another user than root would have none after exec.
            "ambient": kept if user["uid"] else [],
            "inheritable": kept if user["uid"] else [],
        },
        "noNewPrivileges": options.no_new_privileges,
        "rlimits": [
            {"type": name, "soft": value, "hard": value}
            for name, wanted_limit in sorted(options.rlimits.items())
            for value in (min(wanted_limit, host.hard_limits.get(name, wanted_limit)),)
        ],
    }
    if options.oom_score_adj is not None:
        floor = options.oom_score_adj if host.may_lower_oom_score else host.oom_score_adj
        process["oomScoreAdj"] = max(options.oom_score_adj, floor)
    return process


def _linux(options: Options) -> dict[str, Any]:
    namespaces = ["mount"] + [
        kind for kind in ("pid", "ipc", "uts", "network", "cgroup") if kind not in options.host_namespaces
    ]
    access = {"allow": options.devices, "access": "rwm"}
    resources: dict[str, Any] = {"devices": [access]}
    if options.memory_max_bytes:
        resources["memory"] = {"limit": options.memory_max_bytes}
    if options.cpu_shares:
        resources["cpu"] = {"shares": options.cpu_shares}
    linux: dict[str, Any] = {
        "namespaces": [{"type": kind} for kind in namespaces],
        "resources": resources,
        "cgroupsPath": options.cgroup,
        "maskedPaths": list(MASKED_PATHS) if options.masked else [],
        "readonlyPaths": list(READ_ONLY_PATHS) if options.masked else [],
    }
    if options.root_propagation:
        linux["rootfsPropagation"] = options.root_propagation
    return linux


def build(image: ImageConfig, options: Options, host: Host) -> dict[str, Any]:
    """Return the specification. A mount of `options` replaces a default one with the same target."""
    own = {mount.target for mount in options.mounts}
    mounts = [mount for mount in _BASE_MOUNTS if mount.target not in own]
    mounts += options.mounts
    spec: dict[str, Any] = {
        "ociVersion": "1.1.0",
        "process": _process(image, options, host),
        "root": {"path": "rootfs", "readonly": options.read_only_root},
        "mounts": [
            {"destination": m.target, "type": m.type, "source": m.source, "options": list(m.options)} for m in mounts
        ],
        "annotations": dict(options.annotations),
        "linux": _linux(options),
    }
    if options.hostname and "uts" not in options.host_namespaces:
        spec["hostname"] = options.hostname
    return spec
