"""Resource type CPUCores.hardware.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class CPUCore(resource.Resource["CPUCore.Spec"]):
    """A CPU core and its speed."""

    definition = resource.Definition(
        type="CPUCores.hardware.talos.dev",
        namespace="hardware",
        aliases=(
            "cpucore",
            "cpucores",
        ),
        print_columns=(
            resource.PrintColumn("Socket", "{.socket}"),
            resource.PrintColumn("Core", "{.coreID}"),
            resource.PrintColumn("Model", "{.modelName}"),
            resource.PrintColumn("Logical CPUs", "{.logicalCPUs}"),
        ),
        message="talos.resource.definitions.hardware.CPUCoreSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {
                "socket",
                "core_id",
                "logical_cp_us",
                "vendor_id",
                "cpu_family",
                "model",
                "model_name",
                "stepping",
                "microcode",
                "cache_size",
                "cores_per_socket",
                "threads_per_socket",
                "flags",
                "bugs",
                "bogo_mips",
                "address_sizes",
            }
        )

        socket: str = ""
        core_id: str = msgspec.field(default="", name="coreID")
        logical_cp_us: tuple[int, ...] = msgspec.field(default=(), name="logicalCPUs")
        vendor_id: str = msgspec.field(default="", name="vendorID")
        cpu_family: str = msgspec.field(default="", name="cpuFamily")
        model: str = ""
        model_name: str = msgspec.field(default="", name="modelName")
        stepping: str = ""
        microcode: str = ""
        cache_size: str = msgspec.field(default="", name="cacheSize")
        cores_per_socket: int = msgspec.field(default=0, name="coresPerSocket")
        threads_per_socket: int = msgspec.field(default=0, name="threadsPerSocket")
        flags: tuple[str, ...] = ()
        bugs: tuple[str, ...] = ()
        bogo_mips: float = msgspec.field(default=0.0, name="bogoMips")
        address_sizes: str = msgspec.field(default="", name="addressSizes")
