"""Resource type RegistryConfigs.cri.talos.dev."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import pem

REGISTRIES_CONFIG_ID = "registries"


class RegistryEndpointConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One mirror and whether its path replaces /v2."""

    endpoint_endpoint: str = msgspec.field(default="", name="endpoint")
    endpoint_override_path: bool = msgspec.field(default=False, name="overridePath")


class RegistryMirrorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The mirrors of a registry, in order."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"mirror_skip_fallback"})

    mirror_endpoints: tuple[RegistryEndpointConfig, ...] = msgspec.field(default=(), name="endpoints")
    mirror_skip_fallback: bool = msgspec.field(default=False, name="skipFallback")


class RegistryAuthConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Credentials for a registry."""

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {"registry_username", "registry_password", "registry_auth", "registry_identity_token"}
    )

    registry_username: str = msgspec.field(default="", name="username")
    registry_password: str = msgspec.field(default="", name="password")
    registry_auth: str = msgspec.field(default="", name="auth")
    registry_identity_token: str = msgspec.field(default="", name="identityToken")


class RegistryTLSConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Certificates for a registry."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"tls_client_identity", "tlsca", "tls_insecure_skip_verify"})

    tls_client_identity: pem.CertificateAndKey | None = msgspec.field(default=None, name="clientIdentity")
    tlsca: bytes = msgspec.field(default=b"", name="ca")
    tls_insecure_skip_verify: bool = msgspec.field(default=False, name="insecureSkipVerify")

    def as_yaml(self, plain: dict[str, Any]) -> Any:
        """The CA is base64."""
        if self.tlsca:
            plain["ca"] = base64.b64encode(self.tlsca).decode()
        return plain


class RegistryConfig(resource.Resource["RegistryConfig.Spec"]):
    """Mirrors, credentials and certificates of all image registries."""

    definition = resource.Definition(
        type="RegistryConfigs.cri.talos.dev",
        namespace="cri",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.cri.RegistriesConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"registry_mirrors", "registry_auths", "registry_tl_ss"})

        registry_mirrors: dict[str, RegistryMirrorConfig] = msgspec.field(default_factory=dict, name="mirrors")
        registry_auths: dict[str, RegistryAuthConfig] = msgspec.field(default_factory=dict, name="auths")
        registry_tl_ss: dict[str, RegistryTLSConfig] = msgspec.field(default_factory=dict, name="tls")
