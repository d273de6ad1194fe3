"""Events of machine.MachineService: what happens on the node, from the ring and as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from talos.machined import events as bus
from talos.machined.api import Handlers
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import server as rpc


class Events(Handlers):
    """Events."""

    service: ClassVar[str] = "machine.MachineService"

    def __init__(self, events: bus.EventBus) -> None:
        self._events = events

    async def events(self, request: machine_pb2.EventsRequest, call: rpc.Call) -> AsyncIterator[machine_pb2.Event]:
        """An empty message first, so that the client knows that it listens; then events for ever."""
        yield machine_pb2.Event()
        start = bus.Start(request.tail_events, request.tail_id, request.tail_seconds)
        async for event in self._events.follow(start, request.with_actor_id):
            message = machine_pb2.Event(id=event.id, actor_id=event.actor_id)
            message.data.type_url, message.data.value = event.type_url, event.payload.SerializeToString()
            yield message
