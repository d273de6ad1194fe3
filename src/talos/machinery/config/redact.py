"""A configuration without its secrets, for diffs, logs and support bundles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from talos.machinery.config import container
from talos.machinery.config.documents.k8s import kube_etcd_encryption
from talos.machinery.types import pem

# Fields that hold a secret, by attribute name, wherever they occur in a document or section.
SECRET_FIELDS = frozenset(
    {
        "aescbc_encryption_secret", "api_token", "auth", "cluster_secret", "identity_token", "key", "passphrase",
        "password", "preshared_key", "private_key", "secret", "secretbox_encryption_secret", "token", "unique_token",
    }
)  # fmt: skip
# `key` of these is a selector, not a secret.
_NOT_SECRET = frozenset({"Taint", "LabelSelector"})


def _value(value: Any, text: str) -> Any:
    if isinstance(value, pem.CertificateAndKey):
        return pem.CertificateAndKey(crt=value.crt, key=text.encode() if value.key else b"")
    if isinstance(value, pem.Key):
        return pem.Key(key=text.encode() if value.key else b"")
    if isinstance(value, msgspec.Struct):
        return _struct(value, text)
    if isinstance(value, tuple):
        return tuple(_value(item, text) for item in value)
    if isinstance(value, Mapping):
        return {key: _value(item, text) for key, item in value.items()}
    return value


def _struct(value: msgspec.Struct, text: str) -> Any:
    changes: dict[str, Any] = {}
    for name in value.__struct_fields__:
        item = getattr(value, name)
        secret = name in SECRET_FIELDS and type(value).__name__ not in _NOT_SECRET
        if secret and isinstance(item, str):
            changes[name] = text if item else item
        elif secret and isinstance(item, bytes):
            changes[name] = text.encode() if item else item
        else:
            changes[name] = _value(item, text)
    return type(value)(**changes)


def _secrets_in(data: Any, text: str) -> Any:
    if isinstance(data, Mapping):
        return {k: text if k == "secret" else _secrets_in(v, text) for k, v in data.items()}
    if isinstance(data, list | tuple):
        return [_secrets_in(item, text) for item in data]
    return data


def redact(bundle: container.Container, text: str = "REDACTED") -> container.Container:
    """Return a copy in which every secret reads `text`."""
    config = _struct(bundle.v1alpha1, text) if bundle.v1alpha1 is not None else None
    documents = []
    for found in bundle.documents:
        clean = _struct(found, text)
        if isinstance(found, kube_etcd_encryption.KubeEtcdEncryptionConfig):
            clean = kube_etcd_encryption.KubeEtcdEncryptionConfig(config=_secrets_in(found.config, text))
        documents.append(clean)
    return container.Container(config, documents)
