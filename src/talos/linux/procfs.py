"""What /proc tells about the machine and its processes (proc(5)), as typed values.

Every reader takes the root of the proc file system, so that tests feed it files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Process:
    """One process. `cpu_time_s` is user plus system time; memory in bytes; `args` joined by spaces."""

    pid: int
    ppid: int
    state: str
    threads: int
    cpu_time_s: float
    virtual_bytes: int
    resident_bytes: int
    command: str
    executable: str
    args: str
    label: str
    started_ticks: int


@dataclass(frozen=True, slots=True)
class CPUTimes:
    """Seconds a CPU spent in each state since boot."""

    user: float = 0
    nice: float = 0
    system: float = 0
    idle: float = 0
    iowait: float = 0
    irq: float = 0
    soft_irq: float = 0
    steal: float = 0
    guest: float = 0
    guest_nice: float = 0


@dataclass(frozen=True, slots=True)
class Stat:
    """/proc/stat. `irq` and `soft_irq` are counts by number."""

    cpu_total: CPUTimes
    cpus: tuple[CPUTimes, ...]
    boot_time: int
    irq_total: int
    irq: tuple[int, ...]
    context_switches: int
    processes_created: int
    processes_running: int
    processes_blocked: int
    soft_irq_total: int
    soft_irq: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CPU:
    """One block of /proc/cpuinfo: keys as the kernel writes them."""

    fields: dict[str, str] = field(default_factory=dict)

    def text(self, key: str) -> str:
        """Return a value, empty when this architecture does not report it."""
        return self.fields.get(key, "")

    def number(self, key: str) -> float:
        """Return a value as a number, 0 when it is absent or none."""
        try:
            return float(self.fields.get(key, "0").split()[0])
        except (ValueError, IndexError):
            return 0.0


@dataclass(frozen=True, slots=True)
class Disk:
    """One line of /proc/diskstats; `counters` in the kernel's order (admin-guide/iostats), up to 17 of them."""

    name: str
    counters: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NetworkDevice:
    """One line of /proc/net/dev; counters in the kernel's order: 8 of receive, 8 of transmit."""

    name: str
    receive: tuple[int, ...]
    transmit: tuple[int, ...]


def process(pid: int, root: Path = PROC) -> Process:
    """Return one process. Raises OSError when it is gone."""
    base = root / str(pid)
    stat = (base / "stat").read_bytes().decode(errors="replace")
    opening, closing = stat.index("("), stat.rindex(")")
    rest = stat[closing + 2 :].split()
    return Process(
        pid=pid,
        ppid=int(rest[1]),
        state=rest[0],
        threads=int(rest[17]),
        cpu_time_s=(int(rest[11]) + int(rest[12])) / CLOCK_TICKS,
        virtual_bytes=int(rest[20]),
        resident_bytes=int(rest[21]) * PAGE_BYTES,
        command=stat[opening + 1 : closing],
        executable=_link(base / "exe"),
        args=_bytes(base / "cmdline").rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace"),
        label=_bytes(base / "attr" / "current").rstrip(b"\0\n").decode(errors="replace"),
        started_ticks=int(rest[19]),
    )


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def pids(root: Path = PROC) -> list[int]:
    """Return the ids of all processes, ascending."""
    return sorted(int(name) for name in os.listdir(root) if name.isdigit())


def processes(root: Path = PROC) -> Iterator[Process]:
    """Return all processes; those that end while they are read are left out."""
    for pid in pids(root):
        try:
            yield process(pid, root)
        except (OSError, ValueError, IndexError):
            continue


def environment(pid: int, root: Path = PROC) -> dict[str, str]:
    """Return the environment a process was started with. Raises OSError."""
    entries = (root / str(pid) / "environ").read_bytes().decode(errors="replace").split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def meminfo(root: Path = PROC) -> dict[str, int]:
    """Return /proc/meminfo: key as the kernel writes it (`MemTotal`, `Active(anon)`) -> kibibytes or pages."""
    values: dict[str, int] = {}
    for line in (root / "meminfo").read_text().splitlines():
        key, _, value = line.partition(":")
        words = value.split()
        if words and words[0].isdigit():
            values[key] = int(words[0])
    return values


def pss_bytes(pid: int, root: Path = PROC) -> int:
    """Return the proportional set size of a process. Raises OSError."""
    for line in (root / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def loadavg(root: Path = PROC) -> tuple[float, float, float]:
    """Return the load averages over 1, 5 and 15 minutes."""
    one, five, fifteen = (root / "loadavg").read_text().split()[:3]
    return float(one), float(five), float(fifteen)


def _times(words: list[str]) -> CPUTimes:
    return CPUTimes(*(int(word) / CLOCK_TICKS for word in words[:10]))


def stat(root: Path = PROC) -> Stat:
    """Return /proc/stat."""
    single: dict[str, list[str]] = {}
    cpus: list[CPUTimes] = []
    for line in (root / "stat").read_text().splitlines():
        key, *words = line.split()
        if key.startswith("cpu") and key != "cpu":
            cpus.append(_times(words))
        else:
            single[key] = words

    def first(key: str) -> int:
        words = single.get(key)
        return int(words[0]) if words else 0

    return Stat(
        cpu_total=_times(single.get("cpu", [])),
        cpus=tuple(cpus),
        boot_time=first("btime"),
        irq_total=first("intr"),
        irq=tuple(int(word) for word in single.get("intr", [])[1:]),
        context_switches=first("ctxt"),
        processes_created=first("processes"),
        processes_running=first("procs_running"),
        processes_blocked=first("procs_blocked"),
        soft_irq_total=first("softirq"),
        soft_irq=tuple(int(word) for word in single.get("softirq", [])[1:]),
    )


def cpuinfo(root: Path = PROC) -> list[CPU]:
    """Return the processors of /proc/cpuinfo."""
    cpus: list[CPU] = []
    for block in (root / "cpuinfo").read_text().split("\n\n"):
        pairs = (line.partition(":") for line in block.splitlines() if ":" in line)
        fields = {key.strip(): value.strip() for key, _, value in pairs}
        if "processor" in fields:
            cpus.append(CPU(fields))
    return cpus


def diskstats(root: Path = PROC) -> list[Disk]:
    """Return the block devices of /proc/diskstats."""
    lines = (line.split() for line in (root / "diskstats").read_text().splitlines())
    return [Disk(words[2], tuple(int(word) for word in words[3:])) for words in lines if len(words) > 3]


def network_devices(root: Path = PROC) -> list[NetworkDevice]:
    """Return the interfaces of /proc/net/dev (of the reader's network namespace)."""
    devices: list[NetworkDevice] = []
    for line in (root / "net" / "dev").read_text().splitlines()[2:]:
        name, _, rest = line.partition(":")
        counters = tuple(int(word) for word in rest.split())
        if len(counters) >= 16:
            devices.append(NetworkDevice(name.strip(), counters[:8], counters[8:16]))
    return devices


def boot_id(root: Path = PROC) -> str:
    """Return the random id of this boot of the kernel."""
    return (root / "sys/kernel/random/boot_id").read_text().strip()


def uptime_s(root: Path = PROC) -> float:
    """Return seconds since the kernel booted."""
    return float((root / "uptime").read_text().split()[0])


def cmdline(root: Path = PROC) -> str:
    """Return the kernel's command line."""
    return (root / "cmdline").read_text().strip()
