"""Resource type DNSResolveCaches.net.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class DNSResolveCach(resource.Resource["DNSResolveCach.Spec"]):
    """Whether the host's DNS server listens on an address."""

    definition = resource.Definition(
        type="DNSResolveCaches.net.talos.dev",
        namespace="network",
        print_columns=(resource.PrintColumn("Status", "{.status}"),),
        message="talos.resource.definitions.network.DNSResolveCacheSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        status: str = ""
