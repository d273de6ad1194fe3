"""Specs of all layers merged into the one to apply. An address is a unit: the highest layer that has it says how."""

from __future__ import annotations

from talos.machined.controllers.network import _merging
from talos.machinery.resources.network.address_spec import AddressSpec


class AddressMergeController(_merging.LayerMerge[AddressSpec]):
    """Merges AddressSpec of all layers."""

    kind = AddressSpec
