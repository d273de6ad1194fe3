"""Specs of all layers merged into the one to apply. The highest layer that names time servers wins."""

from __future__ import annotations

from talos.machined.controllers.network import _merging
from talos.machinery.resources.network.time_server_spec import TIME_SERVER_ID, TimeServerSpec


class TimeServerMergeController(_merging.LayerMerge[TimeServerSpec]):
    """Merges TimeServerSpec of all layers."""

    kind = TimeServerSpec

    def key(self, source: TimeServerSpec) -> str:
        """There is one for the machine, whatever a source calls its own."""
        return TIME_SERVER_ID
