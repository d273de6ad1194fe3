"""Resource type KubeSpanIdentities.kubespan.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class KubeSpanIdentity(resource.Resource["KubeSpanIdentity.Spec"]):
    """This node's mesh address and key."""

    definition = resource.Definition(
        type="KubeSpanIdentities.kubespan.talos.dev",
        namespace="kubespan",
        print_columns=(
            resource.PrintColumn("Address", "{.address}"),
            resource.PrintColumn("PublicKey", "{.publicKey}"),
        ),
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.kubespan.IdentitySpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        address: str = ""
        subnet: str = ""
        private_key: str = msgspec.field(default="", name="privateKey")
        public_key: str = msgspec.field(default="", name="publicKey")
