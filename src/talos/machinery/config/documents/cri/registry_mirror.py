"""Document RegistryMirrorConfig: mirrors of an image registry."""

from __future__ import annotations

from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from talos.machinery.config import document, findings, values

SCHEMES = ("http", "https")


class RegistryEndpoint(document.Section, frozen=True, kw_only=True):
    """A mirror."""

    url: Annotated[values.Url, values.ALWAYS] = ""
    """Its URL."""
    override_path: bool | None = None
    """Take the path of the URL as it is, without /v2."""


class RegistryMirrorConfig(document.Document, frozen=True, kw_only=True):
    """Where images of a registry are pulled from instead."""

    kind: ClassVar[str] = "RegistryMirrorConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Host of the registry, or `*` for all that have no document of their own."""
    endpoints: tuple[RegistryEndpoint, ...] = ()
    """Mirrors, tried in order before the registry itself."""
    skip_fallback: bool | None = None
    """Never ask the registry itself."""

    def validate(self, found: findings.Findings) -> None:
        """Mirrors are reached by http or https."""
        found.require(self.name, "name")
        for n, endpoint in enumerate(self.endpoints):
            path = f"endpoints[{n}].url"
            if found.require(endpoint.url, path) and urlsplit(endpoint.url).scheme not in SCHEMES:
                found.error(path, f"expected an http or https URL, got {endpoint.url!r}")

    @classmethod
    def example(cls) -> RegistryMirrorConfig:
        """A mirror with its own path."""
        return cls(
            name="ghcr.io",
            endpoints=(
                RegistryEndpoint(url="https://mirror.example.org/v2/ghcr.io", override_path=True),
                RegistryEndpoint(url="http://10.5.0.1:5000"),
            ),
        )
