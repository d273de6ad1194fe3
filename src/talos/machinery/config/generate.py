"""Configurations of a new cluster: key for key what `gen config` of the original writes from the same secrets.

Since 1.14 the v1alpha1 document keeps the machine's identity and documents say the rest; before, v1alpha1 said it all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from talos.base import errors
from talos.base.constants import versions
from talos.machinery.config import checks, container, defaults, secrets
from talos.machinery.config.contract import CURRENT, Contract
from talos.machinery.types.machine import MachineType

_KUBERNETES = re.compile(r"v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?\Z")


@dataclass(frozen=True, slots=True)
class GenerateInput:
    """What `gen config` is asked for.

    `endpoint` is the URL of the Kubernetes API, `contract` the release the configuration is for, `local_api_port` the
    port of each API server when it is not 6443. Empty subnets mean the usual ones of the endpoint's address family.
    `kube_prism_port` 0 leaves the balancer out.
    """

    cluster_name: str
    endpoint: str
    secrets: secrets.Bundle
    contract: Contract = CURRENT
    kubernetes_version: str = versions.KUBERNETES
    dns_domain: str = defaults.DNS_DOMAIN
    pod_subnets: tuple[str, ...] = ()
    service_subnets: tuple[str, ...] = ()
    additional_sans: tuple[str, ...] = ()
    install_disk: str = ""
    install_image: str = ""
    install_extra_kernel_args: tuple[str, ...] = ()
    registry_mirrors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    registry_insecure: tuple[str, ...] = ()
    sysctls: dict[str, str] = field(default_factory=dict)
    discovery_endpoint: str = defaults.DISCOVERY_ENDPOINT
    cluster_discovery: bool = True
    kube_prism_port: int = defaults.KUBE_PRISM_PORT
    kubespan: bool = False
    allow_scheduling_on_control_planes: bool = False
    cni_urls: tuple[str, ...] = ()
    no_cni: bool = False
    local_api_port: int | None = None
    cluster_dns: tuple[str, ...] = ()
    host_dns_forward: bool | None = None
    debug: bool = False

    @property
    def version(self) -> str:
        """Kubernetes version as images are tagged with it: `v1.37.2`."""
        return f"v{self.kubernetes_version.removeprefix('v')}"

    @property
    def networks(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Pod and service subnets."""
        six = ":" in (urlsplit(self.endpoint).hostname or "")
        pods = defaults.POD_SUBNETS_IPV6 if six else defaults.POD_SUBNETS
        services = defaults.SERVICE_SUBNETS_IPV6 if six else defaults.SERVICE_SUBNETS
        return self.pod_subnets or pods, self.service_subnets or services

    @property
    def forwards_dns(self) -> bool | None:
        """Whether CoreDNS asks the machine's resolver; None leaves it open."""
        if self.host_dns_forward is not None:
            return self.host_dns_forward or None
        return True if self.contract.after(1, 7) else None


def check(wanted: GenerateInput) -> None:
    """Raise Invalid for an input no configuration can be made from."""
    problems = []
    problem = checks.endpoint_url(wanted.endpoint)
    if problem:
        problems.append(errors.Problem(problem, "endpoint"))
    if not _KUBERNETES.match(wanted.kubernetes_version):
        expected = f"expected a version such as {versions.KUBERNETES}, got {wanted.kubernetes_version!r}"
        problems.append(errors.Problem(expected, "kubernetes version"))
    if wanted.secrets.secretbox and not wanted.secrets.aescbc and not wanted.contract.after(1, 2):
        expected = f"{wanted.contract} encrypts with AES-CBC: make them with `gen secrets --talos-version"
        problems.append(errors.Problem(f"{expected} {wanted.contract}`", "secrets"))
    if not wanted.cluster_name:
        problems.append(errors.Problem("a cluster needs a name", "cluster name"))
    if problems:
        raise errors.Invalid(problems)


def generate(wanted: GenerateInput, machine_type: MachineType) -> container.Container:
    """Return the configuration of one kind of machine. Raises Invalid."""
    check(wanted)
    if wanted.contract.after(1, 13):
        from talos.machinery.config import generate_documents

        return generate_documents.generate(wanted, machine_type)
    from talos.machinery.config import generate_legacy

    return generate_legacy.generate(wanted, machine_type)


def generate_all(
    wanted: GenerateInput, kinds: Sequence[MachineType] = (MachineType.CONTROL_PLANE, MachineType.WORKER)
) -> dict[MachineType, container.Container]:
    """Return the configurations of several kinds of machines. Raises Invalid."""
    return {kind: generate(wanted, kind) for kind in kinds}
