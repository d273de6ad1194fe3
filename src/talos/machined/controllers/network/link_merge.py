"""Specs of all layers merged into the one to apply.

Links are merged field by field: a platform may give the MTU of a link and the configuration its master.
"""

from __future__ import annotations

from talos.machined.controllers.network import _merging
from talos.machinery.resources.network.link_spec import LinkSpec


class LinkMergeController(_merging.LayerMerge[LinkSpec]):
    """Merges LinkSpec of all layers."""

    kind = LinkSpec
    by_field = True
