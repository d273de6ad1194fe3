"""Enumerations of the containers domain; texts as in YAML, numbers as in protos/api."""

from __future__ import annotations

from talos.machinery.types import wire


class ContainerImagePhase(wire.WireEnum):
    """How far the image of a container is."""

    PENDING = "pending", 0
    PULLING = "pulling", 1
    READY = "ready", 2
    FAILED = "failed", 3
