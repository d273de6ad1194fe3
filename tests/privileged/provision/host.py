"""A throw-away machine for local clusters: namespaces in which links, routes, tables, mounts and processes are its own.

What a cluster leaves behind can be told exactly here, whatever else runs on the real machine. Kernel-wide things
(cgroups, loop devices, kernel parameters) are looked at by the names a cluster gives them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from talos.linux import cgroup
from talos.provision.providers.namespaces import network
from talos.provision.request import Names
from tests import capabilities

_FIRST = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); [signal.pause() for _ in iter(int, 1)]"
TALOSCTL = (sys.executable, "-m", "talos.talosctl.main")


@dataclass(frozen=True)
class Snapshot:
    """Everything a cluster could leave behind; two are equal when nothing was."""

    processes: tuple[str, ...]
    mounts: tuple[str, ...]
    links: tuple[str, ...]
    routes: tuple[str, ...]
    tables: tuple[str, ...]
    cgroups: tuple[str, ...]
    loops: tuple[str, ...]
    namespaces: int
    sysctls: Mapping[str, str]
    files: tuple[str, ...]


@dataclass
class Host:
    """One such machine. `home` is the only folder of the real one that commands write to."""

    home: Path
    pid: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def clusters(self) -> Path:
        return self.home / ".talos/clusters"

    @property
    def environment(self) -> dict[str, str]:
        cache = str(capabilities.artifacts_dir().parents[2])
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        python = os.pathsep.join(part for part in sys.path if part)
        return {"HOME": str(self.home), "XDG_CACHE_HOME": cache, "PATH": path, "NO_COLOR": "1", "PYTHONPATH": python}

    def boot(self, script: str = "") -> None:
        """Start it; `script` is run first. A boot id of its own, as every boot of a machine has."""
        boot_id = self.home.with_name(f"{self.home.name}-boot-id")
        boot_id.write_text(f"{os.urandom(16).hex()}\n")
        # Not below /run of the real machine, where others keep things.
        lines = [
            "ip link set lo up",
            f"mount --bind {boot_id} /proc/sys/kernel/random/boot_id",
            "mount -t tmpfs tmpfs /run",
            script,
            "echo booted; exec >&-",
            # Orphans are reaped by the kernel where PID 1 ignores their end.
            f"exec {sys.executable} -S -c '{_FIRST}'",
        ]
        self._process = subprocess.Popen(
            [
                *("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"),
                *("sh", "-ec", "\n".join(line for line in lines if line)),
            ],
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"booted\n"
        (self.pid,) = children(self._process.pid)

    def crash(self) -> None:
        """The power goes: every process, link, mount and table is gone at once, files stay."""
        assert self._process is not None
        os.kill(self.pid, signal.SIGKILL)
        self._process.wait(30)
        if self._process.stdout is not None:
            self._process.stdout.close()
        until(lambda: not _loops(self.home), 30, "loop devices are let go")
        # A machine that boots has no cgroups and its own kernel parameters.
        for path in _cgroups(self.clusters):
            _remove_cgroup(Path(path))

    def argv(self, *argv: str) -> list[str]:
        """A command line that runs on it."""
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", "--pid", "--", *argv]

    def run(self, *argv: str, timeout_s: float = 120, **options: object) -> subprocess.CompletedProcess[str]:
        """Run a command on it."""
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            self.argv(*argv),
            check=False,
            **{"capture_output": True, "text": True, "timeout": timeout_s, "env": self.environment, **options},
        )

    def talosctl(self, *argv: str, code: int | None = 0, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Run talosctl on it and look at its exit code (None: any)."""
        done = self.run(*TALOSCTL, *argv, timeout_s=timeout_s)
        said = f"{' '.join(argv)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert code is None or done.returncode == code, said
        assert "Traceback" not in done.stderr, said
        return done

    def spawn(self, *argv: str) -> subprocess.Popen[str]:
        """Start talosctl on it; its progress can be read from stderr."""
        return subprocess.Popen(
            self.argv(*TALOSCTL, *argv),
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def names(self, cluster: str) -> Names:
        """What the cluster's things are called."""
        return Names.of(self.clusters, cluster)

    def pids(self) -> list[int]:
        """Real pids of all its processes but the first, those of nodes too."""
        parents = {pid: _parent(pid) for pid in _all_pids()}
        found, level = [], [self.pid]
        while level:
            level = [pid for pid, parent in parents.items() if parent in level]
            found += level
        return found

    def snapshot(self) -> Snapshot:
        """What is there now."""
        processes = self.run("ps", "-eo", "pid,args", "--no-headers").stdout.splitlines()
        mounts = [line.split(" ", 4)[-1] for line in Path(f"/proc/{self.pid}/mountinfo").read_text().splitlines()]
        kinds = ("net", "mnt", "pid", "uts", "ipc", "cgroup")
        return Snapshot(
            tuple(line.split(maxsplit=1)[1] for line in processes if "ps -eo" not in line),
            tuple(mounts),
            tuple(line.split(":")[1] for line in self.run("ip", "-o", "link").stdout.splitlines()),
            tuple(self.run("ip", "-4", "route", "show", "table", "all").stdout.splitlines()),
            tuple(self.run("nft", "list", "tables").stdout.splitlines()),
            tuple(sorted(_cgroups(self.clusters))),
            tuple(sorted(_loops(self.home))),
            len({(kind, _inode(pid, kind)) for pid in [self.pid, *self.pids()] for kind in kinds}),
            {name: self.run("sysctl", "-n", name).stdout.strip() for name in network.SYSCTLS},
            tuple(sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*"))),
        )


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _inode(pid: int, kind: str) -> int:
    try:
        return Path(f"/proc/{pid}/ns/{kind}").stat().st_ino
    except OSError:
        return 0


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat[stat.rindex(")") + 2 :].split()[1])


def children(pid: int) -> list[int]:
    """Children of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def words(pid: int) -> str:
    """A process's command line, with zero bytes between the words."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def inner_pid(pid: int) -> int:
    """A process's pid as its machine sees it: of the namespaces it is in, the second."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    numbers = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
    return int(numbers[1]) if len(numbers) > 1 else 0


def kill(pid: int) -> None:
    """kill -9, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def kill_tree(pid: int) -> None:
    """kill -9 what a command started, so that it ends too."""
    for child in children(pid):
        kill_tree(child)
        kill(child)


def in_network_of(pid: int, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the real machine in the network of a node."""
    words = ["nsenter", f"--target={pid}", "--net", "--", *argv]
    return subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)


def _cgroups(clusters: Path) -> list[str]:
    """Cgroups of any cluster kept in this folder."""
    found = []
    for top in cgroup.tree().directories("talos"):
        for directory in top.glob("*"):
            name = directory.name.rpartition(".")[0]
            if name and directory.name == Path(Names.of(clusters, name).cgroup).name:
                found.append(str(directory))
    return found


def _remove_cgroup(directory: Path) -> None:
    for name, _, _ in os.walk(directory, topdown=False):
        deadline = time.monotonic() + 10
        while True:
            try:
                Path(name).rmdir()
                break
            except FileNotFoundError:
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


def _loops(home: Path) -> list[str]:
    found = []
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            text = file.read_text().strip()
            if text.startswith(str(home)):
                found.append(text)
    return found


def until(condition: object, timeout_s: float, what: str) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s:g} s"
        time.sleep(0.05)


@contextmanager
def booted(machine: Host, script: str = "") -> Iterator[None]:
    """Have it run for a block; whatever is left on it ends with it."""
    machine.home.mkdir(parents=True, exist_ok=True)
    machine.boot(script)
    try:
        yield
    finally:
        machine.crash()


@contextmanager
def host(home: Path, script: str = "") -> Iterator[Host]:
    """A machine for a block."""
    made = Host(home)
    with booted(made, script):
        yield made


@contextmanager
def cluster(machine: Host, *argv: str) -> Iterator[None]:
    """A quickly made cluster for a block; the words are those of `create`."""
    machine.talosctl(*argv)
    try:
        yield
    finally:
        machine.talosctl("cluster", "destroy", "--name", argv[3])


@contextmanager
def process(machine: Host, *argv: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs there meanwhile, from its first line of output to the end of its input."""
    started = subprocess.Popen(
        machine.argv(*argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=machine.environment
    )
    assert started.stdout is not None
    started.stdout.readline()
    try:
        yield started
    finally:
        started.communicate(timeout=20)


def create(name: str, *more: str, cidr: str = "10.28.0.0/24") -> Sequence[str]:
    """Words of a quick create: nothing waits for Kubernetes."""
    return ("cluster", "create", "--name", name, "--cidr", cidr, "--workers", "0", "--wait=false", *more)
