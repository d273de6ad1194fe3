"""CPU and memory of the machine as resources, sampled twice a minute."""

from __future__ import annotations

from talos.cosi import controller
from talos.linux import procfs
from talos.machinery.resources.perf import cpu_stat, memory_stat

INTERVAL_S = 30.0
_KEYS = {
    "buffers": "Buffers", "cached": "Cached", "swap_cached": "SwapCached", "active": "Active",
    "inactive": "Inactive", "active_anon": "Active(anon)", "inactive_anon": "Inactive(anon)",
    "active_file": "Active(file)", "inactive_file": "Inactive(file)", "unevictable": "Unevictable",
    "mlocked": "Mlocked", "swap_total": "SwapTotal", "swap_free": "SwapFree", "dirty": "Dirty",
    "writeback": "Writeback", "anon_pages": "AnonPages", "mapped": "Mapped", "shmem": "Shmem", "slab": "Slab",
    "s_reclaimable": "SReclaimable", "s_unreclaim": "SUnreclaim", "kernel_stack": "KernelStack",
    "page_tables": "PageTables", "nf_sunstable": "NFS_Unstable", "bounce": "Bounce",
    "writeback_tmp": "WritebackTmp", "commit_limit": "CommitLimit", "committed_as": "Committed_AS",
    "vmalloc_total": "VmallocTotal", "vmalloc_used": "VmallocUsed", "vmalloc_chunk": "VmallocChunk",
    "hardware_corrupted": "HardwareCorrupted", "anon_huge_pages": "AnonHugePages",
}  # fmt: skip


def cpu_spec(stat: procfs.Stat) -> cpu_stat.CPUStat.Spec:
    """/proc/stat -> spec."""

    def times(found: procfs.CPUTimes) -> cpu_stat.CPUTimes:
        return cpu_stat.CPUTimes(**{name: getattr(found, name) for name in found.__slots__})

    return cpu_stat.CPUStat.Spec(
        cpu=tuple(times(one) for one in stat.cpus),
        cpu_total=times(stat.cpu_total),
        irq_total=stat.irq_total,
        context_switches=stat.context_switches,
        process_created=stat.processes_created,
        process_running=stat.processes_running,
        process_blocked=stat.processes_blocked,
        soft_irq_total=stat.soft_irq_total,
    )


def memory_spec(values: dict[str, int]) -> memory_stat.MemoryStat.Spec:
    """/proc/meminfo (kibibytes) -> spec."""
    known = set(memory_stat.MemoryStat.Spec.__struct_fields__)
    total, available = values.get("MemTotal", 0), values.get("MemAvailable", 0)
    rest = {field: values.get(key, 0) for field, key in _KEYS.items() if field in known}
    return memory_stat.MemoryStat.Spec(mem_total=total, mem_used=total - available, mem_available=available, **rest)


class StatsController(controller.Controller):
    """Publishes both, and wakes itself."""

    outputs = (controller.exclusive(cpu_stat.CPUStat), controller.exclusive(memory_stat.MemoryStat))

    async def reconcile(self, r: controller.Handle) -> None:
        """Two files, two resources."""
        await r.put(cpu_stat.CPUStat(cpu_stat.CPU_ID, cpu_spec(procfs.stat())))
        await r.put(memory_stat.MemoryStat(memory_stat.MEMORY_ID, memory_spec(procfs.meminfo())))
        r.wake_after(INTERVAL_S)
