"""Events sent to a real gRPC server that comes late."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from grpclib import const, server

from talos.machined import events
from talos.machined.controllers.runtime.events_sink_config import EventsSinkConfigController
from talos.machined.controllers.v1alpha1 import events_sink
from talos.machined.modes import Mode
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.api._generated.siderolink import events_pb2
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.network_status import STATUS_ID, NetworkStatus
from talos.machinery.resources.runtime.event_sink_config import EventSinkConfig
from talos.testing import ctest


class Sink:
    """The service of the other side."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[events_pb2.EventRequest] = asyncio.Queue()

    async def _publish(self, stream: server.Stream[events_pb2.EventRequest, events_pb2.EventResponse]) -> None:
        request = await stream.recv_message()
        assert request is not None
        self.got.put_nowait(request)
        await stream.send_message(events_pb2.EventResponse())

    def __mapping__(self) -> dict[str, Any]:
        handler = const.Handler(
            self._publish, const.Cardinality.UNARY_UNARY, events_pb2.EventRequest, events_pb2.EventResponse
        )
        return {events_sink.METHOD: handler}


@pytest.mark.feature("E195", "E196")
async def test_everything_is_sent_in_order_once_the_sink_is_there(
    unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_sink, "FIRST_PAUSE_S", 0.02)
    bus, sink = events.EventBus(), Sink()
    bus.publish(machine_pb2.PhaseEvent(phase="one"), "actor")
    document = f"apiVersion: v1alpha1\nkind: EventSinkConfig\nendpoint: 127.0.0.1:{unused_tcp_port}\n"
    parts = (EventsSinkConfigController(Mode.CONTAINER), events_sink.EventsSinkController(bus))
    async with ctest.bench(*parts) as b:
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=document.encode())))
        await b.put(NetworkStatus(STATUS_ID, NetworkStatus.Spec(address_ready=True)))
        bus.publish(machine_pb2.PhaseEvent(phase="two"))
        await asyncio.sleep(0.05)
        serving = server.Server([sink])
        await serving.start("127.0.0.1", unused_tcp_port)
        async with asyncio.timeout(5):
            found = [await sink.got.get() for _ in range(2)]
        assert [one.actor_id for one in found] == ["actor", ""]
        assert found[0].data.type_url == "talos/runtime/machine.PhaseEvent"
        assert machine_pb2.PhaseEvent.FromString(found[1].data.value).phase == "two"
        await b.destroy(MachineConfig, ACTIVE_ID)
        assert await b.ids(EventSinkConfig) == []
        bus.publish(machine_pb2.PhaseEvent(phase="three"))
        await asyncio.sleep(0.05)
        assert sink.got.empty()
        serving.close()
        await serving.wait_closed()
