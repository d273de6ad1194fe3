"""The cores of the machine's processors, as the kernel sees them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.resources.hardware.cpu_core import CPUCore

CPUINFO = Path("/proc/cpuinfo")


def blocks(text: str) -> list[dict[str, str]]:
    """Key -> value of each logical processor in /proc/cpuinfo."""
    found = []
    for part in text.split("\n\n"):
        pairs = (line.partition(":") for line in part.splitlines() if ":" in line)
        values = {key.strip(): value.strip() for key, _, value in pairs}
        if "processor" in values:
            found.append(values)
    return found


def _number(values: Mapping[str, str], key: str) -> int:
    text = values.get(key, "0")
    return int(text) if text.isdecimal() else 0


def cores(text: str) -> dict[str, CPUCore.Spec]:
    """Id `<socket>-<core>` -> core with its logical processors. On ARM each of them is a core."""
    grouped: dict[str, list[dict[str, str]]] = {}
    for values in blocks(text):
        socket, core = values.get("physical id", "0"), values.get("core id", values["processor"])
        grouped.setdefault(f"{socket}-{core}", []).append(values)
    return {id: _core(id, members) for id, members in grouped.items()}


def _core(id: str, members: list[dict[str, str]]) -> CPUCore.Spec:
    first = members[0]
    socket, _, core = id.partition("-")
    bogomips = first.get("bogomips", first.get("BogoMIPS", "0"))
    return CPUCore.Spec(
        socket=socket,
        core_id=core,
        logical_cp_us=tuple(int(one["processor"]) for one in members),
        vendor_id=first.get("vendor_id", first.get("CPU implementer", "")),
        cpu_family=first.get("cpu family", first.get("CPU architecture", "")),
        model=first.get("model", first.get("CPU part", "")),
        model_name=first.get("model name", ""),
        stepping=first.get("stepping", first.get("CPU revision", "")),
        microcode=first.get("microcode", ""),
        cache_size=first.get("cache size", ""),
        cores_per_socket=_number(first, "cpu cores"),
        threads_per_socket=_number(first, "siblings"),
        flags=tuple(first.get("flags", first.get("Features", "")).split()),
        bugs=tuple(first.get("bugs", "").split()),
        bogo_mips=float(bogomips or 0),
        address_sizes=first.get("address sizes", ""),
    )


class CPUInfoController(controller.Controller):
    """Read once: hot-plugged processors count after the next boot."""

    modes = Mode.MACHINE
    outputs = (controller.exclusive(CPUCore),)

    def __init__(self) -> None:
        self._path = CPUINFO

    async def reconcile(self, r: controller.Handle) -> None:
        """One file, one resource for each core."""
        for id, spec in cores(self._path.read_text()).items():
            await r.put(CPUCore(id, spec))
