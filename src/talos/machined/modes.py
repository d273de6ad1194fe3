"""Where a node runs, as far as controllers care: the class attribute `modes` of a controller says where it belongs."""

from __future__ import annotations

import enum


class Mode(enum.Flag):
    """Modes of a node; a controller may belong to several."""

    CLOUD = enum.auto()
    CONTAINER = enum.auto()
    METAL = enum.auto()
    METAL_AGENT = enum.auto()
    ALL = CLOUD | CONTAINER | METAL | METAL_AGENT
    MACHINE = CLOUD | METAL | METAL_AGENT

    @property
    def label(self) -> str:
        """Name on the wire, e.g. `metal-agent`."""
        return (self.name or "unknown").lower().replace("_", "-")
