"""TLS contexts from PEM in memory. OpenSSL reads certificate chains from files only, so they pass through a memfd."""

from __future__ import annotations

import os
import ssl

from talos.machinery.types import pem


def _load_pair(context: ssl.SSLContext, pair: pem.CertificateAndKey) -> None:
    key = pair.key.replace(b"ED25519 PRIVATE KEY", b"PRIVATE KEY")
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, pair.crt.rstrip() + b"\n" + key)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _common(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["h2"])
    context.num_tickets = 0


def server_context(
    server: pem.CertificateAndKey, accepted: tuple[pem.Certificate, ...], *, verify_clients: bool = True
) -> ssl.SSLContext:
    """Context to listen with; with `verify_clients` the client must show a certificate of an accepted authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _common(context)
    _load_pair(context, server)
    if verify_clients:
        context.load_verify_locations(cadata="\n".join(c.crt.decode() for c in accepted))
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(client: pem.CertificateAndKey, accepted: tuple[pem.Certificate, ...]) -> ssl.SSLContext:
    """Context to call other nodes with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["h2"])
    context.load_verify_locations(cadata="\n".join(c.crt.decode() for c in accepted))
    _load_pair(context, client)
    return context


class Live:
    """A context that listens for ever and hands each handshake to the newest certificates."""

    def __init__(self, first: ssl.SSLContext) -> None:
        self._current = first
        self.listening = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _common(self.listening)
        # Whether to ask for a certificate is decided before the switch; whom to trust, after it.
        self.listening.verify_mode = first.verify_mode
        self.listening.sni_callback = self._switch

    def _switch(self, handshake: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        handshake.context = self._current

    def swap(self, context: ssl.SSLContext) -> None:
        """Use these certificates from the next handshake on."""
        self._current = context
        # Whether a client certificate is asked for is fixed when the connection is made; the switch of contexts in the
        # handshake brings certificates and authorities, but not this (SSL_set_SSL_CTX).
        self.listening.verify_mode = context.verify_mode
        self.listening.verify_mode = context.verify_mode
