"""Methods as data: path, message classes, streaming, roles; read from protobuf descriptors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC. `roles` is empty where the contract says nothing."""

    path: str
    request: type[Message]
    response: type[Message]
    client_streaming: bool = False
    server_streaming: bool = False
    roles: frozenset[str] = frozenset()

    @property
    def service(self) -> str:
        """`machine.MachineService` of `/machine.MachineService/Version`."""
        return self.path[1:].rpartition("/")[0]

    @property
    def name(self) -> str:
        """`Version` of `/machine.MachineService/Version`."""
        return self.path.rpartition("/")[2]


def _no_roles(descriptor: MethodDescriptor) -> frozenset[str]:
    return frozenset()


def of_service(
    service: ServiceDescriptor, roles: Callable[[MethodDescriptor], frozenset[str]] = _no_roles
) -> dict[str, Method]:
    """Return the methods of a service, by name."""
    found: dict[str, Method] = {}
    for descriptor in service.methods:
        described: Any = descriptor
        found[descriptor.name] = Method(
            path=f"/{service.full_name}/{descriptor.name}",
            request=message_factory.GetMessageClass(descriptor.input_type),
            response=message_factory.GetMessageClass(descriptor.output_type),
            client_streaming=described.client_streaming,
            server_streaming=described.server_streaming,
            roles=roles(descriptor),
        )
    return found
