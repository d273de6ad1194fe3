"""The Kubernetes client against a server that speaks real HTTP over real TLS."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import h11
import pytest

from talos.base import errors
from talos.k8s import client as kubernetes
from talos.k8s import connection, kubeconfig
from talos.k8s.client import Change
from talos.pki import x509

Answer = tuple[int, object]
Handler = Callable[[str, str, bytes], Answer | Awaitable[Answer]]
DAY = datetime.timedelta(days=1)


class Server:
    """Answers requests by a function; `stream` bodies are lines sent one by one."""

    def __init__(self, handler: Handler, authority: x509.Authority, folder: Path) -> None:
        self.handler, self.authority, self.folder = handler, authority, folder
        self.requests: list[tuple[str, str, bytes]] = []
        self.connections = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        pair = self.authority.issue(x509.Subject("s", (), ("localhost",), ("127.0.0.1",)), x509.SERVER, lifetime=DAY)
        file = self.folder / "server.pem"
        file.write_bytes(pair.crt + pair.key)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(file)
        tls.load_verify_locations(cadata=self.authority.crt_pem.decode())
        tls.verify_mode = ssl.CERT_REQUIRED
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        if self._server:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = h11.Connection(h11.SERVER)
        with contextlib.suppress(ConnectionError, h11.RemoteProtocolError):
            while True:
                method = target = ""
                body = b""
                while True:
                    event = connection.next_event()
                    if event is h11.NEED_DATA:
                        connection.receive_data(await reader.read(65536))
                    elif isinstance(event, h11.Request):
                        method, target = event.method.decode(), event.target.decode()
                    elif isinstance(event, h11.Data):
                        body += bytes(event.data)
                    elif isinstance(event, h11.EndOfMessage):
                        break
                    else:
                        writer.close()
                        return
                self.requests.append((method, target, body))
                result = self.handler(method, target, body)
                status, answer = await result if isinstance(result, Awaitable) else result
                await self._answer(connection, writer, status, answer)
                if connection.our_state is not h11.DONE:
                    writer.close()
                    return
                connection.start_next_cycle()

    async def _answer(
        self, connection: h11.Connection, writer: asyncio.StreamWriter, status: int, answer: object
    ) -> None:
        if isinstance(answer, list):
            head = h11.Response(status_code=status, headers=[("Transfer-Encoding", "chunked")])
            writer.write(connection.send(head) or b"")
            for part in answer:
                writer.write(connection.send(h11.Data(data=part)) or b"")
                await writer.drain()
        else:
            data = json.dumps(answer).encode()
            head = h11.Response(status_code=status, headers=[("Content-Length", str(len(data)))])
            writer.write((connection.send(head) or b"") + (connection.send(h11.Data(data=data)) or b""))
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()


@contextlib.asynccontextmanager
async def serving(handler: Handler, tmp_path: Path) -> AsyncIterator[tuple[Server, kubernetes.Client]]:
    authority = x509.Authority.new(x509.new_ecdsa_key(), organizations=["kubernetes"])
    server = Server(handler, authority, tmp_path)
    port = await server.start()
    pair = authority.issue(x509.Subject("admin", ("system:masters",)), x509.CLIENT, lifetime=DAY)
    text = kubeconfig.with_certificate(
        cluster="c",
        user="admin",
        server=f"https://127.0.0.1:{port}",
        ca=authority.crt_pem,
        certificate=pair.crt,
        key=pair.key,
    )
    client = kubernetes.Client.from_kubeconfig(text, timeout_s=5)
    try:
        yield server, client
    finally:
        client.close()
        server.close()


def failure(status: int, reason: str = "") -> Answer:
    return status, {"kind": "Status", "message": "said so", "reason": reason, "code": status}


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (404, "NotFound", errors.NotFound),
        (409, "AlreadyExists", errors.AlreadyExists),
        (409, "Conflict", errors.VersionConflict),
        (403, "Forbidden", errors.Denied),
        (401, "Unauthorized", errors.Denied),
        (422, "Invalid", errors.Invalid),
        (500, "InternalError", errors.Temporary),
        (429, "TooManyRequests", errors.Temporary),
    ],
)
async def test_failures_are_named_by_what_to_do(
    tmp_path: Path, status: int, reason: str, kind: type[Exception]
) -> None:
    async with serving(lambda *_: failure(status, reason), tmp_path) as (_, client):
        with pytest.raises(kind, match="said so"):
            await client.get(kubernetes.NODES, "n")


async def test_connections_are_kept(tmp_path: Path) -> None:
    async with serving(lambda *_: (200, {"ok": True}), tmp_path) as (server, client):
        for _ in range(3):
            assert await client.request("GET", "/x") == {"ok": True}
        assert server.connections == 1


async def test_a_kept_connection_that_died_is_replaced(tmp_path: Path) -> None:
    async with serving(lambda *_: (200, {}), tmp_path) as (server, client):
        await client.request("GET", "/x")
        client._idle[0].close()
        await client.request("GET", "/y")
        assert server.connections == 2


async def test_lists_come_in_pages(tmp_path: Path) -> None:
    def handler(method: str, target: str, body: bytes) -> Answer:
        if "continue=next" in target:
            return 200, {"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "b"}}]}
        return 200, {"metadata": {"resourceVersion": "7", "continue": "next"}, "items": [{"metadata": {"name": "a"}}]}

    async with serving(handler, tmp_path) as (_, client):
        items, version = await client.list(kubernetes.NODES, labels="a=b")
    assert ([i["metadata"]["name"] for i in items], version) == (["a", "b"], "7")


async def test_apply_finds_its_path_by_discovery(tmp_path: Path) -> None:
    def handler(method: str, target: str, body: bytes) -> Answer:
        if target == "/apis/apps/v1":
            return 200, {"resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True}]}
        return 200, json.loads(body)

    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n"}}
    async with serving(handler, tmp_path) as (server, client):
        assert await client.apply(obj) == obj
        await client.apply(obj, dry_run=True)
        with pytest.raises(errors.NotFound, match="Widget"):
            await client.apply({**obj, "kind": "Widget"})
    paths = [target for method, target, _ in server.requests if method == "PATCH"]
    assert paths[0] == "/apis/apps/v1/namespaces/n/deployments/d?fieldManager=talos&force=true"
    assert paths[1].endswith("&dryRun=All")


def event(kind: str, name: str, version: int) -> bytes:
    obj = {"metadata": {"name": name, "resourceVersion": str(version)}}
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


async def take(client: kubernetes.Client, count: int) -> list[tuple[Change, str]]:
    found: list[tuple[Change, str]] = []
    async with asyncio.timeout(5):
        async for one in client.watch(kubernetes.NODES):
            found.append((one.change, one.object.get("metadata", {}).get("name", "")))
            if len(found) == count:
                return found
    return found


async def test_a_watch_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    streams = [
        # Lines split anywhere, a bookmark that moves the version on.
        [event("ADDED", "b", 11)[:20], event("ADDED", "b", 11)[20:], event("BOOKMARK", "", 15)],
        [event("DELETED", "a", 16), event("MODIFIED", "b", 17)],
    ]
    versions: list[str] = []

    def handler(method: str, target: str, body: bytes) -> Answer:
        if "watch=true" not in target:
            return 200, {"metadata": {"resourceVersion": "10"}, "items": [{"metadata": {"name": "a"}}]}
        versions.append(target.partition("resourceVersion=")[2].partition("&")[0])
        return 200, streams.pop(0)

    async with serving(handler, tmp_path) as (_, client):
        found = await take(client, 6)
    assert found == [
        (Change.RESET, ""),
        (Change.ADDED, "a"),
        (Change.SYNCED, ""),
        (Change.ADDED, "b"),
        (Change.DELETED, "a"),
        (Change.MODIFIED, "b"),
    ]
    assert versions == ["10", "15"]


@pytest.mark.parametrize("how", ["status", "event"])
async def test_a_watch_that_is_too_old_lists_again(tmp_path: Path, how: str) -> None:
    gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    lists = 0

    def handler(method: str, target: str, body: bytes) -> Answer:
        nonlocal lists
        if "watch=true" not in target:
            lists += 1
            return 200, {"metadata": {"resourceVersion": "1"}, "items": []}
        if lists > 1:
            return 200, [event("ADDED", "x", 2)]
        return (
            (410, gone) if how == "status" else (200, [json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n"])
        )

    async with serving(handler, tmp_path) as (_, client):
        found = await take(client, 5)
    assert [change for change, _ in found] == [
        Change.RESET, Change.SYNCED, Change.RESET, Change.SYNCED, Change.ADDED,
    ]  # fmt: skip


async def test_an_endless_line_is_refused(tmp_path: Path) -> None:
    def handler(method: str, target: str, body: bytes) -> Answer:
        if "watch=true" not in target:
            return 200, {"metadata": {"resourceVersion": "1"}, "items": []}
        return 200, [b"x" * 1024 * 1024] * 9

    async with serving(handler, tmp_path) as (_, client):
        with pytest.raises(errors.Permanent, match="too large"):
            await take(client, 3)


async def test_a_server_of_another_authority_is_not_trusted(tmp_path: Path) -> None:
    async with serving(lambda *_: (200, {}), tmp_path) as (_, client):
        other = x509.Authority.new(x509.new_ecdsa_key(), organizations=["kubernetes"])
        target, tls = client._target, connection.context(other.crt_pem, b"", b"")
        stranger = connection.Target(target.host, target.port, tls, "127.0.0.1")
        with pytest.raises(ssl.SSLError):
            await kubernetes.Client(stranger).request("GET", "/")


async def test_nobody_there() -> None:
    text = kubeconfig.bootstrap(server="https://127.0.0.1:1", ca=b"", token="a.b")
    with pytest.raises(OSError, match="Connect call failed"):
        await kubernetes.Client.from_kubeconfig(text).request("GET", "/")


def test_only_https_servers() -> None:
    text = kubeconfig.bootstrap(server="http://127.0.0.1", ca=b"", token="a.b")
    with pytest.raises(errors.Invalid, match="https"):
        kubernetes.Client.from_kubeconfig(text)


def test_files_named_in_a_kubeconfig_are_read(tmp_path: Path) -> None:
    authority = x509.Authority.new(x509.new_ecdsa_key())
    pair = authority.issue(x509.Subject("a"), x509.CLIENT, lifetime=DAY)
    file = tmp_path / "pair.pem"
    file.write_bytes(pair.crt + pair.key)
    text = kubeconfig.with_client_file(server="https://127.0.0.1:1", ca=authority.crt_pem, path=str(file))
    assert connection.Target.from_kubeconfig(text).host == "127.0.0.1"
    assert base64.b64encode(authority.crt_pem).decode() in text


def test_paths() -> None:
    assert kubernetes.NODES.path("a/b") == "/api/v1/nodes/a%2Fb"
    assert kubernetes.SECRETS.path("s", "n", "status") == "/api/v1/namespaces/n/secrets/s/status"
    assert kubernetes.SECRETS.path() == "/api/v1/secrets"
