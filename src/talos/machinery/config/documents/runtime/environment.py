"""Document EnvironmentConfig: environment of the system's services."""

from __future__ import annotations

import re
from typing import ClassVar

from talos.machinery.config import document, findings

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class EnvironmentConfig(document.Document, frozen=True, kw_only=True):
    """Variables every service of the system gets, such as those of a proxy."""

    kind: ClassVar[str] = "EnvironmentConfig"

    variables: dict[str, str] = document.mapping()
    """Names and values."""

    def validate(self, found: findings.Findings) -> None:
        """Names are such as a shell takes."""
        for name in self.variables:
            if not _NAME.match(name):
                found.error(f"variables.{name}", "is no name: letters, digits and '_', no digit in front")

    @classmethod
    def example(cls) -> EnvironmentConfig:
        """A proxy."""
        return cls(variables={"https_proxy": "http://proxy.example.org:3128", "no_proxy": "10.0.0.0/8"})
