"""Enumerations of the machine domain; texts as in YAML, numbers as in protos/api."""

from __future__ import annotations

from talos.machinery.types import wire


class MachineType(wire.WireEnum):
    """Role of a machine in its cluster."""

    UNKNOWN = "unknown", 0
    INIT = "init", 1
    CONTROL_PLANE = "controlplane", 2
    WORKER = "worker", 3
