"""Resource type SchedulerConfigs.kubernetes.talos.dev."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.resources.k8s import api_server_config


class SchedulerConfig(resource.Resource["SchedulerConfig.Spec"]):
    """What the scheduler's static pod is made of."""

    definition = resource.Definition(
        type="SchedulerConfigs.kubernetes.talos.dev",
        namespace="controlplane",
        message="talos.resource.definitions.k8s.SchedulerConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"extra_args", "args"})

        enabled: bool = False
        image: str = ""
        extra_args: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
        args: tuple[str, ...] = ()
        config: dict[str, Any] = msgspec.field(default_factory=dict)
        extra_volumes: tuple[api_server_config.ExtraVolume, ...] = msgspec.field(default=(), name="extraVolumes")
        environment_variables: dict[str, str] = msgspec.field(default_factory=dict, name="environmentVariables")
        resources: api_server_config.Resources = msgspec.field(default_factory=api_server_config.Resources)
