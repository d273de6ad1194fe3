"""Resource type KubePrismConfigs.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

KUBE_PRISM_CONFIG_ID = "k8s-loadbalancer-config"


class KubePrismEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One API server behind the balancer."""

    host: str = ""
    port: int = 0


class KubePrismConfig(resource.Resource["KubePrismConfig.Spec"]):
    """Where the local API balancer listens and what stands behind it."""

    definition = resource.Definition(
        type="KubePrismConfigs.kubernetes.talos.dev",
        namespace="k8s",
        print_columns=(
            resource.PrintColumn("Host", "{.host}"),
            resource.PrintColumn("Port", "{.port}"),
            resource.PrintColumn("Endpoints", "{.endpoints}"),
        ),
        message="talos.resource.definitions.k8s.KubePrismConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        host: str = ""
        port: int = 0
        endpoints: tuple[KubePrismEndpoint, ...] = ()
