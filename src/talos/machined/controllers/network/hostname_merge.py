"""Specs of all layers merged into the one to apply: the highest layer that names the host wins, as a whole."""

from __future__ import annotations

from talos.machined.controllers.network import _merging
from talos.machinery.resources.network.hostname_spec import HOSTNAME_ID, HostnameSpec


class HostnameMergeController(_merging.LayerMerge[HostnameSpec]):
    """Merges HostnameSpec of all layers."""

    kind = HostnameSpec

    def key(self, source: HostnameSpec) -> str:
        """There is one for the machine, whatever a source calls its own."""
        return HOSTNAME_ID

    def merge(self, lower: HostnameSpec.Spec, upper: HostnameSpec.Spec) -> HostnameSpec.Spec:
        """A layer without a name says nothing."""
        return upper if upper.hostname else lower
