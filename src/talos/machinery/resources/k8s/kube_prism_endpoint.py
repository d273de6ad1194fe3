"""Resource type KubePrismEndpoints.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.resources.k8s import kube_prism_config

KUBE_PRISM_ENDPOINTS_ID = "k8s-cluster"


class KubePrismEndpoint(resource.Resource["KubePrismEndpoint.Spec"]):
    """API servers the local balancer may use."""

    definition = resource.Definition(
        type="KubePrismEndpoints.kubernetes.talos.dev",
        namespace="k8s",
        print_columns=(
            resource.PrintColumn("Hosts", "{.endpoints[*].host}"),
            resource.PrintColumn("Ports", "{.endpoints[*].port}"),
        ),
        message="talos.resource.definitions.k8s.KubePrismEndpointsSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        endpoints: tuple[kube_prism_config.KubePrismEndpoint, ...] = ()
