"""trustd: signs server certificates of machines that present the machine token. Control planes only, port 50001.

TLS is server-only: whoever asks has no certificate yet. Authority, token, own certificate and the members of the
cluster come from machined over a filtered state socket.
"""

from __future__ import annotations

import asyncio
import logging
import sys

from talos.base import clock, errors, tasks
from talos.base.constants import paths, ports
from talos.cosi import state
from talos.machinery.api import methods
from talos.machinery.api._generated.security import security_pb2
from talos.machinery.client import daemon, following
from talos.machinery.resources.cluster import member
from talos.machinery.resources.secrets import os_root_secret, trustd_certificate
from talos.machinery.rpc import server, status
from talos.pki import tls, x509
from talos.trustd import policy, rate

_LOG = logging.getLogger("trustd")
_MEMBERS_TIMEOUT_S = 2.0
LIMITS = server.Limits(
    message_bytes=64 << 10, inflight_bytes=4 << 20, connections=256, streams=16, request_s=10.0, idle_s=30.0
)
"""Anybody can connect; what is asked for is small and asked for once a day."""


class Trustd:
    """The daemon."""

    def __init__(self, store: state.State, time: clock.Clock | None = None) -> None:
        self._store = store
        self._rate = rate.Limiter(time or clock.System())
        self._root = os_root_secret.OSRootSecret.Spec()
        self._live: tls.Live | None = None
        self._server = server.Server(logger=_LOG, access_log=True, limits=LIMITS)
        self._server.add(methods.method("/securityapi.SecurityService/Certificate"), self.certificate)

    async def run(self) -> None:
        """Serve until cancelled."""
        async with tasks.Owner("trustd", _LOG) as owner:
            owner.spawn(
                following.follow(self._store, os_root_secret.OSRootSecret, os_root_secret.OS_ROOT_ID, self._rooted),
                "root",
            )
            owner.spawn(
                following.follow(
                    self._store, trustd_certificate.TrustdCertificate, trustd_certificate.TRUSTD_ID, self._certified
                ),
                "certificate",
            )
            try:
                await asyncio.Event().wait()
            finally:
                await self._server.close()

    async def _rooted(self, spec: os_root_secret.OSRootSecret.Spec) -> None:
        self._root = spec

    async def _certified(self, spec: trustd_certificate.TrustdCertificate.Spec) -> None:
        if spec.server is None:
            return
        context = tls.server_context(spec.server, spec.accepted_c_as, verify_clients=False)
        if self._live is not None:
            self._live.swap(context)
            return
        self._live = tls.Live(context)
        # Without a host asyncio listens on IPv4 and, where the kernel has it, on IPv6; "::" would be IPv6 alone.
        await self._server.serve_tcp("", ports.TRUSTD, tls=self._live.listening)
        _LOG.info("listening on %d", ports.TRUSTD)

    async def certificate(
        self, request: security_pb2.CertificateRequest, call: server.Call
    ) -> security_pb2.CertificateResponse:
        """Sign a request.

        RESOURCE_EXHAUSTED for who asks too often, UNAUTHENTICATED without the token, INVALID_ARGUMENT for a bad
        request, Denied by policy.
        """
        caller = call.peer.address.removeprefix("::ffff:")
        if not self._rate.allow(caller):
            raise status.RpcError(status.Code.RESOURCE_EXHAUSTED, "too many requests from this address, ask later")
        if not policy.check_token(call.first("token"), self._root.token):
            raise status.RpcError(status.Code.UNAUTHENTICATED, "token is missing or wrong")
        asked = x509.load_request(request.csr)
        policy.check_request(asked, caller, await self._members())
        root = self._root.issuing_ca
        if root is None or not root.key:
            raise errors.NotReady("the authority is not known yet")
        authority = x509.Authority.load(root.crt, root.key)
        signed = authority.sign(asked.public_key, policy.subject(asked), x509.SERVER, lifetime=x509.SERVER_LIFETIME)
        _LOG.info("signed for %s (%s)", asked.subject.common_name, ", ".join(asked.subject.addresses))
        bundle = b"".join(c.crt.rstrip() + b"\n" for c in self._root.accepted_c_as)
        return security_pb2.CertificateResponse(ca=bundle, crt=x509.encode_certificate(signed))

    async def _members(self) -> list[policy.Known]:
        """Members machined knows; none while it is away, so that machines can still join."""
        try:
            async with asyncio.timeout(_MEMBERS_TIMEOUT_S):
                found = await self._store.list(member.Member)
        except Exception as error:
            _LOG.warning("members are not known: %s", error)
            return []
        return [policy.Known(frozenset({m.id, m.spec.hostname} - {""}), frozenset(m.spec.addresses)) for m in found]


def main() -> int:
    """Entry point of the process."""
    return daemon.main(paths.TRUSTD_RUNTIME_SOCKET, lambda store: Trustd(store).run())


if __name__ == "__main__":
    sys.exit(main())
