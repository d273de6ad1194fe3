"""Specs of all layers merged into the one to apply. The highest layer that has an operator says how."""

from __future__ import annotations

from talos.machined.controllers.network import _merging
from talos.machinery.resources.network.operator_spec import OperatorSpec


class OperatorMergeController(_merging.LayerMerge[OperatorSpec]):
    """Merges OperatorSpec of all layers."""

    kind = OperatorSpec
