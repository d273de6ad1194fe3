"""Resource type ControllerManagerConfigs.kubernetes.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.resources.k8s import api_server_config


class ControllerManagerConfig(resource.Resource["ControllerManagerConfig.Spec"]):
    """What the controller manager's static pod is made of."""

    definition = resource.Definition(
        type="ControllerManagerConfigs.kubernetes.talos.dev",
        namespace="controlplane",
        message="talos.resource.definitions.k8s.ControllerManagerConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"extra_args", "args"})

        enabled: bool = False
        image: str = ""
        cloud_provider: str = msgspec.field(default="", name="cloudProvider")
        pod_cid_rs: tuple[str, ...] = msgspec.field(default=(), name="podCIDRs")
        service_cid_rs: tuple[str, ...] = msgspec.field(default=(), name="serviceCIDRs")
        extra_args: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
        args: tuple[str, ...] = ()
        extra_volumes: tuple[api_server_config.ExtraVolume, ...] = msgspec.field(default=(), name="extraVolumes")
        environment_variables: dict[str, str] = msgspec.field(default_factory=dict, name="environmentVariables")
        resources: api_server_config.Resources = msgspec.field(default_factory=api_server_config.Resources)
        node_cidr_mask_size_i_pv4: int = msgspec.field(default=0, name="nodeCIDRMaskSizeIPv4")
        node_cidr_mask_size_i_pv6: int = msgspec.field(default=0, name="nodeCIDRMaskSizeIPv6")
