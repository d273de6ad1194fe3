"""Specs on the wire: struct <-> protobuf message by descriptor.

Field numbers come from protos/api, field names tie the two together: an attribute is named like the field of the
message (`id_` style for names Python reserves). What differs in kind is converted here and nowhere else: addresses,
durations, timestamps, enumerations, flag sets, free-form objects. CEL expressions are text here; their compiled form,
which is what the protobuf field holds, needs a CEL compiler and is left out.
"""

from __future__ import annotations

import datetime
import enum
import functools
import ipaddress
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from talos.base import errors
from talos.machinery.types import wire

# The stubs know two classes of descriptors, the pure one and upb's; both have the same attributes.
_Field = Any
_MICROSECOND = datetime.timedelta(microseconds=1)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
# What Go calls the zero time: the first second of the year 1. Here it is None.
_ZERO_TIME_S = -62_135_596_800
_CEL = "google.api.expr.v1alpha1.CheckedExpr"

# Flag sets are text in YAML ("permanent,noprefixroute") and a number on the wire. Orders of rtnetlink(7), netdevice(7).
_ADDRESS_FLAGS = {
    "temporary": 1, "nodad": 2, "optimistic": 4, "dadfailed": 8, "homeaddress": 16, "deprecated": 32,
    "tentative": 64, "permanent": 128, "mngmtmpaddr": 256, "noprefixroute": 512, "mcautojoin": 1024,
    "stableprivacy": 2048,
}  # fmt: skip
_ROUTE_FLAGS = {
    "notify": 256, "cloned": 512, "equalize": 1024, "prefix": 2048, "lookup_table": 4096, "fib_match": 8192,
    "offload": 16384, "trap": 32768,
}  # fmt: skip
LINK_FLAGS = {
    "UP": 1 << 0, "BROADCAST": 1 << 1, "DEBUG": 1 << 2, "LOOPBACK": 1 << 3, "POINTTOPOINT": 1 << 4,
    "NOTRAILERS": 1 << 5, "RUNNING": 1 << 6, "NOARP": 1 << 7, "PROMISC": 1 << 8, "ALLMULTI": 1 << 9,
    "MASTER": 1 << 10, "SLAVE": 1 << 11, "MULTICAST": 1 << 12, "PORTSEL": 1 << 13, "AUTOMEDIA": 1 << 14,
    "DYNAMIC": 1 << 15, "LOWER_UP": 1 << 16, "DORMANT": 1 << 17, "ECHO": 1 << 18,
}  # fmt: skip
_NETWORK = "talos.resource.definitions.network."
_FLAGS = {
    f"{_NETWORK}AddressSpecSpec.flags": _ADDRESS_FLAGS,
    f"{_NETWORK}AddressStatusSpec.flags": _ADDRESS_FLAGS,
    f"{_NETWORK}RouteSpecSpec.flags": _ROUTE_FLAGS,
    f"{_NETWORK}RouteStatusSpec.flags": _ROUTE_FLAGS,
    f"{_NETWORK}LinkStatusSpec.flags": LINK_FLAGS,
}


def flags_to_number(text: str, table: Mapping[str, int]) -> int:
    """`permanent,nodad` -> 130. Unknown words are ignored: they come from a newer kernel."""
    return sum(table.get(word.strip(), 0) for word in text.split(",") if word.strip())


def flags_to_text(number: int, table: Mapping[str, int]) -> str:
    """130 -> `nodad,permanent`."""
    return ",".join(word for word, bit in table.items() if number & bit)


# Struct -> message --


def _address_bytes(text: str) -> bytes:
    return ipaddress.ip_address(text.partition("%")[0]).packed if text else b""


def _split_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port or 0)


def _set_ip(target: Any, value: str) -> None:
    target.ip = _address_bytes(value)


def _set_ip_port(target: Any, value: str) -> None:
    host, port = _split_port(value)
    target.ip, target.port = _address_bytes(host), port


def _set_prefix(target: Any, value: str) -> None:
    address, _, length = value.partition("/")
    target.ip, target.prefix_length = _address_bytes(address), int(length or 0)


def _set_duration(target: Any, value: datetime.timedelta) -> None:
    microseconds = value // _MICROSECOND
    target.seconds, target.nanos = microseconds // 1_000_000, microseconds % 1_000_000 * 1000


def _set_timestamp(target: Any, value: datetime.datetime) -> None:
    _set_duration(target, value - _EPOCH)


