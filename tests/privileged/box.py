"""Run a command as PID 1 of a throw-away machine: namespaces, an overlay of the host's root, cgroups of its own.

    python box.py --scratch DIR [--lower DIR] [--read-only] [--env NAME=VALUE]... [--bind SOURCE:TARGET]...
                  [--address ADDRESS/LENGTH --gateway ADDRESS] [--hostname NAME] [--keep-kernel] -- COMMAND...

With --keep-kernel /proc/sys is read-only: what takes itself for a whole machine leaves the kernel's settings alone.
The scratch directory (empty) takes the changes to the root. The exit code is the command's. What the provisioner does
for a real node is done here by a few lines, so that PID 1 and machined can be tested without it.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWPID, NEWNET = 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE, MS_BIND, MS_RDONLY, MS_REMOUNT = 16384, 1 << 18, 4096, 1, 32
libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source: str, target: str | Path, kind: str = "", flags: int = 0, data: str = "") -> None:
    Path(target).mkdir(parents=True, exist_ok=True) if kind or Path(source).is_dir() else None
    check(libc.mount(source.encode(), os.fsencode(target), kind.encode(), flags, data.encode()), f"mount {target}")


def hierarchies() -> dict[str, str]:
    """Mounted cgroup hierarchies of the host: directory -> options ('' for v2)."""
    found = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, target, kind, options, *_ = line.split()
        if kind == "cgroup2":
            found[target] = ""
        elif kind == "cgroup":
            found[target] = ",".join(
                o for o in options.split(",") if o not in ("rw", "relatime", "nosuid", "nodev", "noexec")
            )
    return found


def make_cgroups(name: str) -> list[Path]:
    made = []
    for top in hierarchies():
        directory = Path(top) / name
        directory.mkdir()
        for file in ("cpuset.cpus", "cpuset.mems"):
            if (directory / file).exists() and not (directory / file).read_text().strip():
                (directory / file).write_text((Path(top) / file).read_text())
        made.append(directory)
    return made


def remove_cgroups(directories: list[Path]) -> None:
    for directory in directories:
        for _ in range(100):
            pids = [p for name, _, _ in os.walk(directory) for p in Path(name, "cgroup.procs").read_text().split()]
            if not pids:
                break
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.02)
        for name, _, _ in os.walk(directory, topdown=False):
            Path(name).rmdir()


def enter(scratch: Path, lower: Path, binds: list[str], *, read_only: bool, keep_kernel: bool) -> None:
    """In the child that is PID 1 of the new namespaces: make the root and go there."""
    check(libc.mount(b"none", b"/", b"", MS_REC | MS_PRIVATE, b""), "private mounts")
    root, upper, work = scratch / "root", scratch / "upper", scratch / "work"
    tops = hierarchies()
    mount("tmpfs", scratch, "tmpfs")
    for directory in (root, upper, work):
        directory.mkdir()
    mount("overlay", root, "overlay", 0, f"lowerdir={lower},upperdir={upper},workdir={work}")
    mount("proc", root / "proc", "proc")
    if keep_kernel:
        mount(str(root / "proc/sys"), root / "proc/sys", "", MS_BIND)
        mount("none", root / "proc/sys", "", MS_BIND | MS_REMOUNT | MS_RDONLY)
    mount("sysfs", root / "sys", "sysfs", MS_RDONLY)
    mount("tmpfs", root / "sys/fs/cgroup", "tmpfs")
    if list(tops.values()) == [""]:
        mount("cgroup2", root / "sys/fs/cgroup", "cgroup2")
    else:
        for top, options in tops.items():
            target = root / top.lstrip("/")
            mount("cgroup", target, "cgroup2" if not options else "cgroup", 0, options)
    mount("/dev", root / "dev", "", MS_BIND | MS_REC)
    mount("tmpfs", root / "dev/shm", "tmpfs")
    covered = ("run", "system", "tmp")
    for name in covered:
        mount("tmpfs", root / name, "tmpfs")
    checkout = str(Path(__file__).resolve().parents[2])
    if lower == Path("/") and checkout.split("/")[1] in covered:
        binds = [f"{checkout}:{checkout}", *binds]
    for bind in binds:
        source, _, target = bind.partition(":")
        where = root / target.lstrip("/")
        if Path(source).is_dir():
            where.mkdir(parents=True, exist_ok=True)
        else:
            where.parent.mkdir(parents=True, exist_ok=True)
            where.touch()
        mount(source, where, "", MS_BIND | MS_REC)
    if read_only:
        mount("none", root, "", MS_BIND | MS_REMOUNT | MS_RDONLY)
    os.chdir(root)
    check(libc.syscall(155, b".", b"."), "pivot_root")
    check(libc.umount2(b".", 2), "umount of the old root")
    os.chdir("/")


def make_network(address: str, gateway: str) -> None:
    """An eth0 whose other end is in the same namespace: enough to have an address and a default route."""
    for line in (
        "link set lo up",
        "link add eth0 type veth peer name peer0",
        "link set peer0 up",
        "link set eth0 up",
        f"addr add {address} dev eth0",
        f"route add default via {gateway} dev eth0",
    ):
        subprocess.run(["ip", *line.split()], check=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--env", action="append", default=[])
    parser.add_argument("--bind", action="append", default=[])
    parser.add_argument("--lower", type=Path, default=Path("/"))
    parser.add_argument("--read-only", action="store_true")
    parser.add_argument("--address", default="")
    parser.add_argument("--gateway", default="")
    parser.add_argument("--hostname", default="")
    parser.add_argument("--keep-kernel", action="store_true")
    parser.add_argument("--share-net", action="store_true")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    name = f"talos-box-{os.getpid()}"
    directories = make_cgroups(name)
    pid = os.fork()
    if pid == 0:
        for directory in directories:
            (directory / "cgroup.procs").write_text("0")
        flags = NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWPID | (0 if args.share_net else NEWNET)
        check(libc.unshare(flags), "unshare")
        first = os.fork()
        if first == 0:
            if args.hostname:
                socket.sethostname(args.hostname)
            if args.address:
                make_network(args.address, args.gateway)
            enter(args.scratch, args.lower, args.bind, read_only=args.read_only, keep_kernel=args.keep_kernel)
            environment = dict(entry.split("=", 1) for entry in args.env)
            os.execvpe(args.command[0], args.command, {"PATH": os.environ["PATH"], **environment})
        # Both this and the outer process pass the wish to end on to PID 1.
        signal.signal(signal.SIGTERM, lambda *_: os.kill(first, signal.SIGTERM))
        os._exit(_wait(first))
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    code = _wait(pid)
    remove_cgroups(directories)
    return code


def _wait(pid: int) -> int:
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
