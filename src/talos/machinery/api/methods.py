"""The methods of the Talos API, with the roles each is for, read from the descriptors of protos/api.

A service's module is imported when one of its methods is asked for the first time.
"""

from __future__ import annotations

import functools
import importlib

from google.protobuf.descriptor import MethodDescriptor

from talos.base import errors
from talos.machinery.rpc import method as methods
from talos.machinery.rpc.method import Method

_PACKAGE = "talos.machinery.api._generated"
SERVICES = {
    "cluster.ClusterService": "cluster.cluster_pb2",
    "cosi.resource.State": "cosi.state_pb2",
    "inspect.InspectService": "inspect.inspect_pb2",
    "machine.DebugService": "machine.debug_pb2",
    "machine.ImageService": "machine.image_pb2",
    "machine.LVMService": "machine.lvm_pb2",
    "machine.LifecycleService": "machine.lifecycle_pb2",
    "machine.MDService": "machine.md_pb2",
    "machine.MachineService": "machine.machine_pb2",
    "machine.StorageService": "machine.storage_pb2",
    "securityapi.SecurityService": "security.security_pb2",
    "sidero.discovery.server.Cluster": "discovery.cluster_pb2",
    "storage.StorageService": "storage.storage_pb2",
    "time.TimeService": "time.time_pb2",
}


def _roles(descriptor: MethodDescriptor) -> frozenset[str]:
    from talos.machinery.api._generated.talos import options_pb2

    return frozenset(descriptor.GetOptions().Extensions[options_pb2.roles])


@functools.cache
def of_service(service: str) -> dict[str, Method]:
    """Return the methods of a service by name. Raises NotFound."""
    module_name = SERVICES.get(service)
    if module_name is None:
        raise errors.NotFound(f"unknown service {service}")
    module = importlib.import_module(f"{_PACKAGE}.{module_name}")
    return methods.of_service(module.DESCRIPTOR.services_by_name[service.rpartition(".")[2]], _roles)


def method(path: str) -> Method:
    """Return a method by its path, `/machine.MachineService/Version`. Raises NotFound."""
    service, _, name = path.removeprefix("/").partition("/")
    found = of_service(service).get(name)
    if found is None:
        raise errors.NotFound(f"unknown method {path}")
    return found
