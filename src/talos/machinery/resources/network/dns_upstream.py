"""Resource type DNSUpstreams.net.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class DNSUpstream(resource.Resource["DNSUpstream.Spec"]):
    """A DNS server the host's own one asks, and whether it answers."""

    definition = resource.Definition(
        type="DNSUpstreams.net.talos.dev",
        namespace="network",
        print_columns=(
            resource.PrintColumn("Healthy", "{.healthy}"),
            resource.PrintColumn("Address", "{.addr}"),
        ),
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        healthy: bool = False
        addr: str = ""
