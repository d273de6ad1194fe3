"""Whole resources on the wire: cosi.resource.Resource <-> Resource, and the YAML people see.

A spec travels twice, as protobuf bytes and as YAML text: programs decode the former, `talosctl get` prints the latter.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
from typing import Any

import msgspec
from google.protobuf import timestamp_pb2

from talos.base import errors
from talos.cosi import linear, resource, state
from talos.cosi.resource import Resource
from talos.machinery.api._generated.cosi import resource_pb2, state_pb2
from talos.machinery.resources import _codec, _plain, registry
from talos.machinery.resources.config import machine_config


def _timestamp(moment: datetime.datetime) -> timestamp_pb2.Timestamp:
    made = timestamp_pb2.Timestamp()
    made.FromDatetime(moment)
    return made


def _metadata(res: Resource[Any]) -> resource_pb2.Metadata:
    metadata = res.metadata
    annotations = dict(metadata.annotations)
    if isinstance(res, machine_config.MachineConfig):
        annotations[machine_config.YAML_ANNOTATION] = "1"
    return resource_pb2.Metadata(
        namespace=metadata.namespace,
        type=metadata.type,
        id=metadata.id,
        version=metadata.version_text,
        owner=metadata.owner,
        phase=str(metadata.phase),
        created=_timestamp(metadata.created),
        updated=_timestamp(metadata.updated),
        finalizers=sorted(metadata.finalizers),
        labels=dict(metadata.labels),
        annotations=annotations,
    )


def spec_data(res: Resource[Any]) -> Any:
    """Return the spec as the data its YAML form has."""
    if isinstance(res, machine_config.MachineConfig):
        return res.spec.source.decode(errors="replace")
    spec = res.spec
    if dataclasses.is_dataclass(spec) and not isinstance(spec, type):
        return _dataclass(spec)
    return _plain.to_plain(spec, fields())


def fields() -> _plain.Fields:
    """Return what makes the mapping of a struct's fields for `yaml_text`: one whose order is kept."""
    from talos.machinery.config import _emitter

    return _emitter.Fields


def yaml_text(data: Any) -> str:
    """Return data as go-yaml prints it: fields in their order, keys of other mappings sorted."""
    from talos.machinery.config import _emitter

    # A JSON string is a YAML scalar, whatever is in it.
    return json.dumps(data, ensure_ascii=False) + "\n" if isinstance(data, str) else _emitter.emit(data)


