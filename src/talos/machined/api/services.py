"""Services of machine.MachineService: list, start, stop, restart."""

from __future__ import annotations

from typing import ClassVar

from google.protobuf import empty_pb2, timestamp_pb2

from talos.base import errors
from talos.machined.api import Handlers
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import server as rpc
from talos.supervisor import health, supervisor
from talos.supervisor.service import Action


def health_message(found: health.Health) -> machine_pb2.ServiceHealth:
    """Health -> message."""
    changed = timestamp_pb2.Timestamp()
    changed.FromDatetime(found.changed)
    return machine_pb2.ServiceHealth(
        unknown=found.healthy is None,
        healthy=found.healthy is True,
        last_message=found.message,
        last_change=changed,
    )


def service_message(status: supervisor.Status) -> machine_pb2.ServiceInfo:
    """Status of a service -> message."""
    events = machine_pb2.ServiceEvents()
    for event in status.events:
        added = events.events.add(msg=event.message, state=event.state)
        added.ts.FromDatetime(event.at)
    return machine_pb2.ServiceInfo(
        id=status.id, state=status.state, events=events, health=health_message(status.health)
    )


class Services(Handlers):
    """ServiceList, ServiceStart, ServiceStop, ServiceRestart."""

    service: ClassVar[str] = "machine.MachineService"

    def __init__(self, services: supervisor.Supervisor) -> None:
        self._supervisor = services

    def _check(self, id: str, action: Action) -> None:
        if action not in self._supervisor.status(id).api_actions:
            raise errors.Unsupported(f"service {id!r} does not support {action} over the API")

    async def service_list(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.ServiceListResponse:
        """All loaded services."""
        services = [service_message(status) for status in self._supervisor.statuses()]
        return machine_pb2.ServiceListResponse(messages=[machine_pb2.ServiceList(services=services)])

    async def service_start(
        self, request: machine_pb2.ServiceStartRequest, call: rpc.Call
    ) -> machine_pb2.ServiceStartResponse:
        """Start one that allows it."""
        self._check(request.id, Action.START)
        await self._supervisor.start(request.id)
        message = machine_pb2.ServiceStart(resp=f"service {request.id!r} started")
        return machine_pb2.ServiceStartResponse(messages=[message])

    async def service_stop(
        self, request: machine_pb2.ServiceStopRequest, call: rpc.Call
    ) -> machine_pb2.ServiceStopResponse:
        """Stop one that allows it; returns when it is down."""
        self._check(request.id, Action.STOP)
        await self._supervisor.stop(request.id)
        message = machine_pb2.ServiceStop(resp=f"service {request.id!r} stopped")
        return machine_pb2.ServiceStopResponse(messages=[message])

    async def service_restart(
        self, request: machine_pb2.ServiceRestartRequest, call: rpc.Call
    ) -> machine_pb2.ServiceRestartResponse:
        """Restart one that allows it; returns when the new start is under way."""
        self._check(request.id, Action.RESTART)
        await self._supervisor.restart(request.id)
        message = machine_pb2.ServiceRestart(resp=f"service {request.id!r} restarted")
        return machine_pb2.ServiceRestartResponse(messages=[message])
