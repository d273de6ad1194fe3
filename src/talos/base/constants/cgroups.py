"""The cgroup tree of a node: paths relative to the node's root cgroup, reserved memory in bytes, CPU in millicores.

The numbers are the original's; weights are derived from millicores where the tree is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Slice:
    """One cgroup: protection (`memory.min`, `memory.low`), limit (`memory.max`), all 0 when unset, and CPU share."""

    path: str
    reserved_bytes: int = 0
    low_bytes: int = 0
    max_bytes: int = 0
    millicores: int = 0


INIT: Final = Slice("init", 96 * MIB, 192 * MIB, 0, 2000)
SYSTEM: Final = Slice("system", 96 * MIB, 192 * MIB, 0, 1500)
SYSTEM_RUNTIME: Final = Slice("system/runtime", 48 * MIB, 96 * MIB, 0, 500)
APID: Final = Slice("system/apid", 16 * MIB, 32 * MIB, 128 * MIB, 500)
TRUSTD: Final = Slice("system/trustd", 8 * MIB, 16 * MIB, 128 * MIB, 250)
POD_RUNTIME_ROOT: Final = Slice("podruntime", 340 * MIB, 936 * MIB, 0, 4000)
POD_RUNTIME: Final = Slice("podruntime/runtime", 196 * MIB, 392 * MIB, 0, 1000)
POD_RUNTIME_SHIM: Final = Slice("podruntime/shim", 48 * MIB, 96 * MIB, 0, 500)
ETCD: Final = Slice("podruntime/etcd", 256 * MIB, 512 * MIB, 0, 2000)
KUBELET: Final = Slice("podruntime/kubelet", 96 * MIB, 192 * MIB, 0, 1000)
KUBEPODS: Final = Slice("kubepods")

TREE: Final = (
    INIT,
    SYSTEM,
    SYSTEM_RUNTIME,
    APID,
    TRUSTD,
    POD_RUNTIME_ROOT,
    POD_RUNTIME,
    POD_RUNTIME_SHIM,
    ETCD,
    KUBELET,
    KUBEPODS,
)
