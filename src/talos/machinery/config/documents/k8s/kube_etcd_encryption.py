"""Document KubeEtcdEncryptionConfig: how objects are encrypted in etcd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from talos.machinery.config import document, findings, values


class KubeEtcdEncryptionConfig(document.Document, frozen=True, kw_only=True):
    """Encryption of Kubernetes objects at rest."""

    kind: ClassVar[str] = "KubeEtcdEncryptionConfig"
    control_plane_only: ClassVar[bool] = True
    legacy: ClassVar[tuple[str, ...]] = ("cluster.aescbcEncryptionSecret", "cluster.secretboxEncryptionSecret")

    config: values.Unstructured | None = None
    """An EncryptionConfiguration of apiserver.config.k8s.io without apiVersion and kind."""

    def validate(self, found: findings.Findings) -> None:
        """An empty document would leave secrets in the clear."""
        found.require(self.config, "config")

    def redacted(self, text: str) -> KubeEtcdEncryptionConfig:
        """Return a copy whose keys read `text`."""
        return msgspec.structs.replace(self, config=_without_secrets(self.config, text))

    @classmethod
    def example(cls) -> KubeEtcdEncryptionConfig:
        """Secrets with secretbox."""
        keys = [{"name": "key1", "secret": "c2VjcmV0IGlzIHNlY3VyZSwgb3IgaXMgaXQ/ISEhISE="}]
        providers = [{"secretbox": {"keys": keys}}, {"identity": {}}]
        return cls(config={"resources": [{"resources": ["secrets"], "providers": providers}]})


def _without_secrets(data: Any, text: str) -> Any:
    if isinstance(data, Mapping):
        return {k: text if k == "secret" and v else _without_secrets(v, text) for k, v in data.items()}
    if isinstance(data, list | tuple):
        return [_without_secrets(item, text) for item in data]
    return data
