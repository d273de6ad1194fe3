"""Host names: taken apart, and made up where nobody gives one. Pure."""

from __future__ import annotations

import hashlib
import ipaddress

from talos.machinery.resources.network.hostname_spec import HostnameSpec
from talos.machinery.types import network

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def split(name: str, layer: network.ConfigLayer) -> HostnameSpec.Spec:
    """`cp-1.example.org` as host name and domain name."""
    host, _, domain = name.strip().rstrip(".").partition(".")
    return HostnameSpec.Spec(hostname=host, domainname=domain, config_layer=layer)


def stable(node_id: str) -> str:
    """`talos-abc-def`: six base-36 digits, from the second on, of the first eight bytes of the node id's SHA-256."""
    value = int.from_bytes(hashlib.sha256(node_id.encode()).digest()[:8], "big")
    digits = ""
    while value:
        value, digit = divmod(value, 36)
        digits = _BASE36[digit] + digits
    return f"talos-{digits[1:4]}-{digits[4:7]}"


def from_address(interface: str) -> str:
    """`talos-10-5-0-2`; colons of IPv6 become dashes too."""
    ip = ipaddress.ip_interface(interface).ip
    text = str(ip) if ip.version == 4 else ip.exploded
    return f"talos-{text.replace('.', '-').replace(':', '-')}"
