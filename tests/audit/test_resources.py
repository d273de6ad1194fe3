"""Every resource type against the original: identity, guard, columns, field numbers, YAML keys, round trip.

A type shows its feature only when something in this tree produces it.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from talos.cosi import inmem, meta, resource
from talos.machinery.api._generated.cosi import resource_pb2
from talos.machinery.resources import _codec, _plain, registry, wire
from talos.talosctl import jsonpath
from tests.audit import facts, samples

# Types whose wire form is compiled CEL in the original; here only their YAML has it.
UNFINISHED = {"VolumeConfigs.block.talos.dev", "MDArraySpecs.storage.talos.dev"}
# Types whose form on the wire is a text or nothing the structs describe: tests of their own below.
SPECIAL = {"MachineConfigs.config.talos.dev", "MachineTypes.config.talos.dev", "DeviceConfigSpecs.net.talos.dev"}
# The original leaves these to a custom form, which the struct's own keys do not show.
CUSTOM_YAML = {"StaticPods.kubernetes.talos.dev", "StaticPodStatuses.kubernetes.talos.dev"}


def every(*, leave_out: set[str] = SPECIAL) -> list[Any]:
    """All types as parameters; those that are produced carry their feature."""
    return [
        pytest.param(
            fact,
            id=fact["type"].partition(".")[0],
            marks=[pytest.mark.feature(fact["feature"])] if fact["type"] in facts.produced() - UNFINISHED else [],
        )
        for fact in facts.types()
        if fact["type"] not in leave_out
    ]


def test_no_type_is_missing_or_invented() -> None:
    known = {fact["type"] for fact in facts.types()} | {"Namespaces.meta.cosi.dev", "ResourceDefinitions.meta.cosi.dev"}
    assert set(registry.names()) == known


@pytest.mark.feature("D013")
async def test_namespaces_are_those_of_the_original_and_every_type_is_in_one() -> None:
    store = inmem.InMemory()
    await registry.publish(store)
    assert sorted(n.id for n in await store.list(meta.Namespace)) == sorted(facts.namespaces())
    assert {fact["namespace"] for fact in facts.types()} <= set(facts.namespaces())
    assert {d.spec.default_namespace for d in await store.list(meta.ResourceDefinition)} <= set(facts.namespaces())


@pytest.mark.parametrize("fact", every())
def test_type(fact: dict[str, Any]) -> None:
    cls = registry.find(fact["type"])
    check_definition(cls, fact)
    if not fact.get("struct"):
        check_empty(cls)
        return
    descriptor = message(cls)
    check_struct(cls.Spec, descriptor, fact["struct"], cls.definition.message)
    check_round_trip(cls, descriptor)
    check_columns(cls, descriptor, {field.key for field in facts.struct(fact["struct"])})


def message(cls: type[resource.Resource[Any]]) -> Any:
    found = _codec._message_class(cls.definition.message)
    assert found is not None, f"{cls.definition.message} is in no proto"
    return found.DESCRIPTOR


def check_definition(cls: type[resource.Resource[Any]], fact: dict[str, Any]) -> None:
    found = cls.definition
    published = meta.define_class(cls)
    assert found.namespace == fact["namespace"]
    assert found.sensitivity.value == int(fact.get("sensitive", False))
    assert [[column.name, column.json_path] for column in found.print_columns] == fact.get("columns", [])
    assert published.id == fact["type"].lower()
    assert published.spec.display_type == fact["singular"]
    assert sorted(published.spec.all_aliases) == fact["aliases"]
    assert found.internal == fact.get("internal", False)
    if fact.get("struct"):
        assert found.message == fact["message"]


def check_empty(cls: type[resource.Resource[Any]]) -> None:
    """A type whose spec says nothing, or has no protobuf form."""
    sent = wire.encode(cls("x"))
    back = wire.decode(resource_pb2.Resource.FromString(sent.SerializeToString()))
    assert type(back) is cls
    assert back.spec == cls.Spec()


def check_struct(kind: type[Any], descriptor: Any, name: str, path: str) -> None:
    """Keys, their order and rules, and the number each key's attribute has on the wire; nested structs too."""
    expected = facts.struct(name)
    layout = _plain._layout(kind)  # type: ignore[arg-type]
    hand_made = name in ("k8s.StaticPodSpec", "k8s.StaticPodStatusSpec")
    if not hand_made:
        assert [("" if key.inline else key.name, key.omit, key.inline) for key in layout] == [
            (field.key, field.omit, field.inline) for field in expected
        ], path
    for key, field in zip(layout, expected, strict=True):
        where = f"{path}.{key.attribute}"
        value = samples.field(kind, descriptor, key.attribute)
        alone = kind(**{key.attribute: value})
        if alone != kind() and not _is_cel(descriptor, key.attribute):
            made = _message_bytes(alone, descriptor)
            assert made.keys() - _message_bytes(kind(), descriptor).keys() in ({field.number}, set()), where
            assert field.number in made, where
        nested = samples.struct_of(samples.hints(kind)[key.attribute])
        if field.struct and nested is not None and not field.struct.endswith(".ArgValues"):
            inner = samples.message_of(descriptor.fields_by_name[key.attribute])
            check_struct(nested, inner, field.struct, where)


