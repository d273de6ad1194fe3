"""Resource type Services.v1alpha1.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class Service(resource.Resource["Service.Spec"]):
    """A system service: whether it runs and is healthy."""

    definition = resource.Definition(
        type="Services.v1alpha1.talos.dev",
        namespace="runtime",
        aliases=("svc",),
        print_columns=(
            resource.PrintColumn("Running", "{.running}"),
            resource.PrintColumn("Healthy", "{.healthy}"),
            resource.PrintColumn("Health Unknown", "{.unknown}"),
        ),
        message="talos.resource.definitions.v1alpha1.ServiceSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        running: bool = False
        healthy: bool = False
        unknown: bool = False