def _dataclass(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        found = ((_camel(f.name), _dataclass(getattr(value, f.name))) for f in dataclasses.fields(value))
        return fields()((key, item) for key, item in found if (key, item) != ("sensitivity", ""))
    if isinstance(value, tuple | list):
        return [_dataclass(item) for item in value]
    if isinstance(value, resource.Sensitivity):
        return "sensitive" if value is resource.Sensitivity.SENSITIVE else ""
    return value


def _camel(name: str) -> str:
    if name == "resource_type":
        return "type"
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def encode(res: Resource[Any]) -> resource_pb2.Resource:
    """Return the wire form."""
    definition = res.definition
    if isinstance(res, machine_config.MachineConfig):
        from talos.machinery.api._generated.resource.config import config_pb2

        data = config_pb2.MachineConfigSpec(yaml_marshalled=res.spec.source).SerializeToString()
    elif isinstance(res.spec, msgspec.Struct):
        data = _codec.encode(res.spec, definition.message)
    else:
        return resource_pb2.Resource(metadata=_metadata(res), spec=_encode_meta(res.spec, definition.message))
    text = yaml_text(spec_data(res))
    return resource_pb2.Resource(metadata=_metadata(res), spec=resource_pb2.Spec(proto_spec=data, yaml_spec=text))


@functools.lru_cache(maxsize=1024)
def _encode_meta(spec: Any, message: str) -> resource_pb2.Spec:
    """Encode the definition of a type or namespace: there are some 200, they never change, every client asks for all.

    The message is shared: it may be put into others, not altered.
    """
    data = _codec.encode(spec, message)
    return resource_pb2.Spec(proto_spec=data, yaml_spec=yaml_text(_dataclass(spec)))


def _decode_metadata(found: resource_pb2.Metadata) -> resource.Metadata:
    version = int(found.version) if found.version.isdigit() else 0
    return resource.Metadata(
        namespace=found.namespace,
        type=found.type,
        id=found.id,
        version=version,
        owner=found.owner,
        phase=resource.Phase(found.phase or "running"),
        created=found.created.ToDatetime(tzinfo=datetime.UTC),
        updated=found.updated.ToDatetime(tzinfo=datetime.UTC),
        finalizers=frozenset(found.finalizers),
        labels=dict(found.labels),
        annotations=dict(found.annotations),
    )


def decode(found: resource_pb2.Resource, cls: type[Resource[Any]] | None = None) -> Resource[Any]:
    """Return the resource of a wire form. Raises NotFound for an unknown type, Invalid for a broken one."""
    kind = cls or registry.find(found.metadata.type)
    made = object.__new__(kind)
    try:
        made.metadata = _decode_metadata(found.metadata)
    except (ValueError, OverflowError) as error:
        raise errors.Invalid(f"metadata of {found.metadata.type}/{found.metadata.id}: {error}") from error
    if kind is machine_config.MachineConfig:
        from talos.machinery.api._generated.resource.config import config_pb2

        source = config_pb2.MachineConfigSpec.FromString(found.spec.proto_spec).yaml_marshalled
        made.spec = machine_config.MachineConfig.Spec(source=source)
    elif issubclass(kind.Spec, msgspec.Struct):
        made.spec = _codec.decode(found.spec.proto_spec, kind.definition.message, kind.Spec)
    else:
        made.spec = kind.Spec()
    return made


def _encode_any(res: Resource[Any]) -> resource_pb2.Resource:
    """As `encode`; of a tombstone only the identity is left."""
    if res.spec is None:
        return resource_pb2.Resource(metadata=_metadata(res), spec=resource_pb2.Spec())
    return encode(res)


def encode_event(event: state.Event[Any], kind: Resource[Any] | None = None) -> state_pb2.Event:
    """Return the wire form of an event; `kind` is a tombstone to send with events about no resource."""
    made = state_pb2.Event(event_type=event.type.value)  # type: ignore[arg-type]
    if event.bookmark:
        made.bookmark = event.bookmark
    found = event.resource
    if found is None and event.type in (state.EventType.BOOTSTRAPPED, state.EventType.NOOP):
        found = kind
    if found is not None:
        made.resource.CopyFrom(_encode_any(found))
    if event.old is not None:
        made.old.CopyFrom(encode(event.old))
    if event.error is not None:
        made.error = str(event.error)
    return made


def _decode_any(found: resource_pb2.Resource, cls: type[Resource[Any]]) -> Resource[Any]:
    """As `decode`; what has no version is a tombstone."""
    if not found.metadata.version.isdigit():
        return resource.tombstone(cls, found.metadata.namespace, found.metadata.id)
    return decode(found, cls)


def decode_event(found: state_pb2.Event, cls: type[Resource[Any]]) -> state.Event[Any]:
    """Return the event of a wire form."""
    kind = state.EventType(found.event_type)
    about_one = found.HasField("resource") and kind not in (state.EventType.BOOTSTRAPPED, state.EventType.NOOP)
    return state.Event(
        type=kind,
        resource=_decode_any(found.resource, cls) if about_one else None,
        old=decode(found.old, cls) if found.HasField("old") else None,
        bookmark=found.bookmark,
        error=errors.Temporary(found.error, 0) if found.error else None,
    )


def encode_query(query: state.Query) -> tuple[list[resource_pb2.LabelQuery], resource_pb2.IDQuery | None]:
    """Return the wire form of a query: label alternatives and the id pattern."""
    labels = [
        resource_pb2.LabelQuery(
            terms=[
                resource_pb2.LabelTerm(key=t.key, op=t.op.value, value=t.values, invert=t.invert)  # type: ignore[arg-type]
                for t in terms
            ]
        )
        for terms in query.labels
    ]
    return labels, resource_pb2.IDQuery(regexp=query.id_pattern) if query.id_pattern else None


def decode_query(labels: Any, id_query: Any) -> state.Query | None:
    """Return the query of a wire form, None when it selects everything. Raises Invalid."""
    pattern = id_query.regexp if id_query is not None else ""
    if pattern:
        linear.compiled(pattern)
    alternatives = tuple(tuple(_decode_term(term) for term in query.terms) for query in labels)
    return state.Query(alternatives, pattern) if alternatives or pattern else None


def _decode_term(found: Any) -> state.LabelTerm:
    if found.op == resource_pb2.LabelTerm.NOT_EXISTS:
        return state.LabelTerm(found.key, state.LabelOp.EXISTS, (), not found.invert)
    try:
        op = state.LabelOp(found.op)
    except ValueError as error:
        raise errors.Invalid(f"label query: operation {found.op} is not known") from error
    if op not in (state.LabelOp.EXISTS, state.LabelOp.IN) and not found.value:
        raise errors.Invalid(f"label query: {op.name} of {found.key!r} needs a value")
    return state.LabelTerm(found.key, op, tuple(found.value), found.invert)
