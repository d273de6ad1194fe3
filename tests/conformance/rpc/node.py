"""The servers of a node inside the test process: machined's API with every real handler, apid, trustd.

Only what would end or change the machine the tests run on is exchanged: sequences are recorded instead of begun, and
configuration, sockets and logs live in a directory of the test.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from talos import platforms
from talos.apid import proxy
from talos.base.constants import ports
from talos.cosi import inmem, runtime, state
from talos.machined import bootstrap, config_file, configuration, events, meta, modes, sequences, systems, wiring
from talos.machined.api import Handlers, _generated_index, server
from talos.machinery.resources.secrets import os_root_secret
from talos.machinery.rpc import channel
from talos.machinery.rpc import server as rpc
from talos.machinery.types import pem
from talos.pki import tls, x509
from talos.platforms import container
from talos.supervisor import logs, supervisor
from talos.supervisor.containerd import client as containerd
from talos.supervisor.cri import client as cri
from talos.trustd import main as trustd

TOKEN = "abcdef.0123456789abcdef"
AUTHORITY = x509.Authority.new(x509.new_ed25519_key(), organizations=("talos",))
STRANGER = x509.Authority.new(x509.new_ed25519_key(), organizations=("talos",))
ACCEPTED = (pem.Certificate(crt=AUTHORITY.crt_pem),)
_DAY = datetime.timedelta(days=1)


class Starter:
    """Remembers the sequences that would have begun."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def begin(
        self,
        name: sequences.Name,
        *,
        force: bool = False,
        reset: sequences.Reset | None = None,
        change: sequences.Change | None = None,
    ) -> str:
        del change
        self.begun.append(str(name))
        return "actor"


def pair(
    *roles: str,
    authority: x509.Authority = AUTHORITY,
    usage: x509.Usage = x509.CLIENT,
    address: str = "",
    name: str = "",
    lifetime: datetime.timedelta = _DAY,
) -> pem.CertificateAndKey:
    """A certificate of the cluster's authority, or of another."""
    subject = x509.Subject(name, roles, (), (address,) if address else ())
    made = authority.issue(subject, usage, lifetime=lifetime)
    return pem.CertificateAndKey(crt=made.crt, key=made.key)


def client(*roles: str) -> ssl.SSLContext:
    """What a person with these roles connects with."""
    return tls.client_context(pair(*roles), ACCEPTED)


class Node:
    """Make it inside the event loop; `serve` starts it."""

    def __init__(self, folder: Path, address: str = "127.0.0.1") -> None:
        self.folder, self.address = folder, address
        self.socket = folder / "machine.sock"
        self.who: str | None = "apid"
        self.starter = Starter()
        self.store = inmem.InMemory()
        self.logs = logs.LogStore(folder / "fifo")
        self.supervisor = supervisor.Supervisor(self.logs, folder / "records")
        self.configuration = configuration.Configuration(
            self.store, config_file.ConfigFile(folder / "state/config.yaml")
        )
        self.bootstrap = bootstrap.EtcdBootstrap()
        self.machined = rpc.Server(authorize=server.Authorizer(lambda pid: self.who if pid == os.getpid() else None))
        server.mount(self.machined, self._handlers())
        self.proxy = proxy.Proxy(proxy.Backends(self.socket))
        self.proxy.own = frozenset({address})
        self.proxy.backends.use(tls.client_context(pair("os:impersonator"), ACCEPTED))
        self.apid = rpc.Server(unknown=self.proxy.handle)
        self.trustd = trustd.Trustd(self.store)
        self.trustd_port = 0

    def _handlers(self) -> list[Handlers]:
        components = wiring.Components()
        nowhere = self.folder / "containerd.sock"
        for kind, part in (
            (state.State, self.store),
            (runtime.Runtime, runtime.Runtime(self.store)),
            (supervisor.Supervisor, self.supervisor),
            (logs.LogStore, self.logs),
            (containerd.Client, containerd.Client(nowhere)),
            (cri.Client, cri.Client(nowhere)),
            (events.EventBus, events.EventBus()),
            (sequences.Starter, self.starter),
            (configuration.Configuration, self.configuration),
            (
                systems.Systems,
                systems.Systems(containerd.Client(nowhere), self.configuration, modes.Mode.CONTAINER),
            ),
            (bootstrap.EtcdBootstrap, self.bootstrap),
            (meta.Meta, meta.Meta()),
            (platforms.Platform, container.Container()),
            (modes.Mode, modes.Mode.CONTAINER),
        ):
            components.provide(kind, part)
        return [components.build(wiring.load(reference)) for reference in _generated_index.HANDLERS]

    async def serve(self) -> None:
        """Listen: machined on `socket`, apid on address:ports.APID and on apid.sock, trustd on `trustd_port`."""
        await self.machined.serve_unix(self.socket)
        mutual = tls.server_context(pair(usage=x509.SERVER, address=self.address), ACCEPTED)
        plain = tls.server_context(pair(usage=x509.SERVER, address=self.address), ACCEPTED, verify_clients=False)
        await self.apid.serve_tcp(self.address, ports.APID, tls=tls.Live(mutual).listening)
        await self.apid.serve_unix(self.folder / "apid.sock")
        issuing = pem.CertificateAndKey(crt=AUTHORITY.crt_pem, key=AUTHORITY.key_pem)
        self.trustd._root = os_root_secret.OSRootSecret.Spec(issuing_ca=issuing, accepted_c_as=ACCEPTED, token=TOKEN)
        self.trustd_port = await self.trustd._server.serve_tcp(self.address, 0, tls=tls.Live(plain).listening)

    def channel(self, context: ssl.SSLContext) -> channel.Channel:
        """A connection to apid."""
        return channel.Channel.tcp(self.address, ports.APID, tls=context)

    async def close(self) -> None:
        """Stop serving."""
        for part in (self.apid, self.trustd._server, self.machined):
            await part.close(0.1)
        self.proxy.backends.close()
        self.configuration.end_trial()
        await self.logs.close()


@contextlib.asynccontextmanager
async def running(folder: Path, count: int = 1) -> AsyncIterator[list[Node]]:
    """Nodes on 127.0.1.1, 127.0.1.2, …; apid of all of them on one free port."""
    import socket

    with socket.socket() as probe, pytest.MonkeyPatch.context() as patch:
        probe.bind(("127.0.1.1", 0))
        patch.setattr(ports, "APID", probe.getsockname()[1])
        probe.close()
        nodes = []
        try:
            for number in range(1, count + 1):
                own = folder / f"n{number}"
                own.mkdir()
                nodes.append(Node(own, f"127.0.1.{number}"))
                await nodes[-1].serve()
            yield nodes
        finally:
            for node in nodes:
                await node.close()
