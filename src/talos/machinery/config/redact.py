"""A configuration without its secrets, for diffs, logs and support bundles.

What is secret is marked where the field is declared; private keys beside certificates always are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from talos.machinery.config import _decode, container, document, values
from talos.machinery.types import pem


def _value(value: Any, text: str) -> Any:
    if isinstance(value, pem.CertificateAndKey | pem.Key):
        return msgspec.structs.replace(value, key=text.encode() if value.key else b"")
    if isinstance(value, document.Section):
        return _section(value, text)
    if isinstance(value, tuple):
        return tuple(_value(item, text) for item in value)
    if isinstance(value, Mapping):
        return {key: _value(item, text) for key, item in value.items()}
    return value


def _section(value: Any, text: str) -> Any:
    changes: dict[str, Any] = {}
    kind: Any = type(value)
    for attribute, _, annotation in _decode.fields(kind).values():
        item = getattr(value, attribute)
        _, marks, _ = _decode.split(annotation)
        if values.SECRET not in marks:
            changes[attribute] = _value(item, text)
        elif item:
            changes[attribute] = text
    changed = msgspec.structs.replace(value, **changes)
    return changed.redacted(text) if isinstance(changed, document.Document) else changed


def redact(bundle: container.Container, text: str = "REDACTED") -> container.Container:
    """Return a copy in which every secret reads `text`."""
    config = _section(bundle.v1alpha1, text) if bundle.v1alpha1 is not None else None
    return container.Container(config, [_section(found, text) for found in bundle.documents])
