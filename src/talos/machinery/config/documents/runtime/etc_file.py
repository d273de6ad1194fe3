"""Document EtcFileConfig: a file below /etc."""

from __future__ import annotations

import posixpath
from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values


class EtcFileConfig(document.Document, frozen=True, kw_only=True):
    """A file below /etc that the system does not make itself."""

    kind: ClassVar[str] = "EtcFileConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Path below /etc."""
    mode: Annotated[values.Octal, values.ALWAYS] = 0
    """Mode, in octal; 0o644 when it is not given."""
    contents: Annotated[str, values.ALWAYS] = ""
    """Text of the file."""

    def validate(self, found: findings.Findings) -> None:
        """The path stays below /etc."""
        if not found.require(self.name, "name"):
            return
        if self.name.startswith("/") or posixpath.normpath(self.name) != self.name or self.name.startswith(".."):
            found.error("name", f"expected a path relative to /etc, got {self.name!r}")

    @classmethod
    def example(cls) -> EtcFileConfig:
        """Options of NFS."""
        return cls(name="nfsmount.conf", mode=0o644, contents="[ NFSMount_Global_Options ]\nnfsvers=4.2\n")
