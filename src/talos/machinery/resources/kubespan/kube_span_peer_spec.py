"""Resource type KubeSpanPeerSpecs.kubespan.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class KubeSpanPeerSpec(resource.Resource["KubeSpanPeerSpec.Spec"]):
    """A peer of the mesh and the addresses behind it."""

    definition = resource.Definition(
        type="KubeSpanPeerSpecs.kubespan.talos.dev",
        namespace="kubespan",
        print_columns=(
            resource.PrintColumn("Label", "{.label}"),
            resource.PrintColumn("Endpoints", "{.endpoints}"),
        ),
        message="talos.resource.definitions.kubespan.PeerSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        address: str = ""
        allowed_ips: tuple[str, ...] = msgspec.field(default=(), name="allowedIPs")
        endpoints: tuple[str, ...] = ()
        label: str = ""
