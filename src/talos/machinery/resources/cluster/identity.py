"""Resource type Identities.cluster.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class Identity(resource.Resource["Identity.Spec"]):
    """The random identity of this node, kept across reboots."""

    definition = resource.Definition(
        type="Identities.cluster.talos.dev",
        namespace="cluster",
        print_columns=(resource.PrintColumn("ID", "{.nodeId}"),),
        message="talos.resource.definitions.cluster.IdentitySpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        node_id: str = msgspec.field(default="", name="nodeId")
