"""A thin Kubernetes client: objects as data, server-side apply, watches that reconnect.

It knows just enough of the API: discovery for paths, the Status object for errors, list and watch with bookmarks.
Memory is bounded: lists come in pages, a watch holds one event at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from talos.base import errors
from talos.k8s import encode
from talos.k8s.connection import Connection, Request, Target
from talos.k8s.encode import Object

FIELD_MANAGER = "talos"
_PAGE = 250
_WATCH_S = 290
_IDLE_CONNECTIONS = 2
_BODY_MAX = 64 * 1024 * 1024
_EVENT_MAX = 8 * 1024 * 1024
_JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


class Gone(errors.Conflict):
    """The resource version a watch wanted to start from is not kept any more."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Where objects of a kind live."""

    prefix: str
    plural: str
    namespaced: bool

    def path(self, name: str = "", namespace: str = "", subresource: str = "") -> str:
        """Return the path of the collection, of one object, or of its subresource."""
        parts = [self.prefix]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


NODES = Kind("/api/v1", "nodes", False)
SERVICES = Kind("/api/v1", "services", True)
CONFIG_MAPS = Kind("/api/v1", "configmaps", True)
SECRETS = Kind("/api/v1", "secrets", True)
ENDPOINT_SLICES = Kind("/apis/discovery.k8s.io/v1", "endpointslices", True)
CERTIFICATE_REQUESTS = Kind("/apis/certificates.k8s.io/v1", "certificatesigningrequests", False)


class Change(enum.StrEnum):
    """What a watch event says. SYNCED closes the initial list: everything before it existed already."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    RESET = "RESET"
    """A new list begins: what is not named again before SYNCED is gone."""
    SYNCED = "SYNCED"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a watch; RESET and SYNCED have an empty object."""

    change: Change
    object: Object


def _error(status: int, body: bytes, what: str) -> errors.TalosError:
    try:
        found = json.loads(body)
        message, reason = str(found.get("message", "")), str(found.get("reason", ""))
    except (ValueError, AttributeError):
        message, reason = body[:200].decode(errors="replace").strip(), ""
    text = f"{what}: {message or f'HTTP status {status}'}"
    if status == 404:
        return errors.NotFound(text)
    if status == 410:
        return Gone(text)
    if status == 409:
        return errors.AlreadyExists(text) if reason == "AlreadyExists" else errors.VersionConflict(text)
    if status in (401, 403):
        return errors.Denied(text)
    if status in (400, 405, 415, 422):
        return errors.Invalid(text)
    return errors.Temporary(text)


