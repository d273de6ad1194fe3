"""Resource type KubeSpanEndpoints.kubespan.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class KubeSpanEndpoint(resource.Resource["KubeSpanEndpoint.Spec"]):
    """An address at which a peer of the mesh was reached."""

    definition = resource.Definition(
        type="KubeSpanEndpoints.kubespan.talos.dev",
        namespace="kubespan",
        print_columns=(
            resource.PrintColumn("Endpoint", "{.endpoint}"),
            resource.PrintColumn("Affiliate ID", "{.affiliateID}"),
        ),
        message="talos.resource.definitions.kubespan.EndpointSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        affiliate_id: str = msgspec.field(default="", name="affiliateID")
        endpoint: str = ""
