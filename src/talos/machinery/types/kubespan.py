"""Enumerations of the kubespan domain; texts as in YAML, numbers as in protos/api."""

from __future__ import annotations

from talos.machinery.types import wire


class PeerState(wire.WireEnum):
    """Peer state, talos.resource.definitions.enums.KubespanPeerState."""

    UNKNOWN = "unknown", 0
    UP = "up", 1
    DOWN = "down", 2
