"""What a command works with: the talosconfig, the connection, the nodes to ask, and per-node results."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from talos.base import errors
from talos.talosctl import exit_codes, output

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message

    from talos.machinery.client import connection as connections
    from talos.machinery.client import talosconfig

T = TypeVar("T")


class Session:
    """Opened lazily: a command that needs no node never imports gRPC."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._connection: connections.Connection | None = None
        self._direct: dict[str, connections.Connection] = {}
        self._config: talosconfig.Talosconfig | None = None

    @property
    def config_path(self) -> Path:
        """Where the talosconfig is."""
        from talos.machinery.client import talosconfig

        return talosconfig.path(self._args.talosconfig)

    @property
    def config(self) -> talosconfig.Talosconfig:
        """The talosconfig. Raises Invalid."""
        from talos.machinery.client import talosconfig

        if self._config is None:
            self._config = talosconfig.load(self.config_path)
        return self._config

    def save(self, config: talosconfig.Talosconfig) -> None:
        """Write the talosconfig."""
        from talos.machinery.client import talosconfig

        talosconfig.save(config, talosconfig.path(self._args.talosconfig, writing=True))
        self._config = config

    @property
    def context(self) -> talosconfig.Context:
        """The context in use. Raises NotFound."""
        if not self.config.contexts:
            raise errors.NotFound(f"no talosconfig at {self.config_path}: create one, or name it with --talosconfig")
        return self.config.get(self._args.context)[1]

    @property
    def insecure(self) -> bool:
        """Whether the maintenance API is asked for."""
        return bool(getattr(self._args, "insecure", False))

    @property
    def nodes(self) -> list[str]:
        """Nodes to ask. Raises Invalid when none is known."""
        if self._args.nodes:
            return list(self._args.nodes)
        if self.insecure:
            raise errors.Invalid("--insecure needs --nodes")
        found = list(self.context.nodes)
        if not found:
            raise errors.Invalid("no nodes: name them with --nodes, or set them with `talosctl config node`")
        return found

    @property
    def connection(self) -> connections.Connection:
        """The connection to the cluster. Raises Invalid, NotFound."""
        if self._connection is None:
            from talos.machinery.client import connection as connections

            context = self.context
            endpoints = self._args.endpoints or context.endpoints
            cluster = self._args.cluster or context.cluster
            self._connection = connections.Connection(
                endpoints, connections.tls(context), cluster=cluster, proxy_url=context.proxy_url
            )
        return self._connection

    def close(self) -> None:
        """Close the connections."""
        for found in (self._connection, *self._direct.values()):
            if found is not None:
                found.close()

    def _way(self, node: str) -> tuple[connections.Connection, str]:
        """The connection a node is asked over, and its name there; in maintenance mode nobody passes calls on."""
        if not self.insecure:
            return self.connection, node
        if node not in self._direct:
            from talos.machinery.client import connection as connections

            pins = self._args.cert_fingerprint
            check = (lambda crt: check_pins(crt, pins, node)) if pins else None
            self._direct[node] = connections.Connection([node], connections.insecure_tls(), check=check)
        return self._direct[node], ""

    async def unary(self, path: str, request: Message, *, node: str, timeout_s: float = 60.0) -> Any:
        """Ask one node."""
        connection, name = self._way(node)
        return await connection.unary(path, request, node=name, timeout_s=timeout_s)

    def stream(self, path: str, request: Message, *, node: str, timeout_s: float | None = None) -> AsyncIterator[Any]:
        """Ask one node for a stream."""
        connection, name = self._way(node)
        return connection.stream(path, request, node=name, timeout_s=timeout_s)

    async def each(self, call: Callable[[str], Awaitable[T]]) -> tuple[list[tuple[str, T]], int]:
        """Make a call per node at the same time; return the answers and the exit code. Failures are printed."""
        from talos.machinery.client import connection as connections

        if not self.insecure:
            self.connection  # noqa: B018 a broken talosconfig is one error, not one per node
        results = await connections.each(self.nodes, call)
        code = 0
        answers: list[tuple[str, T]] = []
        for result in results:
            if result.error is None:
                answers.append((result.node, result.value))  # type: ignore[arg-type]
            else:
                output.say(f"{result.node}: {result.error}")
                code = max(code, int(exit_codes.of(result.error)))
        if answers and code:
            code = int(exit_codes.Exit.FAILED)
        return answers, code

    async def each_message(
        self, path: str, request: Message, *, timeout_s: float = 60.0
    ) -> tuple[list[tuple[str, Any]], int]:
        """Make the same unary call to each node; return (node, message) for each message of the replies."""

        async def call(node: str) -> Any:
            return await self.unary(path, request, node=node, timeout_s=timeout_s)

        answers, code = await self.each(call)
        return [(node, message) for node, reply in answers for message in reply.messages], code

    async def follow(
        self, path: str, request: Message, show: Callable[[str, Any], None], *, timeout_s: float | None = None
    ) -> int:
        """Stream from each node at the same time, showing messages as they come; return the exit code."""

        async def one(node: str) -> None:
            async with aclosing(self.stream(path, request, node=node, timeout_s=timeout_s)) as messages:  # type: ignore[type-var]
                async for message in messages:
                    show(node, message)

        _, code = await self.each(one)
        return code


def check_pins(certificate: bytes, pins: Sequence[str], node: str) -> None:
    """Raise Denied unless the server's public key is one of those the person named."""
    from talos.pki import x509

    found = x509.spki_fingerprint(certificate)
    if found not in pins:
        raise errors.Denied(f"the certificate of {node} has the fingerprint {found}, which is not among those accepted")


def single(values: Sequence[str], what: str) -> str:
    """Return the only value. Raises Invalid for several."""
    if len(values) != 1:
        raise errors.Invalid(f"{what}: exactly one node is needed, got {len(values)}")
    return values[0]


def run(coroutine: Coroutine[Any, Any, Any], *, offline: bool = False) -> Any:
    """Run a command; an offline one waits for nothing, so it is spared the event loop's start."""
    if not offline:
        import asyncio

        return asyncio.run(coroutine)
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("an offline command waited for something")
