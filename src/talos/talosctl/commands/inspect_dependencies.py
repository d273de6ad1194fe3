"""talosctl inspect dependencies."""

from __future__ import annotations

import argparse

from talos.talosctl import command
from talos.talosctl.session import Session, single

_STYLE = {
    "OUTPUT_EXCLUSIVE": 'style="bold"',
    "OUTPUT_SHARED": 'style="solid"',
    "INPUT_STRONG": 'style="solid"',
    "INPUT_WEAK": 'style="dotted"',
    "INPUT_DESTROY_READY": 'style="dashed"',
}


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print the graph of controllers and resource types for graphviz."""
    from google.protobuf import empty_pb2

    from talos.machinery.api._generated.inspect import inspect_pb2

    single(session.nodes, "inspect dependencies")
    replies, code = await session.each_message(
        "/inspect.InspectService/ControllerRuntimeDependencies", empty_pb2.Empty()
    )
    print("digraph {")
    seen: set[str] = set()
    for _, message in replies:
        for edge in message.edges:
            kind = inspect_pb2.DependencyEdgeType.Name(edge.edge_type)
            resource = f"{edge.resource_type}/{edge.resource_id}" if edge.resource_id else edge.resource_type
            for name, shape in ((edge.controller_name, "box"), (resource, "note")):
                if name not in seen:
                    seen.add(name)
                    print(f'    "{name}" [shape="{shape}"];')
            ends = (edge.controller_name, resource) if kind.startswith("OUTPUT") else (resource, edge.controller_name)
            print(f'    "{ends[0]}" -> "{ends[1]}" [{_STYLE[kind]}];')
    print("}")
    return code


COMMAND = command.Command(
    path="inspect dependencies",
    help="print the graph of controllers and resources for graphviz",
    run=run,
    flags=(command.Flag("with-resources", "one vertex per resource", kind="bool"),),
)
