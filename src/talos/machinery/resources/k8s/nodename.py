"""Resource type Nodenames.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

NODENAME_ID = "nodename"


class Nodename(resource.Resource["Nodename.Spec"]):
    """Name of this Kubernetes node."""

    definition = resource.Definition(
        type="Nodenames.kubernetes.talos.dev",
        namespace="k8s",
        print_columns=(resource.PrintColumn("Nodename", "{.nodename}"),),
        message="talos.resource.definitions.k8s.NodenameSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        nodename: str = ""
        hostname_version: str = msgspec.field(default="", name="hostnameVersion")
        skip_node_registration: bool = msgspec.field(default=False, name="skipNodeRegistration")
