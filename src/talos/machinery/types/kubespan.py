"""Enumerations of the kubespan domain; texts as in YAML, numbers as in protos/api."""

from __future__ import annotations

from talos.machinery.types import wire


class PeerState(wire.WireEnum):
    """Whether a peer of the mesh answers."""

    UNKNOWN = "unknown", 0
    UP = "up", 1
    DOWN = "down", 2
