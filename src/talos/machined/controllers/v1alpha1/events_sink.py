"""Machine events, sent to a gRPC server (EventSinkService of protos/api/siderolink/events.proto).

Everything since the start of machined is sent, in order, each event until the server has taken it. When the server was
away so long that events were overwritten, delivery goes on with the oldest that is left.
"""

from __future__ import annotations

import asyncio
import collections
import logging
from typing import TYPE_CHECKING

from talos.base import tasks
from talos.cosi import controller
from talos.machined import events
from talos.machined.controllers import _delivering
from talos.machined.controllers.network import _probing
from talos.machinery.resources.network.network_status import STATUS_ID, NetworkStatus
from talos.machinery.resources.runtime.event_sink_config import EVENT_SINK_CONFIG_ID, EventSinkConfig

if TYPE_CHECKING:
    from talos.machinery.api._generated.siderolink import events_pb2

CALL_TIMEOUT_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
METHOD = "/events.EventSinkService/Publish"
_BACKLOG = events.RING_EVENTS


def request(event: events.Event) -> events_pb2.EventRequest:
    """An event as it is sent."""
    from talos.machinery.api._generated.siderolink import events_pb2

    made = events_pb2.EventRequest(id=event.id, actor_id=event.actor_id)
    made.data.type_url = event.type_url
    made.data.value = event.payload.SerializeToString()
    return made


class Publisher:
    """Sends events to `host:port`, without TLS: the endpoint is inside a tunnel, or on the local network."""

    def __init__(self, endpoint: str, bus: events.EventBus, logger: logging.Logger) -> None:
        self._host, self._port = _probing.split_endpoint(endpoint)
        self._bus, self._log = bus, logger
        self._pending: collections.deque[events.Event] = collections.deque(maxlen=_BACKLOG)
        self._arrived = asyncio.Event()

    async def gather(self) -> None:
        """Keep what is to be sent; the oldest goes when the server stays away."""
        async for event in self._bus.follow(events.Start(tail_events=-1)):
            self._pending.append(event)
            self._arrived.set()

    async def send(self) -> None:
        """Send for ever."""
        from grpclib.client import Channel, UnaryUnaryMethod
        from grpclib.exceptions import GRPCError, StreamTerminatedError

        from talos.machinery.api._generated.siderolink import events_pb2

        pause_s, told = FIRST_PAUSE_S, False
        channel = Channel(self._host, self._port)
        try:
            publish = UnaryUnaryMethod(channel, METHOD, events_pb2.EventRequest, events_pb2.EventResponse)
            while True:
                while not self._pending:
                    self._arrived.clear()
                    await self._arrived.wait()
                event = self._pending[0]
                try:
                    await publish(request(event), timeout=CALL_TIMEOUT_S)
                except (OSError, TimeoutError, GRPCError, StreamTerminatedError) as error:
                    if not told:
                        self._log.warning("events are not taken by %s:%d: %s", self._host, self._port, error)
                        told = True
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                    continue
                pause_s, told = FIRST_PAUSE_S, False
                if self._pending and self._pending[0] is event:
                    self._pending.popleft()
        finally:
            channel.close()


class EventsSinkController(_delivering.Delivering[str]):
    """Sends while there is a sink and the network is up."""

    inputs = (
        controller.weak(EventSinkConfig, id=EVENT_SINK_CONFIG_ID),
        controller.weak(NetworkStatus, id=STATUS_ID),
    )

    def __init__(self, bus: events.EventBus) -> None:
        super().__init__()
        self._bus = bus

    async def wanted(self, r: controller.Handle) -> str:
        """The endpoint, once there is a network."""
        found = await r.find(EventSinkConfig, EVENT_SINK_CONFIG_ID)
        endpoint = found.spec.endpoint if found is not None else ""
        if endpoint:
            await _delivering.network_up(r)
        return endpoint

    def begin(self, owner: tasks.Owner, r: controller.Handle, wanted: str) -> None:
        """Events are gathered also while the sink is away."""
        publisher = Publisher(wanted, self._bus, r.log)
        owner.spawn(publisher.gather(), "gather")
        owner.spawn(publisher.send(), "send")
