"""Every message, enum and method of protos/ against the recorded facts of the original."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from google.protobuf import descriptor_pool

from talos.machinery.api import _generated, methods
from tests.conformance.rpc import facts

KINDS = {
    1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 8: "bool", 9: "string", 12: "bytes", 13: "uint32",
}  # fmt: skip
ENUM, MESSAGE = 14, 11


PRESENCE = {
    f"talos.resource.definitions.{name}"
    for name in (
        "block.MountSpec", "block.ParameterSpec", "block.VolumeStatusSpec", "containers.ContainerRunAsSpec",
        "network.BondMasterSpec", "network.EthernetChannelsSpec", "network.EthernetChannelsStatus",
        "network.EthernetRingsSpec", "network.EthernetRingsStatus", "network.EthernetStatusSpec",
        "network.LinkSpecSpec", "network.NfTablesRule",
    )
}  # fmt: skip
"""Specs in which ours tells "not set" from zero (pointers in the original's structs). On the wire that is a zero sent
where the original sends nothing: who knows no presence reads the same."""


@pytest.fixture(scope="module")
def ours() -> Any:
    """The pool all generated modules register in."""
    for module in pkgutil.walk_packages(_generated.__path__, f"{_generated.__name__}."):
        importlib.import_module(module.name)
    for name in ("any", "duration", "empty", "struct", "timestamp", "wrappers"):
        importlib.import_module(f"google.protobuf.{name}_pb2")
    return descriptor_pool.Default()


def _kind(field: Any) -> str:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name
        return f"map<{_kind(entry['key'])},{_kind(entry['value'])}>"
    if field.type == MESSAGE:
        return str(field.message_type.full_name)
    return str(field.enum_type.full_name) if field.type == ENUM else KINDS[field.type]


def _label(field: Any, kind: str) -> str:
    if kind.startswith("map<"):
        return "map"
    if field.is_repeated:
        return "repeated"
    oneof = field.containing_oneof
    return "proto3_optional" if oneof is not None and field.full_name not in _real(oneof) else "optional"


def _real(oneof: Any) -> set[str]:
    return set() if oneof.name.startswith("_") else {field.full_name for field in oneof.fields}


def _described(descriptor: Any) -> list[list[Any]]:
    found = []
    for field in descriptor.fields:
        kind = _kind(field)
        oneof = field.containing_oneof
        named = oneof.name if oneof is not None and not oneof.name.startswith("_") else None
        found.append([field.number, field.name, kind, _label(field, kind), named])
    return sorted(found, key=lambda row: row[0])


@pytest.mark.parametrize("name", sorted(facts.recorded()["messages"]))
def test_message_is_the_originals(ours: Any, name: str) -> None:
    expected = sorted(facts.recorded()["messages"][name], key=lambda row: row[0])
    found = _described(ours.FindMessageTypeByName(name))
    if name in PRESENCE:
        found = [[*row[:3], row[3].replace("proto3_", ""), row[4]] for row in found]
    assert found == expected


@pytest.mark.parametrize("name", sorted(facts.recorded()["enums"]))
def test_enum_is_the_originals(ours: Any, name: str) -> None:
    found = ours.FindEnumTypeByName(name)
    assert {value.name: value.number for value in found.values} == facts.recorded()["enums"][name]


def test_no_served_message_is_of_our_own_making(ours: Any) -> None:
    """What the services carry, directly or inside, is all in the facts: nothing was added to a message of the wire."""
    seen: set[str] = set()

    def walk(descriptor: Any) -> None:
        if descriptor.full_name in seen or descriptor.GetOptions().map_entry:
            return
        seen.add(descriptor.full_name)
        for field in descriptor.fields:
            if field.message_type is not None:
                walk(field.message_type)

    for service in methods.SERVICES:
        for method in methods.of_service(service).values():
            walk(method.request.DESCRIPTOR)
            walk(method.response.DESCRIPTOR)
    assert seen <= set(facts.recorded()["messages"])
    assert len(seen) > 150


@pytest.mark.parametrize("rpc", [r for r in facts.rpcs() if r.service in methods.SERVICES], ids=lambda r: r.path)
def test_method_is_the_originals(rpc: facts.Rpc) -> None:
    ours = methods.method(rpc.path)
    assert ours.request.DESCRIPTOR.full_name == rpc.request
    assert ours.response.DESCRIPTOR.full_name == rpc.response
    assert (ours.client_streaming, ours.server_streaming) == (rpc.client_streaming, rpc.server_streaming)


def test_no_method_is_of_our_own_making() -> None:
    recorded = {rpc.path for rpc in facts.rpcs()}
    ours = {method.path for service in methods.SERVICES for method in methods.of_service(service).values()}
    assert ours <= recorded
    # Services that others run, or programs of ours that do not exist yet.
    elsewhere = ("/signerapi.", "/sidero.kms.", "/events.", "/sidero.link.", "/remoteprovision.")
    assert {path for path in recorded - ours if not path.startswith(elsewhere)} == set()
