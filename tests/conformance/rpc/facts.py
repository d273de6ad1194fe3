"""The original's API as an independent client knows it: descriptors from recorded numbers, in a pool of their own.

tests/data/rpcs.json and messages.json hold names, numbers, types and labels only. Nothing of the project's protos/ or
generated modules goes into the pool, so a message that both sides understand shows that the two agree.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

DATA = Path(__file__).resolve().parents[2] / "data"
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    name: getattr(_FIELD, f"TYPE_{name.upper()}")
    for name in ("bool", "bytes", "double", "float", "int32", "int64", "string", "uint32", "uint64")
}


@dataclass(frozen=True, slots=True)
class Rpc:
    """One method of the original. `roles` is None where no rule names it."""

    id: str
    path: str
    client_streaming: bool
    server_streaming: bool
    request: str
    response: str
    roles: tuple[str, ...] | None

    @property
    def service(self) -> str:
        return self.path.split("/")[1]


@functools.cache
def rpcs() -> list[Rpc]:
    rows = json.loads((DATA / "rpcs.json").read_text())
    return [Rpc(**{**row, "roles": tuple(row["roles"]) if row["roles"] is not None else None}) for row in rows]


@functools.cache
def recorded() -> dict[str, Any]:
    """`messages`: name -> [number, field, type, label, oneof]; `enums`: name -> value name -> number; `files`."""
    found: dict[str, Any] = json.loads((DATA / "messages.json").read_text())
    return found


def parent(name: str, names: Any) -> str | None:
    """The message `name` is nested in."""
    outer = name.rpartition(".")[0]
    return outer if outer in names else None


def package(name: str) -> str:
    """`machine` of `machine.NetstatRequest.Feature`: up to the first part that begins with a capital."""
    parts = name.split(".")
    at = next(i for i, part in enumerate(parts) if part[:1].isupper())
    return ".".join(parts[:at])


@functools.cache
def pool() -> descriptor_pool.DescriptorPool:
    """All recorded messages, one synthetic file for each package, in dependency order."""
    facts = recorded()
    made = descriptor_pool.DescriptorPool()
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    for name in (*facts["messages"], *facts["enums"]):
        file = package(name)
        files.setdefault(
            file, descriptor_pb2.FileDescriptorProto(name=f"{file}.recorded", package=file, syntax="proto3")
        )
    built: dict[str, Any] = {}
    for name in sorted(facts["messages"], key=lambda n: n.count(".")):
        _message(name, facts, files, built)
    for name in facts["enums"]:
        _enum(name, facts, files, built)
    added: set[str] = set()

    def add(file: str) -> None:
        if file not in added:
            added.add(file)
            for needed in files[file].dependency:
                add(needed.removesuffix(".recorded"))
            made.Add(files[file])

    for file in files:
        add(file)
    return made


def _message(name: str, facts: Any, files: Any, built: dict[str, Any]) -> None:
    outer = parent(name, facts["messages"])
    holder = built[outer].nested_type if outer else files[package(name)].message_type
    made = built[name] = holder.add(name=name.rpartition(".")[2])
    oneofs: list[str] = []
    for number, field, kind, label, oneof in facts["messages"][name]:
        new = made.field.add(name=field, number=number, label=_FIELD.LABEL_OPTIONAL)
        if label == "map":
            key, value = kind.removeprefix("map<").removesuffix(">").split(",")
            entry = made.nested_type.add(name=f"{field.title().replace('_', '')}Entry")
            entry.options.map_entry = True
            _typed(entry.field.add(name="key", number=1, label=_FIELD.LABEL_OPTIONAL), key, name, facts, files)
            _typed(entry.field.add(name="value", number=2, label=_FIELD.LABEL_OPTIONAL), value, name, facts, files)
            new.label, new.type, new.type_name = _FIELD.LABEL_REPEATED, _FIELD.TYPE_MESSAGE, f".{name}.{entry.name}"
            continue
        _typed(new, kind, name, facts, files)
        if label == "repeated":
            new.label = _FIELD.LABEL_REPEATED
        if oneof:
            if oneof not in oneofs:
                oneofs.append(oneof)
                made.oneof_decl.add(name=oneof)
            new.oneof_index = oneofs.index(oneof)
    for new, (_, field, _, label, _) in zip(made.field, facts["messages"][name], strict=True):
        if label == "proto3_optional":
            new.proto3_optional = True
            new.oneof_index = len(made.oneof_decl)
            made.oneof_decl.add(name=f"_{field}")


def _typed(field: Any, kind: str, name: str, facts: Any, files: Any) -> None:
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
        return
    field.type = _FIELD.TYPE_ENUM if kind in facts["enums"] else _FIELD.TYPE_MESSAGE
    field.type_name = f".{kind}"
    needed, own = f"{package(kind)}.recorded", files[package(name)]
    if needed != own.name and needed not in own.dependency:
        own.dependency.append(needed)


def _enum(name: str, facts: Any, files: Any, built: dict[str, Any]) -> None:
    outer = parent(name, facts["messages"])
    holder = built[outer].enum_type if outer else files[package(name)].enum_type
    made = holder.add(name=name.rpartition(".")[2])
    values = sorted(facts["enums"][name].items(), key=lambda item: item[1] != 0)
    if len(set(facts["enums"][name].values())) < len(values):
        made.options.allow_alias = True
    for value, number in values:
        made.value.add(name=value, number=number)


def message(name: str) -> Any:
    """Class of a recorded message."""
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(name))
