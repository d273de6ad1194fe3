"""Resource type LinkAliasSpecs.net.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class LinkAliasSpec(resource.Resource["LinkAliasSpec.Spec"]):
    """Another name wanted for a link."""

    definition = resource.Definition(
        type="LinkAliasSpecs.net.talos.dev",
        namespace="network",
        print_columns=(resource.PrintColumn("Alias", "{.alias}"),),
        message="talos.resource.definitions.network.LinkAliasSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        alias: str = ""
