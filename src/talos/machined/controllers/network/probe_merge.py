"""Specs of all layers merged into the one to apply. The highest layer that has a probe says how."""

from __future__ import annotations

from talos.machined.controllers.network import _merging
from talos.machinery.resources.network.probe_spec import ProbeSpec


class ProbeMergeController(_merging.LayerMerge[ProbeSpec]):
    """Merges ProbeSpec of all layers."""

    kind = ProbeSpec
