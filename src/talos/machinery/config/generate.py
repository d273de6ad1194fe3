"""Configurations of a new cluster, for the present contract (1.14): v1alpha1 for identity, documents for the rest.

Key for key what `gen config` of the original writes from the same secrets; order of the documents included.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from talos.base import errors
from talos.base.constants import versions
from talos.machinery.config import container, document, secrets, sections, v1alpha1
from talos.machinery.config.documents.block import filesystem_trim, volume
from talos.machinery.config.documents.cluster import discovery_identity, discovery_service
from talos.machinery.config.documents.cri import registry_mirror
from talos.machinery.config.documents.k8s import (
    kube_admission_control,
    kube_aggregator_ca,
    kube_api_server,
    kube_api_server_ca,
    kube_audit_policy,
    kube_authentication,
    kube_authorizer,
    kube_cluster,
    kube_controller_manager,
    kube_core_dns,
    kube_etcd_encryption,
    kube_external_manifest,
    kube_flannel_cni,
    kube_network,
    kube_node,
    kube_prism,
    kube_proxy,
    kube_scheduler,
    kube_service_account,
    kubelet,
)
from talos.machinery.config.documents.network import hostname, resolver
from talos.machinery.config.documents.runtime import security_profile, sysctl, unattended_install
from talos.machinery.config.views import kubernetes as kubernetes_views
from talos.machinery.types import pem
from talos.machinery.types.machine import MachineType

DISCOVERY_ENDPOINT = "https://discovery.talos.dev/"
TRIM_INTERVAL = datetime.timedelta(days=7)
_POD_SECURITY: dict[str, Any] = {
    "apiVersion": "pod-security.admission.config.k8s.io/v1alpha1",
    "defaults": {
        "audit": "restricted",
        "audit-version": "latest",
        "enforce": "baseline",
        "enforce-version": "latest",
        "warn": "restricted",
        "warn-version": "latest",
    },
    "exemptions": {"namespaces": ["kube-system"], "runtimeClasses": [], "usernames": []},
    "kind": "PodSecurityConfiguration",
}


@dataclass(frozen=True, slots=True)
class GenerateInput:
    """What `gen config` is asked for. `endpoint` is the URL of the Kubernetes API."""

    cluster_name: str
    endpoint: str
    secrets: secrets.Bundle
    kubernetes_version: str = versions.KUBERNETES
    dns_domain: str = kubernetes_views.DEFAULT_DNS_DOMAIN
    pod_subnets: tuple[str, ...] = kubernetes_views.DEFAULT_POD_SUBNETS
    service_subnets: tuple[str, ...] = kubernetes_views.DEFAULT_SERVICE_SUBNETS
    additional_sans: tuple[str, ...] = ()
    install_disk: str = ""
    install_image: str = ""
    registry_mirrors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sysctls: dict[str, str] = field(default_factory=dict)
    discovery_endpoint: str = DISCOVERY_ENDPOINT
    cluster_discovery: bool = True
    kube_prism_port: int = kubernetes_views.DEFAULT_KUBE_PRISM_PORT
    allow_scheduling_on_control_planes: bool = False
    cni_urls: tuple[str, ...] = ()
    local_api_port: int | None = None
    cluster_dns: tuple[str, ...] = ()


def check(wanted: GenerateInput) -> None:
    """Raise Invalid for an input no configuration can be made from."""
    problems = []
    url = urlsplit(wanted.endpoint)
    if url.scheme != "https" or not url.hostname:
        problems.append(
            errors.Problem(f"expected a URL such as https://10.5.0.2:6443, got {wanted.endpoint!r}", "endpoint")
        )
    if not wanted.cluster_name:
        problems.append(errors.Problem("a cluster needs a name", "cluster name"))
    if problems:
        raise errors.Invalid(problems)


def generate(wanted: GenerateInput, machine_type: MachineType) -> container.Container:
    """Return the configuration of one kind of machine. Raises Invalid."""
    check(wanted)
    plane = machine_type in (MachineType.CONTROL_PLANE, MachineType.INIT)
    documents = [*_machine_documents(wanted), *_node_documents(wanted, plane=plane)]
    if plane:
        documents += _control_plane_documents(wanted)
    return container.Container(_v1alpha1(wanted, machine_type, plane=plane), documents)


def _v1alpha1(wanted: GenerateInput, machine_type: MachineType, *, plane: bool) -> v1alpha1.Config:
    bundle = wanted.secrets
    return v1alpha1.Config(
        version="v1alpha1",
        debug=False,
        persist=True,
        machine=v1alpha1.MachineConfig(
            type=str(machine_type),
            token=bundle.trustd_token,
            ca=bundle.os if plane else pem.CertificateAndKey(crt=bundle.os.crt),
            cert_sans=wanted.additional_sans,
            features=v1alpha1.FeaturesConfig(disk_quota_support=True),
        ),
        cluster=v1alpha1.ClusterConfig(
            token=bundle.bootstrap_token,
            etcd=v1alpha1.EtcdConfig(ca=bundle.etcd) if plane else None,
        ),
    )


def _machine_documents(wanted: GenerateInput) -> list[document.Document]:
    found: list[document.Document] = []
    if wanted.cluster_discovery:
        found.append(discovery_service.DiscoveryServiceConfig(name="default", endpoint=wanted.discovery_endpoint))
    found.append(
        discovery_identity.DiscoveryIdentityConfig(
            cluster_id=wanted.secrets.cluster_id, cluster_secret=wanted.secrets.cluster_secret
        )
    )
    if wanted.install_disk:
        found.append(_install(wanted))
    found.append(resolver.ResolverConfig(host_dns=resolver.HostDNSConfig(enabled=True, forward_kube_dns_to_host=True)))
    if wanted.sysctls:
        found.append(sysctl.SysctlConfig(params=wanted.sysctls))
    found.append(volume.VolumeConfig(name="EPHEMERAL", mount=volume.MountSpec(secure=True)))
    found.append(filesystem_trim.FilesystemTrimConfig(interval=TRIM_INTERVAL))
    for host, urls in wanted.registry_mirrors.items():
        endpoints = tuple(registry_mirror.RegistryEndpoint(url=u) for u in urls)
        found.append(registry_mirror.RegistryMirrorConfig(name=host, endpoints=endpoints))
    found.append(security_profile.SecurityProfileConfig(workload_isolation=True))
    found.append(hostname.HostnameConfig(auto="stable"))
    return found


def _install(wanted: GenerateInput) -> document.Document:
    return unattended_install.UnattendedInstallConfig(
        installer=unattended_install.InstallerSpec(image=wanted.install_image),
        provisioning=unattended_install.ProvisioningSpec(
            disk_selector=unattended_install.DiskSelectorSpec(match=f'disk.dev_path == "{wanted.install_disk}"'),
            wipe=False,
        ),
    )


def _node_documents(wanted: GenerateInput, *, plane: bool) -> list[document.Document]:
    labels: dict[str, str] = {}
    taints: dict[str, str] = {}
    if plane:
        labels = {kubernetes_views.CONTROL_PLANE_LABEL: "", kubernetes_views.EXCLUDE_BALANCERS_LABEL: ""}
        if not wanted.allow_scheduling_on_control_planes:
            taints = {kubernetes_views.CONTROL_PLANE_LABEL: "NoSchedule"}
    certificate = wanted.secrets.k8s.crt.decode()
    pair = sections.CertificateAndKey(cert=certificate, key=wanted.secrets.k8s.key.decode())
    version = wanted.kubernetes_version
    return [
        kube_cluster.KubeClusterConfig(cluster_name=wanted.cluster_name, endpoint=wanted.endpoint),
        kube_node.KubeNodeConfig(node_ip=kube_node.NodeIPConfig(), labels=labels, taints=taints),
        kubelet.KubeletConfig(
            image=f"ghcr.io/siderolabs/kubelet:{version}",
            config={},
            cluster_dns=wanted.cluster_dns,
            default_runtime_seccomp_profile_enabled=True,
        ),
        kube_network.KubeNetworkConfig(
            dns_domain=wanted.dns_domain, pod_subnets=wanted.pod_subnets, service_subnets=wanted.service_subnets
        ),
        kube_api_server_ca.KubeAPIServerCAConfig(issuing_ca=pair)
        if plane
        else kube_api_server_ca.KubeAPIServerCAConfig(accepted_cas=(certificate,)),
        *([kube_prism.KubePrismConfig(port=wanted.kube_prism_port)] if wanted.kube_prism_port else []),
    ]


def _policy_documents(wanted: GenerateInput) -> Sequence[document.Document]:
    conditions = [{"path": path} for path in ("/livez", "/readyz", "/healthz")]
    anonymous = {"anonymous": {"conditions": conditions, "enabled": True}, "jwt": []}
    audit = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}
    provider = (
        {"secretbox": {"keys": [{"name": "key2", "secret": wanted.secrets.secretbox}]}}
        if wanted.secrets.secretbox
        else {"aescbc": {"keys": [{"name": "key1", "secret": wanted.secrets.aescbc}]}}
    )
    return [
        kube_admission_control.KubeAdmissionControlConfig(name="PodSecurity", configuration=_POD_SECURITY),
        kube_audit_policy.KubeAuditPolicyConfig(configuration=audit),
        kube_authentication.KubeAuthenticationConfig(configuration=anonymous),
        kube_authorizer.KubeAuthorizerConfig(name="node", type="Node"),
        kube_authorizer.KubeAuthorizerConfig(name="rbac", type="RBAC"),
        kube_etcd_encryption.KubeEtcdEncryptionConfig(
            config={"resources": [{"providers": [provider], "resources": ["secrets"]}]}
        ),
    ]


def _control_plane_documents(wanted: GenerateInput) -> list[document.Document]:
    aggregator = wanted.secrets.aggregator
    issuer = kube_service_account.IssuerServiceAccountConfig(
        private_key=wanted.secrets.service_account.decode(), issuer_url=wanted.endpoint
    )
    version = wanted.kubernetes_version
    found: list[document.Document] = [
        kube_aggregator_ca.KubeAggregatorCAConfig(
            issuing_ca=sections.CertificateAndKey(cert=aggregator.crt.decode(), key=aggregator.key.decode())
        ),
        *_policy_documents(wanted),
        kube_service_account.KubeServiceAccountConfig(issuer=issuer),
        kube_api_server.KubeAPIServerConfig(
            image=f"registry.k8s.io/kube-apiserver:{version}",
            api_port=wanted.local_api_port,
            cert_extra_sans=wanted.additional_sans,
        ),
        kube_controller_manager.KubeControllerManagerConfig(image=f"registry.k8s.io/kube-controller-manager:{version}"),
        kube_scheduler.KubeSchedulerConfig(image=f"registry.k8s.io/kube-scheduler:{version}", config={}),
        kube_proxy.KubeProxyConfig(image=f"registry.k8s.io/kube-proxy:{version}", config={}),
    ]
    if not wanted.cni_urls:
        found.append(kube_flannel_cni.KubeFlannelCNIConfig(backend_type="vxlan", backend_port=4789))
    found.append(kube_core_dns.KubeCoreDNSConfig(enabled=True))
    found += [kube_external_manifest.KubeExternalManifestConfig(name="custom-cni", url=u) for u in wanted.cni_urls]
    return found
