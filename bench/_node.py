"""What the measurements of nodes share: a home of their own, talosctl, processes of a node, medians."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from talos.linux import cgroup

SOURCES = Path(__file__).resolve().parent.parent / "src"
TIMEOUT_S = 300.0


class Home:
    """A folder that takes the place of the person's home for clusters made here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        self.environment = {**os.environ, "HOME": str(folder), "XDG_CACHE_HOME": cache, "PYTHONPATH": str(SOURCES)}

    @property
    def clusters(self) -> Path:
        return self.folder / ".talos" / "clusters"

    def talosctl(self, *arguments: str, timeout_s: float = TIMEOUT_S) -> str:
        """Standard output. Raises CalledProcessError, with standard error printed."""
        done = subprocess.run(
            [Path(sys.executable).with_name("talosctl"), *arguments],
            check=False,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        if done.returncode:
            print(done.stdout[-2000:], done.stderr[-4000:], sep="\n", file=sys.stderr)
            done.check_returncode()
        return done.stdout

    def create(self, name: str, cidr: str, *, workers: int = 0) -> str:
        """Create a cluster of one control plane; returns what was printed."""
        return self.talosctl(
            "cluster", "create", "--name", name, "--cidr", cidr, "--workers", str(workers), "--wait-timeout", "3m"
        )

    def destroy(self, name: str) -> None:
        """Remove a cluster, if it is there."""
        if (self.clusters / name).exists():
            self.talosctl("cluster", "destroy", "--name", name, "--force")


def cpu_s(cgroup_path: str) -> float:
    """CPU time that everything in a cgroup and below has used so far, also what has ended."""
    for directory in cgroup.tree().directories(cgroup_path):
        if (file := directory / "cpuacct.usage").exists():
            return int(file.read_text()) / 1e9
        if (file := directory / "cpu.stat").exists() and "usage_usec" in (text := file.read_text()):
            return int(text.split("usage_usec", 1)[1].split()[0]) / 1e6
    raise FileNotFoundError(f"no CPU time for cgroup {cgroup_path}")


def processes(init_pid: int) -> dict[str, int]:
    """Programs of a node by the name they were started as (last part of argv[0]) -> pid; the first of each name."""
    wanted = Path(f"/proc/{init_pid}/ns/net").stat().st_ino
    found: dict[str, int] = {}
    for entry in sorted((e for e in Path("/proc").iterdir() if e.name.isdigit()), key=lambda e: int(e.name)):
        try:
            if (entry / "ns/net").stat().st_ino != wanted:
                continue
            argv = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        found.setdefault(Path(argv[0].decode()).name, int(entry.name))
    return found
