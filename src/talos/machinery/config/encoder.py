"""Container -> YAML in the original's style: 4 spaces, keys in declaration order, what is empty left out."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Mapping
from typing import Any

import msgspec
import yaml

from talos.machinery.config import container, document
from talos.machinery.types import pem

# (struct, key) the original writes even when empty.
_ALWAYS_WRITTEN = frozenset({("MachineConfig", "certSANs")})

Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(Dumper):  # type: ignore[misc, valid-type]
    """Indents lists below their key and writes multi-line text as block scalars, as the original does."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: Any, value: str) -> Any:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def _plain(value: Any) -> Any:
    if isinstance(value, pem.CertificateAndKey | pem.Certificate | pem.Key):
        return {name: base64.b64encode(getattr(value, name)).decode() for name in value.__struct_fields__}
    if isinstance(value, msgspec.Struct):
        return struct(value)
    if isinstance(value, datetime.timedelta):
        return format_duration(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def format_duration(value: datetime.timedelta) -> str:
    """`168h0m0s`, `1m0s`, `1.5s`: as Go prints durations."""
    seconds = value.total_seconds()
    if seconds and abs(seconds) < 1:
        return f"{seconds * 1000:.15g}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{rest:.15g}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def _left_out(item: Any, info: Any, owner: msgspec.Struct) -> bool:
    """Whether the original leaves the field out: unset, or at a default it does not spell out."""
    if item is None:
        return True
    if (type(owner).__name__, info.encode_name) in _ALWAYS_WRITTEN:
        return False
    empty = item in ("", (), {}, b"") or (item == 0 and not isinstance(item, bool))
    return empty and info.default is not None


def struct(value: msgspec.Struct) -> dict[str, Any]:
    """Return a struct as plain data without the fields that are at their default."""
    plain: dict[str, Any] = {}
    for info in msgspec.structs.fields(value):
        item = getattr(value, info.name)
        if not _left_out(item, info, value):
            plain[info.encode_name] = _plain(item)
    return plain


def document_data(value: document.Document) -> dict[str, Any]:
    """Return a document as plain data, apiVersion and kind first."""
    return {"apiVersion": value.api_version, "kind": value.kind, **struct(value)}


def dump(data: Any) -> str:
    """Return plain data as one YAML document."""
    text: str = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, default_flow_style=False, indent=4, width=1 << 16, allow_unicode=True
    )
    return text


def encode(bundle: container.Container) -> bytes:
    """Return all documents as one YAML stream."""
    parts = [] if bundle.v1alpha1 is None else [dump(struct(bundle.v1alpha1))]
    parts += [dump({**document_data(d)}) for d in bundle.documents]
    return "---\n".join(parts).encode()