def _set_struct(target: Message, value: Mapping[str, Any]) -> None:
    json_format.ParseDict(msgspec.to_builtins(dict(value)), target)


def _set_url(target: Any, value: str) -> None:
    target.full_path = value


def _set_cel(target: Any, value: str) -> None:
    """See the module."""


_WRITERS: dict[str, Callable[[Any, Any], None]] = {
    "common.NetIP": _set_ip,
    "common.NetIPPort": _set_ip_port,
    "common.NetIPPrefix": _set_prefix,
    "common.URL": _set_url,
    "google.protobuf.Duration": _set_duration,
    "google.protobuf.Timestamp": _set_timestamp,
    "google.protobuf.Struct": _set_struct,
    _CEL: _set_cel,
}


def _set_free(target: Message, value: Mapping[str, Any]) -> None:
    """A message of somebody else's format, held as the mapping its users know."""
    json_format.ParseDict(msgspec.to_builtins(dict(value)), target, ignore_unknown_fields=True)


def _scalar(value: Any, field: _Field) -> Any:
    if isinstance(value, wire.WireEnum):
        return value.number if field.cpp_type != FieldDescriptor.CPPTYPE_STRING else str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime.timedelta):
        return value // _MICROSECOND * 1000
    if field.type == FieldDescriptor.TYPE_BYTES and isinstance(value, str):
        return bytes.fromhex(value.replace(":", "")) if ":" in value else value.encode()
    if field.type == FieldDescriptor.TYPE_BYTES and isinstance(value, Mapping):
        return _yaml_text(value).encode()
    if isinstance(value, str) and field.cpp_type not in (FieldDescriptor.CPPTYPE_STRING,):
        table = _FLAGS.get(field.full_name)
        return flags_to_number(value, table) if table is not None else int(value or 0)
    return value


def _is_map(field: _Field) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _is_repeated(field: _Field) -> bool:
    return bool(field.is_repeated)


def _fill_one(target: Message, value: Any, descriptor: Any) -> None:
    writer = _WRITERS.get(descriptor.full_name)
    if writer is not None:
        writer(target, value)
    elif isinstance(value, Mapping):
        _set_free(target, value)
    elif isinstance(value, tuple | list):
        # A message whose only field is a list stands for the list, e.g. k8s.ArgValues.
        getattr(target, descriptor.fields[0].name).extend(value)
    else:
        _fill(target, value)


def _fill_map(target: Any, value: Mapping[str, Any], field: _Field) -> None:
    value_field = field.message_type.fields_by_name["value"]
    for key, item in value.items():
        if value_field.message_type is not None:
            _fill_one(target[key], item, value_field.message_type)
        else:
            target[key] = _scalar(item, value_field)


def _fill(message: Any, spec: Any) -> None:
    """Copy every attribute that the message has a field for."""
    for field in message.DESCRIPTOR.fields:
        value = getattr(spec, field.name, None)
        if value is None:
            value = getattr(spec, field.name + "_", None)
        if value is None or (value in ("", (), {}, b"") and not (field.has_presence and field.message_type is None)):
            continue
        target: Any = getattr(message, field.name) if field.message_type is not None or _is_repeated(field) else None
        if _is_map(field):
            _fill_map(target, value, field)
        elif _is_repeated(field) and field.message_type is not None:
            for item in value:
                _fill_one(target.add(), item, field.message_type)
        elif _is_repeated(field):
            target.extend(_scalar(item, field) for item in value)
        elif field.message_type is not None:
            target.SetInParent()
            _fill_one(target, value, field.message_type)
        else:
            setattr(message, field.name, _scalar(value, field))


# Message -> struct --


def _ip_text(packed: bytes) -> str:
    return str(ipaddress.ip_address(packed)) if packed else ""


def _read_ip_port(m: Any) -> str:
    host = _ip_text(m.ip)
    return f"[{host}]:{m.port}" if ":" in host else f"{host}:{m.port}"


