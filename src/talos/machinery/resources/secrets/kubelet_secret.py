"""Resource type KubeletSecrets.secrets.talos.dev."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import pem, url

KUBELET_ID = "kubelet"


class KubeletSecret(resource.Resource["KubeletSecret.Spec"]):
    """What the kubelet joins the cluster with."""

    definition = resource.Definition(
        type="KubeletSecrets.secrets.talos.dev",
        namespace="secrets",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.secrets.KubeletSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"endpoint_tls_server_name"})

        endpoint: str = ""
        endpoint_tls_server_name: str = msgspec.field(default="", name="endpointTLSServerName")
        accepted_c_as: tuple[pem.Certificate, ...] = msgspec.field(default=(), name="acceptedCAs")
        bootstrap_token_id: str = msgspec.field(default="", name="bootstrapTokenID")
        bootstrap_token_secret: str = msgspec.field(default="", name="bootstrapTokenSecret")

        def as_yaml(self, plain: dict[str, Any]) -> Any:
            """URLs are in parts."""
            plain["endpoint"] = url.parts(self.endpoint, type(plain))
            return plain
