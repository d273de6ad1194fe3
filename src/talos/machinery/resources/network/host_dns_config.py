"""Resource type HostDNSConfigs.net.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource

HOST_DNS_CONFIG_ID = "config"


class HostDNSConfig(resource.Resource["HostDNSConfig.Spec"]):
    """Settings of the host's own DNS server."""

    definition = resource.Definition(
        type="HostDNSConfigs.net.talos.dev",
        namespace="network",
        print_columns=(resource.PrintColumn("Enabled", "{.enabled}"),),
        message="talos.resource.definitions.network.HostDNSConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {"listen_addresses", "service_host_dns_address", "resolve_member_names", "service_host_dns_address_v6"}
        )

        enabled: bool = False
        listen_addresses: tuple[str, ...] = msgspec.field(default=(), name="listenAddresses")
        service_host_dns_address: str = msgspec.field(default="", name="serviceHostDNSAddress")
        resolve_member_names: bool = msgspec.field(default=False, name="resolveMemberNames")
        service_host_dns_address_v6: str = msgspec.field(default="", name="serviceHostDNSAddressV6")
