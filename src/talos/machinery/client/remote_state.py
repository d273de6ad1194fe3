"""A State that lives in another process and is reached over cosi.resource.State."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, TypeVar

from talos.base import errors
from talos.cosi import state
from talos.cosi.resource import Phase, Resource
from talos.machinery.api import methods
from talos.machinery.api._generated.cosi import state_pb2
from talos.machinery.resources import wire
from talos.machinery.rpc import channel, status

R = TypeVar("R", bound=Resource[Any])
TIMEOUT_S = 30.0
_SERVICE = "/cosi.resource.State/"
# Servers send lists of events only to clients that say so.
API_VERSION = 1
# What a status means depends on the call; these differ from the general meaning.
_UPDATE = {status.Code.INVALID_ARGUMENT: errors.PhaseConflict, status.Code.FAILED_PRECONDITION: errors.VersionConflict}
_WATCH = {status.Code.FAILED_PRECONDITION: errors.Invalid}


def _error(error: status.RpcError, special: Mapping[status.Code, type[errors.TalosError]]) -> errors.TalosError:
    if error.code is status.Code.PERMISSION_DENIED and "is owned by" in error.message:
        return errors.OwnerConflict(error.message)
    kind = special.get(error.code)
    return kind(error.message) if kind is not None else status.to_error(error)


class RemoteState:
    """The `State` Protocol over a channel. `metadata` goes with every call."""

    def __init__(self, to: channel.Channel, *, metadata: channel.Metadata | None = None) -> None:
        self._channel = to
        self._metadata = metadata

    async def _call(self, name: str, request: Any) -> Any:
        try:
            return await self._channel.unary(
                methods.method(_SERVICE + name), request, metadata=self._metadata, timeout_s=TIMEOUT_S
            )
        except status.RpcError as error:
            raise _error(error, _UPDATE if name == "Update" else {}) from error

    @staticmethod
    def _where(cls: type[Resource[Any]], namespace: str | None) -> dict[str, Any]:
        return {
            "namespace": cls.definition.namespace if namespace is None else namespace,
            "type": cls.definition.type,
        }

    async def get(self, cls: type[R], id: str, *, namespace: str | None = None) -> R:
        """Return a resource. Raises NotFound."""
        reply = await self._call("Get", state_pb2.GetRequest(id=id, **self._where(cls, namespace)))
        return wire.decode(reply.resource, cls)  # type: ignore[return-value]

    async def list(self, cls: type[R], *, namespace: str | None = None, query: state.Query | None = None) -> list[R]:
        """Return the resources of a type, ordered by id."""
        options = state_pb2.ListOptions()
        if query is not None:
            labels, ids = wire.encode_query(query)
            options = state_pb2.ListOptions(label_query=labels, id_query=ids)
        request = state_pb2.ListRequest(options=options, **self._where(cls, namespace))
        found: Any = []
        try:
            async for reply in self._channel.stream(
                methods.method(_SERVICE + "List"), request, metadata=self._metadata, timeout_s=TIMEOUT_S
            ):
                found.append(wire.decode(reply.resource, cls))
        except status.RpcError as error:
            raise _error(error, {}) from error
        result: list[R] = found
        return result

    async def create(self, res: R, *, owner: str = "") -> R:
        """Store a new resource. Raises AlreadyExists."""
        request = state_pb2.CreateRequest(resource=wire.encode(res), options=state_pb2.CreateOptions(owner=owner))
        reply = await self._call("Create", request)
        return wire.decode(reply.resource, type(res))  # type: ignore[return-value]

    async def update(self, res: R, *, owner: str = "", expected_phase: Phase | None = Phase.RUNNING) -> R:
        """Replace a resource of the same version."""
        options = state_pb2.UpdateOptions(owner=owner)
        if expected_phase is not None:
            options.expected_phase = str(expected_phase)
        reply = await self._call("Update", state_pb2.UpdateRequest(new_resource=wire.encode(res), options=options))
        return wire.decode(reply.resource, type(res))  # type: ignore[return-value]

    async def teardown(self, cls: type[R], id: str, *, namespace: str | None = None, owner: str = "") -> bool:
        """Mark for destruction; return whether no finalizer is left."""
        options = state_pb2.TeardownOptions(owner=owner)
        request = state_pb2.TeardownRequest(id=id, options=options, **self._where(cls, namespace))
        reply = await self._call("Teardown", request)
        return bool(reply.destroy_ready)

    async def destroy(self, cls: type[R], id: str, *, namespace: str | None = None, owner: str = "") -> None:
        """Remove. Raises NotFound, PhaseConflict."""
        options = state_pb2.DestroyOptions(owner=owner)
        await self._call("Destroy", state_pb2.DestroyRequest(id=id, options=options, **self._where(cls, namespace)))

    async def _finalizers(self, cls: type[R], id: str, namespace: str | None, change: Any) -> None:
        """Change finalizers by an update, again after a lost race. The protocol has no call of its own for it."""
        for _ in range(100):
            found = await self.get(cls, id, namespace=namespace)
            wanted = frozenset(change(found.metadata.finalizers))
            if wanted == found.metadata.finalizers:
                return
            changed = found.with_metadata(found.metadata.replace(finalizers=wanted))
            try:
                await self.update(changed, owner=found.metadata.owner, expected_phase=None)
            except errors.VersionConflict:
                continue
            return
        raise errors.VersionConflict(f"{cls.definition.type}({id}): changed under us 100 times in a row")

    async def add_finalizer(self, cls: type[R], id: str, *names: str, namespace: str | None = None) -> None:
        """Hold back destruction. Raises PhaseConflict when it is being torn down already."""
        found = await self.get(cls, id, namespace=namespace)
        if found.metadata.phase is not Phase.RUNNING and not set(names) <= found.metadata.finalizers:
            raise errors.PhaseConflict(f"resource {found.metadata} is being torn down")
        await self._finalizers(cls, id, namespace, lambda old: old | set(names))

    async def remove_finalizer(self, cls: type[R], id: str, *names: str, namespace: str | None = None) -> None:
        """Let go. A resource that is gone is fine."""
        try:
            await self._finalizers(cls, id, namespace, lambda old: old - set(names))
        except errors.NotFound:
            return

    @contextlib.asynccontextmanager
    async def watch(
        self,
        cls: type[R],
        *,
        id: str | None = None,
        namespace: str | None = None,
        query: state.Query | None = None,
        bootstrap: bool = False,
        tail: int = 0,
        bookmark: bytes | None = None,
        bootstrap_bookmark: bool = False,
        aggregated: bool = False,
    ) -> AsyncIterator[AsyncIterator[Sequence[state.Event[R]]]]:
        """Follow one resource or a kind; see `state.State.watch`. Established when the context is entered."""
        options = state_pb2.WatchOptions(
            bootstrap_contents=bootstrap,
            tail_events=tail,
            aggregated=aggregated,
            bootstrap_bookmark=bootstrap_bookmark,
        )
        if bookmark is not None:
            options.start_from_bookmark = bookmark
        if query is not None:
            labels, ids = wire.encode_query(query)
            options.label_query.extend(labels)
            if ids is not None:
                options.id_query.CopyFrom(ids)
        request = state_pb2.WatchRequest(options=options, api_version=API_VERSION, **self._where(cls, namespace))
        if id is not None:
            request.id = id
        stream = self._channel.stream(methods.method(_SERVICE + "Watch"), request, metadata=self._metadata)
        try:
            # The first reply is empty and says that the watch stands.
            await anext(stream)
        except status.RpcError as error:
            raise _error(error, _WATCH) from error
        events = _events(stream, cls)
        try:
            yield events
        finally:
            await events.aclose()
            await stream.aclose()  # type: ignore[attr-defined]


async def _events(stream: Any, cls: type[R]) -> Any:
    try:
        async for reply in stream:
            if reply.event:
                yield [wire.decode_event(event, cls) for event in reply.event]
    except status.RpcError as error:
        raise _error(error, _WATCH) from error
