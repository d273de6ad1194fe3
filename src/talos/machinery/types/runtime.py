"""Enumerations of the runtime domain; texts as in YAML, numbers as in protos/api."""

from __future__ import annotations

from talos.machinery.types import wire


class KernelModuleState(wire.WireEnum):
    """Kernel module state, talos.resource.definitions.enums.RuntimeKernelModuleState."""

    LIVE = "live", 0
    LOADING = "loading", 1
    UNLOADING = "unloading", 2
    BUILTIN = "built-in", 3


class KernelModuleType(wire.WireEnum):
    """Kernel module type, talos.resource.definitions.enums.RuntimeKernelModuleType."""

    UNKNOWN = "unknown", 0
    BUILTIN = "built-in", 1
    DYNAMIC = "dynamic", 2


class MachineStage(wire.WireEnum):
    """Machine stage, talos.resource.definitions.enums.RuntimeMachineStage."""

    UNKNOWN = "unknown", 0
    BOOTING = "booting", 1
    INSTALLING = "installing", 2
    MAINTENANCE = "maintenance", 3
    RUNNING = "running", 4
    REBOOTING = "rebooting", 5
    SHUTTING_DOWN = "shutting down", 6
    RESETTING = "resetting", 7
    UPGRADING = "upgrading", 8


class SELinuxState(wire.WireEnum):
    """SELinux state, talos.resource.definitions.enums.RuntimeSELinuxState."""

    DISABLED = "disabled", 0
    PERMISSIVE = "permissive", 1
    ENFORCING = "enforcing", 2


class FIPSState(wire.WireEnum):
    """FIPSState, talos.resource.definitions.enums.RuntimeFIPSState."""

    DISABLED = "disabled", 0
    ENABLED = "enabled", 1
    STRICT = "strict", 2


class UnattendedInstallPhase(wire.WireEnum):
    """Unattended install phase, talos.resource.definitions.enums.RuntimeUnattendedInstallPhase."""

    PENDING = "pending", 0
    INSTALLING = "installing", 1
    INSTALLED = "installed", 2
    WAITING_FOR_REBOOT = "waiting-for-reboot", 3
    FAILED = "failed", 4
