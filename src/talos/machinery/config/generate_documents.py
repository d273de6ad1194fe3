"""Configurations of the current contract: v1alpha1 for the machine's identity, documents for the rest."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from talos.machinery.config import container, defaults, document, sections, v1alpha1
from talos.machinery.config import generate as input_
from talos.machinery.config.documents.block import filesystem_trim, volume
from talos.machinery.config.documents.cluster import discovery_identity, discovery_service
from talos.machinery.config.documents.cri import registry_mirror, registry_tls
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
from talos.machinery.config.documents.network import hostname, kubespan, resolver
from talos.machinery.config.documents.runtime import security_profile, sysctl, unattended_install
from talos.machinery.types import pem
from talos.machinery.types.machine import MachineType

TRIM_INTERVAL = datetime.timedelta(days=7)


def generate(wanted: input_.GenerateInput, machine_type: MachineType) -> container.Container:
    """Return the configuration of one kind of machine."""
    plane = machine_type in (MachineType.CONTROL_PLANE, MachineType.INIT)
    documents = [*_machine(wanted), *_node(wanted, plane=plane), *(_control_plane(wanted) if plane else ())]
    return container.Container(_v1alpha1(wanted, machine_type, plane=plane), documents)


def _v1alpha1(wanted: input_.GenerateInput, machine_type: MachineType, *, plane: bool) -> v1alpha1.Config:
    bundle = wanted.secrets
    return v1alpha1.Config(
        version=v1alpha1.VERSION,
        debug=wanted.debug,
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


def _machine(wanted: input_.GenerateInput) -> Iterator[document.Document]:
    if wanted.cluster_discovery:
        yield discovery_service.DiscoveryServiceConfig(name="default", endpoint=wanted.discovery_endpoint)
    yield discovery_identity.DiscoveryIdentityConfig(
        cluster_id=wanted.secrets.cluster_id, cluster_secret=wanted.secrets.cluster_secret
    )
    if wanted.install_disk:
        yield _install(wanted)
    yield resolver.ResolverConfig(
        host_dns=resolver.HostDNSConfig(enabled=True, forward_kube_dns_to_host=wanted.forwards_dns)
    )
    if wanted.sysctls:
        yield sysctl.SysctlConfig(params=wanted.sysctls)
    yield volume.VolumeConfig(name="EPHEMERAL", mount=volume.MountSpec(secure=True))
    yield filesystem_trim.FilesystemTrimConfig(interval=TRIM_INTERVAL)
    yield security_profile.SecurityProfileConfig(workload_isolation=True)
    for host, urls in sorted(wanted.registry_mirrors.items()):
        endpoints = tuple(registry_mirror.RegistryEndpoint(url=u) for u in urls)
        yield registry_mirror.RegistryMirrorConfig(name=host, endpoints=endpoints)
    for host in sorted(wanted.registry_insecure):
        yield registry_tls.RegistryTLSConfig(name=host, insecure_skip_verify=True)
    yield hostname.HostnameConfig(auto="stable")
    if wanted.kubespan:
        yield kubespan.KubeSpanConfig(enabled=True)


def _install(wanted: input_.GenerateInput) -> document.Document:
    quoted = wanted.install_disk.replace("\\", "\\\\").replace('"', '\\"')
    selector = unattended_install.DiskSelectorSpec(match=f'disk.dev_path == "{quoted}"')
    return unattended_install.UnattendedInstallConfig(
        installer=unattended_install.InstallerSpec(image=wanted.install_image),
        provisioning=unattended_install.ProvisioningSpec(disk_selector=selector, wipe=False),
    )


def _node(wanted: input_.GenerateInput, *, plane: bool) -> Iterator[document.Document]:
    labels: dict[str, str] = {}
    taints: dict[str, str] = {}
    if plane:
        labels = {defaults.CONTROL_PLANE_LABEL: "", defaults.EXCLUDE_BALANCERS_LABEL: ""}
        if not wanted.allow_scheduling_on_control_planes:
            taints = {defaults.CONTROL_PLANE_LABEL: "NoSchedule"}
    pods, services = wanted.networks
    certificate = wanted.secrets.k8s.crt.decode()
    yield kube_cluster.KubeClusterConfig(cluster_name=wanted.cluster_name, endpoint=wanted.endpoint)
    yield kube_node.KubeNodeConfig(labels=labels, taints=taints)
    yield kubelet.KubeletConfig(
        image=f"ghcr.io/siderolabs/kubelet:{wanted.version}",
        cluster_dns=wanted.cluster_dns,
        default_runtime_seccomp_profile_enabled=True,
    )
    yield kube_network.KubeNetworkConfig(dns_domain=wanted.dns_domain, pod_subnets=pods, service_subnets=services)
    if plane:
        pair = sections.CertificateAndKey(cert=certificate, key=wanted.secrets.k8s.key.decode())
        yield kube_api_server_ca.KubeAPIServerCAConfig(issuing_ca=pair)
    else:
        yield kube_api_server_ca.KubeAPIServerCAConfig(accepted_cas=(certificate,))
    if wanted.kube_prism_port:
        yield kube_prism.KubePrismConfig(port=wanted.kube_prism_port)


def _policies(wanted: input_.GenerateInput) -> Iterator[document.Document]:
    conditions = [{"path": path} for path in ("/livez", "/readyz", "/healthz")]
    anonymous: dict[str, Any] = {"anonymous": {"conditions": conditions, "enabled": True}, "jwt": []}
    provider = (
        {"secretbox": {"keys": [{"name": "key2", "secret": wanted.secrets.secretbox}]}}
        if wanted.secrets.secretbox
        else {"aescbc": {"keys": [{"name": "key1", "secret": wanted.secrets.aescbc}]}}
    )
    yield kube_admission_control.KubeAdmissionControlConfig(name="PodSecurity", configuration=defaults.POD_SECURITY)
    yield kube_audit_policy.KubeAuditPolicyConfig(configuration=defaults.AUDIT_POLICY)
    yield kube_authentication.KubeAuthenticationConfig(configuration=anonymous)
    yield kube_authorizer.KubeAuthorizerConfig(name="node", type="Node")
    yield kube_authorizer.KubeAuthorizerConfig(name="rbac", type="RBAC")
    yield kube_etcd_encryption.KubeEtcdEncryptionConfig(
        config={"resources": [{"providers": [provider], "resources": ["secrets"]}]}
    )


def _control_plane(wanted: input_.GenerateInput) -> Iterator[document.Document]:
    aggregator, version = wanted.secrets.aggregator, wanted.version
    pair = sections.CertificateAndKey(cert=aggregator.crt.decode(), key=aggregator.key.decode())
    yield kube_aggregator_ca.KubeAggregatorCAConfig(issuing_ca=pair)
    yield from _policies(wanted)
    issuer = kube_service_account.IssuerServiceAccountConfig(
        private_key=wanted.secrets.service_account.decode(), issuer_url=wanted.endpoint
    )
    yield kube_service_account.KubeServiceAccountConfig(issuer=issuer)
    yield kube_api_server.KubeAPIServerConfig(
        image=f"registry.k8s.io/kube-apiserver:{version}",
        api_port=wanted.local_api_port,
        cert_extra_sans=wanted.additional_sans,
    )
    yield kube_controller_manager.KubeControllerManagerConfig(
        image=f"registry.k8s.io/kube-controller-manager:{version}"
    )
    yield kube_scheduler.KubeSchedulerConfig(image=f"registry.k8s.io/kube-scheduler:{version}")
    yield kube_proxy.KubeProxyConfig(image=f"registry.k8s.io/kube-proxy:{version}")
    if not wanted.cni_urls and not wanted.no_cni:
        yield kube_flannel_cni.KubeFlannelCNIConfig(backend_type="vxlan", backend_port=4789)
    yield kube_core_dns.KubeCoreDNSConfig(enabled=True)
    for n, url in enumerate(wanted.cni_urls):
        name = "custom-cni" if len(wanted.cni_urls) == 1 else f"custom-cni-{n}"
        yield kube_external_manifest.KubeExternalManifestConfig(name=name, url=url)
