"""Resource type PKIStatuses.etcd.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

PKI_ID = "etcd"


class PKIStatus(resource.Resource["PKIStatus.Spec"]):
    """Tells that etcd's certificates are on disk, and of which version."""

    definition = resource.Definition(
        type="PKIStatuses.etcd.talos.dev",
        namespace="etcd",
        print_columns=(
            resource.PrintColumn("Ready", "{.ready}"),
            resource.PrintColumn("Secrets Version", "{.version}"),
        ),
        message="talos.resource.definitions.etcd.PKIStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        ready: bool = False
        version: str = ""
