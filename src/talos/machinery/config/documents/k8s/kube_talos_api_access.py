"""Document KubeTalosAPIAccessConfig: the machine API for pods."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import checks, document, findings


class KubeTalosAPIAccessConfig(document.Document, frozen=True, kw_only=True):
    """Lets pods get credentials for the machine API by a ServiceAccount of talos.dev."""

    kind: ClassVar[str] = "KubeTalosAPIAccessConfig"
    control_plane_only: ClassVar[bool] = True
    legacy: ClassVar[tuple[str, ...]] = ("machine.features.kubernetesTalosAPIAccess",)

    allowed_roles: tuple[str, ...] = ()
    """Roles pods may get, such as os:reader."""
    allowed_kubernetes_namespaces: tuple[str, ...] = ()
    """Namespaces pods may ask from."""

    def validate(self, found: findings.Findings) -> None:
        """Roles have to be known."""
        for n, name in enumerate(self.allowed_roles):
            problem = checks.role(name)
            if problem:
                found.error(f"allowedRoles[{n}]", problem)

    @classmethod
    def example(cls) -> KubeTalosAPIAccessConfig:
        """Backups of etcd from one namespace."""
        return cls(allowed_roles=("os:etcd:backup",), allowed_kubernetes_namespaces=("backup",))
