"""Resource type StaticPodServerStatuses.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

STATIC_POD_SERVER_STATUS_RESOURCE_ID = "static-pod-server-status"


class StaticPodServerStatus(resource.Resource["StaticPodServerStatus.Spec"]):
    """Where the kubelet fetches its static pods."""

    definition = resource.Definition(
        type="StaticPodServerStatuses.kubernetes.talos.dev",
        namespace="k8s",
        message="talos.resource.definitions.k8s.StaticPodServerStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        url: str = ""
