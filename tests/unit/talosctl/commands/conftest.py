"""A door to canned nodes: a real gRPC server behind mutual TLS, and talosctl run against it with a real talosconfig.

Everything between the arguments and the wire is the product's; only what nodes answer is written by the test.
"""

from __future__ import annotations

import asyncio
import datetime
import gc
import ssl
import subprocess
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from talos.machinery.api import methods
from talos.machinery.client import talosconfig
from talos.machinery.rpc import server
from talos.pki import x509
from talos.talosctl import main

MACHINE = "/machine.MachineService/"
_HOUR = datetime.timedelta(hours=1)
Answer = Callable[[Any, str], Any]


@dataclass
class Pki:
    """One authority, one server certificate for 127.0.0.1, one client."""

    ca: bytes
    server_tls: ssl.SSLContext
    client: x509.KeyPair


def _server_tls(ca: bytes, pair: x509.KeyPair, directory: Path) -> ssl.SSLContext:
    file = directory / "server.pem"
    # OpenSSL does not know the label Talos gives Ed25519 keys.
    file.write_bytes(pair.crt + pair.key.replace(b"ED25519 PRIVATE KEY", b"PRIVATE KEY"))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(file)
    made.load_verify_locations(cadata=ca.decode())
    made.verify_mode = ssl.CERT_REQUIRED
    made.set_alpn_protocols(["h2"])
    return made


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    authority = x509.Authority.new(x509.new_ed25519_key(), organizations=("talos",))
    server_pair = authority.issue(x509.Subject("node", addresses=("127.0.0.1",)), x509.SERVER, lifetime=_HOUR)
    client = authority.issue(x509.Subject(organizations=("os:admin",)), x509.CLIENT, lifetime=_HOUR)
    tls = _server_tls(authority.crt_pem, server_pair, tmp_path_factory.mktemp("pki"))
    return Pki(authority.crt_pem, tls, client)


def _forget() -> None:
    """Drop the connections: talosctl ends without waiting for the node's side of the TLS goodbye."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@dataclass
class Run:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass
class Cluster:
    """Nodes behind one endpoint. `asked` are the requests as they came: (path, node, request)."""

    talosconfig: Path
    capfd: pytest.CaptureFixture[str]
    rpc: server.Server
    loop: asyncio.AbstractEventLoop
    port: int = 0
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def serve(self, path: str, answer: Answer | Message | Iterable[Message]) -> None:
        """Answer a method by a message, several (streams), or a function of (request, node) that gives those."""
        method = methods.method(path)

        async def give(request: Any, node: str) -> Any:
            self.asked.append((path, node, request))
            found = answer(request, node) if callable(answer) else answer
            return await found if isinstance(found, Awaitable) else found

        async def unary(request: Any, call: server.Call) -> Any:
            if method.client_streaming:
                request = [one async for one in request]
            return await give(request, call.first("node"))

        async def stream(request: Any, call: server.Call) -> AsyncIterator[Any]:
            found = await give(request, call.first("node"))
            if isinstance(found, AsyncIterator):
                async for message in found:
                    yield message
                return
            for message in [found] if isinstance(found, Message) else found:
                yield message

        self.rpc.add(method, stream if method.server_streaming else unary)

    def requests(self, path: str) -> list[Any]:
        return [request for asked, _, request in self.asked if asked == path]

    def run(self, *argv: str, nodes: str = "10.5.0.2") -> Run:
        """Run one command line with the talosconfig of this cluster."""
        self.capfd.readouterr()
        named = ["-n", nodes] if nodes else []
        try:
            code = main.run([*named, "--talosconfig", str(self.talosconfig), *argv])
        except SystemExit as error:
            code = int(error.code or 0) if not isinstance(error.code, str) else 2
        _forget()
        captured = self.capfd.readouterr()
        return Run(int(code), captured.out, captured.err)

    def raw(self, *argv: str, nodes: str = "10.5.0.2") -> bytes:
        """Run one command line as a process and return the bytes of its stdout."""
        command = [sys.executable, "-m", "talos.talosctl.main", "-n", nodes, "--talosconfig", str(self.talosconfig)]
        return subprocess.run([*command, *argv], stdout=subprocess.PIPE, check=True, timeout=60).stdout


@pytest.fixture
def loop_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="nodes")
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def cluster(
    pki: Pki,
    loop_thread: asyncio.AbstractEventLoop,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Cluster]:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("TALOSCONFIG", raising=False)
    rpc = server.Server()
    port = asyncio.run_coroutine_threadsafe(rpc.serve_tcp("127.0.0.1", 0, tls=pki.server_tls), loop_thread).result(10)
    context = talosconfig.Context(endpoints=(f"127.0.0.1:{port}",), ca=pki.ca, crt=pki.client.crt, key=pki.client.key)
    file = tmp_path / "talosconfig"
    talosconfig.save(talosconfig.Talosconfig("test", {"test": context}), file)
    yield Cluster(file, capfd, rpc, loop_thread, port)
    asyncio.run_coroutine_threadsafe(rpc.close(0.1), loop_thread).result(10)
