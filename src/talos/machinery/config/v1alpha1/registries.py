"""Section `machine.registries` of v1alpha1; replaced by RegistryMirrorConfig, RegistryAuthConfig, RegistryTLSConfig."""

from __future__ import annotations

from typing import Annotated

from talos.machinery.config import document, values
from talos.machinery.types import pem


class RegistryMirrorConfig(document.Section, frozen=True, kw_only=True):
    """Mirrors of a registry."""

    endpoints: Annotated[tuple[str, ...], values.ALWAYS] = ()
    """URLs to try, in order, before the registry itself."""
    override_path: bool | None = None
    """Take the path of the URLs as it is, without /v2."""
    skip_fallback: bool | None = None
    """Never ask the registry itself."""


class RegistryTLSConfig(document.Section, frozen=True, kw_only=True):
    """TLS with a registry."""

    client_identity: pem.CertificateAndKey | None = None
    """Certificate to show."""
    ca: values.Base64 = b""
    """Authorities to trust, PEM in base64."""
    insecure_skip_verify: bool | None = None
    """Do not check the registry's certificate."""


class RegistryAuthConfig(document.Section, frozen=True, kw_only=True):
    """Credentials for a registry."""

    username: str = ""
    """User."""
    password: Annotated[str, values.SECRET] = ""
    """Password."""
    auth: Annotated[str, values.SECRET] = ""
    """User and password as in Docker's configuration."""
    identity_token: Annotated[str, values.SECRET] = ""
    """Token."""


class RegistryConfig(document.Section, frozen=True, kw_only=True):
    """How to talk to a registry."""

    tls: RegistryTLSConfig | None = None
    """TLS."""
    auth: RegistryAuthConfig | None = None
    """Credentials."""


class RegistriesConfig(document.Section, frozen=True, kw_only=True):
    """Image registries."""

    mirrors: dict[str, RegistryMirrorConfig] = document.mapping()
    """Mirrors by registry host; `*` for all others."""
    config: dict[str, RegistryConfig] = document.mapping()
    """TLS and credentials by registry host."""
