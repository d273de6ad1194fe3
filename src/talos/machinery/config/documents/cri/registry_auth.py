"""Document RegistryAuthConfig: credentials for an image registry."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values


class RegistryAuthConfig(document.Document, frozen=True, kw_only=True):
    """Credentials for a registry, or for a mirror of one."""

    kind: ClassVar[str] = "RegistryAuthConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Host, and port if it has one, of the registry or mirror."""
    username: str = ""
    """User."""
    password: Annotated[str, values.SECRET] = ""
    """Password."""
    auth: Annotated[str, values.SECRET] = ""
    """User and password as in Docker's configuration."""
    identity_token: Annotated[str, values.SECRET] = ""
    """Token."""

    def validate(self, found: findings.Findings) -> None:
        """One way of showing who asks."""
        found.require(self.name, "name")
        ways = [bool(self.username or self.password), bool(self.auth), bool(self.identity_token)]
        if sum(ways) > 1:
            found.error("", "only one of username and password, auth, or identityToken can be used")

    @classmethod
    def example(cls) -> RegistryAuthConfig:
        """User and password."""
        return cls(name="registry.example.org", username="puller", password="let-me-in")  # noqa: S106 - an example
