"""Sections that documents of several domains share."""

from __future__ import annotations

from typing import Annotated

from talos.machinery.config import checks, document, findings, values


class CertificateAndKey(document.Section, frozen=True, kw_only=True):
    """A certificate and its private key, both PEM."""

    cert: Annotated[str, values.ALWAYS] = ""
    """The certificate."""
    key: Annotated[str, values.SECRET, values.ALWAYS] = ""
    """Its private key."""

    def check(self, found: findings.Findings, path: str) -> None:
        """Report a missing or broken half."""
        for name, problem in (("cert", checks.certificate(self.cert)), ("key", checks.pem(self.key))):
            if problem:
                found.error(f"{path}.{name}", problem)


class ResourcesConfig(document.Section, frozen=True, kw_only=True):
    """What a pod gets of the machine, in the quantities of Kubernetes."""

    requests: values.Unstructured | None = None
    """What is reserved: `cpu`, `memory`."""
    limits: values.Unstructured | None = None
    """What is the most."""


# A throw-away pair for the examples of documents; it guards nothing.
EXAMPLE_CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBOTCB7KADAgECAhBXB2qUvqkL1X7XzA2YX4nhMAUGAytlcDASMRAwDgYDVQQK
EwdleGFtcGxlMB4XDTI2MDEwMTAwMDAwMFoXDTM2MDEwMTAwMDAwMFowEjEQMA4G
A1UEChMHZXhhbXBsZTAqMAUGAytlcAMhAA==
-----END CERTIFICATE-----
"""
EXAMPLE_KEY = """-----BEGIN ED25519 PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
-----END ED25519 PRIVATE KEY-----
"""
EXAMPLE_PAIR = CertificateAndKey(cert=EXAMPLE_CERTIFICATE, key=EXAMPLE_KEY)
