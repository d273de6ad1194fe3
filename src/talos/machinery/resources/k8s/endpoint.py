"""Resource type Endpoints.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

CONTROL_PLANE_API_SERVER_ENDPOINTS_ID = "kube-apiserver"
CONTROL_PLANE_DISCOVERED_ENDPOINTS_ID = "discovery"
CONTROL_PLANE_KUBERNETES_ENDPOINTS_ID = "controlplane"


class Endpoint(resource.Resource["Endpoint.Spec"]):
    """Addresses of API servers, as one source knows them."""

    definition = resource.Definition(
        type="Endpoints.kubernetes.talos.dev",
        namespace="controlplane",
        print_columns=(
            resource.PrintColumn("Addresses", "{.addresses}"),
            resource.PrintColumn("Hosts", "{.hosts}"),
        ),
        message="talos.resource.definitions.k8s.EndpointSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        addresses: tuple[str, ...] = ()
        hosts: tuple[str, ...] = ()