class Client:
    """Talks to one API server (or the balancer before several). Close it when done."""

    def __init__(self, target: Target, *, timeout_s: float = 30.0) -> None:
        """`timeout_s` bounds each request except watches."""
        self._target = target
        self._timeout_s = timeout_s
        self._idle: list[Connection] = []
        self._kinds: dict[tuple[str, str], Kind] = {}

    @classmethod
    def from_kubeconfig(cls, text: str, *, timeout_s: float = 30.0) -> Client:
        """Make a client of a kubeconfig's current context. Raises Invalid."""
        return cls(Target.from_kubeconfig(text), timeout_s=timeout_s)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close idle connections; requests under way fail."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    # --- requests

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: object | None = None,
        content_type: str = _JSON,
    ) -> Any:
        """Send a request and return the decoded answer (text if it is not JSON).

        Raises OSError when the server cannot be reached, TimeoutError, and NotFound, AlreadyExists, VersionConflict,
        Denied, Invalid or Temporary for what the server said.
        """
        target = path + (f"?{urlencode(query)}" if query else "")
        payload = b"" if body is None else encode.to_json(body)
        request = Request(method, target, payload, content_type)
        async with asyncio.timeout(self._timeout_s):
            status, data = await self._exchange(request)
        if status >= 300:
            raise _error(status, data, f"{method} {path}")
        try:
            return json.loads(data) if data else {}
        except ValueError:
            return data.decode(errors="replace")

    async def _exchange(self, request: Request) -> tuple[int, bytes]:
        reused = bool(self._idle)
        connection = self._idle.pop() if reused else await Connection.open(self._target)
        try:
            status = await connection.send(request)
        except OSError:
            connection.close()
            # A kept connection may have died with the server; only a fresh one tells whether it is really away.
            if not reused:
                raise
            return await self._exchange(request)
        except BaseException:
            connection.close()
            raise
        data = bytearray()
        try:
            async for chunk in connection.body():
                data += chunk
                if len(data) > _BODY_MAX:
                    raise errors.Permanent(f"{request.method} {request.target}: the answer is too large")
        except BaseException:
            connection.close()
            raise
        if len(self._idle) < _IDLE_CONNECTIONS and connection.reuse():
            self._idle.append(connection)
        else:
            connection.close()
        return status, bytes(data)

    async def get(self, kind: Kind, name: str, namespace: str = "") -> Object:
        """Return an object. Raises NotFound."""
        found: Object = await self.request("GET", kind.path(name, namespace))
        return found

    async def list(
        self, kind: Kind, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> tuple[list[Object], str]:
        """Return all objects and the resource version of the list."""
        items: list[Object] = []
        query: dict[str, str | int] = {"limit": _PAGE, **_selectors(labels, fields)}
        while True:
            page = await self.request("GET", kind.path(namespace=namespace), query=query)
            items += page.get("items") or []
            token = page["metadata"].get("continue")
            if not token:
                return items, str(page["metadata"].get("resourceVersion", ""))
            query["continue"] = token

    async def patch(
        self,
        kind: Kind,
        name: str,
        body: object,
        namespace: str = "",
        *,
        content_type: str = MERGE_PATCH,
        subresource: str = "",
    ) -> Object:
        """Patch an object and return it. Raises NotFound, Invalid, VersionConflict."""
        path = kind.path(name, namespace, subresource)
        query = {"fieldManager": FIELD_MANAGER}
        found: Object = await self.request("PATCH", path, query=query, body=body, content_type=content_type)
        return found

    async def replace(self, kind: Kind, obj: Object, *, subresource: str = "") -> Object:
        """Replace an object of the resource version it carries. Raises VersionConflict."""
        metadata = obj["metadata"]
        path = kind.path(metadata["name"], metadata.get("namespace", ""), subresource)
        found: Object = await self.request("PUT", path, query={"fieldManager": FIELD_MANAGER}, body=obj)
        return found

    async def delete(self, kind: Kind, name: str, namespace: str = "") -> None:
        """Delete an object in the background. Raises NotFound."""
        await self.request("DELETE", kind.path(name, namespace), query={"propagationPolicy": "Background"})

    # --- objects that name their own kind

    async def kind_of(self, obj: Object) -> Kind:
        """Return where an object lives, by discovery. Raises NotFound for kinds the server does not serve (yet)."""
        version, kind = str(obj["apiVersion"]), str(obj["kind"])
        if (version, kind) not in self._kinds:
            prefix = f"/apis/{version}" if "/" in version else f"/api/{version}"
            served = await self.request("GET", prefix)
            for entry in served.get("resources") or ():
                if "/" not in entry["name"]:
                    found = Kind(prefix, entry["name"], bool(entry["namespaced"]))
                    self._kinds[version, str(entry["kind"])] = found
        try:
            return self._kinds[version, kind]
        except KeyError:
            raise errors.NotFound(f"the API server does not serve {version} {kind}") from None

    async def apply(self, obj: Object, *, force: bool = True, dry_run: bool = False) -> Object:
        """Apply an object on the server's side as field manager `talos` and return it."""
        kind = await self.kind_of(obj)
        metadata = obj["metadata"]
        namespace = str(metadata.get("namespace") or ("default" if kind.namespaced else ""))
        query: dict[str, str | int] = {"fieldManager": FIELD_MANAGER, "force": str(force).lower()}
        if dry_run:
            query["dryRun"] = "All"
        path = kind.path(str(metadata["name"]), namespace)
        found: Object = await self.request("PATCH", path, query=query, body=obj, content_type=APPLY_PATCH)
        return found

    # --- watching

    async def watch(
        self, kind: Kind, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> AsyncIterator[Event]:
        """Yield RESET, an ADDED for each object, SYNCED, then changes for ever.

        Reconnects by itself where it can go on from the last known version, and lists anew (RESET) where it cannot.
        Raises what `request` raises when listing fails: the caller decides how to wait.
        """
        while True:
            items, version = await self.list(kind, namespace, labels=labels, fields=fields)
            yield Event(Change.RESET, {})
            for item in items:
                yield Event(Change.ADDED, item)
            yield Event(Change.SYNCED, {})
            with contextlib.suppress(Gone):
                while True:
                    async for change, obj in self._stream(kind, namespace, version, _selectors(labels, fields)):
                        version = str(obj.get("metadata", {}).get("resourceVersion", version))
                        if change != "BOOKMARK":
                            yield Event(Change(change), obj)

    async def _stream(
        self, kind: Kind, namespace: str, version: str, selectors: Mapping[str, str]
    ) -> AsyncIterator[tuple[str, Object]]:
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(_WATCH_S),
            **selectors,
        }
        path = kind.path(namespace=namespace)
        connection = await Connection.open(self._target)
        try:
            async with asyncio.timeout(self._timeout_s):
                status = await connection.send(Request("GET", f"{path}?{urlencode(query)}"))
            if status != 200:
                data = b"".join([chunk async for chunk in connection.body()])
                raise _error(status, data, f"watch {path}")
            # The server ends the watch after its time; silence well beyond means that the peer is gone.
            async for line in _lines(connection.body(), silence_s=_WATCH_S + 30):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    found = event["object"]
                    raise _error(int(found.get("code") or 500), encode.to_json(found), f"watch {path}")
                yield str(event["type"]), event["object"]
        finally:
            connection.close()


def _selectors(labels: str, fields: str) -> dict[str, str]:
    found = {"labelSelector": labels, "fieldSelector": fields}
    return {key: value for key, value in found.items() if value}


async def _lines(chunks: AsyncIterator[bytes], *, silence_s: float) -> AsyncIterator[bytes]:
    """Split a stream into lines. Raises TimeoutError after silence, Permanent for a line beyond the limit."""
    pending = bytearray()
    while True:
        try:
            async with asyncio.timeout(silence_s):
                pending += await anext(chunks)
        except StopAsyncIteration:
            return
        *complete, rest = pending.split(b"\n")
        for line in complete:
            if line.strip():
                yield bytes(line)
        pending = bytearray(rest)
        if len(pending) > _EVENT_MAX:
            raise errors.Permanent("a watch event is too large")
