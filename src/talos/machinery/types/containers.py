"""Enumerations of the containers domain; texts as in YAML, numbers as in protos/api."""

from __future__ import annotations

from talos.machinery.types import wire


class ContainerImagePhase(wire.WireEnum):
    """Container image phase, talos.resource.definitions.enums.ContainersContainerImagePhase."""

    PENDING = "pending", 0
    PULLING = "pulling", 1
    READY = "ready", 2
    FAILED = "failed", 3
