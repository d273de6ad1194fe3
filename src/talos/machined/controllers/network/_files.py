"""Contents of the files that programs read names and resolvers from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MAX_NAME_SERVERS = 3
"""The C library ignores further ones."""


def resolv_conf(servers: Sequence[str], search: Sequence[str]) -> bytes:
    """resolv.conf(5)."""
    lines = [f"nameserver {one}" for one in servers[:MAX_NAME_SERVERS]]
    if search:
        lines += ["", f"search {' '.join(search)}"]
    return "".join(f"{line}\n" for line in lines).encode()


def hosts(hostname: str, domainname: str, addresses: Sequence[str], extra: Mapping[str, Sequence[str]]) -> bytes:
    """hosts(5): the loopback names, the node's own name on its first address, then the configured ones."""
    own = f"{hostname}.{domainname} {hostname}" if domainname else hostname
    rows = [("127.0.0.1", "localhost")]
    rows += [(address, own) for address in addresses[:1]]
    rows += [
        ("::1", "localhost ip6-localhost ip6-loopback"),
        ("ff02::1", "ip6-allnodes"),
        ("ff02::2", "ip6-allrouters"),
    ]
    rows += [(ip, " ".join(names)) for ip, names in extra.items()]
    width = max(len(address) for address, _ in rows)
    return "".join(f"{address:<{width}} {names}\n" for address, names in rows).encode()
