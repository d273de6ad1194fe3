"""All resource types by name, from the frozen index; a type's module is imported when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

from talos.base import errors
from talos.cosi import meta, resource, state
from talos.cosi.resource import Resource
from talos.machinery.resources import _generated_index

_META: dict[str, type[Resource[Any]]] = {
    meta.Namespace.definition.type: meta.Namespace,
    meta.ResourceDefinition.definition.type: meta.ResourceDefinition,
}
NAMESPACES = {
    "runtime": "State of the machine and glue between its parts.",
    "cluster": "Discovered cluster members.",
    "cluster-raw": "Cluster members as each registry tells them.",
    "config": "Machine configuration.",
    "containers": "Containers of the machine configuration.",
    "controlplane": "Kubernetes control plane.",
    "cri": "Container runtime.",
    "etcd": "etcd.",
    "files": "Files made by controllers.",
    "hardware": "Hardware.",
    "k8s": "Kubernetes on every node.",
    "kubespan": "Mesh between nodes.",
    "meta": "Namespaces and resource types.",
    "network": "Network.",
    "network-config": "Network, one resource per source.",
    "perf": "Performance counters.",
    "secrets": "Keys and certificates.",
    "security": "Security policies.",
    "storage": "Volumes made of several disks.",
}


def is_internal(type_name: str) -> bool:
    """Whether a type is for controllers only: clients are told that there is no such type."""
    return type_name in _generated_index.INTERNAL


def find(type_name: str) -> type[Resource[Any]]:
    """Return the class of a type, `Services.v1alpha1.talos.dev`. Raises NotFound."""
    if type_name in _META:
        return _META[type_name]
    reference = _generated_index.RESOURCES.get(type_name)
    if reference is None:
        raise errors.NotFound(f"resource type {type_name!r} is not registered")
    module, _, name = reference.partition(":")
    found: type[Resource[Any]] = getattr(importlib.import_module(f"talos.machinery.resources.{module}"), name)
    return found


def names() -> list[str]:
    """Return the names of all types."""
    return sorted([*_META, *_generated_index.RESOURCES])


def _definition(row: _generated_index.Row) -> tuple[resource.Definition, str]:
    type_name, display, namespace, aliases, columns, sensitivity, plain = row
    found = resource.Definition(
        type=type_name,
        namespace=namespace,
        aliases=aliases,
        print_columns=tuple(resource.PrintColumn(*column) for column in columns),
        sensitivity=resource.Sensitivity(sensitivity),
        plain_aliases=plain,
    )
    return found, display


async def publish(store: state.State) -> None:
    """Put namespaces and type definitions into a state, where clients look for them."""
    for name, description in NAMESPACES.items():
        await state.put(store, meta.Namespace(name, meta.Namespace.Spec(description)))
    for cls in _META.values():
        await state.put(store, meta.define_class(cls))
    for row in _generated_index.DEFINITIONS:
        await state.put(store, meta.define(*_definition(row)))
