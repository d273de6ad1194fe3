"""inspect.InspectService: which controller reads and writes which resource type."""

from __future__ import annotations

from typing import ClassVar

from google.protobuf import empty_pb2

from talos.cosi import runtime
from talos.machined.api import Handlers
from talos.machinery.api._generated.inspect import inspect_pb2
from talos.machinery.rpc import server as rpc


class Inspect(Handlers):
    """ControllerRuntimeDependencies."""

    service: ClassVar[str] = "inspect.InspectService"

    def __init__(self, controllers: runtime.Runtime) -> None:
        self._runtime = controllers

    async def controller_runtime_dependencies(
        self, request: empty_pb2.Empty, call: rpc.Call
    ) -> inspect_pb2.ControllerRuntimeDependenciesResponse:
        """Edges of the dependency graph, from the declarations of the controllers that run on this node."""
        edges = [
            inspect_pb2.ControllerDependencyEdge(
                controller_name=edge.controller,
                edge_type=edge.kind.value,
                resource_namespace=edge.namespace,
                resource_type=edge.type,
                resource_id=edge.id,
            )
            for edge in self._runtime.dependency_graph()
        ]
        message = inspect_pb2.ControllerRuntimeDependency(edges=edges)
        return inspect_pb2.ControllerRuntimeDependenciesResponse(messages=[message])
