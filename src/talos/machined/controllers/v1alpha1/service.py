"""The state of services as resources, for conditions and for `talosctl get services`."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined import events
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.resources.v1alpha1.service import Service
from talos.supervisor import supervisor
from talos.supervisor.machine import State

_ACTIONS = {state: machine_pb2.ServiceStateEvent.Action.Value(state.name) for state in State}
_SHOWN = frozenset({State.RUNNING, State.STOPPING})


class ServiceController(controller.Controller):
    """Publishes one Service for each service that runs, and every change as a machine event.

    A service that crashed and is on its way back keeps its resource, as not running: what depends on it (the static
    pods on etcd) is not taken down for the seconds a restart takes.
    """

    outputs = (controller.exclusive(Service),)

    def __init__(self, services: supervisor.Supervisor, bus: events.EventBus) -> None:
        self._supervisor, self._bus = services, bus

    async def run(self, r: controller.Handle) -> None:
        """Wake on changes of the supervisor instead of inputs."""

        def changed(event: supervisor.ServiceEvent) -> None:
            self._bus.publish(_message(event))
            r.wake()

        unsubscribe = self._supervisor.subscribe(changed)
        try:
            async for _ in r.changes():
                await r.reconcile()
        finally:
            unsubscribe()

    async def reconcile(self, r: controller.Handle) -> None:
        """One resource per running service."""
        known = {found.metadata.id for found in await r.list(Service)}
        for status in self._supervisor.statuses():
            if status.state not in _SHOWN and (status.state.resting or status.id not in known):
                continue
            unknown = status.has_health_check and status.health.healthy is None
            healthy = status.up if status.has_health_check else True
            spec = Service.Spec(running=status.state is State.RUNNING, healthy=healthy, unknown=unknown)
            await r.put(Service(status.id, spec))


def _message(event: supervisor.ServiceEvent) -> machine_pb2.ServiceStateEvent:
    message = machine_pb2.ServiceStateEvent(service=event.service, action=_ACTIONS[event.state], message=event.message)
    message.health.unknown = event.health.healthy is None
    message.health.healthy = event.health.healthy is True
    message.health.last_message = event.health.message
    message.health.last_change.FromDatetime(event.health.changed)
    return message
