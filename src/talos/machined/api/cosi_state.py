"""cosi.resource.State: the resources of the node, over the API.

People and programs may read, as far as the sensitivity of a type allows their role; nobody writes resources from
outside (the configuration is the way). The same service, with another rule in front, is what apid and trustd see of the
state. Status codes are those clients of COSI expect: a lost race is FAILED_PRECONDITION, a wrong phase of an update
INVALID_ARGUMENT, another owner PERMISSION_DENIED.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ClassVar

from talos.base import errors
from talos.cosi import filtered, resource, state
from talos.cosi.resource import Phase, Resource, Sensitivity
from talos.machined.api import Handlers
from talos.machinery.api._generated.cosi import state_pb2
from talos.machinery.resources import registry, wire
from talos.machinery.rpc import server as rpc
from talos.machinery.rpc import status

ADMIN = "os:admin"
READ, WRITE = "read", "write"
# What a teardown waits for finalizers when the caller has set no deadline.
TEARDOWN_S = 3600.0
Rule = Callable[[type[Resource[Any]], str, str, rpc.Call], None]
"""(type, namespace, READ or WRITE, call): raises Denied."""


def for_people(cls: type[Resource[Any]], namespace: str, verb: str, call: rpc.Call) -> None:
    """Read-only; sensitive types are for os:admin; namespaces are those the node has."""
    if verb is WRITE:
        raise errors.Denied("write access is not allowed")
    if cls.definition.sensitivity is Sensitivity.SENSITIVE and ADMIN not in call.roles:
        raise errors.Denied(f"access to {cls.definition.type} is not allowed")
    if namespace not in registry.NAMESPACES:
        raise errors.Denied(f"namespace {namespace!r} is not registered")


@contextlib.contextmanager
def _update_statuses() -> Iterator[None]:
    """Clients tell a wrong phase from a lost race by the status."""
    try:
        yield
    except errors.PhaseConflict as error:
        raise status.RpcError(status.Code.INVALID_ARGUMENT, str(error)) from error
    except errors.VersionConflict as error:
        raise status.RpcError(status.Code.FAILED_PRECONDITION, str(error)) from error


@contextlib.contextmanager
def _watch_statuses() -> Iterator[None]:
    try:
        yield
    except errors.Invalid as error:
        raise status.RpcError(status.Code.FAILED_PRECONDITION, str(error)) from error


class StateService:
    """The RPCs over any state, behind a rule."""

    def __init__(self, store: state.State, rule: Rule) -> None:
        self._state = store
        self._rule = rule

    @staticmethod
    def _class(type_name: str) -> type[Resource[Any]]:
        try:
            if not registry.is_internal(type_name):
                return registry.find(type_name)
        except errors.NotFound:
            pass
        raise errors.Denied(f"resource type {type_name!r} is not registered")

    def _seen_by(self, call: rpc.Call) -> filtered.Filtered:
        """The state as this caller may use it."""

        def rule(access: filtered.Access) -> None:
            self._rule(access.cls, access.namespace, READ if access.verb.reads else WRITE, call)

        return filtered.Filtered(self._state, rule)

    async def get(self, request: state_pb2.GetRequest, call: rpc.Call) -> state_pb2.GetResponse:
        """One resource."""
        cls = self._class(request.type)
        found = await self._seen_by(call).get(cls, request.id, namespace=request.namespace)
        return state_pb2.GetResponse(resource=wire.encode(found))

    async def list(self, request: state_pb2.ListRequest, call: rpc.Call) -> AsyncIterator[state_pb2.ListResponse]:
        """Resources of a type, one per message."""
        cls = self._class(request.type)
        options = request.options
        query = wire.decode_query(options.label_query, options.id_query if options.HasField("id_query") else None)
        for found in await self._seen_by(call).list(cls, namespace=request.namespace, query=query):
            yield state_pb2.ListResponse(resource=wire.encode(found))

    async def watch(self, request: state_pb2.WatchRequest, call: rpc.Call) -> AsyncIterator[state_pb2.WatchResponse]:
        """Events of a type or of one resource; the first message is empty and says that the watch stands."""
        cls = self._class(request.type)
        options = request.options
        query = wire.decode_query(options.label_query, options.id_query if options.HasField("id_query") else None)
        id = request.id if request.HasField("id") else None
        if id is not None and (options.bootstrap_contents or query is not None):
            raise status.RpcError(status.Code.UNIMPLEMENTED, "one resource is watched without bootstrap and queries")
        watching = self._seen_by(call).watch(
            cls,
            id=id,
            namespace=request.namespace,
            query=query,
            bootstrap=options.bootstrap_contents,
            tail=max(options.tail_events, 0),
            bookmark=options.start_from_bookmark if options.HasField("start_from_bookmark") else None,
            bootstrap_bookmark=options.bootstrap_bookmark,
            aggregated=options.aggregated,
        )
        async with contextlib.AsyncExitStack() as stack:
            with _watch_statuses():
                batches = await stack.enter_async_context(watching)
            yield state_pb2.WatchResponse()
            # Events about no resource carry the kind they are about.
            kind = resource.tombstone(cls, request.namespace, "")
            async for events in batches:
                # Clients of the first version of the protocol know only the event types up to DESTROYED.
                known = [e for e in events if request.api_version >= 1 or e.type.value <= 2]
                if known:
                    yield state_pb2.WatchResponse(event=[wire.encode_event(e, kind) for e in known])

    async def create(self, request: state_pb2.CreateRequest, call: rpc.Call) -> state_pb2.CreateResponse:
        """Store a new resource."""
        cls = self._class(request.resource.metadata.type)
        # Nobody who may not write has anything decoded.
        self._rule(cls, request.resource.metadata.namespace, WRITE, call)
        made = await self._seen_by(call).create(wire.decode(request.resource, cls), owner=request.options.owner)
        return state_pb2.CreateResponse(resource=wire.encode(made))

    async def update(self, request: state_pb2.UpdateRequest, call: rpc.Call) -> state_pb2.UpdateResponse:
        """Replace a resource."""
        cls = self._class(request.new_resource.metadata.type)
        self._rule(cls, request.new_resource.metadata.namespace, WRITE, call)
        options = request.options
        phase = _phase(options.expected_phase) if options.HasField("expected_phase") else None
        changed = wire.decode(request.new_resource, cls)
        with _update_statuses():
            made = await self._seen_by(call).update(changed, owner=options.owner, expected_phase=phase)
        return state_pb2.UpdateResponse(resource=wire.encode(made))

    async def destroy(self, request: state_pb2.DestroyRequest, call: rpc.Call) -> state_pb2.DestroyResponse:
        """Remove a resource."""
        cls = self._class(request.type)
        owner = request.options.owner
        await self._seen_by(call).destroy(cls, request.id, namespace=request.namespace, owner=owner)
        return state_pb2.DestroyResponse()

    async def teardown(self, request: state_pb2.TeardownRequest, call: rpc.Call) -> state_pb2.TeardownResponse:
        """Mark a resource for destruction."""
        cls = self._class(request.type)
        owner = request.options.owner
        ready = await self._seen_by(call).teardown(cls, request.id, namespace=request.namespace, owner=owner)
        return state_pb2.TeardownResponse(destroy_ready=ready)

    async def teardown_and_destroy(
        self, request: state_pb2.TeardownAndDestroyRequest, call: rpc.Call
    ) -> state_pb2.TeardownAndDestroyResponse:
        """Mark a resource, wait for its finalizers, remove it."""
        await state.teardown_and_destroy(
            self._seen_by(call),
            self._class(request.type),
            request.id,
            namespace=request.namespace,
            owner=request.options.owner,
            timeout_s=call.remaining_s or TEARDOWN_S,
        )
        return state_pb2.TeardownAndDestroyResponse()


def _phase(text: str) -> Phase:
    try:
        return Phase(text)
    except ValueError as error:
        raise errors.Invalid(f"{text!r} is no phase") from error


class CosiState(Handlers, StateService):
    """The state as people see it."""

    service: ClassVar[str] = "cosi.resource.State"

    def __init__(self, store: state.State) -> None:
        StateService.__init__(self, store, for_people)
