"""Document CRICustomizationConfig: a piece of containerd's configuration."""

from __future__ import annotations

import re
from typing import ClassVar

from talos.machinery.config import document, findings

# The file legacy `machine.files` entries are gathered in.
RESERVED = "20-customization"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


class CRICustomizationConfig(document.Document, frozen=True, kw_only=True):
    """A piece of TOML that is merged into the configuration of the containerd that runs pods."""

    kind: ClassVar[str] = "CRICustomizationConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name; pieces are merged in the order of their names."""
    content: str = ""
    """TOML in containerd's format."""

    def validate(self, found: findings.Findings) -> None:
        """The name becomes a file's, and one is taken."""
        if found.require(self.name, "name"):
            if self.name == RESERVED:
                found.error("name", f"{self.name!r} is taken by customisations in machine.files")
            elif not _NAME.match(self.name) or ".." in self.name:
                found.error("name", f"{self.name!r} is no file name: letters, digits, '-', '_' and '.'")

    @classmethod
    def example(cls) -> CRICustomizationConfig:
        """Metrics of containerd."""
        return cls(name="metrics", content='[metrics]\n  address = "0.0.0.0:11234"\n')
