"""The cluster's nftables table: the way out, published ports, and a guard for the host's loopback.

Pure: from a request to a script. One table holds everything, so deleting it undoes everything.
"""

from __future__ import annotations

from talos.linux import nft
from talos.provision.request import Names, Request

FAMILY = "ip"


def script(request: Request, names: Names) -> str:
    """The transaction that makes the table anew, with the present first control plane as target of the ports."""
    table, bridge, network = nft.check_name(names.table), names.bridge, request.network
    target = request.control_planes[0].ip
    dnat = [
        f"fib daddr type local {_address(port.host_ip)}{port.protocol} dport {port.host_port}"
        f" dnat to {target}:{port.node_port}"
        for port in request.ports
    ]
    chains = [
        _chain(
            "postrouting",
            "type nat hook postrouting priority srcnat",
            [
                f"ip saddr {network} ip daddr != {network} masquerade",
                # A caller on the host's loopback has no address that a node could answer.
                f'oifname "{bridge}" ip saddr 127.0.0.0/8 masquerade',
            ],
        ),
        _chain(
            "guard",
            "type filter hook prerouting priority raw",
            [f'iifname "{bridge}" ip daddr 127.0.0.0/8 drop'],
        ),
        _chain(
            "forward",
            "type filter hook forward priority filter",
            [f'iifname "{bridge}" accept', f'oifname "{bridge}" accept'],
        ),
    ]
    if dnat:
        chains.append(_chain("prerouting", "type nat hook prerouting priority dstnat", dnat))
        chains.append(_chain("output", "type nat hook output priority -100", dnat))
    body = "\n".join(chains)
    return f"add table {FAMILY} {table}\ndelete table {FAMILY} {table}\ntable {FAMILY} {table} {{\n{body}\n}}\n"


def _address(host_ip: str) -> str:
    return "" if host_ip == "0.0.0.0" else f"ip daddr {host_ip} "


def _chain(name: str, hook: str, rules: list[str]) -> str:
    lines = "\n".join(f"    {rule}" for rule in rules)
    return f"  chain {name} {{\n    {hook}; policy accept;\n{lines}\n  }}"
