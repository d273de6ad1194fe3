"""Resource type KubeletSpecs.kubernetes.talos.dev."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.cosi import resource


class KubeletSpec(resource.Resource["KubeletSpec.Spec"]):
    """Image, arguments, mounts and configuration file the kubelet runs with."""

    definition = resource.Definition(
        type="KubeletSpecs.kubernetes.talos.dev",
        namespace="k8s",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.k8s.KubeletSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {"args", "extra_mounts", "expected_nodename", "credential_provider_config"}
        )

        image: str = ""
        args: tuple[str, ...] = ()
        extra_mounts: tuple[dict[str, Any], ...] = msgspec.field(default=(), name="extraMounts")
        expected_nodename: str = msgspec.field(default="", name="expectedNodename")
        config: dict[str, Any] = msgspec.field(default_factory=dict)
        credential_provider_config: dict[str, Any] = msgspec.field(
            default_factory=dict, name="credentialProviderConfig"
        )
