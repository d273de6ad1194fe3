"""Document KubeletConfig: the kubelet on this machine."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values

# Keys of KubeletConfiguration the system sets itself.
PROTECTED_FIELDS = (
    "apiVersion", "authentication", "authorization", "cgroupRoot", "kind", "kubeletCgroups", "port",
    "protectKernelDefaults", "resolvConf", "rotateCertificates", "seccompDefault", "staticPodPath", "systemCgroups",
)  # fmt: skip


class KubeletConfig(document.Document, frozen=True, kw_only=True):
    """Settings of the kubelet."""

    kind: ClassVar[str] = "KubeletConfig"
    legacy: ClassVar[tuple[str, ...]] = ("machine.kubelet",)

    image: str = ""
    """Image it runs from."""
    config: Annotated[values.Unstructured | None, values.ALWAYS] = document.mapping()
    """KubeletConfiguration that is merged over what the system sets."""
    extra_args: values.Args = document.mapping()
    """Flags added to the command line; a list repeats the flag."""
    cluster_dns: tuple[str, ...] = document.named("clusterDNS", ())
    """Resolvers of pods, when it is not the cluster's own."""
    default_runtime_seccomp_profile_enabled: bool | None = None
    """Give containers the runtime's seccomp profile unless they ask for another."""

    def validate(self, found: findings.Findings) -> None:
        """The image must be named, and some keys are not to be changed."""
        checks.required_image(found, self.image)
        for key in self.config or {}:
            if key in PROTECTED_FIELDS:
                found.error(f"config.{key}", "is set by the system and can not be changed")

    @classmethod
    def example(cls) -> KubeletConfig:
        """More pods than usual."""
        return cls(image="ghcr.io/siderolabs/kubelet:v1.37.2", config={"maxPods": 250})
