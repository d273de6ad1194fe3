"""Resource type SecretStatuses.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

STATIC_POD_SECRETS_STATIC_POD_ID = "static-pods"


class SecretStatus(resource.Resource["SecretStatus.Spec"]):
    """Tells that the control plane's keys are on disk, and of which version."""

    definition = resource.Definition(
        type="SecretStatuses.kubernetes.talos.dev",
        namespace="controlplane",
        print_columns=(
            resource.PrintColumn("Ready", "{.ready}"),
            resource.PrintColumn("Secrets Version", "{.version}"),
        ),
        message="talos.resource.definitions.k8s.SecretsStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        ready: bool = False
        version: str = ""
