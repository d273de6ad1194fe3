"""cosi.resource.State: the resources of the node, over the API.

People and programs may read, as far as the sensitivity of a type allows their role; nobody writes resources from
outside (the configuration is the way).
The same service, with another rule in front, is what apid and trustd see of the state.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, ClassVar

from talos.base import errors
from talos.cosi import state
from talos.cosi.resource import Phase, Resource, Sensitivity
from talos.machined.api import Handlers
from talos.machinery.api._generated.cosi import state_pb2
from talos.machinery.resources import registry, wire
from talos.machinery.rpc import server as rpc

ADMIN = "os:admin"
READ, WRITE = "read", "write"
Rule = Callable[[type[Resource[Any]], str, str, rpc.Call], None]
"""(type, namespace, READ or WRITE, call): raises Denied."""


def for_people(cls: type[Resource[Any]], namespace: str, verb: str, call: rpc.Call) -> None:
    """Read-only; sensitive types are for os:admin."""
    if verb is WRITE:
        raise errors.Denied("write access is not allowed")
    if cls.definition.sensitivity is Sensitivity.SENSITIVE and ADMIN not in call.roles:
        raise errors.Denied(f"access to {cls.definition.type} is not allowed")


class StateService:
    """The RPCs over any state, behind a rule."""

    def __init__(self, store: state.State, rule: Rule) -> None:
        self._state = store
        self._rule = rule

    def _class(self, request: Any, verb: str, call: rpc.Call) -> type[Resource[Any]]:
        try:
            cls = registry.find(request.type)
        except errors.NotFound as error:
            raise errors.Denied(f"resource type {request.type!r} is not registered") from error
        self._rule(cls, request.namespace, verb, call)
        return cls

    async def get(self, request: state_pb2.GetRequest, call: rpc.Call) -> state_pb2.GetResponse:
        """One resource."""
        cls = self._class(request, READ, call)
        found = await self._state.get(cls, request.id, namespace=request.namespace)
        return state_pb2.GetResponse(resource=wire.encode(found))

    async def list(self, request: state_pb2.ListRequest, call: rpc.Call) -> AsyncIterator[state_pb2.ListResponse]:
        """Resources of a type, one per message."""
        cls = self._class(request, READ, call)
        options = request.options
        query = wire.decode_query(options.label_query, options.id_query if options.HasField("id_query") else None)
        for found in await self._state.list(cls, namespace=request.namespace, query=query):
            yield state_pb2.ListResponse(resource=wire.encode(found))

    async def watch(self, request: state_pb2.WatchRequest, call: rpc.Call) -> AsyncIterator[state_pb2.WatchResponse]:
        """Events of a type or of one resource; the first message is empty and says that the watch stands."""
        cls = self._class(request, READ, call)
        options = request.options
        query = wire.decode_query(options.label_query, options.id_query if options.HasField("id_query") else None)
        async with self._state.watch(
            cls,
            id=request.id if request.HasField("id") else None,
            namespace=request.namespace,
            query=query,
            bootstrap=options.bootstrap_contents,
            tail=max(options.tail_events, 0),
            bookmark=options.start_from_bookmark if options.HasField("start_from_bookmark") else None,
            aggregated=options.aggregated,
        ) as batches:
            yield state_pb2.WatchResponse()
            async for events in batches:
                # Clients of the first version of the protocol know only the event types up to DESTROYED.
                known = [e for e in events if request.api_version >= 1 or e.type.value <= 2]
                if known:
                    yield state_pb2.WatchResponse(event=[wire.encode_event(e) for e in known])

    async def create(self, request: state_pb2.CreateRequest, call: rpc.Call) -> state_pb2.CreateResponse:
        """Store a new resource."""
        self._class(request.resource.metadata, WRITE, call)
        made = await self._state.create(wire.decode(request.resource), owner=request.options.owner)
        return state_pb2.CreateResponse(resource=wire.encode(made))

    async def update(self, request: state_pb2.UpdateRequest, call: rpc.Call) -> state_pb2.UpdateResponse:
        """Replace a resource."""
        self._class(request.new_resource.metadata, WRITE, call)
        options = request.options
        phase = Phase(options.expected_phase) if options.HasField("expected_phase") else None
        made = await self._state.update(wire.decode(request.new_resource), owner=options.owner, expected_phase=phase)
        return state_pb2.UpdateResponse(resource=wire.encode(made))

    async def destroy(self, request: state_pb2.DestroyRequest, call: rpc.Call) -> state_pb2.DestroyResponse:
        """Remove a resource."""
        cls = self._class(request, WRITE, call)
        await self._state.destroy(cls, request.id, namespace=request.namespace, owner=request.options.owner)
        return state_pb2.DestroyResponse()

    async def teardown(self, request: state_pb2.TeardownRequest, call: rpc.Call) -> state_pb2.TeardownResponse:
        """Mark a resource for destruction."""
        cls = self._class(request, WRITE, call)
        owner = request.options.owner
        ready = await self._state.teardown(cls, request.id, namespace=request.namespace, owner=owner)
        return state_pb2.TeardownResponse(destroy_ready=ready)

    async def teardown_and_destroy(
        self, request: state_pb2.TeardownAndDestroyRequest, call: rpc.Call
    ) -> state_pb2.TeardownAndDestroyResponse:
        """Mark a resource, wait for its finalizers, remove it."""
        cls = self._class(request, WRITE, call)
        await state.teardown_and_destroy(
            self._state,
            cls,
            request.id,
            namespace=request.namespace,
            owner=request.options.owner,
            timeout_s=call.remaining_s or 3600.0,
        )
        return state_pb2.TeardownAndDestroyResponse()


class CosiState(Handlers, StateService):
    """The state as people see it."""

    service: ClassVar[str] = "cosi.resource.State"

    def __init__(self, store: state.State) -> None:
        StateService.__init__(self, store, for_people)
