"""What the kernel says of the node: the statistics RPCs of machine.MachineService.

Each handler reads one file of /proc when asked; nothing is sampled in the background. Field names of the messages are
the kernel's own, so the mapping is by order or by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

from google.protobuf import empty_pb2

from talos.linux import mount, procfs
from talos.machined.api import Handlers
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import server as rpc

_NOT_IN_NAMES = re.compile(r"[()_]")
_CPU_TIMES = ("user", "nice", "system", "idle", "iowait", "irq", "soft_irq", "steal", "guest", "guest_nice")
_SOFT_IRQS = ("hi", "timer", "net_tx", "net_rx", "block", "block_io_poll", "tasklet", "sched", "hrtimer", "rcu")
# Orders of Documentation/admin-guide/iostats.rst and of /proc/net/dev.
_DISK_COUNTERS = (
    "read_completed", "read_merged", "read_sectors", "read_time_ms",
    "write_completed", "write_merged", "write_sectors", "write_time_ms",
    "io_in_progress", "io_time_ms", "io_time_weighted_ms",
    "discard_completed", "discard_merged", "discard_sectors", "discard_time_ms",
)  # fmt: skip
_RECEIVE = ("bytes", "packets", "errors", "dropped", "fifo", "frame", "compressed", "multicast")
_TRANSMIT = ("bytes", "packets", "errors", "dropped", "fifo", "collisions", "carrier", "compressed")
# Mounts that hold no space of their own are left out, as df does.
_SPACELESS = frozenset(
    {"proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs", "bpf", "pstore"}
)


def memory_message(values: dict[str, int]) -> machine_pb2.MemInfo:
    """/proc/meminfo (kibibytes) -> message."""
    known = machine_pb2.MemInfo.DESCRIPTOR.fields_by_name
    named = {_NOT_IN_NAMES.sub("", key).lower(): value for key, value in values.items()}
    return machine_pb2.MemInfo(**{key: value for key, value in named.items() if key in known})


def _cpu(times: procfs.CPUTimes) -> machine_pb2.CPUStat:
    return machine_pb2.CPUStat(**{name: getattr(times, name) for name in _CPU_TIMES})


def stat_message(stat: procfs.Stat) -> machine_pb2.SystemStat:
    """/proc/stat -> message."""
    return machine_pb2.SystemStat(
        boot_time=stat.boot_time,
        cpu_total=_cpu(stat.cpu_total),
        cpu=[_cpu(c) for c in stat.cpus],
        irq_total=stat.irq_total,
        irq=stat.irq,
        context_switches=stat.context_switches,
        process_created=stat.processes_created,
        process_running=stat.processes_running,
        process_blocked=stat.processes_blocked,
        soft_irq_total=stat.soft_irq_total,
        soft_irq=machine_pb2.SoftIRQStat(**dict(zip(_SOFT_IRQS, stat.soft_irq, strict=False))),
    )


def disk_message(name: str, counters: Sequence[int]) -> machine_pb2.DiskStat:
    """One block device; counters an older kernel lacks stay 0."""
    return machine_pb2.DiskStat(name=name, **dict(zip(_DISK_COUNTERS, counters, strict=False)))


def _sum(rows: Iterable[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=False)]


def network_message(name: str, receive: Sequence[int], transmit: Sequence[int]) -> machine_pb2.NetDev:
    """One network interface."""
    fields = {f"rx_{k}": v for k, v in zip(_RECEIVE, receive, strict=False)}
    fields |= {f"tx_{k}": v for k, v in zip(_TRANSMIT, transmit, strict=False)}
    return machine_pb2.NetDev(name=name, **fields)


def cpu_message(cpu: procfs.CPU) -> machine_pb2.CPUInfo:
    """One processor of /proc/cpuinfo."""
    return machine_pb2.CPUInfo(
        processor=int(cpu.number("processor")),
        vendor_id=cpu.text("vendor_id"),
        cpu_family=cpu.text("cpu family"),
        model=cpu.text("model"),
        model_name=cpu.text("model name"),
        stepping=cpu.text("stepping"),
        microcode=cpu.text("microcode"),
        cpu_mhz=cpu.number("cpu MHz"),
        cache_size=cpu.text("cache size"),
        physical_id=cpu.text("physical id"),
        siblings=int(cpu.number("siblings")),
        core_id=cpu.text("core id"),
        cpu_cores=int(cpu.number("cpu cores")),
        apic_id=cpu.text("apicid"),
        initial_apic_id=cpu.text("initial apicid"),
        fpu=cpu.text("fpu"),
        fpu_exception=cpu.text("fpu_exception"),
        cpu_id_level=int(cpu.number("cpuid level")),
        wp=cpu.text("wp"),
        flags=cpu.text("flags").split(),
        bugs=cpu.text("bugs").split(),
        bogo_mips=cpu.number("bogomips"),
        cl_flush_size=int(cpu.number("clflush size")),
        cache_alignment=int(cpu.number("cache_alignment")),
        address_sizes=cpu.text("address sizes"),
        power_management=cpu.text("power management"),
    )


def process_message(process: procfs.Process) -> machine_pb2.ProcessInfo:
    """One row of the process table."""
    return machine_pb2.ProcessInfo(
        pid=process.pid,
        ppid=process.ppid,
        state=process.state,
        threads=process.threads,
        cpu_time=process.cpu_time_s,
        virtual_memory=process.virtual_bytes,
        resident_memory=process.resident_bytes,
        command=process.command,
        executable=process.executable,
        args=process.args,
        label=process.label,
    )


def _mounts() -> Iterable[machine_pb2.MountStat]:
    for entry in mount.table():
        if entry.fs_type in _SPACELESS:
            continue
        try:
            usage = mount.usage(entry.target)
        except OSError:
            # Hidden below another mount, or gone since the table was read.
            continue
        yield machine_pb2.MountStat(
            filesystem=entry.source, size=usage.size_bytes, available=usage.available_bytes, mounted_on=entry.target
        )


class System(Handlers):
    """Memory, SystemStat, LoadAvg, CPUInfo, DiskStats, NetworkDeviceStats, Processes, Mounts."""

    service: ClassVar[str] = "machine.MachineService"

    async def memory(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.MemoryResponse:
        """/proc/meminfo."""
        return machine_pb2.MemoryResponse(messages=[machine_pb2.Memory(meminfo=memory_message(procfs.meminfo()))])

    async def system_stat(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.SystemStatResponse:
        """/proc/stat."""
        return machine_pb2.SystemStatResponse(messages=[stat_message(procfs.stat())])

    async def load_avg(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.LoadAvgResponse:
        """/proc/loadavg."""
        one, five, fifteen = procfs.loadavg()
        return machine_pb2.LoadAvgResponse(messages=[machine_pb2.LoadAvg(load1=one, load5=five, load15=fifteen)])

    async def cpu_info(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.CPUInfoResponse:
        """/proc/cpuinfo."""
        cpus = [cpu_message(c) for c in procfs.cpuinfo()]
        return machine_pb2.CPUInfoResponse(messages=[machine_pb2.CPUsInfo(cpu_info=cpus)])

    async def disk_stats(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.DiskStatsResponse:
        """/proc/diskstats, and the sum over all devices."""
        disks = procfs.diskstats()
        message = machine_pb2.DiskStats(
            total=disk_message("total", _sum(d.counters for d in disks)),
            devices=[disk_message(d.name, d.counters) for d in disks],
        )
        return machine_pb2.DiskStatsResponse(messages=[message])

    async def network_device_stats(
        self, request: empty_pb2.Empty, call: rpc.Call
    ) -> machine_pb2.NetworkDeviceStatsResponse:
        """/proc/net/dev, and the sum over all interfaces."""
        devices = procfs.network_devices()
        message = machine_pb2.NetworkDeviceStats(
            total=network_message("total", _sum(d.receive for d in devices), _sum(d.transmit for d in devices)),
            devices=[network_message(d.name, d.receive, d.transmit) for d in devices],
        )
        return machine_pb2.NetworkDeviceStatsResponse(messages=[message])

    async def processes(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.ProcessesResponse:
        """The process table."""
        rows = [process_message(p) for p in procfs.processes()]
        return machine_pb2.ProcessesResponse(messages=[machine_pb2.Process(processes=rows)])

    async def mounts(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.MountsResponse:
        """Mounted file systems with their size."""
        return machine_pb2.MountsResponse(messages=[machine_pb2.Mounts(stats=list(_mounts()))])
