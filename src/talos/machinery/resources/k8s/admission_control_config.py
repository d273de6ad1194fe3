"""Resource type AdmissionControlConfigs.kubernetes.talos.dev."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.cosi import resource

ADMISSION_CONTROL_CONFIG_ID = "admission-control"


class AdmissionPluginSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration of one admission plug-in."""

    name: str = ""
    configuration: dict[str, Any] = msgspec.field(default_factory=dict)


class AdmissionControlConfig(resource.Resource["AdmissionControlConfig.Spec"]):
    """Admission plug-ins of the API server."""

    definition = resource.Definition(
        type="AdmissionControlConfigs.kubernetes.talos.dev",
        namespace="controlplane",
        message="talos.resource.definitions.k8s.AdmissionControlConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        config: tuple[AdmissionPluginSpec, ...] = ()
