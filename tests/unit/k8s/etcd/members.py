"""Members of an etcd cluster as local processes: real etcd, our command line, addresses of the loopback network."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from talos.base.constants import paths, ports
from talos.k8s.etcd import client, command
from talos.machinery.rpc import status
from talos.machinery.types import pem
from talos.pki import x509

START_S = 20.0


@dataclass
class Network:
    """A cluster to be: its authority and where its members live."""

    folder: Path
    program: Path
    authority: x509.Authority = field(default_factory=lambda: x509.Authority.new(x509.new_ecdsa_key()))
    prefix: str = field(default_factory=lambda: f"127.{random.randrange(2, 250)}.{random.randrange(1, 250)}")

    def address(self, number: int) -> str:
        return f"{self.prefix}.{number}"

    def pki(self, number: int) -> Path:
        """Certificates of a member, as the node's controllers write them."""
        made = self.folder / f"pki-{number}"
        if not made.exists():
            made.mkdir()
            names = x509.Subject(f"m{number}", (), ("localhost",), ("127.0.0.1", self.address(number)))
            (made / "ca.crt").write_bytes(self.authority.crt_pem)
            for name, subject, usage in (
                ("server", names, x509.BOTH),
                ("peer", names, x509.BOTH),
                ("admin", x509.Subject("talos"), x509.CLIENT),
            ):
                issued = self.authority.issue(subject, usage, lifetime=x509.CLIENT_LIFETIME)
                pair = pem.CertificateAndKey(crt=issued.crt, key=issued.key)
                (made / f"{name}.crt").write_bytes(pair.crt)
                (made / f"{name}.key").write_bytes(pair.key)
        return made

    def data(self, number: int) -> Path:
        return self.folder / f"data-{number}"

    def argv(self, number: int, start: command.Start, cluster: str = "") -> list[str]:
        """The node's command line with this machine's places."""
        where = (self.address(number),)
        node = command.Node(f"m{number}", where, where, where)
        made = command.command_line(node, start, cluster, {})
        places = {str(paths.ETCD_PKI): str(self.pki(number)), str(paths.ETCD_DATA): str(self.data(number))}
        for old, new in places.items():
            made = [word.replace(old, new) for word in made]
        return [str(self.program), *made[1:]]

    def connect(self, number: int) -> client.Client:
        return client.Client(self.address(number), ports.ETCD_CLIENT, client.node_tls(self.pki(number)))

    @contextlib.asynccontextmanager
    async def running(
        self, number: int, start: command.Start, cluster: str = "", *, quorum: bool = True
    ) -> AsyncIterator[client.Client]:
        """Run a member; `quorum` waits until it serves linearizable reads, else until it answers."""
        self.data(number).mkdir(mode=0o700, exist_ok=True)
        with (self.folder / f"m{number}.log").open("ab") as log:
            process = subprocess.Popen(self.argv(number, start, cluster), stdout=log, stderr=log)
        try:
            async with self.connect(number) as made:
                await self._answers(number, process, made, quorum=quorum)
                yield made
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

    async def _answers(
        self, number: int, process: subprocess.Popen[bytes], made: client.Client, *, quorum: bool
    ) -> None:
        deadline = time.monotonic() + START_S
        while True:
            try:
                await (made.check_quorum() if quorum else made.status())
            except (status.RpcError, TimeoutError) as error:
                ended = process.poll()
                if ended is not None or time.monotonic() > deadline:
                    log = (self.folder / f"m{number}.log").read_text()[-3000:]
                    raise AssertionError(f"member {number}: {error}, exit code {ended}\n{log}") from error
                await asyncio.sleep(0.05)
            else:
                return

    def first(self, number: int = 1) -> str:
        """The initial cluster of a member that begins one."""
        return command.initial_cluster([(f"m{number}", command.peer_urls([self.address(number)]))])

    def hosts(self, *numbers: int) -> Sequence[str]:
        return [self.address(number) for number in numbers]
