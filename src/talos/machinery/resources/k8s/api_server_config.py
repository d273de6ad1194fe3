"""Resource type APIServerConfigs.kubernetes.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class ExtraVolume(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of the host mounted into a control plane pod."""

    name: str = ""
    host_path: str = msgspec.field(default="", name="hostPath")
    mount_path: str = msgspec.field(default="", name="mountPath")
    read_only: bool = msgspec.field(default=False, name="readonly")


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """CPU and memory requests and limits of a control plane pod."""

    requests: dict[str, str] = msgspec.field(default_factory=dict)
    limits: dict[str, str] = msgspec.field(default_factory=dict)


class APIServerConfig(resource.Resource["APIServerConfig.Spec"]):
    """What the API server's static pod is made of."""

    definition = resource.Definition(
        type="APIServerConfigs.kubernetes.talos.dev",
        namespace="controlplane",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.k8s.APIServerConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"args"})

        image: str = ""
        cloud_provider: str = msgspec.field(default="", name="cloudProvider")
        control_plane_endpoint: str = msgspec.field(default="", name="controlPlaneEndpoint")
        etcd_servers: tuple[str, ...] = msgspec.field(default=(), name="etcdServers")
        local_port: int = msgspec.field(default=0, name="localPort")
        service_cid_rs: tuple[str, ...] = msgspec.field(default=(), name="serviceCIDR")
        extra_args: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
        args: tuple[str, ...] = ()
        extra_volumes: tuple[ExtraVolume, ...] = msgspec.field(default=(), name="extraVolumes")
        environment_variables: dict[str, str] = msgspec.field(default_factory=dict, name="environmentVariables")
        advertised_address: str = msgspec.field(default="", name="advertisedAddress")
        resources: Resources = msgspec.field(default_factory=Resources)
        startup_probes_enabled: bool = msgspec.field(default=False, name="startupProbesEnabled")
        use_authentication_config: bool = msgspec.field(default=False, name="useAuthenticationConfig")
