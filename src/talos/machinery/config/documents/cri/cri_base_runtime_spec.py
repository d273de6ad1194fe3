"""Document CRIBaseRuntimeSpecConfig: what every container starts from."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values


class CRIBaseRuntimeSpecConfig(document.Document, frozen=True, kw_only=True):
    """Changes to the OCI runtime specification all containers of Kubernetes are derived from."""

    kind: ClassVar[str] = "CRIBaseRuntimeSpecConfig"
    legacy: ClassVar[tuple[str, ...]] = ("machine.baseRuntimeSpecOverrides",)

    overrides: Annotated[values.Unstructured | None, values.REPLACE] = None
    """Keys of the specification, merged over the default; a patch replaces them whole."""

    def validate(self, found: findings.Findings) -> None:
        """The keys have the types of an OCI runtime specification."""
        checks.runtime_spec(found, "overrides", self.overrides or {})

    @classmethod
    def example(cls) -> CRIBaseRuntimeSpecConfig:
        """A limit of open files."""
        return cls(overrides={"process": {"rlimits": [{"type": "RLIMIT_NOFILE", "hard": 65536, "soft": 65536}]}})
