"""Resource type ServicePIDs.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class ServicePID(resource.Resource["ServicePID.Spec"]):
    """Process id of a running service."""

    definition = resource.Definition(
        type="ServicePIDs.runtime.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("PID", "{.pid}"),),
        message="talos.resource.definitions.runtime.ServicePIDSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        pid: int = 0
        mount_namespace: str = msgspec.field(default="", name="mountNamespace")
