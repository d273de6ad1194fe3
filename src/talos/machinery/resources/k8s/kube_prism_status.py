"""Resource type KubePrismStatuses.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

KUBE_PRISM_STATUSES_ID = "k8s-loadbalancer"


class KubePrismStatus(resource.Resource["KubePrismStatus.Spec"]):
    """Tells that the local API balancer listens, and whether a server behind it is well."""

    definition = resource.Definition(
        type="KubePrismStatuses.kubernetes.talos.dev",
        namespace="k8s",
        print_columns=(
            resource.PrintColumn("HOST", "{.host}"),
            resource.PrintColumn("HEALTHY", "{.healthy}"),
        ),
        message="talos.resource.definitions.k8s.KubePrismStatusesSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        host: str = ""
        healthy: bool = False
