"""Resource type LinkRefreshes.net.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class LinkRefresh(resource.Resource["LinkRefresh.Spec"]):
    """Asks for the links to be read again."""

    definition = resource.Definition(
        type="LinkRefreshes.net.talos.dev",
        namespace="network",
        message="talos.resource.definitions.network.LinkRefreshSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        generation: int = 0
