"""A local HTTP server from which the kubelet takes its static pods.

The kubelet asks again and again (`staticPodURL`). An answer that would be the same as the last one on the connection is
held back until something changes or the kubelet's patience nears its end, so a new pod is known at once and an idle
node answers a few requests a minute.

A restarted machined must not look as if the pods were gone: the port is used again, because it is part of the kubelet's
configuration, and as long as a pod is missing that was served before, no answer is given, which the kubelet takes for
no news.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import h11

from talos.base import tasks
from talos.cosi import controller
from talos.k8s import encode
from talos.linux import files
from talos.machinery.resources.k8s import static_pod, static_pod_server_status

# The kubelet gives up after ten seconds.
_HOLD_S = 8.0
# After this long a pod that was served before has really gone.
_PATIENCE_S = 60.0
_ADDRESS = "127.0.0.1"
_REQUEST_MAX = 16 * 1024


class _Server:
    """Serves one text to any number of connections."""

    def __init__(self) -> None:
        self._text: bytes | None = None
        self._changed = asyncio.Event()
        self._tasks = tasks.Owner("static-pods")
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Listen and return the port. Raises OSError."""
        self._server = await asyncio.start_server(self._accept, _ADDRESS, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop connections."""
        if self._server is not None:
            self._server.close()
        await self._tasks.close()

    def publish(self, text: bytes) -> None:
        """Serve this text from now on."""
        if text != self._text:
            self._text = text
            self._changed.set()
            self._changed = asyncio.Event()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.spawn(self._serve(reader, writer), "connection")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_REQUEST_MAX)
        served: bytes | None = None
        try:
            while await self._request(connection, reader):
                if served == self._text:
                    await self._hold()
                if self._text is None:
                    return
                served = self._text
                headers = [("Content-Type", "application/yaml"), ("Content-Length", str(len(served)))]
                parts = (
                    h11.Response(status_code=200, headers=headers),
                    h11.Data(data=served),
                    h11.EndOfMessage(),
                )
                writer.write(b"".join(connection.send(part) or b"" for part in parts))
                await writer.drain()
                if connection.our_state is not h11.DONE:
                    return
                connection.start_next_cycle()
        except (OSError, h11.ProtocolError):
            return
        finally:
            writer.close()

    async def _request(self, connection: h11.Connection, reader: asyncio.StreamReader) -> bool:
        """Read a whole request; False at the end of the connection."""
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(_REQUEST_MAX))
            elif isinstance(event, h11.EndOfMessage):
                return True
            elif isinstance(event, h11.ConnectionClosed):
                return False

    async def _hold(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_HOLD_S):
                await self._changed.wait()


class StaticPodServerController(controller.Controller):
    """Serve all static pods as a PodList and say where."""

    inputs = (controller.weak(static_pod.StaticPod),)
    outputs = (controller.exclusive(static_pod_server_status.StaticPodServerStatus),)

    def __init__(self, folder: Path = Path("/run/machined")) -> None:
        self._port_file = folder / "static-pod-server.port"
        self._served_file = folder / "static-pod-server.pods"
        self._server = _Server()
        self._port = 0
        self._expected: frozenset[str] = frozenset()
        self._patience_ends = 0.0

    async def run(self, r: controller.Handle) -> None:
        """Listen, then publish after each change."""
        self._server = _Server()
        with contextlib.suppress(FileNotFoundError):
            self._expected = frozenset(self._served_file.read_text().split())
        self._patience_ends = asyncio.get_running_loop().time() + _PATIENCE_S
        try:
            self._port = await self._listen()
            async for _ in r.changes():
                await r.reconcile()
        finally:
            await self._server.close()

    async def _listen(self) -> int:
        known = 0
        with contextlib.suppress(OSError, ValueError):
            known = int(self._port_file.read_text())
        try:
            port = await self._server.start(known)
        except OSError:
            port = await self._server.start(0)
        self._port_file.parent.mkdir(parents=True, exist_ok=True)
        files.write(self._port_file, f"{port}\n".encode(), mode=0o600)
        return port

    async def reconcile(self, r: controller.Handle) -> None:
        """Publish the pods there are."""
        found = await r.list(static_pod.StaticPod)
        ids = frozenset(pod.id for pod in found)
        left_s = self._patience_ends - asyncio.get_running_loop().time()
        if self._expected - ids and left_s > 0:
            r.wake_after(left_s)
        else:
            self._expected = frozenset()
            files.write(self._served_file, "\n".join(sorted(ids)).encode(), mode=0o600)
            listing = {"apiVersion": "v1", "kind": "PodList", "items": [pod.spec.pod for pod in found]}
            self._server.publish(encode.to_yaml(listing).encode())
        spec = static_pod_server_status.StaticPodServerStatus.Spec(url=f"http://{_ADDRESS}:{self._port}")
        id = static_pod_server_status.STATIC_POD_SERVER_STATUS_RESOURCE_ID
        await r.put(static_pod_server_status.StaticPodServerStatus(id, spec))
