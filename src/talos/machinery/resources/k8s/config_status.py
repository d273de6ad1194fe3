"""Resource type ConfigStatuses.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

CONFIG_STATUS_STATIC_POD_ID = "static-pods"


class ConfigStatus(resource.Resource["ConfigStatus.Spec"]):
    """Tells that the control plane's configuration files are on disk, and of which version."""

    definition = resource.Definition(
        type="ConfigStatuses.kubernetes.talos.dev",
        namespace="controlplane",
        print_columns=(
            resource.PrintColumn("Ready", "{.ready}"),
            resource.PrintColumn("Secrets Version", "{.version}"),
        ),
        message="talos.resource.definitions.k8s.ConfigStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        ready: bool = False
        version: str = ""
