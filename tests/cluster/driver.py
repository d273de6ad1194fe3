"""A real local cluster, made, driven and destroyed through the command line as a person would."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import capabilities
from tests.cluster import networks

CREATE_TIMEOUT_S = 400
IMAGE = "ghcr.io/talos-python/testbox:v1"


@dataclass(frozen=True)
class Output:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class LocalCluster:
    """A cluster of this test run in a home directory of its own."""

    name: str
    home: Path
    prefix: str
    control_planes: int
    workers: int

    @property
    def environment(self) -> dict[str, str]:
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        return {"HOME": str(self.home), "XDG_CACHE_HOME": cache, "PATH": os.environ["PATH"], "NO_COLOR": "1"}

    @property
    def planes(self) -> list[str]:
        """Addresses of the control planes."""
        return [f"{self.prefix}.{2 + n}" for n in range(self.control_planes)]

    @property
    def worker_nodes(self) -> list[str]:
        """Addresses of the workers."""
        return [f"{self.prefix}.{2 + self.control_planes + n}" for n in range(self.workers)]

    @property
    def nodes(self) -> list[str]:
        return self.planes + self.worker_nodes

    @property
    def folder(self) -> Path:
        return self.home / ".talos/clusters" / self.name

    def run(self, *argv: str, timeout_s: float = 60, check: bool = True, stdin: str | None = None) -> Output:
        done = subprocess.run(
            argv, env=self.environment, capture_output=True, text=True, timeout=timeout_s, check=False, input=stdin
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(argv)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return Output(done.returncode, done.stdout, done.stderr)

    def talosctl(self, *argv: str, node: str | None = None, **options: Any) -> Output:
        where = ["-n", node] if node else []
        return self.run(sys.executable, "-m", "talos.talosctl.main", *where, *argv, **options)

    def kubectl(self, *argv: str, **options: Any) -> Output:
        return self.run(str(capabilities.artifacts_dir() / "bin/kubectl"), *argv, **options)

    def get(self, *argv: str) -> Any:
        """Objects of Kubernetes as data."""
        return json.loads(self.kubectl("get", *argv, "-o", "json").out)

    def apply(self, *objects: dict[str, Any]) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(listed))

    def services(self, node: str) -> dict[str, tuple[str, str]]:
        """State and health of each service."""
        rows = [line.split() for line in self.talosctl("services", node=node).out.splitlines()[1:]]
        return {row[1]: (row[2], row[3]) for row in rows}

    def node_name(self, node: str) -> str:
        """Name of the node with an address."""
        index = self.nodes.index(node)
        if index < self.control_planes:
            return f"{self.name}-controlplane-{index + 1}"
        return f"{self.name}-worker-{index - self.control_planes + 1}"

    def pids(self, node: str, wanted: Callable[[str], bool]) -> list[int]:
        """Host pids of a node's processes (pods' too) whose executable is wanted, found by the node's cgroup."""
        mark = re.compile(rf"/{re.escape(self.name)}(\.[0-9a-f]+)?/{re.escape(self.node_name(node))}/")
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                inside = mark.search((entry / "cgroup").read_text())
                argv = (entry / "cmdline").read_bytes().split(b"\0")[0].decode()
            except OSError:
                continue
            if inside and wanted(argv):
                found.append(int(entry.name))
        return found

    def kill(self, node: str, program: str) -> None:
        """kill -9 the processes of a program on a node."""
        pids = self.pids(node, lambda argv: Path(argv).name == program)
        assert pids, f"{program} does not run on {node}"
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


def until(condition: Callable[[], Any], timeout_s: float, what: str, every_s: float = 0.2) -> Any:
    """Wait until the condition gives something true; an AssertionError inside counts as not yet."""
    deadline = time.monotonic() + timeout_s
    last: object = None
    while True:
        try:
            if value := condition():
                return value
        except (AssertionError, KeyError, IndexError, json.JSONDecodeError, subprocess.TimeoutExpired) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout_s:g} s; last: {last}")
        time.sleep(every_s)


def destroy(home: Path, name: str) -> None:
    """Destroy a cluster, whatever is left of it."""
    LocalCluster(name, home, "", 0, 0).talosctl(
        "cluster", "destroy", "--name", name, "--force", timeout_s=120, check=False
    )


@contextmanager
def network(home: Path, name: str, preferred: str) -> Iterator[str]:
    """The preferred /24, or another that is free, by its first three numbers; clusters of dead runs go first."""
    with networks.claimed(preferred, home, name, networks.records(), destroy) as prefix:
        yield prefix


@contextmanager
def created(
    home: Path, name: str, preferred: str, *, control_planes: int = 1, workers: int = 1
) -> Iterator[LocalCluster]:
    """Create a cluster on the preferred network or another free one, hand it out, destroy it."""
    home.mkdir(parents=True, exist_ok=True)
    with network(home, name, preferred) as prefix:
        cluster = LocalCluster(name, home, prefix, control_planes, workers)
        try:
            cluster.talosctl(
                "cluster", "create", "--name", name, "--cidr", f"{prefix}.0/24",
                "--controlplanes", str(control_planes), "--workers", str(workers),
                "--wait-timeout", f"{CREATE_TIMEOUT_S - 20}s", timeout_s=CREATE_TIMEOUT_S,
            )  # fmt: skip
            yield cluster
        except BaseException:
            for console in sorted(cluster.folder.glob("nodes/*/console.log")):
                print(f"--- {console}", *console.read_text(errors="replace").splitlines()[-40:], sep="\n")
            raise
        finally:
            destroy(home, name)