def _read_duration(m: Any) -> datetime.timedelta:
    return datetime.timedelta(seconds=m.seconds, microseconds=m.nanos // 1000)


def _read_timestamp(m: Any) -> datetime.datetime | None:
    return None if m.seconds == _ZERO_TIME_S else _EPOCH + _read_duration(m)


_READERS: dict[str, Callable[[Any], Any]] = {
    "common.NetIP": lambda m: _ip_text(m.ip),
    "common.NetIPPort": _read_ip_port,
    "common.NetIPPrefix": lambda m: f"{_ip_text(m.ip)}/{m.prefix_length}" if m.ip else "",
    "common.URL": lambda m: m.full_path,
    "google.protobuf.Duration": _read_duration,
    "google.protobuf.Timestamp": _read_timestamp,
    "google.protobuf.Struct": lambda m: _whole(json_format.MessageToDict(m)),
    _CEL: lambda _: "",
}


def _whole(value: Any) -> Any:
    """A Struct has only floating point numbers; those without a fraction were integers."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53 else value


def optional(kind: Any) -> Any:
    """`X | None` -> X."""
    if isinstance(kind, types.UnionType):
        return next(a for a in typing.get_args(kind) if a is not type(None))
    return kind


def _element(kind: Any, index: int) -> Any:
    arguments = typing.get_args(kind)
    return arguments[index] if len(arguments) > index else Any


def _read_scalar(value: Any, kind: Any, field: _Field) -> Any:
    kind = optional(kind)
    if isinstance(value, bytes) and typing.get_origin(kind) is dict:
        return _from_yaml(value)
    if isinstance(kind, type):
        if issubclass(kind, wire.WireEnum):
            return kind.received(value) if isinstance(value, int) else kind.from_text(value)
        if kind is datetime.timedelta:
            return datetime.timedelta(microseconds=value // 1000)
        if kind is str and isinstance(value, bytes):
            return value.hex(":")
        if kind is str and isinstance(value, int):
            table = _FLAGS.get(field.full_name)
            return flags_to_text(value, table) if table is not None else str(value)
    return value


def _read_one(message: Any, kind: Any) -> Any:
    reader = _READERS.get(message.DESCRIPTOR.full_name)
    if reader is not None:
        return reader(message)
    kind = optional(kind)
    if typing.get_origin(kind) is tuple:
        return tuple(getattr(message, message.DESCRIPTOR.fields[0].name))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _read(message, kind)
    return json_format.MessageToDict(message, preserving_proto_field_name=False)


@functools.cache
def hints(kind: Any) -> dict[str, Any]:
    """Types of a struct's fields, resolved."""
    return typing.get_type_hints(kind)


def _read(message: Any, kind: type[Any]) -> Any:
    values: dict[str, Any] = {}
    fields = hints(kind)  # type: ignore[arg-type]
    for field in message.DESCRIPTOR.fields:
        name = field.name if field.name in fields else field.name + "_"
        if name not in fields:
            continue
        value = getattr(message, field.name)
        expected = fields[name]
        if _is_map(field):
            inner = _element(optional(expected), 1)
            is_message = field.message_type.fields_by_name["value"].message_type is not None
            values[name] = {k: _read_one(v, inner) if is_message else v for k, v in value.items()}
        elif _is_repeated(field):
            inner = _element(optional(expected), 0)
            if field.message_type is not None:
                values[name] = tuple(_read_one(item, inner) for item in value)
            else:
                values[name] = tuple(_read_scalar(item, inner, field) for item in value)
        elif field.message_type is not None:
            if message.HasField(field.name):
                values[name] = _read_one(value, expected)
        elif not (field.has_presence and not message.HasField(field.name)):
            values[name] = _read_scalar(value, expected, field)
    return kind(**values)


# Public --


@functools.cache
def _message_class(full_name: str) -> type[Message] | None:
    from google.protobuf import descriptor_pool

    from talos.machinery.resources import _messages

    _messages.load(full_name)
    try:
        return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(full_name))
    except KeyError:
        return None


def encode(spec: Any, message: str) -> bytes:
    """Return the protobuf form of a spec; empty for types that have none."""
    made_of = _message_class(message) if message else None
    if made_of is None:
        return b""
    made = made_of()
    _fill(made, spec)
    return made.SerializeToString(deterministic=True)


def decode(data: bytes, message: str, kind: type[Any]) -> Any:
    """Return the spec of a protobuf form. Raises Invalid."""
    made_of = _message_class(message) if message else None
    if made_of is None:
        return kind()
    try:
        return _read(made_of.FromString(data), kind)
    except (DecodeError, ValueError, OverflowError, RecursionError) as error:
        raise errors.Invalid(f"{message}: {error}") from error


def _yaml_text(value: Mapping[str, Any]) -> str:
    from talos.machinery.config import encoder

    return encoder.dump(dict(value))


def _from_yaml(value: bytes) -> Any:
    import yaml

    return yaml.load(value, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}  # noqa: S506 a safe loader
