"""Resource type MaintenanceRootSecrets.secrets.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import pem

MAINTENANCE_ROOT_ID = "maintenance"


class MaintenanceRootSecret(resource.Resource["MaintenanceRootSecret.Spec"]):
    """CA of the API in maintenance mode."""

    definition = resource.Definition(
        type="MaintenanceRootSecrets.secrets.talos.dev",
        namespace="secrets",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.secrets.MaintenanceRootSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        ca: pem.CertificateAndKey | None = None
