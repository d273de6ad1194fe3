"""Resource type CPUStats.perf.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

CPU_ID = "latest"


class CPUTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds one CPU, or all, spent in each state."""

    user: float = 0.0
    nice: float = 0.0
    system: float = 0.0
    idle: float = 0.0
    iowait: float = 0.0
    irq: float = 0.0
    soft_irq: float = msgspec.field(default=0.0, name="softIrq")
    steal: float = 0.0
    guest: float = 0.0
    guest_nice: float = msgspec.field(default=0.0, name="guestNice")


class CPUStat(resource.Resource["CPUStat.Spec"]):
    """CPU times and kernel counters, as in /proc/stat."""

    definition = resource.Definition(
        type="CPUStats.perf.talos.dev",
        namespace="perf",
        print_columns=(
            resource.PrintColumn("User", "{.cpuTotal.user}"),
            resource.PrintColumn("System", "{.cpuTotal.system}"),
        ),
        message="talos.resource.definitions.perf.CPUSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        cpu: tuple[CPUTimes, ...] = ()
        cpu_total: CPUTimes = msgspec.field(default_factory=CPUTimes, name="cpuTotal")
        irq_total: int = msgspec.field(default=0, name="irqTotal")
        context_switches: int = msgspec.field(default=0, name="contextSwitches")
        process_created: int = msgspec.field(default=0, name="processCreated")
        process_running: int = msgspec.field(default=0, name="processRunning")
        process_blocked: int = msgspec.field(default=0, name="processBlocked")
        soft_irq_total: int = msgspec.field(default=0, name="softIrqTotal")
