"""Document KubeTalosAPIAccessConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class KubeTalosAPIAccessConfig(document.Document, frozen=True, kw_only=True):
    """Kube talos aPIAccess config."""

    kind: ClassVar[str] = "KubeTalosAPIAccessConfig"
    control_plane_only: ClassVar[bool] = True
    legacy_fields: ClassVar[tuple[str, ...]] = ("machine.features.kubernetesTalosAPIAccess",)

    allowed_roles: tuple[str, ...] = msgspec.field(default=(), name="allowedRoles")
    allowed_kubernetes_namespaces: tuple[str, ...] = msgspec.field(default=(), name="allowedKubernetesNamespaces")
