"""CPUFreqStats of machine.MachineService: what the kernel's frequency driver says of each CPU.

Format: Documentation/ABI/testing/sysfs-devices-system-cpu; frequencies are kHz there and Hz on the wire. A virtual
machine has no driver, then the list is empty.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from google.protobuf import empty_pb2

from talos.machined.api import Handlers
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import server as rpc

CPUS = Path("/sys/devices/system/cpu")
_HZ_PER_KHZ = 1000


def _text(path: Path) -> str:
    """Content of a file, empty where the driver does not have it."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _hz(path: Path) -> int:
    text = _text(path)
    return int(text) * _HZ_PER_KHZ if text.isdigit() else 0


def read(cpus: Path = CPUS) -> list[machine_pb2.CPUFreqStats]:
    """Return the state of each CPU that has a frequency driver, in order of their numbers."""
    numbers = sorted(int(m[1]) for entry in cpus.iterdir() if (m := re.fullmatch(r"cpu(\d+)", entry.name)))
    folders = [cpus / f"cpu{number}/cpufreq" for number in numbers]
    return [
        machine_pb2.CPUFreqStats(
            current_frequency=_hz(folder / "scaling_cur_freq"),
            minimum_frequency=_hz(folder / "cpuinfo_min_freq"),
            maximum_frequency=_hz(folder / "cpuinfo_max_freq"),
            governor=_text(folder / "scaling_governor"),
        )
        for folder in folders
        if folder.is_dir()
    ]


class CpuFreq(Handlers):
    """CPUFreqStats."""

    service: ClassVar[str] = "machine.MachineService"

    async def cpufreq_stats(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.CPUFreqStatsResponse:
        """Frequencies and governor of each CPU."""
        return machine_pb2.CPUFreqStatsResponse(messages=[machine_pb2.CPUsFreqStats(cpu_freq_stats=read())])
