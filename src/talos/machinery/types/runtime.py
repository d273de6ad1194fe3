"""Enumerations of the runtime domain; texts as in YAML, numbers as in protos/api."""

from __future__ import annotations

from talos.machinery.types import wire


class KernelModuleState(wire.WireEnum):
    """State of a kernel module."""

    LIVE = "live", 0
    LOADING = "loading", 1
    UNLOADING = "unloading", 2
    BUILTIN = "built-in", 3


class KernelModuleType(wire.WireEnum):
    """Whether a kernel module is part of the kernel image."""

    UNKNOWN = "unknown", 0
    BUILTIN = "built-in", 1
    DYNAMIC = "dynamic", 2


class MachineStage(wire.WireEnum):
    """What the machine is doing."""

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
    """How SELinux is enforced."""

    DISABLED = "disabled", 0
    PERMISSIVE = "permissive", 1
    ENFORCING = "enforcing", 2


class FIPSState(wire.WireEnum):
    """FIPS mode of the running system."""

    DISABLED = "disabled", 0
    ENABLED = "enabled", 1
    STRICT = "strict", 2


class UnattendedInstallPhase(wire.WireEnum):
    """How far an installation without a user is."""

    PENDING = "pending", 0
    INSTALLING = "installing", 1
    INSTALLED = "installed", 2
    WAITING_FOR_REBOOT = "waiting-for-reboot", 3
    FAILED = "failed", 4
