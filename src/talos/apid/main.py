"""apid: terminates mutual TLS on 50000, derives roles, passes every call on.

Certificates, settings and the node's own names come from machined over a filtered state socket and are followed, so a
renewed certificate or a changed authority takes effect at the next handshake, without a restart. When machined is gone
apid keeps what it knows and looks for it again.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import sys

from talos.apid import proxy
from talos.base import tasks
from talos.base.constants import paths, ports
from talos.cosi import state
from talos.machinery.client import daemon, following
from talos.machinery.resources.network import hostname_status, node_address
from talos.machinery.resources.runtime import api_service_config
from talos.machinery.resources.secrets import api_certificate
from talos.machinery.rpc import server
from talos.pki import tls

_LOG = logging.getLogger("apid")


class Apid:
    """The daemon: a server, a proxy, and what it follows."""

    def __init__(self, store: state.State) -> None:
        self._store = store
        self._proxy = proxy.Proxy(proxy.Backends(paths.MACHINE_SOCKET))
        self._server = server.Server(unknown=self._proxy.handle, logger=_LOG, access_log=True)
        self._live: tls.Live | None = None
        self._serving = asyncio.Event()
        self._hostname: frozenset[str] = frozenset()
        self._addresses: frozenset[str] = frozenset()
        self._listening_on = ""

    async def run(self) -> None:
        """Serve until cancelled."""
        async with tasks.Owner("apid", _LOG) as owner:
            owner.spawn(
                following.follow(
                    self._store, api_certificate.ApiCertificate, api_certificate.API_ID, self._certificates
                ),
                "certificates",
            )
            owner.spawn(
                following.follow(self._store, node_address.NodeAddress, "current", self._addresses_changed), "addresses"
            )
            owner.spawn(
                following.follow(self._store, hostname_status.HostnameStatus, "hostname", self._hostname_changed),
                "hostname",
            )
            owner.spawn(
                following.follow(
                    self._store,
                    api_service_config.APIServiceConfig,
                    api_service_config.API_SERVICE_CONFIG_ID,
                    self._configured,
                ),
                "config",
            )
            try:
                await asyncio.Event().wait()
            finally:
                await self._server.close()
                self._proxy.backends.close()

    async def _certificates(self, spec: api_certificate.ApiCertificate.Spec) -> None:
        if spec.server is None:
            return
        context = tls.server_context(
            spec.server, spec.accepted_c_as, verify_clients=not spec.skip_verifying_client_cert
        )
        if self._live is None:
            self._live = tls.Live(context)
        else:
            self._live.swap(context)
            _LOG.info("certificates renewed")
        client = spec.client if spec.client is not None and spec.client.crt else None
        self._proxy.backends.use(tls.client_context(client, spec.accepted_c_as) if client is not None else None)
        await self._listen()

    async def _configured(self, spec: api_service_config.APIServiceConfig.Spec) -> None:
        self._proxy.routing_disabled = spec.node_routing_disabled
        self._proxy.readonly = spec.readonly_role_mode
        self._listening_on = spec.listen_address or f"[::]:{ports.APID}"
        await self._listen()

    async def _listen(self) -> None:
        """Open the sockets once both certificates and settings are known."""
        if self._serving.is_set() or self._live is None or not self._listening_on:
            return
        host, _, port = self._listening_on.rpartition(":")
        try:
            await self._server.serve_tcp(host.strip("[]"), int(port), tls=self._live.listening)
        except OSError:
            # A kernel without IPv6 has no "::".
            await self._server.serve_tcp("0.0.0.0", int(port), tls=self._live.listening)
        await self._server.serve_unix(paths.APID_SOCKET, mode=0o600)
        self._serving.set()
        _LOG.info("listening on %s", self._listening_on)

    async def _hostname_changed(self, spec: hostname_status.HostnameStatus.Spec) -> None:
        names = {spec.hostname, f"{spec.hostname}.{spec.domainname}" if spec.domainname else ""}
        self._hostname = frozenset(n for n in names if n)
        self._proxy.own = self._hostname | self._addresses

    async def _addresses_changed(self, spec: node_address.NodeAddress.Spec) -> None:
        self._addresses = frozenset(str(ipaddress.ip_interface(a).ip) for a in spec.addresses)
        self._proxy.own = self._hostname | self._addresses


def main() -> int:
    """Entry point of the process."""
    return daemon.main(paths.APID_RUNTIME_SOCKET, lambda store: Apid(store).run())


if __name__ == "__main__":
    sys.exit(main())
