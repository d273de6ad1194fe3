"""Document WireguardConfig: an encrypted tunnel."""

from __future__ import annotations

import base64
import datetime
from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values
from talos.machinery.config.documents.network import _sections

KEY_BYTES = 32


def _key(text: str) -> str:
    try:
        length = len(base64.b64decode(text, validate=True))
    except ValueError:
        return "expected a key in base64"
    return "" if length == KEY_BYTES else f"expected a key of {KEY_BYTES} bytes, got {length}"


class WireguardPeer(document.Section, frozen=True, kw_only=True):
    """The other end of a tunnel."""

    public_key: Annotated[str, values.ALWAYS] = ""
    """Its public key."""
    preshared_key: Annotated[str, values.SECRET] = ""
    """Further key both ends know."""
    endpoint: values.AddressPort = ""
    """Where it listens."""
    persistent_keepalive_interval: values.Duration | None = None
    """Time between keep-alive packets."""
    allowed_ips: tuple[values.Prefix, ...] = document.named("allowedIPs", ())
    """Prefixes sent to and accepted from it."""


class WireguardConfig(_sections.CommonLink, document.Document, frozen=True, kw_only=True):
    """A WireGuard link."""

    kind: ClassVar[str] = "WireguardConfig"
    named: ClassVar[bool] = True
    rivals: ClassVar[tuple[str, ...]] = _sections.other_links(kind)

    name: str = ""
    """Name of the link."""
    private_key: Annotated[str, values.SECRET, values.ALWAYS] = ""
    """Own private key."""
    listen_port: int = 0
    """UDP port to listen on."""
    firewall_mark: int = 0
    """Mark of outgoing packets."""
    peers: tuple[WireguardPeer, ...] = ()
    """Other ends."""

    def validate(self, found: findings.Findings) -> None:
        """Keys are keys."""
        found.require(self.name, "name")
        if found.require(self.private_key, "privateKey") and _key(self.private_key):
            found.error("privateKey", _key(self.private_key))
        if not 0 <= self.listen_port <= 65535:
            found.error("listenPort", f"expected a port, got {self.listen_port}")
        for n, peer in enumerate(self.peers):
            path = f"peers[{n}]"
            if found.require(peer.public_key, f"{path}.publicKey") and _key(peer.public_key):
                found.error(f"{path}.publicKey", _key(peer.public_key))
            if peer.preshared_key and _key(peer.preshared_key):
                found.error(f"{path}.presharedKey", _key(peer.preshared_key))
            checks.not_negative(found, f"{path}.persistentKeepaliveInterval", peer.persistent_keepalive_interval)
        self.check_link(found)

    @classmethod
    def example(cls) -> WireguardConfig:
        """A tunnel to one peer."""
        key = base64.b64encode(bytes(KEY_BYTES)).decode()
        peer = WireguardPeer(
            public_key=key,
            endpoint="203.0.113.3:51820",
            persistent_keepalive_interval=datetime.timedelta(seconds=25),
            allowed_ips=("192.168.9.0/24",),
        )
        return cls(
            name="wg0",
            private_key=base64.b64encode(bytes(range(KEY_BYTES))).decode(),
            listen_port=51820,
            peers=(peer,),
            addresses=(_sections.AddressConfig(address="192.168.9.2/24"),),
        )