def _is_cel(descriptor: Any, attribute: str) -> bool:
    found = descriptor.fields_by_name.get(attribute)
    return found is not None and found.message_type is not None and found.message_type.name == "CheckedExpr"


def _message_bytes(spec: Any, descriptor: Any) -> dict[int, list[bytes]]:
    return samples.tags(_codec.encode(spec, descriptor.full_name))


def check_round_trip(cls: type[resource.Resource[Any]], descriptor: Any) -> None:
    """A spec with everything set, and one with nothing, are the same after a journey through bytes."""
    for spec in (samples.full(cls.Spec, descriptor), cls.Spec()):
        sent = wire.encode(cls("id", spec, labels={"a": "b"}))
        assert sent.spec.proto_spec or spec == cls.Spec()
        back = wire.decode(resource_pb2.Resource.FromString(sent.SerializeToString()))
        assert type(back) is cls
        if cls.definition.type not in UNFINISHED:
            assert back.spec == spec
        assert back.metadata.labels == {"a": "b"}
        # What people see is one YAML document that a YAML parser reads as the data it was made of.
        assert yaml.safe_load(sent.spec.yaml_spec) == _as_data(
            wire.spec_data(back if spec == back.spec else cls("", spec))
        )


def _as_data(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_data(item) for key, item in value.items()}
    return [_as_data(item) for item in value] if isinstance(value, list | tuple) else value


def check_columns(cls: type[resource.Resource[Any]], descriptor: Any, keys: set[str]) -> None:
    """Each column finds something in a spec that has everything, if its first key is one of the type at all."""
    if cls.definition.type in CUSTOM_YAML:
        return
    data = yaml.safe_load(wire.encode(cls("id", samples.full(cls.Spec, descriptor))).spec.yaml_spec)
    for column in cls.definition.print_columns:
        path = column.json_path.strip("{}")
        if re.split(r"[.\[]", path.lstrip("."), maxsplit=1)[0] in keys:
            assert list(jsonpath.evaluate(path, data)), column


@pytest.mark.feature("D045")
@pytest.mark.parametrize(("text", "number"), [("init", 1), ("controlplane", 2), ("worker", 3)])
def test_machine_type_is_a_bare_text(text: str, number: int) -> None:
    from talos.machinery.resources.config import machine_type
    from talos.machinery.types import machine

    (fact,) = [f for f in facts.types() if f["type"] == "MachineTypes.config.talos.dev"]
    check_definition(machine_type.MachineType, fact)
    spec = machine_type.MachineType.Spec(machine_type=machine.MachineType.from_text(text))
    sent = wire.encode(machine_type.MachineType("machine-type", spec))
    assert sent.spec.yaml_spec.strip().strip('"') == text
    assert sent.spec.proto_spec == bytes([0x08, number])
    assert wire.decode(sent).spec == spec
    assert list(jsonpath.evaluate("@", yaml.safe_load(sent.spec.yaml_spec))) == [text]


@pytest.mark.feature("D044")
def test_machine_config_is_one_text() -> None:
    from talos.machinery.resources.config import machine_config

    (fact,) = [f for f in facts.types() if f["type"] == "MachineConfigs.config.talos.dev"]
    check_definition(machine_config.MachineConfig, fact)
    source = b"version: v1alpha1 # a comment stays\nmachine: {}\n---\napiVersion: v1alpha1\nkind: X\n"
    sent = wire.encode(machine_config.MachineConfig("v1alpha1", machine_config.MachineConfig.Spec(source=source)))
    assert yaml.safe_load(sent.spec.yaml_spec) == source.decode()
    assert sent.metadata.annotations["talos.dev/yaml-spec"] == "1"
    assert samples.tags(sent.spec.proto_spec) == {1: [source]}
    assert wire.decode(sent).spec.source == source
