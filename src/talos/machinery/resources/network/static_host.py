"""Resource type StaticHosts.net.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class StaticHost(resource.Resource["StaticHost.Spec"]):
    """A line of /etc/hosts: the id is the name."""

    definition = resource.Definition(
        type="StaticHosts.net.talos.dev",
        namespace="network",
        print_columns=(resource.PrintColumn("Addresses", "{.addresses}"),),
        message="talos.resource.definitions.network.StaticHostSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        addresses: tuple[str, ...] = ()
